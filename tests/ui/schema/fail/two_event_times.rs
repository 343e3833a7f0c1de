use pathway::prelude::*;

#[derive(Schema)]
struct Flight {
    #[schema(event_time)]
    left: i64,
    #[schema(event_time)]
    arrived: i64,
}

fn main() {}
