use pathway::prelude::*;

struct Airline;

#[derive(Schema)]
struct Versioned<T> {
    version: u64,
    value: T,
}

fn row<T: Schema>() {}

fn main() {
    row::<Versioned<Airline>>();
}
