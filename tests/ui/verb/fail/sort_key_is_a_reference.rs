use pathway::prelude::*;

#[derive(Schema)]
struct Order {
    note: String,
}

fn first(orders: &Table<Order>) -> Table<Order> {
    orders.sort_by(|order| order.note.as_str()).limit(1).into()
}

fn main() {}
