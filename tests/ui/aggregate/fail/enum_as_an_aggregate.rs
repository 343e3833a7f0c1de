use pathway::prelude::*;

#[derive(Schema)]
struct Flight {
    carrier: String,
    dest: String,
    dep_delay: Option<f64>,
    seats: u32,
}

#[derive(Schema, Aggregate)]
#[aggregate(from = Flight)]
enum CarrierDelay {
    Flights,
}

fn main() {}

