//! One reducer, or several.

use super::{Part, Reducer};
use crate::dataflow::OutputShape;
use crate::schema::Schema;

/// What the closure of [`reduce`](crate::table::Grouped::reduce) returns: a reducer, a tuple of
/// up to twelve, or an array of reducers of one kind.
///
/// You will rarely name this trait.
#[diagnostic::on_unimplemented(
    message = "the closure of `reduce` must return reducers",
    label = "`{Self}` is no reducer of a group of `{T}`",
    note = "return one reducer, `|g| g.count()`, or a tuple of up to twelve: `|g| (g.count(), g.sum(|row| row.amount))`"
)]
pub trait Reducers<T> {
    /// The type of the results: one value, a tuple or an array.
    type Output: Schema;
    /// Their type where there may be no rows.
    type OrNull: Schema;

    #[doc(hidden)]
    fn into_parts(self) -> (Vec<Part<T>>, OutputShape);

    /// The same where there may be no rows.
    #[doc(hidden)]
    fn into_optional_parts(self) -> (Vec<Part<T>>, OutputShape);
}

impl<T, O: Schema, N: Schema> Reducers<T> for Reducer<T, O, N> {
    type Output = O;
    type OrNull = N;

    fn into_parts(self) -> (Vec<Part<T>>, OutputShape) {
        (vec![self.into_part()], OutputShape::Single)
    }

    fn into_optional_parts(self) -> (Vec<Part<T>>, OutputShape) {
        (vec![self.into_optional_part()], OutputShape::Single)
    }
}

impl<T, O: Schema, N: Schema, const LEN: usize> Reducers<T> for [Reducer<T, O, N>; LEN] {
    type Output = [O; LEN];
    type OrNull = [N; LEN];

    fn into_parts(self) -> (Vec<Part<T>>, OutputShape) {
        (self.into_iter().map(Reducer::into_part).collect(), OutputShape::Array)
    }

    fn into_optional_parts(self) -> (Vec<Part<T>>, OutputShape) {
        (self.into_iter().map(Reducer::into_optional_part).collect(), OutputShape::Array)
    }
}

macro_rules! tuple {
    ($($name:ident $null:ident $index:tt),+) => {
        #[diagnostic::do_not_recommend]
        impl<T, $($name: Schema, $null: Schema),+> Reducers<T> for ($(Reducer<T, $name, $null>,)+) {
            type Output = ($($name,)+);
            type OrNull = ($($null,)+);

            fn into_parts(self) -> (Vec<Part<T>>, OutputShape) {
                (vec![$(self.$index.into_part()),+], OutputShape::Tuple)
            }

            fn into_optional_parts(self) -> (Vec<Part<T>>, OutputShape) {
                (vec![$(self.$index.into_optional_part()),+], OutputShape::Tuple)
            }
        }
    };
}

tuple!(A AN 0);
tuple!(A AN 0, B BN 1);
tuple!(A AN 0, B BN 1, C CN 2);
tuple!(A AN 0, B BN 1, C CN 2, D DN 3);
tuple!(A AN 0, B BN 1, C CN 2, D DN 3, E EN 4);
tuple!(A AN 0, B BN 1, C CN 2, D DN 3, E EN 4, F FN 5);
tuple!(A AN 0, B BN 1, C CN 2, D DN 3, E EN 4, F FN 5, G GN 6);
tuple!(A AN 0, B BN 1, C CN 2, D DN 3, E EN 4, F FN 5, G GN 6, H HN 7);
tuple!(A AN 0, B BN 1, C CN 2, D DN 3, E EN 4, F FN 5, G GN 6, H HN 7, I IN 8);
tuple!(A AN 0, B BN 1, C CN 2, D DN 3, E EN 4, F FN 5, G GN 6, H HN 7, I IN 8, J JN 9);
tuple!(A AN 0, B BN 1, C CN 2, D DN 3, E EN 4, F FN 5, G GN 6, H HN 7, I IN 8, J JN 9, K KN 10);
tuple!(A AN 0, B BN 1, C CN 2, D DN 3, E EN 4, F FN 5, G GN 6, H HN 7, I IN 8, J JN 9, K KN 10, L LN 11);
