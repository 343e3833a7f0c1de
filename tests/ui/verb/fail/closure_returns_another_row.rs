use pathway::prelude::*;

#[derive(Schema)]
struct Order {
    user: u64,
}

fn users(orders: &Table<Order>) -> Table<String> {
    orders.select(|order| order.user)
}

fn main() {}
