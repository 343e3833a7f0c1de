//! How soon words are counted while more of them keep coming, and how many a second can be kept
//! up with: rows that are made beforehand are pushed at fixed times by a thread that never waits
//! to see the effect of one.
//!
//! A row waits from the time when it was due to the time when a subscriber has the changes of the
//! epoch that it is in. The counts of an epoch's changes add up to the number of its rows, and
//! epochs take rows in the order in which they were pushed, so the subscriber knows which rows
//! they were.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use bench_support::open_loop::{Arrivals, Schedule, Waits};
use bench_support::{Digest, Figure, Random, inputs, is_quick, median};
use cpu_time::ProcessTime;
use pathway::prelude::*;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration as StdDuration, Instant};

const FEW_WORDS: usize = 5_000;
const MANY_WORDS: usize = 1_000_000;
/// One word of the stream.
#[derive(Clone, Debug, Schema)]
struct Word {
    word: String,
}

/// Rows a second whose waits are measured.
const RATES: [u64; 3] = [10_000, 100_000, 1_000_000];
/// The rate at which waits are promised, with how many workers, and the most that half of the
/// rows and all but one of a hundred may wait, in microseconds.
const PROMISED: (u64, usize, f64, f64) = (100_000, 2, 1_000.0, 5_000.0);
/// Rows a second to keep up with, for a number of words, with two workers.
const SUSTAINED_MIN: [(usize, f64); 2] = [(FEW_WORDS, 15e6), (MANY_WORDS, 1.5e6)];

/// Rows are due this often where waits are measured.
const PERIOD: StdDuration = StdDuration::from_micros(100);
/// And this often where the highest rate is looked for, so that the thread that pushes, which has
/// no core of its own on a small machine, costs little.
const PERIOD_AT_FULL_RATE: StdDuration = StdDuration::from_millis(1);
/// A program keeps up if, behind the first half of a trial, no row waits longer. One that falls
/// behind by a twentieth is behind by more than that when the trial ends.
const BACKLOG_MAX: StdDuration = StdDuration::from_millis(100);
/// The highest rate is found to this factor.
const RATE_STEP: f64 = 1.05;
/// So many rows are made beforehand at most.
const ROWS_MAX: u64 = 48_000_000;

fn main() {
    let few = inputs::dictionary(&mut Random::new(11), FEW_WORDS);
    let rates = if is_quick() { &RATES[..1] } else { &RATES };
    for workers in [1, 2] {
        for &rate in rates {
            waits(&few, rate, workers);
        }
    }
    if is_quick() {
        return;
    }
    let many = inputs::dictionary(&mut Random::new(11), MANY_WORDS);
    for workers in [1, 2] {
        for dictionary in [&few, &many] {
            sustained(dictionary, workers);
        }
    }
}

/// What a trial showed.
struct Trial {
    waits: Waits,
    /// How much behind its times the thread that pushes was.
    behind: Waits,
    /// Processors that were busy, the thread that pushes included.
    busy: f64,
    /// Epochs that brought rows, each second.
    epochs_per_s: f64,
}

/// How long rows wait at a rate.
fn waits(dictionary: &[String], rate: u64, workers: usize) {
    let (length, repeats) = if is_quick() { (0.5, 1) } else { (5.0, 3) };
    let schedule = Schedule::new(rate, PERIOD, StdDuration::from_secs_f64(length));
    let trials: Vec<Trial> =
        (0..repeats).map(|_| trial(dictionary, schedule, schedule.ticks / 5, workers)).collect();
    let of = |value: fn(&Trial) -> f64| median(&trials.iter().map(value).collect::<Vec<_>>());
    let work = format!(
        "word count, {} words, {rate} rows/s, {}",
        dictionary.len(),
        plural(workers, "worker")
    );
    let (promised_rate, promised_workers, p50_max, p99_max) = PROMISED;
    let promised = (rate, workers) == (promised_rate, promised_workers);
    let quantiles: [(&str, fn(&Trial) -> f64, Option<f64>); 3] = [
        ("p50", |trial| trial.waits.quantile_us(0.5), Some(p50_max)),
        ("p99", |trial| trial.waits.quantile_us(0.99), Some(p99_max)),
        ("p99.9", |trial| trial.waits.quantile_us(0.999), None),
    ];
    for (name, value, max) in quantiles {
        let max = max.filter(|_| promised);
        figure(&work, &format!("µs, {name}"), of(value), max.map(|max| (max, f64::gt as Exceeds)));
    }
    println!(
        "{work}: {:.0} epochs/s, {:.2} processors busy, pushed late by {:.0} µs (p50) and \
         {:.0} µs (p99)",
        of(|trial| trial.epochs_per_s).unwrap_or_default(),
        of(|trial| trial.busy).unwrap_or_default(),
        of(|trial| trial.behind.quantile_us(0.5)).unwrap_or_default(),
        of(|trial| trial.behind.quantile_us(0.99)).unwrap_or_default(),
    );
}

/// The highest rate that is kept up with: doubled until it is not, then bisected.
fn sustained(dictionary: &[String], workers: usize) {
    let words = dictionary.len();
    let (mut kept, mut lost) = (250_000.0, f64::INFINITY);
    let mut last = None;
    while lost / kept > RATE_STEP {
        let rate = if lost.is_finite() { f64::sqrt(kept * lost) } else { kept * 2.0 };
        match keeps_up(dictionary, rate, workers) {
            Some(trial) => {
                last = Some(trial);
                kept = rate;
            }
            None => lost = rate,
        }
    }
    let work = format!("word count, {words} words, {}", plural(workers, "worker"));
    let promised = SUSTAINED_MIN.iter().find(|(of, _)| *of == words).filter(|_| workers == 2);
    let least = promised.map(|(_, least)| (*least / 1e6, f64::lt as Exceeds));
    figure(&work, "highest sustained rate, million rows/s", Some(kept / 1e6), least);
    if let Some(trial) = last {
        println!(
            "{work}, at that rate: {:.0} epochs/s, {:.2} processors busy, p50 {:.0} µs, p99 {:.0} \
             µs",
            trial.epochs_per_s,
            trial.busy,
            trial.waits.quantile_us(0.5),
            trial.waits.quantile_us(0.99)
        );
    }
}

/// A trial at a rate, if the program keeps up with it: a second attempt is for what else runs on
/// the machine.
fn keeps_up(dictionary: &[String], rate: f64, workers: usize) -> Option<Trial> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate")]
    let rate = rate as u64;
    let length = StdDuration::from_secs_f64((ROWS_MAX as f64 / rate as f64).min(3.0));
    let schedule = Schedule::new(rate, PERIOD_AT_FULL_RATE, length);
    (0..2).find_map(|_| {
        let trial = trial(dictionary, schedule, schedule.ticks / 2, workers);
        let longest_us = trial.waits.quantile_us(1.0);
        println!(
            "{} words, {workers}: {rate} rows/s, {longest_us:.0} µs at most",
            dictionary.len()
        );
        (longest_us <= BACKLOG_MAX.as_secs_f64() * 1e6).then_some(trial)
    })
}

type Exceeds = fn(&f64, &f64) -> bool;

fn figure(work: &str, measured: &str, value: Option<f64>, bound: Option<(f64, Exceeds)>) {
    println!("{}", Figure { work, measured, pathway: value, reference: None, ratio_max: None });
    if let (Some(value), Some((bound, exceeds))) = (value, bound)
        && exceeds(&value, &bound)
    {
        println!("missed: {work}: {measured} {value:.2}, and {bound:.2} is promised");
    }
}

fn plural(count: usize, of: &str) -> String {
    format!("{count} {of}{}", if count == 1 { "" } else { "s" })
}

/// What the subscriber has seen.
struct Seen {
    arrivals: Arrivals,
    digest: Digest,
    epochs: u32,
}

/// Pushes all rows of a schedule when they are due. The waits of those of the first ticks are left
/// out.
fn trial(dictionary: &[String], schedule: Schedule, warm: u64, workers: usize) -> Trial {
    let batches = batches(dictionary, schedule);
    let expected = counted(&batches);

    let app = Pipeline::new("load").threads(workers);
    let (input, words) = app.input::<Word>();
    let counts = words.group_by(Word.word).reduce(|g| g.count());
    let arrivals = Arrivals::new(schedule, warm);
    let seen = Arc::new(Mutex::new(Seen { arrivals, digest: Digest::default(), epochs: 0 }));
    let start: Arc<OnceLock<Instant>> = Arc::default();
    let (taken, started) = (Arc::clone(&seen), Arc::clone(&start));
    counts.subscribe(move |_, changes| {
        let now = Instant::now();
        let start = started.get().expect("rows are pushed behind the start");
        let mut seen = taken.lock().expect("only this closure locks");
        let rows: i64 = changes.iter().map(|change| count(change) * change.diff).sum();
        seen.arrivals.visible(rows.cast_unsigned(), now - *start);
        seen.epochs += 1;
        for change in changes {
            seen.digest.update(change.row.0.as_bytes(), [count(change), 0], change.diff);
        }
    });
    let running = app.start().expect("the program has no mistake");
    let precise = PreciseSleep::begin();

    // Threads have started and gone to sleep.
    std::thread::sleep(StdDuration::from_millis(20));
    let (cpu, first) = (ProcessTime::now(), Instant::now());
    start.set(first).expect("a trial starts once");
    let mut behind = Waits::default();
    for (tick, batch) in (0..).zip(batches) {
        let due = schedule.due(tick);
        let early = due.saturating_sub(first.elapsed());
        if !early.is_zero() {
            std::thread::sleep(early);
        }
        behind.add(first.elapsed().saturating_sub(due), 1);
        input.push_all(batch).expect("the pipeline runs");
    }
    drop(precise);
    input.close();
    running.wait().expect("nothing of the run can fail");
    let (took, cpu) = (first.elapsed().as_secs_f64(), cpu.elapsed().as_secs_f64());

    let seen = seen.lock().expect("the run has ended");
    assert_eq!(seen.arrivals.rows(), schedule.rows(), "not every row has arrived");
    assert_eq!(seen.digest, expected, "words were counted wrongly");
    let waits = seen.arrivals.waits().clone();
    Trial { waits, behind, busy: cpu / took, epochs_per_s: f64::from(seen.epochs) / took }
}

/// The main thread sleeps as long as it asks to, where the system can be told so: it wakes threads
/// up to 50 µs late unless told otherwise, and rows would be pushed late by as much. The threads
/// of the pipeline have started, and keep what the system gave them.
struct PreciseSleep;

impl PreciseSleep {
    fn begin() -> Self {
        Self::set("1");
        Self
    }

    fn set(nanoseconds: &str) {
        // Elsewhere than on Linux there is no such file, and rows are pushed a little later.
        drop(std::fs::write("/proc/self/timerslack_ns", nanoseconds));
    }
}

impl Drop for PreciseSleep {
    fn drop(&mut self) {
        // Zero stands for what it was when the thread started.
        Self::set("0");
    }
}

fn count(change: &Change<(String, u64)>) -> i64 {
    change.row.1.cast_signed()
}

/// The rows of each tick, words drawn evenly.
fn batches(dictionary: &[String], schedule: Schedule) -> Vec<Vec<Word>> {
    let mut random = Random::new(5);
    let words = dictionary.len() as u64;
    let mut word = || {
        let at = usize::try_from(random.below(words)).expect("it is an index");
        Word { word: dictionary[at].clone() }
    };
    (0..schedule.ticks).map(|_| (0..schedule.rows_per_tick).map(|_| word()).collect()).collect()
}

fn counted(batches: &[Vec<Word>]) -> Digest {
    let mut counts: HashMap<&str, i64> = HashMap::new();
    for row in batches.iter().flatten() {
        *counts.entry(&row.word).or_default() += 1;
    }
    let mut digest = Digest::default();
    #[expect(clippy::iter_over_hash_type, reason = "the digest does not depend on the order")]
    for (word, count) in counts {
        digest.update(word.as_bytes(), [count, 0], 1);
    }
    digest
}
