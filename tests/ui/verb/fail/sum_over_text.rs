use pathway::prelude::*;

#[derive(Schema)]
struct Order {
    user: u64,
    note: String,
}

fn notes(orders: &Table<Order>) -> Table<(u64, i64)> {
    orders.group_by(Order.user).reduce(|g| g.sum(|order| order.note.clone())).into()
}

fn main() {}
