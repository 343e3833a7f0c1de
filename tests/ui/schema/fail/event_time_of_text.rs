use pathway::prelude::*;

#[derive(Clone, Debug, Schema)]
struct Sale {
    shop: String,
    #[schema(event_time)]
    at: String,
}

fn main() {}
