use pathway::prelude::*;

#[derive(Schema)]
struct Airline {
    #[schema(rename = airline)]
    carrier: String,
}

fn main() {}
