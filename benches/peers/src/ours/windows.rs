//! Sums and counts by key and window.

use crate::Outcome;
use crate::by_hand::windows::{GAP, HOP, LATENESS, SIZE};
use crate::results::Total;
use pathway::prelude::*;
use pathway::table::WindowSpec;
use std::path::Path;

#[derive(Clone, Debug, Schema)]
struct Event {
    #[schema(event_time)]
    ts: i64,
    key: u32,
    value: i64,
}

fn windows(name: &str) -> Outcome<WindowSpec<i64>> {
    match name {
        "tumbling" => Ok(tumbling(SIZE)),
        "sliding" => Ok(sliding(SIZE, HOP)),
        "sessions" => Ok(sessions(GAP)),
        other => Err(format!("unknown windows `{other}`").into()),
    }
}

pub(crate) fn whole(input: &Path, name: &str, output: &Path) -> Outcome {
    let app = Pipeline::new("windows").progress(false);
    let events = app.read(csv::files::<Event>(input.join("events.csv")));
    events
        .window(windows(name)?)
        .group_by(Event.key)
        .reduce(|g| (g.sum(Event.value), g.count()))
        .select(|(window, key), (total, count)| Total { start: window.start, key, total, count })
        .write(csv::file(output));
    Ok(app.run()?)
}

/// Each window once, when the watermark has passed its end; nothing is kept of it behind that.
pub(crate) fn when_final(input: &Path, name: &str, output: &Path) -> Outcome {
    let app = Pipeline::new("windows").progress(false);
    let events = app.read(csv::files::<Event>(input.join("events.csv")));
    events
        .watermark(LATENESS)
        .window(windows(name)?)
        .group_by(Event.key)
        .when_final()
        .reduce(|g| (g.sum(Event.value), g.count()))
        .select(|(window, key), (total, count)| Total { start: window.start, key, total, count })
        .write(csv::file(output));
    Ok(app.run()?)
}
