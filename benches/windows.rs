//! Windows by key beside a loop written by hand, and beside differential dataflow: sums and counts
//! of tumbling windows of a minute, and of sliding ones of a minute every ten seconds, each once,
//! when it is final.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use bench_support::windows::{Division, add, differential};
use bench_support::{Digest, Figure, Random, is_quick, median};
use cpu_time::ProcessTime;
use pathway::prelude::*;
use pathway::table::WindowSpec;
use pathway::testing::Harness;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// A measured value of one of a thousand sensors.
#[derive(Clone, Debug, Schema)]
struct Event {
    sensor: u32,
    #[schema(event_time)]
    millisecond: i64,
    value: i64,
}

const SENSORS: u64 = 1_000;
const MINUTE: i64 = 60_000;
/// Rows come up to two seconds out of order.
const LATENESS: i64 = 2_000;
const PER_EPOCH: usize = 10_000;
const REPEATS: usize = 5;

struct Work {
    name: &'static str,
    size: i64,
    hop: i64,
    windows: fn() -> WindowSpec<i64>,
    ratio_max: Option<f64>,
}

const WORKS: [Work; 2] = [
    Work {
        name: "tumbling windows of a minute",
        size: MINUTE,
        hop: MINUTE,
        windows: || tumbling(MINUTE),
        ratio_max: Some(2.5),
    },
    Work {
        name: "sliding windows of a minute every 10 s",
        size: MINUTE,
        hop: MINUTE / 6,
        windows: || sliding(MINUTE, MINUTE / 6),
        ratio_max: None,
    },
];

fn main() {
    let count: u32 = if is_quick() { 100_000 } else { 5_000_000 };
    let mut random = Random::new(3);
    let events: Vec<Event> = (0..count)
        .map(|n| Event {
            sensor: u32::try_from(random.below(SENSORS)).expect("few sensors"),
            // A thousand rows a second.
            millisecond: i64::from(n) + random.below(LATENESS.unsigned_abs()).cast_signed(),
            value: random.below(1_000).cast_signed(),
        })
        .collect();
    for work in &WORKS {
        let (mut by_hand, mut dataflow) = (Vec::new(), Vec::new());
        let (mut pathway, mut largest) = (Vec::new(), 0);
        let division = Division { size: work.size, hop: work.hop, lateness: LATENESS };
        for _ in 0..if is_quick() { 1 } else { REPEATS } {
            let (expected, seconds) = timed(|| reference(&events, work));
            by_hand.push(seconds);
            let rows = events.iter().map(|row| (row.millisecond, row.sensor, row.value)).collect();
            let (digest, seconds) = timed(|| differential(rows, PER_EPOCH, division));
            assert_eq!(digest, expected, "{}: the references disagree", work.name);
            dataflow.push(seconds);
            let ((digest, state), seconds) = timed(|| windowed(&events, work));
            assert_eq!(digest, expected, "{}: the sides disagree", work.name);
            pathway.push(seconds);
            largest = state;
        }
        let name = format!("{}, {count} events, {SENSORS} keys", work.name);
        let beside = [("a loop", &by_hand, work.ratio_max), ("differential", &dataflow, None)];
        for (than, reference, ratio_max) in beside {
            let figure = Figure {
                work: &format!("{name}; beside {than}"),
                measured: "CPU s",
                pathway: median(&pathway),
                reference: median(reference),
                ratio_max,
            };
            println!("{figure}");
        }
        println!("{}: at most {largest} groups in state", work.name);
    }
}

fn timed<R>(program: impl FnOnce() -> R) -> (R, f64) {
    let start = ProcessTime::now();
    let result = program();
    (result, start.elapsed().as_secs_f64())
}

/// A hash map of the open windows; a window that is over is taken out.
fn reference(events: &[Event], work: &Work) -> Digest {
    let mut digest = Digest::default();
    let mut open: HashMap<i64, HashMap<u32, (i64, i64)>> = HashMap::new();
    let (mut largest, mut over) = (0, 0);
    for rows in events.chunks(PER_EPOCH) {
        for event in rows {
            largest = largest.max(event.millisecond);
            let mut start = event.millisecond.div_euclid(work.hop) * work.hop;
            while start > event.millisecond - work.size {
                let group = open.entry(start).or_default().entry(event.sensor).or_default();
                *group = (group.0 + event.value, group.1 + 1);
                start -= work.hop;
            }
        }
        let watermark = largest - LATENESS;
        if watermark.div_euclid(work.hop) > over {
            over = watermark.div_euclid(work.hop);
            open.retain(|start, groups| {
                let is_open = start + work.size > watermark;
                if !is_open {
                    groups
                        .iter()
                        .for_each(|(sensor, group)| add(&mut digest, *start, *sensor, *group));
                }
                is_open
            });
        }
    }
    open.iter().for_each(|(start, groups)| {
        groups.iter().for_each(|(sensor, group)| add(&mut digest, *start, *sensor, *group));
    });
    digest
}

/// The digest, and how many groups were in state at most.
fn windowed(events: &[Event], work: &Work) -> (Digest, u64) {
    let mut t = Harness::new();
    let stream = t.stream::<Event>();
    let rows = stream.rows().watermark(LATENESS);
    let totals = rows
        .window((work.windows)())
        .group_by(|event| event.sensor)
        .when_final()
        .reduce(|g| (g.sum(|event| event.value), g.count()));
    let taken: Arc<Mutex<Digest>> = Arc::default();
    let digest = Arc::clone(&taken);
    let seen = totals.inspect(move |((window, sensor), total), _| {
        let mut digest = digest.lock().expect("one worker writes");
        let (sum, count) = *total;
        add(&mut digest, window.start, *sensor, (sum, count.cast_signed()));
    });
    seen.write(null::sink());
    let mut largest = 0;
    for (epoch, rows) in events.chunks(PER_EPOCH).enumerate() {
        stream.push(rows.iter().cloned());
        t.step();
        if epoch % 50 == 0 {
            largest = t.stats().states.iter().map(|state| state.rows).sum::<u64>().max(largest);
        }
    }
    stream.close();
    t.step();
    let digest = *taken.lock().expect("the run is over");
    (digest, largest)
}
