use pathway::prelude::*;

#[derive(Schema)]
struct Trade {
    symbol: String,
    #[schema(event_time)]
    at: DateTime,
}

fn pairs(trades: &Table<Trade>) -> Table<String> {
    trades
        .as_of_join(trades)
        .on(|trade| trade.symbol.clone(), |quote| quote.symbol.clone())
        .right()
        .select(|_, quote| quote.symbol.clone())
}

fn main() {}
