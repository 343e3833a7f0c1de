//! The bank: internal consistency at every output, not only at the end.
//!
//! After every epoch, on one, two and four workers and with random cuts into epochs: C1, the
//! total is zero; C2 and C4, each balance is that of a batch computation over exactly the
//! transfers so far; C3, no transfer is without its match; C6, an output is final once its epoch
//! has closed; C7, the updates of an epoch net to one value for each account. C5, late rows are
//! rejected once and at the edge, is about event time; here every row that enters is seen by all
//! tables alike.

#[path = "../examples/bank/tables.rs"]
mod tables;

use pathway::testing::{Harness, Random};
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

/// Transfers that come, and some that are taken back or corrected later, in random epochs.
fn check(threads: usize, seed: u64, count: u64, corrections: bool, epoch_max: u64) {
    let mut random = Random::new(seed);
    let mut t = Harness::with_threads(threads);
    let input = t.table::<Transfer>();
    let bank = Bank::new(&input.rows());
    let (credits, debits) = (t.capture(bank.credits), t.capture(bank.debits));
    let (balance, total) = (t.capture(bank.balance), t.capture(bank.total));
    let matched = t.capture(bank.matched);

    let mut books = Books::default();
    let mut there: Vec<Transfer> = Vec::new();
    let mut coming = transfers(count, seed).peekable();
    let mut known: BTreeMap<u64, i64> = BTreeMap::new();
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
        balance.assert_rows(books.balance());
        credits.assert_rows(side(&books.credits));
        debits.assert_rows(side(&books.debits));
        let accounts = books.balance().len() as u64;
        total.assert_rows((accounts > 0).then_some((0, accounts)));
        for change in matched.changes() {
            assert_eq!(change.row.1, Some(change.row.0), "a transfer without its match");
        }
        // The updates of an epoch take back the value that was there and give one new one.
        for change in balance.changes() {
            let Account { account, amount } = change.row;
            let sum = known.entry(account).or_default();
            *sum += change.diff * amount;
            assert_eq!(change.diff.abs(), 1, "account {account} has several values at once");
        }
        let expected = books.balance();
        for (account, amount) in &known {
            let row = expected.iter().find(|row| row.account == *account);
            assert_eq!(*amount, row.map_or(0, |row| row.amount), "account {account}");
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
