//! Folds whose state is a fixed number of words.

use super::{Acc, Fold, IntTotal};
use crate::schema::{RowEncoder, Schema};
use crate::stage::{Diff, Input};
use std::fmt;
use std::sync::Arc;

/// One reducer of a group whose state is a fixed number of words, all zero for a group without
/// rows. They stand in the group's own record, so that an update costs no cache miss more.
pub trait WordFold: Send + Sync {
    /// How many words.
    fn words(&self) -> usize;

    /// Adds the argument `diff` times; takes it away where `diff` is negative.
    fn update(&self, words: &mut [u64], input: Input<'_>, diff: Diff);

    /// Adds the state of another worker.
    fn merge(&self, words: &mut [u64], other: &[u64]);

    /// Writes the result for a group of `rows` rows as the next column of `out`.
    ///
    /// # Errors
    ///
    /// What is wrong with the result, such as a sum that does not fit its type.
    fn finish(&self, words: &[u64], rows: i64, out: &mut RowEncoder<'_>) -> Result<(), String>;

    /// Whether the output can be null.
    fn nullable(&self) -> bool {
        false
    }

    /// Whether its words are one number of 128 bits, the low word first, to which every argument
    /// adds.
    fn is_sum(&self) -> bool {
        false
    }

    /// The fold itself, if it is one of those that every other program uses: it is then called
    /// without a detour.
    fn known(&self) -> KnownFold {
        KnownFold::Other
    }
}

/// The folds that are called without a detour.
#[derive(Clone, Copy, Debug)]
pub enum KnownFold {
    /// Counts rows.
    Count,
    /// Adds integers up.
    Int(IntTotal),
    /// None of these.
    Other,
}

/// A reducer, by where its state is kept.
#[derive(Clone)]
pub enum AnyFold {
    /// In the group's record.
    Words(Arc<dyn WordFold>),
    /// In an [`Acc`](super::Acc) beside it.
    Acc(Arc<dyn Fold>),
}

impl AnyFold {
    /// Whether the output can be null.
    pub fn nullable(&self) -> bool {
        match self {
            Self::Words(fold) => fold.nullable(),
            Self::Acc(fold) => fold.nullable(),
        }
    }
}

impl AnyFold {
    /// The reducer with its state in an [`Acc`], for an operator that keeps no records.
    pub fn in_acc(self) -> Arc<dyn Fold> {
        match self {
            Self::Words(fold) => Arc::new(InAcc(fold)),
            Self::Acc(fold) => fold,
        }
    }
}

/// A reducer over words that are kept in an [`Acc`].
struct InAcc(Arc<dyn WordFold>);

/// The most words that an [`Acc`] holds.
pub(super) const WORDS_MAX: usize = 3;

impl InAcc {
    fn words<'a>(&self, acc: &'a mut Acc) -> &'a mut [u64] {
        if !matches!(acc, Acc::Words(_)) {
            *acc = Acc::Words([0; WORDS_MAX]);
        }
        let Acc::Words(words) = acc else { unreachable!("the state was made of words above") };
        &mut words[..self.0.words()]
    }
}

impl Fold for InAcc {
    fn update(&self, acc: &mut Acc, input: Input<'_>, diff: Diff) {
        self.0.update(self.words(acc), input, diff);
    }

    fn write(&self, acc: &Acc, out: &mut Vec<u8>) {
        let words = if let Acc::Words(words) = acc { *words } else { [0; WORDS_MAX] };
        words[..self.0.words()].iter().for_each(|word| word.encode(out));
    }

    fn merge(&self, acc: &mut Acc, input: &mut &[u8]) {
        let mut other = [0; WORDS_MAX];
        let other = &mut other[..self.0.words()];
        other.fill_with(|| u64::decode(input));
        self.0.merge(self.words(acc), other);
    }

    fn finish(&self, acc: &Acc, rows: i64, out: &mut RowEncoder<'_>) -> Result<(), String> {
        let words = if let Acc::Words(words) = acc { *words } else { [0; WORDS_MAX] };
        self.0.finish(&words[..self.0.words()], rows, out)
    }

    fn nullable(&self) -> bool {
        self.0.nullable()
    }
}

impl fmt::Debug for AnyFold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnyFold")
    }
}
