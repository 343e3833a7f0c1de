use pathway::prelude::*;

#[derive(Schema)]
struct Beat {
    machine: u64,
    #[schema(event_time)]
    at: DateTime,
}

fn kept(beats: &Table<Beat>) -> Stream<Beat> {
    beats.deduplicate_within(Duration::from_mins(1), |beat| beat.machine)
}

fn main() {}
