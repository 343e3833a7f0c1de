//! A bank whose books balance at every moment, while money moves.
//!
//! ```text
//! cargo run --release --example bank
//! ```
//!
//! A hundred thousand transfers are pushed in small pieces. Whatever pieces the engine makes
//! epochs of, the balances of each add up to nothing, and no transfer is without its match.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

mod tables;

use pathway::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tables::{Account, Bank, transfers};

const TRANSFERS: u64 = 100_000;

fn main() -> pathway::Result<()> {
    let app = Pipeline::new("bank").progress(false);
    let (input, rows) = app.input();
    let bank = Bank::new(&rows);

    let epochs = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&epochs);
    bank.balance.subscribe(move |epoch, changes| {
        let moved: i64 = changes.iter().map(|change| change.diff * change.row.amount).sum();
        assert_eq!(moved, 0, "the books of epoch {epoch} do not balance");
        println!("epoch {epoch}: {} changes of balances, and the books balance", changes.len());
        seen.fetch_add(1, Ordering::Relaxed);
    });
    bank.total.subscribe(|epoch, changes| {
        let wrong = changes.iter().find(|change| change.row.0 != 0);
        assert!(wrong.is_none(), "epoch {epoch} has a total other than zero: {wrong:?}");
    });
    bank.matched.subscribe(|epoch, changes| {
        let alone = changes.iter().find(|change| change.row.1.is_none());
        assert!(alone.is_none(), "epoch {epoch} has a transfer without its match: {alone:?}");
    });
    let (credits, debits, balance) = (bank.credits.view(), bank.debits.view(), bank.balance.view());

    let running = app.start()?;
    let mut left = transfers(TRANSFERS, 42).peekable();
    while left.peek().is_some() {
        input.push_all(left.by_ref().take(1_000)).expect("the bank is open");
        std::thread::sleep(std::time::Duration::from_micros(500));
    }
    input.close();
    running.wait()?;

    for row in balance.rows() {
        let amount = |side: Option<Account>| side.map_or(0, |row| row.amount);
        let (received, paid) =
            (amount(credits.get(&row.account)), amount(debits.get(&row.account)));
        println!("account {}: {received:>6} - {paid:>6} = {:>5}", row.account, row.amount);
    }
    println!("{TRANSFERS} transfers in {} epochs", epochs.load(Ordering::Relaxed));
    Ok(())
}
