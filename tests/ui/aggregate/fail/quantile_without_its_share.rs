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
    #[aggregate(quantile(miles))]
    middle: f64,
}

fn main() {}
