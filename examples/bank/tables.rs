//! The tables of a bank: what its transfers add up to.
//!
//! After Jamie Brandon's test of internal consistency in streaming systems (2021): four tables
//! derived from one stream, and a join of the stream with itself. Money is only moved, so the
//! total is zero at every moment; and every transfer matches itself, so the outer join never
//! gives one without its match.

use pathway::prelude::*;

/// Money that moves from one account to another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Schema)]
pub(crate) struct Transfer {
    #[schema(key)]
    pub(crate) id: u64,
    pub(crate) from_account: u64,
    pub(crate) to_account: u64,
    pub(crate) amount: i64,
    /// When it was made, in seconds: all are made within a minute.
    #[schema(event_time)]
    pub(crate) second: i64,
}

/// A sum of one account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Schema)]
pub(crate) struct Account {
    #[schema(key)]
    pub(crate) account: u64,
    pub(crate) amount: i64,
}

/// The tables derived from transfers.
pub(crate) struct Bank {
    /// What each account has received.
    pub(crate) credits: Table<Account>,
    /// What each account has paid.
    pub(crate) debits: Table<Account>,
    /// What each account has.
    pub(crate) balance: Table<Account>,
    /// What all accounts have, and how many there are.
    pub(crate) total: Table<(i64, u64)>,
    /// Each transfer, and the transfer of the same number that it meets.
    pub(crate) matched: Table<(u64, Option<u64>)>,
}

impl Bank {
    /// Derives the tables.
    pub(crate) fn new(transfers: &Table<Transfer>) -> Self {
        let account = |account, amount| Account { account, amount };
        let credits = transfers
            .group_by(|transfer| transfer.to_account)
            .reduce(|g| g.sum(|transfer| transfer.amount))
            .select(account);
        let debits = transfers
            .group_by(|transfer| transfer.from_account)
            .reduce(|g| g.sum(|transfer| transfer.amount))
            .select(account);
        let balance = credits
            .full_join(&debits)
            .on(|credit| credit.account, |debit| debit.account)
            .select(|credit, debit| Account {
                account: credit.or(debit).map_or(0, |row| row.account),
                amount: credit.map_or(0, |row| row.amount) - debit.map_or(0, |row| row.amount),
            });
        let total = balance
            .group_by(|_| ())
            .reduce(|g| (g.sum(|row| row.amount), g.count()))
            .select(|(), total| total);
        let matched = transfers
            .left_join(transfers)
            .on(|transfer| transfer.id, |other| other.id)
            .select(|transfer, other| (transfer.id, other.map(|other| other.id)));
        Self { credits, debits, balance, total, matched }
    }
}

/// Transfers of one unit between ten accounts, the same ones for the same seed.
pub(crate) fn transfers(count: u64, seed: u64) -> impl Iterator<Item = Transfer> {
    let mut state = seed;
    let mut account = move || {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % 10
    };
    (0..count).map(move |id| Transfer {
        id,
        from_account: account(),
        to_account: account(),
        amount: 1,
        second: i64::try_from(id * 60 / count).expect("less than sixty"),
    })
}
