//! What one update costs in a sorted partition that grows from a thousand rows to a million:
//! top-k, lag and a moving sum, beside a loop that looks at every row again.
//!
//! In CPU time of the whole process, an epoch for each update. The sides run in turns, and must
//! agree on what came out.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use bench_support::rescan::{Rescan, Row, Window};
use bench_support::{Digest, Figure, Random, is_quick, median};
use cpu_time::ProcessTime;
use criterion::{Criterion, SamplingMode};
use pathway::prelude::*;
use pathway::testing::{Harness, TestTable};
use std::cmp::Reverse;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration as StdDuration;

const WORKS: [(&str, Window); 3] =
    [("top 10", Window::Top(10)), ("lag", Window::Lag), ("moving sum of 10", Window::MovingSum(9))];

fn main() {
    let sizes: &[usize] =
        if is_quick() { &[1_000, 10_000] } else { &[1_000, 10_000, 100_000, 1_000_000] };
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(StdDuration::from_millis(1))
        .measurement_time(StdDuration::from_secs(5))
        .configure_from_args();
    for (name, window) in WORKS {
        for &rows in sizes {
            compare(&mut criterion, name, window, rows);
        }
    }
    epoch(if is_quick() { 1_000 } else { 100_000 });
}

/// What an epoch costs without a window: the part of the figures that has nothing to do with one.
fn epoch(count: usize) {
    let mut rows = Rows::new(count);
    let mut t = Harness::new();
    let table = t.table::<Row>();
    table.rows().inspect(|_, _| {}).write(null::sink());
    rows.rows.iter().for_each(|row| table.insert(*row));
    t.step();
    let mut took_us = Vec::new();
    for _ in 0..5 {
        let updates: Vec<_> = (0..2_000).map(|_| rows.replacement()).collect();
        let took = timed(&updates, |old, new| {
            table.remove(old);
            table.insert(new);
            t.step();
        });
        took_us.push(took.as_secs_f64() * 1e6 / updates.len() as f64);
    }
    let figure = Figure {
        work: "an epoch alone, one row replaced",
        measured: "CPU µs",
        pathway: median(&took_us),
        reference: None,
        ratio_max: None,
    };
    println!("{figure}");
}

/// Rows with keys of their own, and which comes in whose place.
struct Rows {
    random: Random,
    rows: Vec<Row>,
    next: u64,
}

impl Rows {
    fn new(count: usize) -> Self {
        let mut rows = Self { random: Random::new(7), rows: Vec::with_capacity(count), next: 0 };
        for _ in 0..count {
            let row = rows.row();
            rows.rows.push(row);
        }
        rows
    }

    fn row(&mut self) -> Row {
        // Scattered and unique: the number of a row, its low bits first.
        let key = (self.next << 20).reverse_bits().cast_signed() >> 1;
        self.next += 1;
        (key, self.random.below(1_000).cast_signed())
    }

    fn replacement(&mut self) -> (Row, Row) {
        let new = self.row();
        let at = self.random.below(self.rows.len() as u64);
        let at = usize::try_from(at).expect("a position fits");
        (std::mem::replace(&mut self.rows[at], new), new)
    }
}

/// The window through the engine.
struct Running {
    harness: Harness,
    table: TestTable<Row>,
    digest: Arc<(AtomicI64, AtomicU64)>,
}

impl Running {
    fn new(window: Window, rows: &[Row]) -> Self {
        let harness = Harness::new();
        let table = harness.table::<Row>();
        let sorted = table.rows();
        let outputs: Table<(Row, i64)> = match window {
            Window::Top(count) => {
                sorted.sort_by(|row| Reverse(row.0)).limit(count as u64).map(|row| (row, 0))
            }
            Window::Lag => sorted
                .sort_by(|row| row.0)
                .over(|o| o.lag(1, |row| row.1))
                .select(|row, front| (row, front.unwrap_or(-1))),
            Window::MovingSum(preceding) => sorted
                .sort_by(|row| row.0)
                .over(|o| o.moving_sum(preceding as u64, 0, |row| row.1))
                .into(),
        };
        let digest = Arc::new((AtomicI64::new(0), AtomicU64::new(0)));
        let seen = Arc::clone(&digest);
        let outputs = outputs.inspect(move |((key, value), output), diff| {
            let mut one = Digest::default();
            one.update(&key.to_le_bytes(), [*value, *output], diff);
            seen.0.fetch_add(one.rows, Ordering::Relaxed);
            seen.1.fetch_add(one.sum, Ordering::Relaxed);
        });
        outputs.write(null::sink());
        let mut running = Self { harness, table, digest };
        rows.iter().for_each(|row| running.table.insert(*row));
        running.harness.step();
        running
    }

    fn replace(&mut self, old: Row, new: Row) {
        self.table.remove(old);
        self.table.insert(new);
        self.harness.step();
    }

    fn digest(&self) -> Digest {
        let (rows, sum) = (&self.digest.0, &self.digest.1);
        Digest { rows: rows.load(Ordering::SeqCst), sum: sum.load(Ordering::SeqCst) }
    }
}

fn timed(updates: &[(Row, Row)], mut replace: impl FnMut(Row, Row)) -> StdDuration {
    let start = ProcessTime::now();
    updates.iter().for_each(|(old, new)| replace(*old, *new));
    start.elapsed()
}

/// Criterion sees the time of our side, the figure both.
fn compare(criterion: &mut Criterion, name: &str, window: Window, count: usize) {
    let updates = (100_000_000 / count).clamp(100, 2_000);
    let (mut reference_us, mut pathway_us) = (Vec::new(), Vec::new());
    let mut sides: Option<(Rows, Rescan, Running)> = None;
    let mut group = criterion.benchmark_group(name);
    group.sampling_mode(SamplingMode::Flat);
    group.bench_function(format!("{count} rows"), |bencher| {
        let (rows, rescan, running) = sides.get_or_insert_with(|| {
            let rows = Rows::new(count);
            let rescan = Rescan::new(window, rows.rows.clone());
            let running = Running::new(window, &rows.rows);
            (rows, rescan, running)
        });
        bencher.iter_custom(|iterations| {
            let mut total = StdDuration::ZERO;
            for _ in 0..iterations {
                let updates: Vec<_> = (0..updates).map(|_| rows.replacement()).collect();
                let took = timed(&updates, |old, new| rescan.replace(old, new));
                reference_us.push(took.as_secs_f64() * 1e6 / updates.len() as f64);
                let took = timed(&updates, |old, new| running.replace(old, new));
                pathway_us.push(took.as_secs_f64() * 1e6 / updates.len() as f64);
                assert_eq!(running.digest(), rescan.digest(), "{name}: the sides disagree");
                total += took;
            }
            total
        });
    });
    group.finish();
    if reference_us.is_empty() {
        return; // not among those that the command line asks for
    }
    let figure = Figure {
        work: &format!("{name}, one row of {count} replaced"),
        measured: "CPU µs",
        pathway: median(&pathway_us),
        reference: median(&reference_us),
        ratio_max: None,
    };
    println!("{figure}");
}
