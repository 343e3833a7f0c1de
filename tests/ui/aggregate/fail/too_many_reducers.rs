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
    #[aggregate(count)]
    count_1: u64,
    #[aggregate(count)]
    count_2: u64,
    #[aggregate(count)]
    count_3: u64,
    #[aggregate(count)]
    count_4: u64,
    #[aggregate(count)]
    count_5: u64,
    #[aggregate(count)]
    count_6: u64,
    #[aggregate(count)]
    count_7: u64,
    #[aggregate(count)]
    count_8: u64,
    #[aggregate(count)]
    count_9: u64,
    #[aggregate(count)]
    count_10: u64,
    #[aggregate(count)]
    count_11: u64,
    #[aggregate(count)]
    count_12: u64,
    #[aggregate(count)]
    count_13: u64,
}

fn main() {
    let _ = |flights: &Table<Flight>| flights.aggregate::<CarrierDelay>();
}
