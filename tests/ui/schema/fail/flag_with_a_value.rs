use pathway::prelude::*;

#[derive(Schema)]
struct Airline {
    #[schema(key = true)]
    carrier: String,
}

fn main() {}
