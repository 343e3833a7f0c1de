use pathway::prelude::*;

#[derive(Schema)]
struct Airline {
    #[schema(key rename = "airline")]
    carrier: String,
}

fn main() {}
