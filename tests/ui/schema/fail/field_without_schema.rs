use pathway::prelude::*;

struct Airline;

#[derive(Schema)]
struct Flight {
    carrier: String,
    airline: Airline,
}

fn main() {
    let _ = Flight.airline;
}
