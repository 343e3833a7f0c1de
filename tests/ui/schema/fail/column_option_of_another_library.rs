use pathway::prelude::*;

#[derive(Schema)]
struct Airline {
    #[schema(primary_key)]
    carrier: String,
}

fn main() {}
