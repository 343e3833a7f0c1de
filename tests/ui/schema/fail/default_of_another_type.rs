use pathway::prelude::*;

#[derive(Schema)]
struct Flight {
    #[schema(default = 3.5)]
    passengers: u32,
}

fn main() {}
