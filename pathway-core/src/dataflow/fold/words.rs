//! Folds whose state is a fixed number of words.

use super::Fold;
use crate::schema::RowEncoder;
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

impl fmt::Debug for AnyFold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnyFold")
    }
}
