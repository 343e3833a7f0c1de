//! Orders joined with users, and five aggregates by country.

use super::follow;
use crate::inputs::files;
use crate::results::{self, Sales};
use crate::{Outcome, Stopwatch};
use pathway::prelude::*;
use serde::Deserialize;
use std::path::Path;

#[derive(Clone, Debug, Schema, Deserialize)]
struct Order {
    #[schema(key)]
    order_id: u64,
    user_id: u64,
    amount: f64,
    ts: i64,
}

#[derive(Clone, Debug, Schema)]
struct User {
    user_id: u64,
    country: String,
}

#[derive(Clone, Debug, Schema)]
struct Sale {
    country: String,
    amount: f64,
}

fn sales(orders: &Table<Order>, users: &Table<User>) -> Table<Sales> {
    orders
        .join(users)
        .on(Order.user_id, User.user_id)
        .select(|order, user| Sale { country: user.country.clone(), amount: order.amount })
        .group_by(Sale.country)
        .reduce(|g| {
            let (largest, smallest) = (g.max(Sale.amount), g.min(Sale.amount));
            (g.count(), g.sum(Sale.amount), g.mean(Sale.amount), largest, smallest)
        })
        .select(|country, (orders, total, mean, largest, smallest)| Sales {
            country,
            orders,
            total,
            mean,
            largest,
            smallest,
        })
}

pub(crate) fn whole(input: &Path, output: &Path) -> Outcome {
    let app = Pipeline::new("sales").progress(false);
    let orders = app.read(csv::files::<Order>(input.join("orders.csv")));
    let users = app.read(csv::files::<User>(input.join("users.csv")));
    sales(&orders, &users).write(csv::file(output));
    Ok(app.run()?)
}

/// Whatever comes later would find its match: both sides are kept.
pub(crate) fn open(input: &Path, total: u64, output: &Path) -> Outcome {
    let app = Pipeline::new("sales").progress(false);
    let orders = app.read(csv::files::<Order>(input.join("orders.csv")).watch());
    let users = app.read(csv::files::<User>(input.join("users.csv")).watch());
    let sales = follow(&sales(&orders, &users), |sales| sales.country.clone());
    let running = app.start()?;
    // Until the result is that of all orders, so that what is measured is all of the work.
    while sales.rows().values().map(|sales| sales.orders).sum::<u64>() < total {
        sales.wait()?;
    }
    running.stop();
    running.wait()?;
    let rows = sales.rows();
    results::write(output, rows.values())
}

/// A change of an order: the order as it was, and its new amount unless it goes.
#[derive(Clone, Debug, Deserialize)]
struct Changed {
    order_id: u64,
    user_id: u64,
    amount: f64,
    ts: i64,
    new_amount: Option<f64>,
}

/// Orders as a table that the program changes.
pub(crate) fn increments(input: &Path, output: &Path) -> Outcome {
    let app = Pipeline::new("sales").progress(false);
    let (orders, order_rows) = app.input_table::<Order>();
    let users = app.read(csv::files::<User>(input.join("users.csv")));
    let sales = follow(&sales(&order_rows, &users), |sales| sales.country.clone());
    let running = app.start()?;
    for part in files(&input.join("parts"))? {
        let watch = Stopwatch::start();
        let mut reader = ::csv::Reader::from_path(part)?;
        let rows = reader.deserialize().collect::<Result<Vec<Order>, _>>()?;
        orders.transaction(|changes| {
            rows.into_iter().for_each(|order| changes.insert(order));
            Ok(())
        })?;
        sales.wait()?;
        watch.increment();
    }
    for part in files(&input.join("changes"))? {
        let watch = Stopwatch::start();
        let mut reader = ::csv::Reader::from_path(part)?;
        let rows = reader.deserialize().collect::<Result<Vec<Changed>, _>>()?;
        orders.transaction(|changes| {
            for Changed { order_id, user_id, amount, ts, new_amount } in rows {
                let old = Order { order_id, user_id, amount, ts };
                match new_amount {
                    Some(amount) => changes.replace(Order { amount, ..old })?,
                    None => changes.remove(&old)?,
                }
            }
            Ok(())
        })?;
        sales.wait()?;
        watch.change();
    }
    orders.close();
    running.wait()?;
    let rows = sales.rows();
    results::write(output, rows.values())
}

/// The latest version of an order; one without an amount is deleted.
#[derive(Clone, Debug, Schema)]
struct Version {
    #[schema(key)]
    order_id: u64,
    user_id: u64,
    amount: Option<f64>,
    ts: i64,
}

/// Orders as a stream of their versions, which the pipeline sorts out.
pub(crate) fn upserts(input: &Path, output: &Path) -> Outcome {
    let app = Pipeline::new("sales").progress(false);
    let (versions, version_rows) = app.input::<Version>();
    let orders = version_rows.upsert().filter_map(|version| {
        let Version { order_id, user_id, amount, ts } = version;
        amount.map(|amount| Order { order_id, user_id, amount, ts })
    });
    let users = app.read(csv::files::<User>(input.join("users.csv")));
    let sales = follow(&sales(&orders, &users), |sales| sales.country.clone());
    let running = app.start()?;
    for part in files(&input.join("parts"))? {
        let watch = Stopwatch::start();
        let mut reader = ::csv::Reader::from_path(part)?;
        let rows = reader.deserialize().collect::<Result<Vec<Order>, _>>()?;
        versions.push_all(rows.into_iter().map(|order| {
            let Order { order_id, user_id, amount, ts } = order;
            Version { order_id, user_id, amount: Some(amount), ts }
        }))?;
        sales.wait()?;
        watch.increment();
    }
    for part in files(&input.join("changes"))? {
        let watch = Stopwatch::start();
        let mut reader = ::csv::Reader::from_path(part)?;
        let rows = reader.deserialize().collect::<Result<Vec<Changed>, _>>()?;
        versions.push_all(rows.into_iter().map(|changed| {
            let Changed { order_id, user_id, ts, new_amount, .. } = changed;
            Version { order_id, user_id, amount: new_amount, ts }
        }))?;
        sales.wait()?;
        watch.change();
    }
    versions.close();
    running.wait()?;
    let rows = sales.rows();
    results::write(output, rows.values())
}
