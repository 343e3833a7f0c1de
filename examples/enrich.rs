//! Asks a slow and unreliable service about each order, and keeps totals by country.
//!
//! The service is a stand-in within the program: it takes some milliseconds, is busy now and then,
//! and does not know every city. A request by any library that runs on tokio would stand in its
//! place.
//!
//! `cargo run --example enrich`

#![expect(clippy::print_stdout, reason = "the program prints its result")]

use pathway::prelude::*;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

#[derive(Clone, Debug, Schema)]
struct Order {
    city: String,
    cents: i64,
}

#[derive(Clone, Debug, Schema)]
struct Placed {
    country: String,
    cents: i64,
}

/// What the service says if it does not answer.
#[derive(Debug)]
enum ServiceError {
    Busy,
    UnknownCity,
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Busy => "503 busy",
            Self::UnknownCity => "404 unknown city",
        })
    }
}

fn is_busy(error: &ServiceError) -> bool {
    matches!(error, ServiceError::Busy)
}

/// The service: every third request finds it busy.
async fn ask(city: &str) -> Result<&'static str, ServiceError> {
    static REQUESTS: AtomicU32 = AtomicU32::new(0);
    tokio::time::sleep(Duration::from_millis(3)).await;
    if REQUESTS.fetch_add(1, Ordering::Relaxed) % 3 == 2 {
        return Err(ServiceError::Busy);
    }
    match city {
        "Oslo" | "Bergen" => Ok("Norway"),
        "Porto" => Ok("Portugal"),
        _ => Err(ServiceError::UnknownCity),
    }
}

/// Finds the country of an order.
#[operator(capacity = 8, retries = 5, backoff = "5ms", retry_if = is_busy, timeout = "2s")]
async fn placed(order: Order) -> Result<Placed, ServiceError> {
    let country = ask(&order.city).await?.to_owned();
    Ok(Placed { country, cents: order.cents })
}

fn main() -> pathway::Result<()> {
    let app = Pipeline::new("enrich").progress(false);
    let cities = ["Oslo", "Porto", "Bergen", "Olso", "Porto"];
    let orders = (1..=100).map(|n| Order {
        city: cities[n % cities.len()].to_owned(),
        cents: 100 * i64::try_from(n).unwrap_or_default(),
    });
    let (placed, bad) = app.rows(orders.collect::<Vec<_>>()).placed().or_errors();
    let totals = placed
        .group_by(|order| order.country.clone())
        .reduce(|g| (g.count(), g.sum(|order| order.cents)));
    for (country, (orders, cents)) in totals.collect()? {
        println!("{country}: {orders} orders, {} euros", cents / 100);
    }
    let unknown = bad.group_by(|bad| (bad.row.city.clone(), bad.error.clone()));
    for ((city, error), orders) in unknown.reduce(|g| g.count()).collect()? {
        println!("{city}: {error}, {orders} orders");
    }
    Ok(())
}
