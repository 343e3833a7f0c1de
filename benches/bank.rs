//! The bank at full size: ten million transfers in epochs of a thousand, the total checked after
//! each.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "../examples/bank/tables.rs"]
mod tables;

use bench_support::{Digest, Figure, is_quick, measure_child, median, report_self};
use pathway::prelude::*;
use pathway::testing::Harness;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use tables::{Bank, Transfer, transfers};

const EPOCH_ROWS: usize = 1_000;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if let [_, count] = args.as_slice()
        && let Ok(count) = count.parse()
    {
        return report_self(run(count));
    }
    let (count, repeats) = if is_quick() { (100_000_u64, 1) } else { (10_000_000, 3) };
    let runs: Vec<_> = (0..repeats).map(|_| measure_child(&[&count.to_string()])).collect();
    assert!(runs.iter().all(|run| run.digest == runs[0].digest), "the runs disagree: {runs:?}");
    let work = format!("bank, {count} transfers, {EPOCH_ROWS} per epoch");
    let per_transfer = |bytes: f64| bytes / count as f64;
    let cpu_s = median(&runs.iter().map(|run| run.cpu_s).collect::<Vec<_>>());
    let peak = median(&runs.iter().map(|run| run.peak_bytes).collect::<Vec<_>>());
    for (measured, pathway) in
        [("CPU s", cpu_s), ("peak memory, bytes per transfer", peak.map(per_transfer))]
    {
        let figure = Figure { work: &work, measured, pathway, reference: None, ratio_max: None };
        println!("{figure}");
    }
}

/// The number of transfers that met themselves, and the number of totals that were checked.
fn run(count: u64) -> Digest {
    let mut t = Harness::new();
    let input = t.stream::<Transfer>();
    let bank = Bank::new(&input.rows());
    let totals = Arc::new(AtomicU64::new(0));
    let matches = Arc::new(AtomicI64::new(0));
    let (seen, met) = (Arc::clone(&totals), Arc::clone(&matches));
    let total = bank.total.inspect(move |(total, _), diff| {
        assert_eq!(*total, 0, "the books do not balance");
        seen.fetch_add(u64::from(diff > 0), Ordering::Relaxed);
    });
    let matched = bank.matched.inspect(move |(id, other), diff| {
        assert_eq!(*other, Some(*id), "a transfer without its match");
        met.fetch_add(diff, Ordering::Relaxed);
    });
    for side in [bank.credits, bank.debits, bank.balance] {
        side.write(null::sink());
    }
    total.write(null::sink());
    matched.write(null::sink());
    let mut coming = transfers(count, 42).peekable();
    while coming.peek().is_some() {
        input.push(coming.by_ref().take(EPOCH_ROWS));
        t.step();
    }
    Digest { rows: matches.load(Ordering::SeqCst), sum: totals.load(Ordering::SeqCst) }
}
