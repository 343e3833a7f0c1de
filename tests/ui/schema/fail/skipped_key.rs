use pathway::prelude::*;

#[derive(Schema)]
struct Airline {
    #[schema(key, skip)]
    carrier: String,
    name: String,
}

fn main() {}
