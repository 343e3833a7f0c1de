use pathway::prelude::*;

#[derive(Schema)]
struct Flight {
    carrier: String,
    dest: String,
    dep_delay: Option<f64>,
    seats: u32,
}

#[derive(Schema)]
struct Airline {
    carrier: String,
}

#[derive(Schema, Aggregate)]
#[aggregate(from = Flight)]
struct CarrierDelay {
    #[aggregate(group)]
    carrier: String,
    #[aggregate(count)]
    flights: u64,
}

fn delays(airlines: &Table<Airline>) -> Table<CarrierDelay> {
    airlines.aggregate()
}

fn main() {}

