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
struct CarrierDelay {
    #[aggregate(group)]
    carrier: String,
    flights: u64,
}

fn main() {
    let _ = |flights: &Table<Flight>| flights.aggregate::<CarrierDelay>();
}
