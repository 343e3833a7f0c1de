use pathway::prelude::*;

struct Airline;

#[derive(Schema)]
struct Flight {
    carriers: Vec<Option<Airline>>,
}

fn main() {}
