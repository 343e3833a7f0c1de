use pathway::prelude::*;

#[derive(Schema)]
struct Price {
    item: u64,
}

fn latest(prices: &Stream<Price>) -> Table<Price> {
    prices.upsert()
}

fn main() {}
