use pathway::prelude::*;

#[derive(Schema)]
struct Flight {
    carrier: String,
    dest: String,
    dep_delay: Option<f64>,
    seats: u32,
}

#[derive(Schema)]
struct Position(f64, f64);

#[derive(Schema, Aggregate)]
#[aggregate(from = Position)]
struct Places {
    #[aggregate(group)]
    latitude: f64,
    #[aggregate(count)]
    places: u64,
}

fn main() {}

