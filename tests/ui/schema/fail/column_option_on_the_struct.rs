use pathway::prelude::*;

#[derive(Schema)]
#[schema(key)]
struct Airline {
    carrier: String,
}

fn main() {}
