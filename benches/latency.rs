//! How soon one changed row is visible: pushed into an idle pipeline, through a filter, a join
//! and a reduction, to a view.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use bench_support::{Figure, inputs, is_quick, median};
use pathway::prelude::*;
use std::time::Instant;

#[derive(Clone, Debug, Schema)]
struct Order {
    user: u64,
    amount: i64,
}

#[derive(Clone, Debug, Schema)]
struct User {
    #[schema(key)]
    id: u64,
    country: String,
}

/// The median that is promised, in microseconds.
const MEDIAN_MAX_US: f64 = 100.0;
/// Long enough for every thread of the pipeline to have gone to sleep.
const IDLE: std::time::Duration = std::time::Duration::from_millis(2);
/// A microsecond or two between two looks at the view.
const PAUSE: usize = 50;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (users, rows) = if is_quick() { (1_000, 200) } else { (100_000, 2_000) };
    let app = Pipeline::new("latency");
    let (orders, order_rows) = app.input::<Order>();
    let shop = inputs::Shop::generate(users, rows);
    let user_rows =
        shop.users.iter().map(|user| User { id: user.id, country: user.country.clone() });
    let users = app.rows(user_rows);
    let totals = order_rows
        .filter(|order| order.amount >= 0)
        .join(&users)
        .on(|order| order.user, |user| user.id)
        .select(|order, user| (user.country.clone(), order.amount))
        .group_by(|row| row.0.clone())
        .reduce(|g| (g.count(), g.sum(|row| row.1)))
        .view();
    let running = app.start()?;

    let mut waits_us = Vec::new();
    for order in shop.orders.iter() {
        std::thread::sleep(IDLE);
        let before = totals.snapshot().epochs();
        let start = Instant::now();
        orders.push(Order { user: order.user, amount: order.amount })?;
        while totals.snapshot().epochs() == before {
            // A reader that asks without a break would hold up the writer.
            (0..PAUSE).for_each(|_| std::hint::spin_loop());
        }
        waits_us.push(start.elapsed().as_secs_f64() * 1e6);
    }
    orders.close();
    running.wait()?;

    // The first row waits for the users to be read.
    waits_us.remove(0);
    waits_us.sort_by(f64::total_cmp);
    let p99 = waits_us[waits_us.len() * 99 / 100];
    for (measured, value, max) in
        [("µs, median", median(&waits_us), Some(MEDIAN_MAX_US)), ("µs, p99", Some(p99), None)]
    {
        let figure = Figure {
            work: "one row through filter, join and reduce to a view, idle",
            measured,
            pathway: value,
            reference: None,
            ratio_max: None,
        };
        println!("{figure}");
        if let Some((value, max)) = value.zip(max)
            && value > max
        {
            println!("missed: {measured} {value:.1} > {max}");
        }
    }
    Ok(())
}
