use pathway::prelude::*;
use std::time::Instant;

#[derive(Schema)]
struct Flight {
    carrier: String,
    #[schema(skip)]
    read_at: Instant,
}

fn main() {}
