//! What a group is folded with: a [`WordFold`] where a reducer's state is a few words, which stand
//! in the group's record, or a [`Fold`] with an [`Acc`] for each group.
//!
//! All reducers of one `reduce` share one pass, one exchange and one state; the cheapest sound
//! state follows from the reducer and from whether its input can retract:
//!
//! | fold | state | an update costs |
//! |---|---|---|
//! | count, sum, mean, variance: they subtract | numbers | O(1) |
//! | booleans, bits, histograms | a fixed number of counts | O(counts) |
//! | min, max, argmin, argmax, any over a `Stream` | the best value | O(1) |
//! | the same over a `Table` | sorted runs | O(log n) |
//! | `count_distinct` | the distinct values | O(1) |
//! | the same approximately, over a `Stream` | at most 4 KiB | O(1) |
//! | approximate quantiles | counts of buckets | O(log n), and O(buckets) to read |
//! | quantiles | a sorted multiset | O(log n), and O(n / 100) to read |
//! | lists, maps, folds without an inverse | a sorted multiset | O(log n), and O(group) to read |

mod column;
mod count;
mod distinct;
mod exact;
mod extreme;
mod extremes;
mod filtered;
mod float;
mod hyper_log_log;
mod int;
mod lists;
mod moments;
mod multiset;
mod rank;
mod tally;
#[cfg(test)]
mod tests;
mod values;
mod words;

pub use column::Output;
pub use count::Count;
pub use distinct::{CountDistinct, Counts};
pub use exact::ExactTotal;
pub use extreme::{Best, BestKind};
pub use extremes::Extremes;
pub use filtered::{Filtered, OrNull};
pub use float::FloatTotal;
pub use hyper_log_log::{ApproxCountDistinct, Sketch};
pub use int::{IntTotal, Total};
pub use lists::{Collect, CollectMap, CollectSorted, FoldValues, JoinText, Top, fold_values};
pub use moments::{Moments, Variance};
pub use multiset::Multiset;
pub use rank::{ApproxQuantile, Mode, MostFrequent, Quantile, QuantileDiscrete, Unique};
pub use tally::{BitOperation, Bits, Histogram, Tally};
pub use values::Values;
pub use words::{AnyFold, KnownFold, WordFold};

use super::exact_sum::ExactSum;
use crate::schema::RowEncoder;
use crate::stage::{Diff, Input};
use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// One reducer of a group, compiled once for all programs.
///
/// You will rarely name this trait; see [`crate::reduce`] for reducers of one's own.
pub trait Fold: Send + Sync {
    /// The state of a group without rows.
    fn zero(&self) -> Acc {
        Acc::Empty
    }

    /// Adds the argument `diff` times; takes it away where `diff` is negative.
    fn update(&self, acc: &mut Acc, input: Input<'_>, diff: Diff);

    /// Appends the state, so that another worker can merge it.
    fn write(&self, acc: &Acc, out: &mut Vec<u8>);

    /// Adds a state that another worker wrote, and advances past it.
    fn merge(&self, acc: &mut Acc, input: &mut &[u8]);

    /// Writes the result for a group of `rows` rows as the next column of `out`.
    ///
    /// # Errors
    ///
    /// What is wrong with the result, such as a sum that does not fit its type.
    fn finish(&self, acc: &Acc, rows: i64, out: &mut RowEncoder<'_>) -> Result<(), String>;

    /// Whether the output can be null.
    fn nullable(&self) -> bool {
        false
    }

    /// What the state is, where another fold of the same argument can read it too.
    fn kept(&self) -> Option<Kept> {
        None
    }

    /// The same reducer for groups from which nothing is taken away, where that is simpler.
    fn insert_only(&self) -> Option<Arc<dyn Fold>> {
        None
    }

    /// The memory that the state takes beyond its own size, in bytes.
    fn memory(&self, _acc: &Acc) -> usize {
        0
    }
}

/// A state that does not depend on which fold keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// [`Acc::Float`].
    FloatSum,
    /// [`Acc::Extremes`].
    Extremes,
    /// [`Acc::Sorted`].
    Sorted,
}

impl fmt::Debug for dyn Fold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fold")
    }
}

/// The state of one reducer for one group.
pub enum Acc {
    /// Nothing was added, or the fold keeps nothing.
    Empty,
    /// A few words; see [`WordFold`].
    #[doc(hidden)]
    Words([u64; words::WORDS_MAX]),
    /// How many floats were added, and their sum.
    #[doc(hidden)]
    Float(i64, Float),
    /// The moments of numbers.
    Moments(Box<Moments>),
    /// The best value so far.
    Best(Box<[u8]>),
    /// Values of which the first and the last are asked for, with how often each was added.
    Extremes(Extremes),
    /// Values in order, with how often each was added.
    Sorted(Box<Multiset>),
    /// Values, with how often each was added.
    Counts(Box<Counts>),
    /// Counts whose meaning is the fold's.
    Tally(Box<[i64]>),
    /// A sketch of distinct values.
    Sketch(Box<Sketch>),
    /// How many rows a condition holds for, and the state of these.
    Filtered(Box<(i64, Self)>),
    /// The state of a user's own reducer.
    Custom(Box<dyn Any>),
}

impl Acc {
    /// Whether nothing is left of what was added and taken away. The state of a user's own
    /// reducer is not asked.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Empty | Self::Best(_) | Self::Sketch(_) | Self::Custom(_) => true,
            Self::Words(words) => *words == [0; words::WORDS_MAX],
            Self::Float(count, sum) => *count == 0 && sum.0.value() == 0.0,
            Self::Moments(moments) => moments.is_empty(),
            Self::Extremes(values) => values.is_empty(),
            Self::Sorted(values) => values.is_empty(),
            Self::Counts(counts) => counts.values.is_empty(),
            Self::Tally(counts) => counts.iter().all(|count| *count == 0),
            Self::Filtered(parts) => parts.0 == 0 && parts.1.is_empty(),
        }
    }
}

/// What a sum or a mean is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// Integers of up to 64 bits, accumulated in 128 bits.
    Int,
    /// Integers of 128 bits, accumulated in as many bits as they need.
    Wide,
    /// Floats, accumulated exactly.
    Float,
    /// Decimals, accumulated exactly.
    Decimal,
}

impl Number {
    /// The sum or the mean of such numbers.
    pub fn total(self, total: Total, nullable: bool) -> AnyFold {
        match self {
            Self::Int => AnyFold::Words(Arc::new(IntTotal { total, nullable })),
            Self::Float => AnyFold::Acc(Arc::new(FloatTotal { total, nullable })),
            number @ (Self::Wide | Self::Decimal) => {
                AnyFold::Acc(Arc::new(ExactTotal { number, total, nullable }))
            }
        }
    }
}

/// The exact sum of floats.
#[derive(Debug, Default)]
pub struct Float(pub(crate) ExactSum);

impl fmt::Debug for Acc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "Empty",
            Self::Words(_) => "Words",
            Self::Float(..) => "Float",
            Self::Moments(_) => "Moments",
            Self::Best(_) => "Best",
            Self::Extremes(_) => "Extremes",
            Self::Sorted(_) => "Sorted",
            Self::Counts(_) => "Counts",
            Self::Tally(_) => "Tally",
            Self::Sketch(_) => "Sketch",
            Self::Filtered(_) => "Filtered",
            Self::Custom(_) => "Custom",
        })
    }
}
