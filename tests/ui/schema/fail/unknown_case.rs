use pathway::prelude::*;

#[derive(Schema)]
#[schema(rename_all = "camelcase")]
struct Airline {
    carrier_code: String,
}

fn main() {}
