//! Verbs of event time: the pipeline's, and the same by hand.

use super::Row;
use super::closures::{digest, paired};
use crate::oracle::groups;
use pathway::prelude::*;

/// A row whose last column is its event time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Schema)]
struct Moment {
    key: u8,
    second: Option<u8>,
    #[schema(event_time)]
    time: i64,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum TimeVerb {
    Tumbling,
    Sliding,
    Sessions,
    Counted,
    /// Around the rows of another table.
    Around,
    Interval,
    AsOf,
    SameWindow,
}

impl TimeVerb {
    pub(super) const ALL: &'static [Self] = &[
        Self::Tumbling,
        Self::Sliding,
        Self::Sessions,
        Self::Counted,
        Self::Around,
        Self::Interval,
        Self::AsOf,
        Self::SameWindow,
    ];
}

const SIZE: i64 = 6;
const HOP: i64 = 2;
const GAP: i64 = 3;
const COUNT: usize = 3;
const LOWER: i64 = -2;
const UPPER: i64 = 1;

fn moments(table: &Table<Row>) -> Table<Moment> {
    table.select(|row| Moment { key: row.0, second: row.1, time: row.2 })
}

fn row(moment: &Moment) -> Row {
    (moment.key, moment.second, moment.time)
}

fn met(left: Option<&Moment>, right: Option<&Moment>) -> Row {
    paired(left.map(row).as_ref(), right.map(row).as_ref())
}

/// What is made of a window of a key.
fn folded(start: i64, key: u8, count: u64, sum: i64, second: Option<u8>) -> Row {
    (key, second, digest([start, count.cast_signed(), sum]))
}

fn around(at: &Moment, count: u64, latest: Option<i64>) -> Row {
    (at.key, at.second, digest([at.time, count.cast_signed(), latest.unwrap_or(-7)]))
}

pub(super) fn timed(verb: TimeVerb, a: &Table<Row>, b: &Table<Row>) -> Table<Row> {
    let (a, b) = (moments(a), moments(b));
    macro_rules! folded {
        ($windows:expr, $start:expr) => {
            $windows
                .group_by(|moment| moment.key)
                .reduce(|g| (g.count(), g.sum(|moment| moment.time), g.max(|moment| moment.second)))
                .select(|(window, key), (count, sum, second)| {
                    folded($start(window), key, count, sum, second)
                })
        };
    }
    match verb {
        TimeVerb::Tumbling => folded!(a.window(tumbling(SIZE)), |w: Window<i64>| w.start),
        TimeVerb::Sliding => folded!(a.window(sliding(SIZE, HOP)), |w: Window<i64>| w.start),
        TimeVerb::Sessions => folded!(a.window(sessions(GAP)), |w: Window<i64>| w.start),
        TimeVerb::Counted => {
            folded!(a.count_windows(COUNT as u64), |w: Window<u64>| w.start.cast_signed())
        }
        TimeVerb::Around => a
            .intervals_over(&b, LOWER..=UPPER)
            .on(|moment| moment.key, |at| at.key)
            .reduce(|g| (g.count(), g.max(|moment| moment.time)))
            .select(|at, (count, latest)| around(&at, count, latest)),
        TimeVerb::Interval => a
            .interval_join(&b, LOWER..=UPPER)
            .on(|left| left.key, |right| right.key)
            .full()
            .select(met),
        TimeVerb::AsOf => a
            .as_of_join(&b)
            .within(SIZE)
            .on(|left| left.key, |right| right.key)
            .left()
            .select(|left, right| met(Some(left), right)),
        TimeVerb::SameWindow => a
            .window_join(&b, tumbling(SIZE))
            .on(|left| left.key, |right| right.key)
            .select(|_, left, right| met(Some(left), Some(right))),
    }
}

pub(super) fn naive(verb: TimeVerb, a: &[Row], b: &[Row]) -> Vec<Row> {
    let moments = |rows: &[Row]| -> Vec<Moment> {
        rows.iter().map(|&(key, second, time)| Moment { key, second, time }).collect()
    };
    let (a, b) = (moments(a), moments(b));
    let within = |left: &Moment, right: &Moment| {
        left.key == right.key && (LOWER..=UPPER).contains(&(right.time - left.time))
    };
    match verb {
        TimeVerb::Tumbling => fixed(&a, SIZE),
        TimeVerb::Sliding => fixed(&a, HOP),
        TimeVerb::Sessions => by_key(&a, |rows| {
            let sessions = rows.chunk_by(|one, next| next.time - one.time < GAP);
            sessions.map(|session| (session[0].time, session.to_vec())).collect()
        }),
        TimeVerb::Counted => by_key(&a, |rows| {
            let windows = rows.chunks(COUNT).enumerate();
            windows.map(|(n, window)| ((n * COUNT) as i64, window.to_vec())).collect()
        }),
        TimeVerb::Around => {
            let row = |at: &Moment| {
                let rows: Vec<i64> =
                    a.iter().filter(|row| within(at, row)).map(|row| row.time).collect();
                around(at, rows.len() as u64, rows.iter().copied().max())
            };
            b.iter().map(row).collect()
        }
        TimeVerb::Interval => {
            let mut rows = Vec::new();
            for left in &a {
                let matches: Vec<&Moment> = b.iter().filter(|right| within(left, right)).collect();
                rows.extend(matches.iter().map(|right| met(Some(left), Some(right))));
                if matches.is_empty() {
                    rows.push(met(Some(left), None));
                }
            }
            let alone = b.iter().filter(|right| !a.iter().any(|left| within(left, right)));
            rows.extend(alone.map(|right| met(None, Some(right))));
            rows
        }
        TimeVerb::AsOf => {
            let is_before = |left: &Moment, right: &Moment| {
                left.key == right.key && (0..=SIZE).contains(&(left.time - right.time))
            };
            let last = |left: &Moment| {
                b.iter()
                    .filter(|right| is_before(left, right))
                    .max_by_key(|right| (right.time, *right))
            };
            a.iter().map(|left| met(Some(left), last(left))).collect()
        }
        TimeVerb::SameWindow => {
            let window = |moment: &Moment| (moment.key, moment.time.div_euclid(SIZE));
            let pairs = |left| {
                let same = move |right: &&Moment| window(left) == window(right);
                b.iter().filter(same).map(move |right| met(Some(left), Some(right)))
            };
            a.iter().flat_map(pairs).collect()
        }
    }
}

/// Windows of one size, a new one every `hop`.
fn fixed(rows: &[Moment], hop: i64) -> Vec<Row> {
    by_key(rows, |rows| {
        let first = |row: &Moment| (row.time - SIZE).div_euclid(hop) * hop;
        let last = |row: &Moment| row.time.div_euclid(hop) * hop;
        let (Some(first), Some(last)) = (rows.iter().map(first).min(), rows.iter().map(last).max())
        else {
            return Vec::new();
        };
        let windows = (0..).map(|n| first + n * hop).take_while(|start| *start <= last);
        let of = |start: i64| {
            let within = |row: &&Moment| (start..start + SIZE).contains(&row.time);
            (start, rows.iter().filter(within).cloned().collect())
        };
        windows.map(of).collect()
    })
}

/// The windows of each key, from its rows in the order of their times.
fn by_key(rows: &[Moment], windows: impl Fn(&[Moment]) -> Vec<(i64, Vec<Moment>)>) -> Vec<Row> {
    let mut all = Vec::new();
    for (key, rows) in groups(rows, |row| row.key) {
        let mut rows: Vec<Moment> = rows.into_iter().cloned().collect();
        rows.sort_by_key(|row| (row.time, row.clone()));
        for (start, rows) in windows(&rows) {
            if rows.is_empty() {
                continue;
            }
            let sum = rows.iter().map(|row| row.time).sum();
            let second = rows.iter().filter_map(|row| row.second).max();
            all.push(folded(start, key, rows.len() as u64, sum, second));
        }
    }
    all
}
