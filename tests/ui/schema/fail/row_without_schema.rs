use pathway::prelude::*;

struct Airline {
    carrier: String,
}

fn row<T: Schema>(_: T) {}

fn main() {
    row(Airline { carrier: String::new() });
}
