use pathway::prelude::*;

#[derive(Schema)]
struct Order {
    user: u64,
}

#[derive(Schema)]
struct User {
    id: String,
}

fn users(orders: &Table<Order>, users: &Table<User>) -> Table<String> {
    orders.join(users).on(Order.user, User.id).select(|_, user| user.id.clone())
}

fn main() {}
