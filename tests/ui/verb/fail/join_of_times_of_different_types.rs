use pathway::prelude::*;

#[derive(Schema)]
struct Trade {
    symbol: String,
    #[schema(event_time)]
    at: DateTime,
}

#[derive(Schema)]
struct Quote {
    symbol: String,
    #[schema(event_time)]
    day: Date,
}

fn pairs(trades: &Table<Trade>, quotes: &Table<Quote>) -> Table<String> {
    trades
        .as_of_join(quotes)
        .on(|trade| trade.symbol.clone(), |quote| quote.symbol.clone())
        .select(|trade, _| trade.symbol.clone())
}

fn main() {}
