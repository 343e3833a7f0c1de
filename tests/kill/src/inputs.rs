//! The rows of the inputs, which both the pipeline and the check know.

use crate::random::Random;
use pathway::prelude::*;

/// Money goes between so many accounts.
pub(crate) const ACCOUNTS: u64 = 8;
/// So many words are counted.
const WORDS: u64 = 50;

/// One row of `words.csv`.
#[derive(Clone, Debug, Schema)]
pub(crate) struct Word {
    pub(crate) word: String,
}

/// One row of `transfers.jsonl`.
#[derive(Clone, Debug, Schema)]
pub(crate) struct Transfer {
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) amount: i64,
    /// Goes on from row to row.
    #[schema(event_time)]
    pub(crate) second: i64,
}

/// One row of `names.csv`, which is replaced now and then.
#[derive(Clone, Debug, Schema)]
pub(crate) struct Name {
    #[schema(key)]
    pub(crate) account: u64,
    pub(crate) name: String,
}

/// The word at a place of the input.
pub(crate) fn word(random: &mut Random) -> String {
    // Some are far more frequent than others.
    let bound = 1 + random.below(WORDS);
    format!("w{}", random.below(bound))
}

/// The transfer at a place of the input.
pub(crate) fn transfer(at: u64, random: &mut Random) -> Transfer {
    let from = random.below(ACCOUNTS);
    let to = (from + 1 + random.below(ACCOUNTS - 1)) % ACCOUNTS;
    let amount = 1 + i64::try_from(random.below(1000)).unwrap_or_default();
    Transfer { from, to, amount, second: i64::try_from(at / 10).unwrap_or_default() }
}

/// The name of an account in a version of `names.csv`.
pub(crate) fn name(account: u64, version: u64) -> String {
    // Not every version has another name for every account.
    format!("n{account}-{}", (version + account) / 3)
}
