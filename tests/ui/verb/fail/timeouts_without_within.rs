use pathway::prelude::*;

#[derive(Schema)]
struct Order {
    id: u64,
    #[schema(event_time)]
    second: i64,
    paid: bool,
}

fn unpaid(orders: &Stream<Order>) -> (Stream<u64>, Stream<Option<u64>>) {
    orders
        .pattern(|order| order.id)
        .one(|order| !order.paid)
        .one(|_, order| order.paid)
        .select_or_timeouts(|(order, _)| order.id, |(order, _)| order.map(|order| order.id))
}

fn main() {}
