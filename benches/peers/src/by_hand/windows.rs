//! Sums and counts by key and window, in a map; sessions from the events of each key in order.

use super::Map;
use crate::Outcome;
use crate::results::{self, Total};
use std::path::Path;

/// The length of a window, in seconds.
pub(crate) const SIZE: i64 = 60;
/// From one sliding window to the next.
pub(crate) const HOP: i64 = 10;
/// Events of a session are less apart.
pub(crate) const GAP: i64 = 30;
/// How far events are out of order at most.
pub(crate) const LATENESS: i64 = 5;

/// An event: its time, its key and its value.
pub(crate) type Event = (i64, u32, i64);

/// Calls `f` with each event.
pub(crate) fn each(input: &Path, mut f: impl FnMut(Event)) -> Outcome {
    let mut reader = csv::Reader::from_path(input.join("events.csv"))?;
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record)? {
        f((record[0].parse()?, record[1].parse()?, record[2].parse()?));
    }
    Ok(())
}

/// The starts of the windows that hold a time.
pub(crate) fn starts(ts: i64, hop: i64) -> impl Iterator<Item = i64> {
    let last = ts.div_euclid(hop) * hop;
    (0..SIZE / hop).map(move |back| last - back * hop)
}

pub(crate) fn whole(input: &Path, name: &str, output: &Path) -> Outcome {
    match name {
        "tumbling" => fixed(input, SIZE, output),
        "sliding" => fixed(input, HOP, output),
        "sessions" => sessions(input, output),
        other => Err(format!("unknown windows `{other}`").into()),
    }
}

fn fixed(input: &Path, hop: i64, output: &Path) -> Outcome {
    let mut totals: Map<(i64, u32), (i64, u64)> = Map::default();
    each(input, |(ts, key, value)| {
        for start in starts(ts, hop) {
            let (total, count) = totals.entry((start, key)).or_default();
            *total += value;
            *count += 1;
        }
    })?;
    let rows = totals.into_iter();
    let rows = rows.map(|((start, key), (total, count))| Total { start, key, total, count });
    results::write(output, rows)
}

/// The sessions of events in the order of their times.
pub(crate) fn sessions_of(key: u32, events: impl IntoIterator<Item = (i64, i64)>) -> Vec<Total> {
    let mut sessions: Vec<Total> = Vec::new();
    let mut before = i64::MIN / 2;
    for (ts, value) in events {
        match sessions.last_mut() {
            Some(session) if ts - before < GAP => {
                session.total += value;
                session.count += 1;
            }
            _ => sessions.push(Total { start: ts, key, total: value, count: 1 }),
        }
        before = ts;
    }
    sessions
}

fn sessions(input: &Path, output: &Path) -> Outcome {
    let mut events: Map<u32, Vec<(i64, i64)>> = Map::default();
    each(input, |(ts, key, value)| events.entry(key).or_default().push((ts, value)))?;
    let rows = events.into_iter().flat_map(|(key, mut events)| {
        events.sort_unstable();
        sessions_of(key, events)
    });
    results::write(output, rows)
}
