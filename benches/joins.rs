//! A join of three tables that all change: as one join, step by step, and written by hand on
//! differential dataflow over derived structs.
//!
//! Each run is a process of its own, so that its CPU time and its peak memory are its own; the
//! sides run in turns.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use bench_support::joins::{World, differential};
use bench_support::{Digest, Figure, Measured, is_quick, measure_child, median, report_self};
use pathway::prelude::*;
use pathway::testing::Harness;
use std::sync::{Arc, Mutex};

/// A program over so many users, so many epochs, and so many orders in each.
type Program = fn(u64, u64, u64) -> Digest;

const REFERENCE: &str = "by hand";
const STEPS: &str = "step by step";
const ONE: &str = "one join";

const SIDES: &[(&str, Program)] = &[(REFERENCE, differential), (STEPS, steps), (ONE, one)];

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

#[derive(Clone, Debug, Schema)]
struct Country {
    code: String,
    name: String,
}

fn one(users: u64, epochs: u64, per_epoch: u64) -> Digest {
    run(users, epochs, per_epoch, false)
}

fn steps(users: u64, epochs: u64, per_epoch: u64) -> Digest {
    run(users, epochs, per_epoch, true)
}

/// The number and the sum of the orders by the name of their country.
fn run(users: u64, epochs: u64, per_epoch: u64, by_steps: bool) -> Digest {
    let mut t = Harness::new();
    let orders = t.stream::<Order>();
    let (users_in, countries) = (t.table::<User>(), t.table::<Country>());
    let joined = orders
        .rows()
        .join(&users_in.rows())
        .on(Order.user, User.id)
        .join(&countries.rows())
        .on(User.country, Country.code);
    let joined = if by_steps { joined.materialise() } else { joined };
    let totals = joined
        .select(|order, _, country| (country.name.clone(), order.amount))
        .group_by(|named| named.0.clone())
        .reduce(|g| (g.count(), g.sum(|named| named.1)));
    let digest = Arc::new(Mutex::new(Digest::default()));
    let sum = Arc::clone(&digest);
    let seen = totals.inspect(move |(name, (count, total)), diff| {
        let mut digest = sum.lock().expect("only this closure locks");
        digest.update(name.as_bytes(), [count.cast_signed(), *total], diff);
    });
    seen.write(null::sink());
    let mut world = World::new(users);
    for _ in 0..epochs {
        let changes = world.epoch(per_epoch);
        let user = |user: bench_support::inputs::User| User { id: user.id, country: user.country };
        let country = |of: bench_support::joins::Country| Country { code: of.code, name: of.name };
        for (old, new) in changes.users {
            old.into_iter().for_each(|old| users_in.remove(user(old)));
            users_in.insert(user(new));
        }
        for (old, new) in changes.countries {
            old.into_iter().for_each(|old| countries.remove(country(old)));
            countries.insert(country(new));
        }
        orders.push(changes.orders.into_iter().map(|order| Order {
            id: order.id,
            user: order.user,
            amount: order.amount,
            time: order.time,
        }));
        t.step();
    }
    drop(t);
    let digest = digest.lock().expect("the run has ended");
    *digest
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if let [_, side, numbers @ ..] = args.as_slice()
        && let Some((_, program)) = SIDES.iter().find(|(name, _)| name == side)
    {
        let number = |at: usize| numbers[at].parse().expect("the parent gives numbers");
        return report_self(program(number(0), number(1), number(2)));
    }
    let (users, epochs, repeats) = if is_quick() { (2_000, 20, 1) } else { (100_000, 2_000, 3) };
    compare(users, epochs, 1_000, repeats);
}

fn compare(users: u64, epochs: u64, per_epoch: u64, repeats: usize) {
    let numbers = [users, epochs, per_epoch].map(|number| number.to_string());
    let mut runs: Vec<(&str, Measured)> = Vec::new();
    for _ in 0..repeats {
        for (side, _) in SIDES {
            let [users, epochs, per_epoch] = &numbers;
            runs.push((side, measure_child(&[side, users, epochs, per_epoch])));
        }
    }
    let digest = runs[0].1.digest;
    assert!(runs.iter().all(|(_, run)| run.digest == digest), "the sides disagree: {runs:?}");
    let print = |measured, value: &dyn Fn(&Measured) -> f64| {
        let median_of = |side: &str| {
            let values = runs.iter().filter(|(of, _)| *of == side);
            median(&values.map(|(_, run)| value(run)).collect::<Vec<f64>>())
        };
        for reference in [REFERENCE, STEPS] {
            let figure = Figure {
                work: &format!(
                    "orders join users join countries, {epochs} epochs of {per_epoch} orders; \
                     beside {reference}"
                ),
                measured,
                pathway: median_of(ONE),
                reference: median_of(reference),
                ratio_max: None,
            };
            println!("{figure}");
        }
    };
    print("CPU s", &|run| run.cpu_s);
    print("peak memory, MB", &|run| run.peak_bytes / 1e6);
}
