//! How many instructions a row takes in the main programs: what noise cannot hide, and says
//! nothing of memory that is waited for.
//!
//! `-- count` runs each program under callgrind, with some rows and with twice as many, and prints
//! the difference by row, which no start and no end is part of. Without it, the programs are
//! compared with their references alone.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use bench_support::inputs::{Shop, words_csv};
use bench_support::windows::{Division, add};
use bench_support::{Digest, Random, differential, hand_written, windows};
use pathway::prelude::*;
use pathway::testing::{Harness, TestStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

/// A program over so many rows.
type Program = fn(usize) -> Digest;

struct Work {
    name: &'static str,
    reference: Program,
    pathway: Program,
}

const WORKS: [Work; 4] = [
    Work { name: "word count, CSV", reference: words_by_hand, pathway: words },
    Work { name: "reduce", reference: reduce_by_hand, pathway: reduce },
    Work { name: "join", reference: join_by_hand, pathway: join },
    Work { name: "tumbling windows", reference: windows_by_hand, pathway: windowed },
];

/// Rows of the smaller of two runs.
const ROWS: usize = 100_000;
const PER_EPOCH: usize = 1_000;
const WORDS: usize = 5_000;
const USERS: u64 = 5_000;
const SENSORS: u64 = 1_000;
const DIVISION: Division = Division { size: 60_000, hop: 60_000, lateness: 2_000 };

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if let [_, name, rows] = args.as_slice()
        && let Some(work) = WORKS.iter().find(|work| work.name == name)
    {
        let digest = (work.pathway)(rows.parse().expect("it is a count"));
        println!("{} {}", digest.rows, digest.sum);
        return;
    }
    let count = args.iter().any(|arg| arg == "count");
    for work in &WORKS {
        let (digest, expected) = ((work.pathway)(ROWS / 10), (work.reference)(ROWS / 10));
        assert_eq!(digest, expected, "{}: the sides disagree", work.name);
        if count {
            // The file of words is written here, not where instructions are counted.
            (work.pathway)(ROWS);
            (work.pathway)(2 * ROWS);
            let per_row = (counted(work, 2 * ROWS) - counted(work, ROWS)) / ROWS as f64;
            println!("instructions per row: {}: {per_row:.1}", work.name);
        } else {
            println!("{}: {} rows, as by hand", work.name, digest.rows);
        }
    }
}

/// The instructions of a process that runs the program.
fn counted(work: &Work, rows: usize) -> f64 {
    let program = std::env::current_exe().expect("a program that runs has a file");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args([work.name, &rows.to_string()])
        .output()
        .unwrap_or_else(|error| {
            panic!("could not start `valgrind`: {error}\nhelp: install it: `apt install valgrind`")
        });
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} under valgrind ended with {}", work.name, output.status);
    let collected = text.lines().find_map(|line| line.split_once("Collected :"));
    let collected = collected.and_then(|(_, count)| count.trim().parse().ok());
    collected.unwrap_or_else(|| panic!("valgrind says no count of instructions:\n{text}"))
}

/// A digest that the one worker writes.
#[derive(Clone, Default)]
struct Taken(Arc<Mutex<Digest>>);

impl Taken {
    fn update(&self, key: &[u8], numbers: [i64; 2], diff: i64) {
        self.0.lock().expect("one thread writes").update(key, numbers, diff);
    }

    fn get(&self) -> Digest {
        *self.0.lock().expect("the run is over")
    }
}

fn words_file(rows: usize) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    words_csv(folder, WORDS, rows).expect("the target folder can be written to")
}

#[derive(Schema)]
struct Word {
    word: String,
}

fn words(rows: usize) -> Digest {
    let app = Pipeline::new("word count").progress(false);
    let words = app.read(csv::files::<Word>(words_file(rows)));
    let taken = Taken::default();
    let digest = taken.clone();
    words.group_by(Word.word).reduce(|g| g.count()).subscribe(move |_, changes| {
        for Change { row: (word, count), diff } in changes {
            digest.update(word.as_bytes(), [count.cast_signed(), 0], *diff);
        }
    });
    app.run().expect("the file was written by this benchmark");
    taken.get()
}

fn words_by_hand(rows: usize) -> Digest {
    hand_written::word_count(&words_file(rows)).expect("the file was written by this benchmark")
}

/// Order: user and amount.
type OrderRow = (u64, i64);

fn shop(rows: usize) -> Shop {
    Shop::generate(USERS, rows as u64)
}

/// Takes every update of the number and the sum of some key's orders.
fn take<K: Schema>(totals: &Table<(K, (u64, i64))>, bytes: fn(&K, &mut dyn FnMut(&[u8]))) -> Taken {
    let taken = Taken::default();
    let digest = taken.clone();
    let seen = totals.inspect(move |(key, (count, sum)), diff| {
        bytes(key, &mut |key| digest.update(key, [count.cast_signed(), *sum], diff));
    });
    seen.write(null::sink());
    taken
}

fn feed(t: &mut Harness, orders: &TestStream<OrderRow>, shop: &Shop) {
    for rows in shop.orders.chunks(PER_EPOCH) {
        orders.push(rows.iter().map(|order| (order.user, order.amount)));
        t.step();
    }
}

fn reduce(rows: usize) -> Digest {
    let mut t = Harness::new();
    let orders = t.stream::<OrderRow>();
    let totals =
        orders.rows().group_by(|order| order.0).reduce(|g| (g.count(), g.sum(|order| order.1)));
    let taken = take(&totals, |user, f| f(&user.to_le_bytes()));
    feed(&mut t, &orders, &shop(rows));
    taken.get()
}

fn reduce_by_hand(rows: usize) -> Digest {
    differential::reduce(&shop(rows), PER_EPOCH)
}

fn join(rows: usize) -> Digest {
    let mut t = Harness::new();
    let (orders, users) = (t.stream::<OrderRow>(), t.stream::<(u64, String)>());
    let totals = orders
        .rows()
        .join(&users.rows())
        .on(|order| order.0, |user| user.0)
        .select(|order, user| (user.1.clone(), order.1))
        .group_by(|placed| placed.0.clone())
        .reduce(|g| (g.count(), g.sum(|placed| placed.1)));
    let taken = take(&totals, |country, f| f(country.as_bytes()));
    let shop = shop(rows);
    users.push(shop.users.iter().map(|user| (user.id, user.country.clone())));
    feed(&mut t, &orders, &shop);
    taken.get()
}

fn join_by_hand(rows: usize) -> Digest {
    differential::join(&shop(rows), PER_EPOCH)
}

#[derive(Clone, Debug, Schema)]
struct Event {
    #[schema(event_time)]
    millisecond: i64,
    sensor: u32,
    value: i64,
}

/// A thousand events a second, up to two seconds out of order.
fn events(rows: usize) -> Vec<windows::Event> {
    let mut random = Random::new(3);
    let event = |n: usize| {
        let late = random.below(DIVISION.lateness.unsigned_abs()).cast_signed();
        let sensor = u32::try_from(random.below(SENSORS)).expect("few sensors");
        let at = i64::try_from(n).expect("few rows") + late;
        (at, sensor, random.below(1_000).cast_signed())
    };
    (0..rows).map(event).collect()
}

fn windowed(rows: usize) -> Digest {
    let mut t = Harness::new();
    let stream = t.stream::<Event>();
    let rows_in = stream.rows().watermark(DIVISION.lateness);
    let windows = rows_in.window(tumbling(DIVISION.size)).group_by(|event| event.sensor);
    let totals = windows.when_final().reduce(|g| (g.sum(|event| event.value), g.count()));
    let taken: Arc<Mutex<Digest>> = Arc::default();
    let digest = Arc::clone(&taken);
    let seen = totals.inspect(move |((window, sensor), (sum, count)), _| {
        let mut digest = digest.lock().expect("one worker writes");
        add(&mut digest, window.start, *sensor, (*sum, count.cast_signed()));
    });
    seen.write(null::sink());
    for events in events(rows).chunks(PER_EPOCH) {
        let row = |&(millisecond, sensor, value)| Event { millisecond, sensor, value };
        stream.push(events.iter().map(row));
        t.step();
    }
    stream.close();
    t.step();
    *taken.lock().expect("the run is over")
}

fn windows_by_hand(rows: usize) -> Digest {
    windows::differential(events(rows), PER_EPOCH, DIVISION)
}
