//! Users, their orders, and orders that are updated and deleted later.

use super::{Sizes, part_path, with_header};
use bench_support::Random;
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;

const ORDER: &str = "order_id,user_id,amount,ts";

/// An order as it is written; amounts are in cents here, and have two decimals in the files.
#[derive(Clone, Copy)]
struct Order {
    user: u64,
    cents: u64,
    ts: u64,
}

pub(super) fn write(folder: &Path, sizes: &Sizes) -> io::Result<()> {
    let Sizes { rows, users, increments, change_increments, .. } = *sizes;
    let mut random = Random::new(7);
    let mut out = with_header(&folder.join("users.csv"), "user_id,country")?;
    for user in 0..users {
        writeln!(out, "{user},C{:03}", random.below(200))?;
    }
    out.flush()?;

    let mut orders = Vec::with_capacity(rows);
    let mut all = with_header(&folder.join("orders.csv"), ORDER)?;
    for part in 0..increments {
        let mut out = with_header(&part_path(&folder.join("parts"), part), ORDER)?;
        for id in rows * part / increments..rows * (part + 1) / increments {
            let user = random.below(users);
            let cents = random.below(100_000);
            let ts = 1_700_000_000 + id as u64 * 86_400 / rows as u64;
            let order = Order { user, cents, ts };
            writeln!(all, "{id},{}", columns(order))?;
            writeln!(out, "{id},{}", columns(order))?;
            orders.push(order);
        }
        out.flush()?;
    }
    all.flush()?;
    write_changes(folder, &orders, change_increments, &mut random)
}

/// A tenth of the orders: half of them get another amount, the others go. Each line has the order
/// as it was, and the new amount or nothing.
fn write_changes(
    folder: &Path,
    orders: &[Order],
    parts: usize,
    random: &mut Random,
) -> io::Result<()> {
    let mut changed = BTreeSet::new();
    for part in 0..parts {
        let header = format!("{ORDER},new_amount");
        let mut out = with_header(&part_path(&folder.join("changes"), part), &header)?;
        let wanted = orders.len() / 10 * (part + 1) / parts;
        while changed.len() < wanted {
            let id = random.below(orders.len() as u64);
            let delete = random.below(2) == 0;
            let cents = random.below(100_000);
            if !changed.insert(id) {
                continue;
            }
            let order = orders[usize::try_from(id).expect("it is an index")];
            let new = if delete { String::new() } else { amount(cents) };
            writeln!(out, "{id},{},{new}", columns(order))?;
        }
        out.flush()?;
    }
    Ok(())
}

fn columns(Order { user, cents, ts }: Order) -> String {
    format!("{user},{},{ts}", amount(cents))
}

fn amount(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}
