use pathway::prelude::*;

#[derive(Schema)]
struct Order {
    user: u64,
}

#[derive(Schema)]
struct User {
    id: u64,
    country: String,
}

#[derive(Schema)]
struct Country {
    code: String,
    name: String,
}

fn named(orders: &Table<Order>, users: &Table<User>, countries: &Table<Country>) -> Table<String> {
    orders
        .join(users)
        .on(Order.user, User.id)
        .join(countries)
        .on(Country.name, Country.code)
        .select(|_, _, country| country.name.clone())
}

fn main() {}
