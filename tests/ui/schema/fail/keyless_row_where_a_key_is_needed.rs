use pathway::prelude::*;

#[derive(Schema)]
struct Airline {
    carrier: String,
}

fn by_key<T: Keyed>() {}

fn main() {
    by_key::<Airline>();
}
