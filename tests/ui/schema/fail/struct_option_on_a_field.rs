use pathway::prelude::*;

#[derive(Schema)]
struct Airline {
    #[schema(rename_all = "camelCase")]
    carrier: String,
}

fn main() {}
