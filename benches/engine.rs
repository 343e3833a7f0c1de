//! A reduce and a join through the engine, beside the same written by hand on differential
//! dataflow over derived structs, in epochs of two sizes.
//!
//! In CPU time of the whole process, which a busy machine changes least. The sides run in turns,
//! so that what slows the machine for a while slows both.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use bench_support::inputs::Shop;
use bench_support::{Digest, Figure, differential, is_quick, median};
use cpu_time::ProcessTime;
use criterion::{Criterion, SamplingMode};
use pathway::prelude::*;
use pathway::testing::{Harness, TestStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration as StdDuration;

/// A program over a shop whose orders arrive in epochs of that many rows.
type Program = fn(&Shop, usize) -> Digest;

/// A program on both sides.
struct Work {
    name: &'static str,
    reference: Program,
    pathway: Program,
}

const WORKS: [Work; 2] = [
    Work { name: "orders reduced per user", reference: differential::reduce, pathway: reduce },
    Work { name: "orders join users", reference: differential::join, pathway: join },
];

/// Rows per epoch, and the most CPU time beside the reference's.
const EPOCHS: [(usize, f64); 2] = [(1_000, 0.4), (100_000, 0.5)];

fn main() {
    let (users, orders) = if is_quick() { (10_000, 100_000) } else { (100_000, 2_000_000) };
    let shop = Shop::generate(users, orders);
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(StdDuration::from_millis(1))
        .measurement_time(StdDuration::from_secs(20))
        .configure_from_args();
    for work in &WORKS {
        for (per_epoch, ratio_max) in EPOCHS {
            compare(&mut criterion, work, &shop, per_epoch, ratio_max);
        }
    }
}

/// Order: number, user, amount, time.
type OrderRow = (u64, u64, i64, i64);

/// The number and the sum of the orders of each user.
fn reduce(shop: &Shop, per_epoch: usize) -> Digest {
    let mut t = Harness::new();
    let orders = t.stream::<OrderRow>();
    let totals =
        orders.rows().group_by(|order| order.1).reduce(|g| (g.count(), g.sum(|order| order.2)));
    let digest = take(&totals, |user, taken, numbers, diff| {
        taken.update(&user.to_le_bytes(), numbers, diff);
    });
    feed(&mut t, &orders, shop, per_epoch);
    digest.get()
}

/// The number and the sum of the orders of each country: orders joined with users.
fn join(shop: &Shop, per_epoch: usize) -> Digest {
    let mut t = Harness::new();
    let (orders, users) = (t.stream::<OrderRow>(), t.stream::<(u64, String)>());
    let totals = orders
        .rows()
        .join(&users.rows())
        .on(|order| order.1, |user| user.0)
        .select(|order, user| (user.1.clone(), order.2))
        .group_by(|placed| placed.0.clone())
        .reduce(|g| (g.count(), g.sum(|placed| placed.1)));
    let digest = take(&totals, |country, taken, numbers, diff| {
        taken.update(country.as_bytes(), numbers, diff);
    });
    users.push(shop.users.iter().map(|user| (user.id, user.country.clone())));
    feed(&mut t, &orders, shop, per_epoch);
    digest.get()
}

/// A digest that the one worker writes and the benchmark reads, so that no update costs more than
/// the reference's does.
#[derive(Clone, Default)]
struct Taken(Arc<(AtomicI64, AtomicU64)>);

impl Taken {
    fn get(&self) -> Digest {
        Digest { rows: self.0.0.load(Ordering::SeqCst), sum: self.0.1.load(Ordering::SeqCst) }
    }

    fn update(&self, key: &[u8], numbers: [i64; 2], diff: i64) {
        let (rows, sum) = &*self.0;
        let mut digest =
            Digest { rows: rows.load(Ordering::Relaxed), sum: sum.load(Ordering::Relaxed) };
        digest.update(key, numbers, diff);
        rows.store(digest.rows, Ordering::Relaxed);
        sum.store(digest.sum, Ordering::Relaxed);
    }
}

/// Takes every update of the output.
fn take<K: Schema>(
    totals: &Table<(K, (u64, i64))>,
    update: impl Fn(&K, &Taken, [i64; 2], i64) + Send + Sync + 'static,
) -> Taken {
    let taken = Taken::default();
    let digest = taken.clone();
    let seen = totals.inspect(move |(key, (count, sum)), diff| {
        update(key, &digest, [count.cast_signed(), *sum], diff);
    });
    seen.write(null::sink());
    taken
}

fn feed(t: &mut Harness, orders: &TestStream<OrderRow>, shop: &Shop, per_epoch: usize) {
    for rows in shop.orders.chunks(per_epoch) {
        orders.push(rows.iter().map(|order| (order.id, order.user, order.amount, order.time)));
        t.step();
    }
}

/// Criterion sees the time of our side, the figure both.
fn compare(criterion: &mut Criterion, work: &Work, shop: &Shop, per_epoch: usize, ratio_max: f64) {
    let (mut reference_s, mut pathway_s) = (Vec::new(), Vec::new());
    let mut group = criterion.benchmark_group(work.name);
    group.sampling_mode(SamplingMode::Flat);
    group.bench_function(format!("{per_epoch} rows per epoch"), |bencher| {
        bencher.iter_custom(|iterations| {
            let mut total = StdDuration::ZERO;
            for _ in 0..iterations {
                let (expected, took) = timed(work.reference, shop, per_epoch);
                reference_s.push(took.as_secs_f64());
                let (digest, took) = timed(work.pathway, shop, per_epoch);
                assert_eq!(digest, expected, "{}: the sides disagree", work.name);
                pathway_s.push(took.as_secs_f64());
                total += took;
            }
            total
        });
    });
    group.finish();
    if reference_s.is_empty() {
        return; // not among those that the command line asks for
    }
    let rows = shop.orders.len();
    let figure = Figure {
        work: &format!("{}, {rows} rows, {per_epoch} per epoch", work.name),
        measured: "CPU s",
        pathway: median(&pathway_s),
        reference: median(&reference_s),
        ratio_max: Some(ratio_max),
    };
    println!("{figure}");
}

fn timed(program: Program, shop: &Shop, per_epoch: usize) -> (Digest, StdDuration) {
    let start = ProcessTime::now();
    let digest = program(shop, per_epoch);
    (digest, start.elapsed())
}
