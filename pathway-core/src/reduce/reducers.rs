//! One reducer, or a tuple of several.

use super::Reducer;
use crate::dataflow::OutputShape;
use crate::dataflow::fold::AnyFold;
use crate::schema::Schema;
use crate::stage::{ColumnInput, Extract};
use std::fmt;

/// A reducer without its result type.
#[doc(hidden)]
pub struct Part<T> {
    pub(crate) fold: AnyFold,
    pub(crate) extract: Extract<T>,
    /// How the argument is taken from a column, where it is one.
    pub(crate) column: Option<ColumnInput>,
}

impl<T> fmt::Debug for Part<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part").field("column", &self.column).finish_non_exhaustive()
    }
}

/// What the closure of [`reduce`](crate::table::Grouped::reduce) returns: a reducer, or a tuple
/// of up to twelve.
///
/// You will rarely name this trait.
#[diagnostic::on_unimplemented(
    message = "the closure of `reduce` must return reducers",
    label = "`{Self}` is no reducer of a group of `{T}`",
    note = "return one reducer, `|g| g.count()`, or a tuple of up to twelve: `|g| (g.count(), g.sum(|row| row.amount))`"
)]
pub trait Reducers<T> {
    /// The type of the results: one value, or a tuple.
    type Output: Schema;

    #[doc(hidden)]
    fn into_parts(self) -> (Vec<Part<T>>, OutputShape);
}

impl<T, O: Schema> Reducers<T> for Reducer<T, O> {
    type Output = O;

    fn into_parts(self) -> (Vec<Part<T>>, OutputShape) {
        (vec![self.part], OutputShape::Single)
    }
}

macro_rules! tuple {
    ($($name:ident $index:tt),+) => {
        impl<T, $($name: Schema),+> Reducers<T> for ($(Reducer<T, $name>,)+) {
            type Output = ($($name,)+);

            fn into_parts(self) -> (Vec<Part<T>>, OutputShape) {
                (vec![$(self.$index.part),+], OutputShape::Tuple)
            }
        }
    };
}

tuple!(A 0);
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
tuple!(A 0, B 1, C 2, D 3, E 4);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11);
