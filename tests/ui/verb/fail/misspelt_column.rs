use pathway::prelude::*;

#[derive(Schema)]
struct Order {
    user: u64,
}

fn counts(orders: &Table<Order>) -> Table<(u64, u64)> {
    orders.group_by(Order.usr).reduce(|g| g.count()).into()
}

fn main() {}
