//! The bank: internal consistency at every output, not only at the end.
//!
//! After every epoch, on one, two and four workers and with random cuts into epochs: C1, the
//! total is zero; C2 and C4, each balance is that of a batch computation over exactly the
//! transfers so far; C3, no transfer is without its match; C6, an output is final once its epoch
//! has closed; C7, the updates of an epoch net to one value for each account; and where transfers
//! come out of order and some too late, C5, late ones are rejected once, at the edge, so that all
//! tables agree on them.

#[path = "../examples/bank/tables.rs"]
mod tables;

use pathway::prelude::*;
use pathway::testing::{Capture, Harness, Random};
use std::collections::{BTreeMap, BTreeSet};
use tables::{Account, Bank, Transfer, transfers};

/// What the tables must be, from scratch.
#[derive(Default)]
struct Books {
    credits: BTreeMap<u64, (i64, u64)>,
    debits: BTreeMap<u64, (i64, u64)>,
}

impl Books {
    fn update(&mut self, transfer: &Transfer, diff: i64) {
        for (side, account) in
            [(&mut self.credits, transfer.to_account), (&mut self.debits, transfer.from_account)]
        {
            let (amount, rows) = side.entry(account).or_default();
            *amount += transfer.amount * diff;
            *rows = rows.wrapping_add_signed(diff);
            if *rows == 0 {
                side.remove(&account);
            }
        }
    }

    fn balance(&self) -> Vec<Account> {
        let accounts: BTreeSet<u64> =
            self.credits.keys().chain(self.debits.keys()).copied().collect();
        let amount = |side: &BTreeMap<u64, (i64, u64)>, account: &u64| {
            side.get(account).map_or(0, |(amount, _)| *amount)
        };
        let row = |account: &u64| Account {
            account: *account,
            amount: amount(&self.credits, account) - amount(&self.debits, account),
        };
        accounts.iter().map(row).collect()
    }
}

fn side(side: &BTreeMap<u64, (i64, u64)>) -> Vec<Account> {
    side.iter().map(|(&account, &(amount, _))| Account { account, amount }).collect()
}

/// The tables of a bank under test, and what is known of them.
struct Audit {
    credits: Capture<Account>,
    debits: Capture<Account>,
    balance: Capture<Account>,
    total: Capture<(i64, u64)>,
    matched: Capture<(u64, Option<u64>)>,
    /// The sum of the changes of each balance.
    known: BTreeMap<u64, i64>,
}

impl Audit {
    fn new(t: &Harness, bank: Bank) -> Self {
        Self {
            credits: t.capture(bank.credits),
            debits: t.capture(bank.debits),
            balance: t.capture(bank.balance),
            total: t.capture(bank.total),
            matched: t.capture(bank.matched),
            known: BTreeMap::new(),
        }
    }

    /// Checks the tables of the epoch that has closed.
    fn check(&mut self, books: &Books) {
        let expected = books.balance();
        self.balance.assert_rows(expected.clone());
        self.credits.assert_rows(side(&books.credits));
        self.debits.assert_rows(side(&books.debits));
        let accounts = expected.len() as u64;
        self.total.assert_rows((accounts > 0).then_some((0, accounts)));
        for change in self.matched.changes() {
            assert_eq!(change.row.1, Some(change.row.0), "a transfer without its match");
        }
        // The updates of an epoch take back the value that was there and give one new one.
        for change in self.balance.changes() {
            let Account { account, amount } = change.row;
            let sum = self.known.entry(account).or_default();
            *sum += change.diff * amount;
            assert_eq!(change.diff.abs(), 1, "account {account} has several values at once");
        }
        for (account, amount) in &self.known {
            let row = expected.iter().find(|row| row.account == *account);
            assert_eq!(*amount, row.map_or(0, |row| row.amount), "account {account}");
        }
    }
}

/// Transfers that come, and some that are taken back or corrected later, in random epochs.
fn check(threads: usize, seed: u64, count: u64, corrections: bool, epoch_max: u64) {
    let mut random = Random::new(seed);
    let mut t = Harness::with_threads(threads);
    let input = t.table::<Transfer>();
    let mut audit = Audit::new(&t, Bank::new(&input.rows()));
    let mut books = Books::default();
    let mut there: Vec<Transfer> = Vec::new();
    let mut coming = transfers(count, seed).peekable();
    while coming.peek().is_some() {
        let size = usize::try_from(1 + random.below(epoch_max)).expect("an epoch is small");
        for transfer in coming.by_ref().take(size) {
            books.update(&transfer, 1);
            input.insert(transfer.clone());
            there.push(transfer);
            if corrections && random.one_in(5) {
                let old = there.swap_remove(random.index(there.len()));
                books.update(&old, -1);
                input.remove(old.clone());
                if random.one_in(2) {
                    let new = Transfer { amount: 1 + random.value::<i64>() % 1_000, ..old };
                    books.update(&new, 1);
                    input.insert(new.clone());
                    there.push(new);
                }
            }
        }
        t.step();
        audit.check(&books);
    }
}

/// The lateness that a transfer may have, in seconds; up to ten come.
const LATENESS: i64 = 5;

/// Transfers that come up to ten seconds out of order, in random epochs.
fn check_late(threads: usize, seed: u64, count: u64, epoch_max: u64) {
    let mut random = Random::new(seed);
    let mut delayed: Vec<(i64, Transfer)> = transfers(count, seed)
        .map(|transfer| {
            let delay = i64::try_from(random.below(10_000)).expect("ten seconds");
            (transfer.second * 1_000 + delay, transfer)
        })
        .collect();
    delayed.sort_by_key(|(at, transfer)| (*at, transfer.id));

    let mut t = Harness::with_threads(threads);
    let input = t.stream::<Transfer>();
    let (accepted, late) = input.rows().watermark(LATENESS).or_late();
    let mut audit = Audit::new(&t, Bank::new(&accepted));
    let late = t.capture(late);
    let per_second = accepted.window(tumbling(1)).when_final().reduce(|g| g.count());
    let per_second = t.capture(per_second.select(|window, count| (window.start, count)));

    let (mut books, mut rejected) = (Books::default(), Vec::new());
    let (mut largest, mut watermark) = (i64::MIN, i64::MIN);
    let mut in_second: BTreeMap<i64, u64> = BTreeMap::new();
    let mut coming = delayed.into_iter().map(|(_, transfer)| transfer).peekable();
    while coming.peek().is_some() {
        let size = usize::try_from(1 + random.below(epoch_max)).expect("an epoch is small");
        let rows: Vec<Transfer> = coming.by_ref().take(size).collect();
        for transfer in &rows {
            if transfer.second < watermark {
                rejected.push(transfer.clone());
            } else {
                books.update(transfer, 1);
                largest = largest.max(transfer.second);
                *in_second.entry(transfer.second).or_default() += 1;
            }
        }
        input.push(rows);
        t.step();
        watermark = watermark.max(largest.saturating_sub(LATENESS));
        audit.check(&books);
        late.assert_rows(rejected.clone());
        // What is final is so for every table: nothing below the watermark changes any more.
        let over = in_second.range(..watermark).map(|(second, count)| (*second, *count));
        per_second.assert_rows(over.collect::<Vec<_>>());
    }
    assert!(!rejected.is_empty(), "some transfers come too late");
}

#[test]
fn late_transfers_are_rejected_once_and_all_tables_agree_on_them() {
    for threads in [1, 2, 4] {
        for seed in 0..3 {
            check_late(threads, seed, 3_000, 60);
        }
    }
}

#[test]
fn the_books_balance_after_every_epoch_of_twenty_thousand_transfers() {
    for threads in [1, 2, 4] {
        check(threads, 42, 20_000, false, 400);
    }
}

#[test]
fn the_books_balance_when_epochs_hold_a_single_transfer() {
    for threads in [1, 2, 4] {
        check(threads, 7, 300, false, 1);
    }
}

#[test]
fn the_books_balance_when_transfers_are_corrected() {
    for threads in [1, 2, 4] {
        for seed in 0..4 {
            check(threads, seed, 1_500, true, 40);
        }
    }
}
