use pathway::prelude::*;

#[derive(Schema)]
struct Flight {
    #[schema(renam = "airline")]
    carrier: String,
}

fn main() {}
