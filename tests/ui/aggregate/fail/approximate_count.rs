use pathway::prelude::*;

#[derive(Schema)]
struct Flight {
    carrier: String,
    miles: f64,
}

#[derive(Schema, Aggregate)]
#[aggregate(from = Flight)]
struct Report {
    #[aggregate(group)]
    carrier: String,
    #[aggregate(approx_count_distinct(miles))]
    distances: u64,
}

fn main() {}
