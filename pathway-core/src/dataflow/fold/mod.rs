//! What a group is folded with: a [`WordFold`] where a reducer's state is a few words, which stand
//! in the group's record, or a [`Fold`] with an [`Acc`] for each group.
//!
//! All reducers of one `reduce` share one pass, one exchange and one state; the cheapest sound
//! state follows from the reducer and from whether its input can retract:
//!
//! | fold | state | an update costs |
//! |---|---|---|
//! | count, sum, mean: they subtract | numbers | O(1) |
//! | min, max, argmin, argmax, any over a `Stream` | the best value | O(1) |
//! | the same over a `Table` | a sorted multiset | O(log n) |
//! | `count_distinct` | the distinct values | O(1) |
//! | collect, folds without an inverse | a sorted multiset | O(log n), and O(group) to read |

mod count;
mod distinct;
mod extreme;
mod float;
mod int;
mod multiset;
mod words;

pub use count::Count;
pub use distinct::CountDistinct;
pub use extreme::{Best, BestKind};
pub use float::FloatTotal;
pub use int::{IntTotal, Total};
pub use multiset::{Collect, FoldValues, fold_values};
pub use words::{AnyFold, WordFold};

use super::exact_sum::ExactSum;
use crate::schema::RowEncoder;
use crate::stage::{Diff, Input};
use hashbrown::HashMap;
use std::any::Any;
use std::collections::BTreeMap;
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

    /// The same reducer for groups from which nothing is taken away, where that is simpler.
    fn insert_only(&self) -> Option<Arc<dyn Fold>> {
        None
    }

    /// The memory that the state takes beyond its own size, in bytes.
    fn memory(&self, _acc: &Acc) -> usize {
        0
    }
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
    /// How many floats were added, and their sum.
    #[doc(hidden)]
    Float(i64, Float),
    /// The best value so far.
    Best(Box<[u8]>),
    /// Values in order, with how often each was added.
    Sorted(Box<BTreeMap<Box<[u8]>, i64>>),
    /// Values, with how often each was added.
    Counts(Box<HashMap<Box<[u8]>, i64, foldhash::fast::RandomState>>),
    /// The state of a user's own reducer.
    Custom(Box<dyn Any>),
}

impl Acc {
    /// Whether nothing is left of what was added and taken away. The state of a user's own
    /// reducer is not asked.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Empty | Self::Best(_) | Self::Custom(_) => true,
            Self::Float(count, sum) => *count == 0 && sum.0.value() == 0.0,
            Self::Sorted(values) => values.is_empty(),
            Self::Counts(values) => values.is_empty(),
        }
    }
}

/// What a sum or a mean is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// Integers of any width, accumulated in 128 bits.
    Int,
    /// Floats, accumulated exactly.
    Float,
}

impl Number {
    /// The sum or the mean of such numbers.
    pub fn total(self, total: Total, nullable: bool) -> AnyFold {
        match self {
            Self::Int => AnyFold::Words(Arc::new(IntTotal { total, nullable })),
            Self::Float => AnyFold::Acc(Arc::new(FloatTotal { total, nullable })),
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
            Self::Float(..) => "Float",
            Self::Best(_) => "Best",
            Self::Sorted(_) => "Sorted",
            Self::Counts(_) => "Counts",
            Self::Custom(_) => "Custom",
        })
    }
}
