use pathway::prelude::*;

#[derive(Schema)]
struct Beat {
    #[schema(event_time)]
    second: i64,
}

fn recent(beats: &Stream<Beat>) -> Table<Beat> {
    beats.within_last(Duration::from_mins(1))
}

fn main() {}
