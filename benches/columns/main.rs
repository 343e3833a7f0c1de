//! Rows of sixty columns and of six of them, through the same programs: what a column costs that
//! nobody asks for. Beside plain structs and hash maps, and the codec alone beside `clone`.
//!
//! Programs are named by how rows come: *pushed* ones are never encoded on their way to the first
//! operator that keeps them, *encoded* ones are what a file or another operator hands out.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod by_hand;
mod rows;

use bench_support::{Digest, Figure, Random, is_quick, median};
use cpu_time::ProcessTime;
use pathway::prelude::*;
use pathway::schema::DataType;
use pathway::testing::Harness;
use rows::{Line, Narrow, SUPPLIERS, Wide};
use std::hint::black_box;
use std::sync::{Arc, Mutex};

const PER_EPOCH: usize = 10_000;
const REPEATS: usize = 5;

/// A supplier, from one of 25 nations.
#[derive(Clone, Debug, Schema)]
pub(crate) struct Supplier {
    pub(crate) id: i64,
    pub(crate) nation: String,
}

fn suppliers() -> Vec<Supplier> {
    let supplier = |id: u64| Supplier { id: id.cast_signed(), nation: format!("N{:02}", id % 25) };
    (0..SUPPLIERS).map(supplier).collect()
}

/// What has been done with the rows of all epochs.
type Program<R> = fn(Vec<Vec<R>>) -> Answer;

/// The result, and the CPU seconds it took, without those in which rows were made ready.
type Answer = (Digest, f64);

struct Work<R> {
    name: &'static str,
    beside: &'static str,
    reference: Program<R>,
    pathway: Program<R>,
}

fn works<R: Line>() -> [Work<R>; 7] {
    let by_hand = "by hand";
    [
        Work { name: "encode", beside: "clone", reference: cloned, pathway: encoded },
        Work { name: "decode", beside: "clone", reference: cloned, pathway: decoded },
        Work {
            name: "filter and map, pushed, to a subscriber",
            beside: by_hand,
            reference: |batches| timed(|| by_hand::steps(batches)),
            pathway: steps,
        },
        Work {
            name: "group by closures, pushed",
            beside: by_hand,
            reference: |batches| timed(|| by_hand::group(batches)),
            pathway: group,
        },
        Work {
            name: "group by closures, encoded",
            beside: by_hand,
            reference: |batches| timed(|| by_hand::group(batches)),
            pathway: group_encoded::<R, false>,
        },
        Work {
            name: "group by columns, encoded",
            beside: by_hand,
            reference: |batches| timed(|| by_hand::group(batches)),
            pathway: group_encoded::<R, true>,
        },
        Work {
            name: "join and group, pushed",
            beside: by_hand,
            reference: |batches| {
                let suppliers = suppliers();
                timed(|| by_hand::join(batches, suppliers))
            },
            pathway: join,
        },
    ]
}

fn main() {
    let rows = if is_quick() { 20_000 } else { 300_000 };
    measure::<Narrow>(rows);
    measure::<Wide>(rows);
}

fn measure<R: Line>(count: usize) {
    let DataType::Struct(columns) = R::data_type() else { unreachable!("rows are structs") };
    let columns = columns.columns.len();
    let mut random = Random::new(13);
    let rows: Vec<R> = (0..count).map(|_| R::random(&mut random)).collect();
    let bytes: usize = rows.iter().map(|row| row.to_row_bytes().len()).sum();
    println!(
        "{columns} columns: {} bytes as a struct without its texts, {} encoded",
        size_of::<R>(),
        bytes / count
    );
    for Work { name, beside, reference, pathway } in works::<R>() {
        let (mut theirs, mut ours) = (Vec::new(), Vec::new());
        for _ in 0..if is_quick() { 1 } else { REPEATS } {
            let batches = || rows.chunks(PER_EPOCH).map(<[R]>::to_vec).collect();
            let (expected, seconds) = reference(batches());
            theirs.push(seconds / count as f64 * 1e9);
            let (digest, seconds) = pathway(batches());
            assert_eq!(digest, expected, "{name}, {columns} columns: the sides disagree");
            ours.push(seconds / count as f64 * 1e9);
        }
        let figure = Figure {
            work: &format!("{name}, {columns} columns; beside {beside}"),
            measured: "CPU ns per row",
            pathway: median(&ours),
            reference: median(&theirs),
            ratio_max: None,
        };
        println!("{figure}");
    }
}

fn timed(program: impl FnOnce() -> Digest) -> Answer {
    let start = ProcessTime::now();
    let digest = program();
    (digest, start.elapsed().as_secs_f64())
}

#[expect(clippy::needless_pass_by_value, reason = "a program takes its rows")]
fn cloned<R: Line>(batches: Vec<Vec<R>>) -> Answer {
    let mut digest = Digest::default();
    let start = ProcessTime::now();
    for row in batches.iter().flatten() {
        digest.rows += black_box(row.clone()).cost();
    }
    (digest, start.elapsed().as_secs_f64())
}

#[expect(clippy::needless_pass_by_value, reason = "a program takes its rows")]
fn encoded<R: Line>(batches: Vec<Vec<R>>) -> Answer {
    let mut digest = Digest::default();
    let mut bytes = Vec::new();
    let start = ProcessTime::now();
    for row in batches.iter().flatten() {
        bytes.clear();
        row.encode(&mut bytes);
        black_box(&mut bytes);
        // The column that is encoded last.
        let cost = bytes.last_chunk().expect("a row has a cost");
        digest.rows += i64::from_le_bytes(*cost);
    }
    (digest, start.elapsed().as_secs_f64())
}

fn decoded<R: Line>(batches: Vec<Vec<R>>) -> Answer {
    let mut bytes = Vec::new();
    batches.iter().flatten().for_each(|row| row.encode(&mut bytes));
    drop(batches);
    let mut digest = Digest::default();
    let start = ProcessTime::now();
    let input = &mut bytes.as_slice();
    while !input.is_empty() {
        digest.rows += black_box(R::decode(input)).cost();
    }
    (digest, start.elapsed().as_secs_f64())
}

/// A digest that a pipeline writes to.
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

/// Takes every update of a table of counts and sums by some key.
fn take<K: Schema>(totals: &Table<(K, (u64, i64))>, bytes: fn(&K, &mut dyn FnMut(&[u8]))) -> Taken {
    let taken = Taken::default();
    let digest = taken.clone();
    let seen = totals.inspect(move |(key, (count, sum)), diff| {
        bytes(key, &mut |key| digest.update(key, [count.cast_signed(), *sum], diff));
    });
    seen.write(null::sink());
    taken
}

fn take_suppliers(totals: &Table<(i64, (u64, i64))>) -> Taken {
    take(totals, |supplier, f| f(&supplier.to_le_bytes()))
}

fn steps<R: Line>(batches: Vec<Vec<R>>) -> Answer {
    timed(|| {
        let app = Pipeline::new("columns");
        let (input, rows) = app.input::<R>();
        let taken = Taken::default();
        let digest = taken.clone();
        rows.filter(|row| row.quantity() < 45.0)
            .map(|row| {
                let cost = row.cost() * 2;
                row.with_cost(cost)
            })
            .subscribe(move |_, changes| {
                for Change { row, diff } in changes {
                    digest.update(&row.supplier().to_le_bytes(), [row.cost(), 0], *diff);
                }
            });
        let running = app.start().expect("the program has no mistake");
        batches.into_iter().for_each(|rows| input.push_all(rows).expect("the pipeline runs"));
        input.close();
        running.wait().expect("nothing of the run can fail");
        taken.get()
    })
}

fn totals<R: Line>(rows: &Stream<R>) -> Table<(i64, (u64, i64))> {
    rows.group_by(|row| row.supplier()).reduce(|g| (g.count(), g.sum(|row| row.cost()))).into()
}

fn group<R: Line>(batches: Vec<Vec<R>>) -> Answer {
    timed(|| {
        let mut t = Harness::new();
        let lines = t.stream::<R>();
        let taken = take_suppliers(&totals(&lines.rows()));
        for rows in batches {
            lines.push(rows);
            t.step();
        }
        taken.get()
    })
}

fn group_encoded<R: Line, const COLUMNS: bool>(batches: Vec<Vec<R>>) -> Answer {
    let app = Pipeline::new("columns").progress(false).epoch_rows_max(PER_EPOCH as u64);
    // Encoded here, not when the pipeline runs.
    let rows = app.rows(batches.into_iter().flatten());
    let totals = if COLUMNS { R::by_columns(&rows) } else { totals(&rows) };
    let taken = take_suppliers(&totals);
    timed(|| {
        app.run().expect("nothing of the run can fail");
        taken.get()
    })
}

fn join<R: Line>(batches: Vec<Vec<R>>) -> Answer {
    let all_suppliers = suppliers();
    timed(|| {
        let mut t = Harness::new();
        let (lines, suppliers) = (t.stream::<R>(), t.stream::<Supplier>());
        let totals = lines
            .rows()
            .join(&suppliers.rows())
            .on(|line| line.supplier(), |supplier| supplier.id)
            .select(|line, supplier| (supplier.nation.clone(), line.cost()))
            .group_by(|placed| placed.0.clone())
            .reduce(|g| (g.count(), g.sum(|placed| placed.1)));
        let taken = take(&totals, |nation, f| f(nation.as_bytes()));
        suppliers.push(all_suppliers);
        for rows in batches {
            lines.push(rows);
            t.step();
        }
        taken.get()
    })
}
