use pathway::prelude::*;

#[derive(Schema)]
struct Payment {
    card: u64,
    #[schema(event_time)]
    second: i64,
    cents: i64,
}

fn tried(payments: &Stream<Payment>) -> Stream<i64> {
    payments
        .pattern(|payment| payment.card)
        .one(|payment| payment.cents < 100)
        .maybe(|small, row| row.cents > small.cents)
        .select(|(_, large)| large.cents)
}

fn main() {}
