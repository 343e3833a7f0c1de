use pathway::prelude::*;

#[derive(Schema)]
struct Order {
    note: String,
}

fn notes(orders: &Table<Order>) -> Table<(String, u64)> {
    orders.group_by(|order| order.note.as_str()).reduce(|g| g.count()).into()
}

fn main() {}
