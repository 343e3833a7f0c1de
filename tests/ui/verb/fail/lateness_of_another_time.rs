use pathway::prelude::*;

#[derive(Clone, Debug, Schema)]
struct Sale {
    shop: String,
    #[schema(event_time)]
    at: DateTime,
}

fn main() {
    let app = Pipeline::new("shops");
    let sales = app.rows(Vec::<Sale>::new());
    let _in_time = sales.watermark(60);
}
