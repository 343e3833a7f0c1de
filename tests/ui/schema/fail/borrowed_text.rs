use pathway::prelude::*;

#[derive(Schema)]
struct Flight<'a> {
    carrier: &'a str,
}

fn main() {}
