use pathway::prelude::*;

#[derive(Schema)]
struct Airline {
    #[schema(key)]
    #[schema(key)]
    carrier: String,
}

fn main() {}
