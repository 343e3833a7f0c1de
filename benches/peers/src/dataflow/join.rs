//! Orders joined with users, and five aggregates by country. Counts and sums are weights; the
//! least and the largest amount are found for each user first, so that an order that goes asks for
//! the other orders of its user and not of its country.

use super::Kept;
use crate::by_hand::join::cents;
use crate::inputs::files;
use crate::results::{self, Sales};
use crate::{Outcome, Stopwatch};
use differential_dataflow::input::{Input, InputSession};
use differential_dataflow::operators::CountTotal;
use differential_dataflow::trace::implementations::{ValBuilder, ValSpine};
use serde::Deserialize;
use std::path::Path;
use timely::dataflow::ProbeHandle;
use timely::worker::Worker;

/// A user and an amount in cents.
type Order = (u64, i64);
/// A user and a country.
type User = (u64, String);
/// The least and the largest.
type Bounds = (i64, i64);

#[derive(Deserialize)]
struct OrderRow {
    user_id: u64,
    amount: f64,
}

#[derive(Deserialize)]
struct Changed {
    user_id: u64,
    amount: f64,
    new_amount: Option<f64>,
}

struct Program {
    users: InputSession<u64, User, isize>,
    orders: InputSession<u64, Order, isize>,
    probes: [ProbeHandle<u64>; 2],
    totals: Kept<String, (isize, isize)>,
    bounds: Kept<String, Bounds>,
}

fn weight(cents: i64) -> isize {
    isize::try_from(cents).expect("the machine counts in 64 bits")
}

fn least_and_largest(bounds: impl Iterator<Item = Bounds>) -> Bounds {
    bounds.fold((i64::MAX, i64::MIN), |all, one| (all.0.min(one.0), all.1.max(one.1)))
}

fn dataflow(worker: &mut Worker) -> Program {
    let (totals, bounds) = (Kept::new(), Kept::new());
    let (kept_totals, kept_bounds) = (totals.clone(), bounds.clone());
    let (users, orders, probes) = worker.dataflow::<u64, _, _>(|scope| {
        let (users_input, users) = scope.new_collection::<User, isize>();
        let (orders_input, orders) = scope.new_collection::<Order, isize>();
        let users = users.arrange_by_key();
        let orders = orders.arrange_by_key();
        let counted = orders
            .clone()
            .join_core(users.clone(), |_, cents, country| Some((country.clone(), *cents)))
            .explode(|(country, cents)| Some((country, (1, weight(cents)))))
            .count_total()
            .inspect(move |((country, total), _, diff)| {
                kept_totals.update(country.clone(), *total, *diff);
            });
        let bounded = orders
            .reduce_abelian::<_, ValBuilder<_, _, _, _>, ValSpine<u64, Bounds, _, _>, _, _>(
                "bounds of a user",
                |_, amounts, out| {
                    let both = amounts.iter().map(|(cents, _)| (**cents, **cents));
                    out.push((least_and_largest(both), 1));
                },
                |vec, key, upds| {
                    vec.clear();
                    vec.extend(upds.drain(..).map(|(v, t, r)| ((*key, v), t, r)));
                },
            )
            .join_core(users, |_, bounds, country| Some((country.clone(), *bounds)))
            .reduce(|_, bounds, out| {
                out.push((least_and_largest(bounds.iter().map(|(bounds, _)| **bounds)), 1));
            })
            .inspect(move |((country, bounds), _, diff)| {
                kept_bounds.update(country.clone(), *bounds, *diff);
            });
        (users_input, orders_input, [counted.probe().0, bounded.probe().0])
    });
    Program { users, orders, probes, totals, bounds }
}

impl Program {
    fn settle(&mut self, worker: &mut Worker) {
        let epoch = *self.orders.time() + 1;
        self.users.advance_to(epoch);
        self.users.flush();
        self.orders.advance_to(epoch);
        self.orders.flush();
        let Self { probes, orders, .. } = self;
        worker.step_while(|| probes.iter().any(|probe| probe.less_than(orders.time())));
    }

    fn load_users(&mut self, input: &Path) -> Outcome {
        for user in csv::Reader::from_path(input.join("users.csv"))?.deserialize() {
            self.users.insert(user?);
        }
        Ok(())
    }

    fn load_orders(&mut self, path: &Path) -> Outcome {
        for order in csv::Reader::from_path(path)?.deserialize() {
            let OrderRow { user_id, amount } = order?;
            self.orders.insert((user_id, cents(amount)));
        }
        Ok(())
    }

    fn write(&self, output: &Path) -> Outcome {
        let bounds = self.bounds.take();
        let totals = self.totals.take();
        let amount = |cents: i64| cents as f64 / 100.0;
        let rows = totals.into_iter().map(|(country, (orders, total))| {
            let (smallest, largest) = bounds.get(&country).copied().unwrap_or_default();
            let total = amount(total as i64);
            let mean = total / orders as f64;
            let [largest, smallest] = [largest, smallest].map(amount);
            let orders = orders.unsigned_abs() as u64;
            Sales { country, orders, total, mean, largest, smallest }
        });
        results::write(output, rows)
    }
}

pub(super) fn whole(input: &Path, output: &Path) -> Outcome {
    let (input, output) = (input.to_owned(), output.to_owned());
    timely::execute_directly(move |worker| {
        let mut program = dataflow(worker);
        program.load_users(&input)?;
        program.load_orders(&input.join("orders.csv"))?;
        program.settle(worker);
        program.write(&output)
    })
}

pub(super) fn increments(input: &Path, output: &Path) -> Outcome {
    let (input, output) = (input.to_owned(), output.to_owned());
    timely::execute_directly(move |worker| {
        let mut program = dataflow(worker);
        program.load_users(&input)?;
        for part in files(&input.join("parts"))? {
            let watch = Stopwatch::start();
            program.load_orders(&part)?;
            program.settle(worker);
            watch.increment();
        }
        for part in files(&input.join("changes"))? {
            let watch = Stopwatch::start();
            for changed in csv::Reader::from_path(part)?.deserialize() {
                let Changed { user_id, amount, new_amount } = changed?;
                program.orders.remove((user_id, cents(amount)));
                if let Some(amount) = new_amount {
                    program.orders.insert((user_id, cents(amount)));
                }
            }
            program.settle(worker);
            watch.change();
        }
        program.write(&output)
    })
}
