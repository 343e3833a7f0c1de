use pathway::prelude::*;

#[derive(Clone, Debug, Schema)]
struct Reading {
    #[schema(event_time)]
    at: DateTime,
}

#[derive(Clone, Debug, Schema)]
struct Alarm {
    #[schema(event_time)]
    second: i64,
}

fn main() {
    let app = Pipeline::new("test");
    let readings = app.rows(Vec::<Reading>::new());
    let alarms = app.rows(Vec::<Alarm>::new());
    let _around = readings.intervals_over(&alarms, -Duration::from_secs(5)..=Duration::ZERO);
}
