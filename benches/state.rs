//! How much memory a row of state takes: groups, both sides of a join, distinct rows and open
//! windows, beside hash maps of the same content written by hand.
//!
//! Each run is a process of its own, which makes its rows as it goes and says how much more memory
//! it holds at the end than before the first row, and how much its operators say they keep.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use bench_support::{Figure, Random, child_line, is_quick, median, resident_bytes};
use pathway::prelude::*;
use pathway::runtime::StateStats;
use pathway::testing::Harness;
use std::collections::{HashMap, HashSet};
use std::hint::black_box;
use std::ops::Range;

/// A program that keeps so many rows.
type Program = fn(u64) -> Kept;

/// What is held at the end.
struct Kept {
    /// Rows or groups.
    rows: u64,
    /// What the operators report, where there are any.
    reported: f64,
    /// By how much the process has grown.
    resident: f64,
}

struct Work {
    name: &'static str,
    /// What a row of its state is.
    unit: &'static str,
    by_hand: Program,
    pathway: Program,
}

const WORKS: [Work; 5] = [
    Work { name: "group by number", unit: "group", by_hand: group_by_hand, pathway: group },
    Work { name: "group by text", unit: "group", by_hand: text_by_hand, pathway: text },
    Work { name: "join, both sides open", unit: "row", by_hand: join_by_hand, pathway: join },
    Work { name: "distinct", unit: "row", by_hand: distinct_by_hand, pathway: distinct },
    Work { name: "open windows", unit: "group", by_hand: windows_by_hand, pathway: windows },
];

const PER_EPOCH: u64 = 10_000;
const REPEATS: usize = 3;
/// Each user has so many orders.
const ORDERS_PER_USER: u64 = 4;
/// How many sensors there are for windows of a minute.
const SENSORS: u64 = 10_000;
const MINUTE: i64 = 60_000;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if let [_, side, name, count] = args.as_slice()
        && let Some(work) = WORKS.iter().find(|work| work.name == name)
    {
        let program = if side == "pathway" { work.pathway } else { work.by_hand };
        let Kept { rows, reported, resident } = program(count.parse().expect("it is a count"));
        println!("{rows} {reported} {resident}");
        return;
    }
    let (count, repeats) = if is_quick() { (20_000, 1) } else { (1_000_000, REPEATS) };
    WORKS.iter().for_each(|work| compare(work, count, repeats));
}

fn compare(work: &Work, count: u64, repeats: usize) {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..repeats {
        theirs.push(child(work, "by hand", count));
        ours.push(child(work, "pathway", count));
    }
    let rows = theirs[0].rows;
    for run in &ours {
        // Operators may count something beside: the times of windows.
        let close = run.rows >= rows && (run.rows - rows) * 1_000 <= rows;
        assert!(close, "{}: {} rows are kept, and by hand {rows}", work.name, run.rows);
    }
    let per_row = |runs: &[Kept], bytes: fn(&Kept) -> f64| {
        median(&runs.iter().map(|run| bytes(run) / rows as f64).collect::<Vec<f64>>())
    };
    let theirs = per_row(&theirs, |run| run.resident);
    for (how, bytes) in [
        ("resident", (|run| run.resident) as fn(&Kept) -> f64),
        ("reported by operators, beside resident", |run| run.reported),
    ] {
        let figure = Figure {
            work: &format!("{}, {rows} {}s", work.name, work.unit),
            measured: &format!("bytes per {}, {how}", work.unit),
            pathway: per_row(&ours, bytes),
            reference: theirs,
            ratio_max: None,
        };
        println!("{figure}");
    }
}

fn child(work: &Work, side: &str, count: u64) -> Kept {
    let line = child_line(&[side, work.name, &count.to_string()]);
    let cells: Vec<f64> = line.split(' ').filter_map(|cell| cell.parse().ok()).collect();
    let [rows, reported, resident] = cells[..] else { panic!("{side} reported `{line}`") };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
    let rows = rows as u64;
    Kept { rows, reported, resident }
}

/// A number that looks random, and differs for every other argument.
fn scattered(n: u64) -> u64 {
    Random::new(n).number()
}

/// Twelve to eighteen digits, almost surely others for every other number.
fn name_of(n: u64) -> String {
    let letters = usize::try_from(12 + n % 7).expect("few letters");
    let digits = format!("{:020}", scattered(n));
    digits[20 - letters..].to_owned()
}

/// Runs a program of epochs; `push` brings the rows of those numbers.
fn run(mut t: Harness, count: u64, push: impl Fn(Range<u64>)) -> Kept {
    t.step();
    let before = resident_bytes();
    for start in (0..count).step_by(usize::try_from(PER_EPOCH).expect("a small number")) {
        push(start..(start + PER_EPOCH).min(count));
        t.step();
    }
    let resident = resident_bytes() - before;
    let states = t.stats().states;
    let sum = |of: fn(&StateStats) -> u64| states.iter().map(of).sum::<u64>();
    Kept { rows: sum(|state| state.rows), reported: sum(|state| state.bytes) as f64, resident }
}

/// What `fill` has kept, with the number of its rows.
fn filled<C>(fill: impl FnOnce() -> C, rows: impl FnOnce(&C) -> usize) -> Kept {
    let before = resident_bytes();
    let kept = black_box(fill());
    let resident = resident_bytes() - before;
    Kept { rows: rows(&kept) as u64, reported: 0.0, resident }
}

fn group(count: u64) -> Kept {
    let t = Harness::new();
    let rows = t.stream::<(u64, i64)>();
    let totals = rows.rows().group_by(|row| row.0).reduce(|g| (g.count(), g.sum(|row| row.1)));
    totals.write(null::sink());
    run(t, count, |numbers| rows.push(numbers.map(|n| (scattered(n), 1))))
}

fn group_by_hand(count: u64) -> Kept {
    let fill = || {
        let mut groups: HashMap<u64, (u64, i64)> = HashMap::new();
        for n in 0..count {
            let group = groups.entry(scattered(n)).or_default();
            *group = (group.0 + 1, group.1 + 1);
        }
        groups
    };
    filled(fill, HashMap::len)
}

fn text(count: u64) -> Kept {
    let t = Harness::new();
    let rows = t.stream::<(String, i64)>();
    let key = |row: &(String, i64)| row.0.clone();
    let totals = rows.rows().group_by(key).reduce(|g| (g.count(), g.sum(|row| row.1)));
    totals.write(null::sink());
    run(t, count, |numbers| rows.push(numbers.map(|n| (name_of(n), 1))))
}

fn text_by_hand(count: u64) -> Kept {
    let fill = || {
        let mut groups: HashMap<String, (u64, i64)> = HashMap::new();
        for n in 0..count {
            let group = groups.entry(name_of(n)).or_default();
            *group = (group.0 + 1, group.1 + 1);
        }
        groups
    };
    filled(fill, HashMap::len)
}

#[derive(Clone, Debug, Schema)]
struct Order {
    id: u64,
    user: u64,
    amount: i64,
    time: i64,
}

#[derive(Clone, Debug, Schema)]
struct User {
    id: u64,
    country: String,
}

fn order(n: u64) -> Order {
    let user = scattered(n / ORDERS_PER_USER);
    Order { id: n, user, amount: 1, time: n.cast_signed() }
}

/// The user of that order, if it is their first.
fn user(n: u64) -> Option<User> {
    let (id, country) = (scattered(n / ORDERS_PER_USER), format!("C{:03}", n % 200));
    n.is_multiple_of(ORDERS_PER_USER).then_some(User { id, country })
}

fn join(count: u64) -> Kept {
    let t = Harness::new();
    let (orders, users) = (t.stream::<Order>(), t.stream::<User>());
    let joined = orders.rows().join(&users.rows()).on(Order.user, User.id);
    joined.select(|order, user| (user.country.clone(), order.amount)).write(null::sink());
    run(t, count, |numbers| {
        users.push(numbers.clone().filter_map(user));
        orders.push(numbers.map(order));
    })
}

fn join_by_hand(count: u64) -> Kept {
    let fill = || {
        let (mut orders, mut users) = (HashMap::<u64, Vec<Order>>::new(), HashMap::new());
        for n in 0..count {
            users.extend(user(n).map(|user| (user.id, user)));
            let order = order(n);
            orders.entry(order.user).or_default().push(order);
        }
        (orders, users)
    };
    filled(fill, |(orders, users)| orders.values().map(Vec::len).sum::<usize>() + users.len())
}

fn distinct(count: u64) -> Kept {
    let t = Harness::new();
    let rows = t.stream::<String>();
    rows.rows().distinct().write(null::sink());
    run(t, count, |numbers| rows.push(numbers.map(name_of)))
}

fn distinct_by_hand(count: u64) -> Kept {
    filled(|| (0..count).map(name_of).collect::<HashSet<String>>(), HashSet::len)
}

#[derive(Clone, Debug, Schema)]
struct Event {
    sensor: u32,
    #[schema(event_time)]
    millisecond: i64,
    value: i64,
}

/// One event of each sensor in each minute.
fn event(n: u64) -> Event {
    let sensor = u32::try_from(n % SENSORS).expect("few sensors");
    Event { sensor, millisecond: (n / SENSORS).cast_signed() * MINUTE, value: 1 }
}

fn windows(count: u64) -> Kept {
    let t = Harness::new();
    let events = t.stream::<Event>();
    // So late may rows be that no window is over.
    let rows = events.rows().watermark(MINUTE * count.cast_signed());
    let windows = rows.window(tumbling(MINUTE)).group_by(|event| event.sensor).when_final();
    windows.reduce(|g| (g.sum(|event| event.value), g.count())).write(null::sink());
    run(t, count, |numbers| events.push(numbers.map(event)))
}

fn windows_by_hand(count: u64) -> Kept {
    let fill = || {
        let mut windows: HashMap<i64, HashMap<u32, (i64, u64)>> = HashMap::new();
        for event in (0..count).map(event) {
            let start = event.millisecond / MINUTE * MINUTE;
            let group = windows.entry(start).or_default().entry(event.sensor).or_default();
            *group = (group.0 + event.value, group.1 + 1);
        }
        windows
    };
    filled(fill, |windows| windows.values().map(HashMap::len).sum())
}
