use pathway::prelude::*;

#[derive(Clone, Debug, Schema)]
struct Reading {
    #[schema(event_time)]
    second: i64,
}

fn main() {
    let app = Pipeline::new("test");
    let readings = app.rows(vec![Reading { second: 1 }]).watermark(5);
    let _counts = readings.window(tumbling(60)).when_final().forget_results();
}
