//! One output, or a tuple of several.

use super::Output;
use crate::dataflow::OutputShape;
use crate::dataflow::ordered::OverPart;
use crate::schema::Schema;
use crate::stage::Extract;
use std::fmt;

/// An output without its type.
#[doc(hidden)]
pub struct Part<T> {
    pub(crate) part: OverPart,
    /// Its arguments, as many as the part takes.
    pub(crate) extracts: Vec<Extract<T>>,
}

impl<T> fmt::Debug for Part<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part").field("part", &self.part).finish_non_exhaustive()
    }
}

/// What the closure of [`over`](crate::table::Sorted::over) returns: an output, or a tuple of up
/// to twelve.
///
/// You will rarely name this trait.
#[diagnostic::on_unimplemented(
    message = "the closure of `over` must return outputs of the sorted rows",
    label = "`{Self}` is no output of sorted rows of `{T}`",
    note = "return one output, `|o| o.row_number()`, or a tuple of up to twelve: `|o| (o.rank(), o.running_sum(|row| row.amount))`"
)]
pub trait Outputs<T> {
    /// The type of the results: one value, or a tuple.
    type Output: Schema;

    #[doc(hidden)]
    fn into_parts(self) -> (Vec<Part<T>>, OutputShape);
}

impl<T, O: Schema> Outputs<T> for Output<T, O> {
    type Output = O;

    fn into_parts(self) -> (Vec<Part<T>>, OutputShape) {
        (vec![self.part], OutputShape::Single)
    }
}

macro_rules! tuple {
    ($($name:ident $index:tt),+) => {
        #[diagnostic::do_not_recommend]
        impl<T, $($name: Schema),+> Outputs<T> for ($(Output<T, $name>,)+) {
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
