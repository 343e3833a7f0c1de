use pathway::prelude::*;

#[derive(Schema)]
struct Price {
    #[schema(key)]
    item: u64,
}

fn latest(prices: &Table<Price>) -> Table<Price> {
    prices.upsert()
}

fn main() {}
