use pathway::prelude::*;

#[derive(Schema)]
struct Airline {
    #[schema(rename)]
    carrier: String,
}

fn main() {}
