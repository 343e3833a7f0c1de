use pathway::prelude::*;

fn stamped(prices: &Table<u64>) -> Stream<(u64, DateTime)> {
    prices.stamped(|price, now| (price, now))
}

fn main() {}
