use pathway::prelude::*;

#[derive(Clone, Debug, Schema)]
struct Reading {
    #[schema(event_time)]
    second: i64,
}

fn main() {
    let app = Pipeline::new("test");
    let readings: Table<Reading> = app.rows(vec![Reading { second: 1 }]).into();
    let _in_time = readings.watermark(5);
}
