use pathway::prelude::*;

#[derive(Schema)]
struct Position(#[schema(rename = "latitude")] f64, f64);

fn main() {}
