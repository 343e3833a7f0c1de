use pathway::prelude::*;

#[derive(Schema)]
struct Flight {
    carrier: String,
    dest: String,
    dep_delay: Option<f64>,
    seats: u32,
}

#[derive(Aggregate)]
#[aggregate(from = Flight)]
struct CarrierDelay {
    #[aggregate(group)]
    carrier: String,
    #[aggregate(count)]
    flights: u64,
}

fn main() {}

