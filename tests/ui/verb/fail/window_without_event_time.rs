use pathway::prelude::*;

#[derive(Clone, Debug, Schema)]
struct Sale {
    shop: String,
    at: DateTime,
    amount: i64,
}

fn main() {
    let app = Pipeline::new("shops");
    let sales = app.rows(Vec::<Sale>::new());
    let _hours = sales.window(tumbling(Duration::from_hours(1)));
}
