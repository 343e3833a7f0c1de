use pathway::prelude::*;

#[derive(Schema)]
struct Code {
    letters: String,
}

#[derive(Schema)]
struct Airline {
    #[schema(key)]
    carrier: Code,
}

fn main() {}
