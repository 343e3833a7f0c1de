use pathway::prelude::*;

#[derive(Schema)]
struct Miles(#[schema(rename = "miles")] f64);

fn main() {}
