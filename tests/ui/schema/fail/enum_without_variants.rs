use pathway::prelude::*;

#[derive(Schema)]
enum Nothing {}

fn main() {}
