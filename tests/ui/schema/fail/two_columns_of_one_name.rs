use pathway::prelude::*;

#[derive(Schema)]
struct Flight {
    carrier: String,
    #[schema(rename = "carrier")]
    airline: String,
}

fn main() {}
