use pathway::prelude::*;

#[derive(Schema)]
struct Payment {
    card: u64,
    cents: i64,
}

fn main() {
    let app = Pipeline::new("cards");
    let payments = app.rows(Vec::<Payment>::new());
    let _pattern = payments.pattern(|payment| payment.card);
}
