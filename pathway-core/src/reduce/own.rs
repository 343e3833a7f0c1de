//! Reducers with functions of one's own.

use super::accumulate::{Accumulate, AccumulateFold};
use super::{Group, Reducer};
use crate::dataflow::fold::{Values, fold_values};
use crate::schema::{Expr, Schema};
use crate::stage::ColumnInput;

impl<T> Group<T> {
    /// A reducer of one's own that subtracts; see [`Accumulate`].
    pub fn accumulate<A, E, F>(&self, accumulate: A, value: F) -> Reducer<T, A::Output>
    where
        A: Accumulate,
        E: Expr<T, Value = A::Input>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        let column = E::COLUMN.map(|column| ColumnInput::Compact { column, nulls: true });
        Self::reducer(AccumulateFold(accumulate), column, move |row, inputs| {
            value(row).with(row, |value| inputs.compact_or_null(value));
        })
    }

    /// A reducer of one's own without an inverse: `f` is given all values of the group, each with
    /// how often it occurs, in the order of rows.
    ///
    /// **State.** Every value. A change calls `f` for the whole group: O(group).
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let longest = app.rows(vec![1, 3, 7]).group_by(|_| ()).reduce(|g| {
    ///     g.fold(|n| *n, |values| values.windows(2).map(|two| two[1].0 - two[0].0).max())
    /// });
    /// assert_eq!(longest.collect()?, [((), Some(4))]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn fold<E, F, U, G>(&self, value: F, f: G) -> Reducer<T, U>
    where
        E: Expr<T>,
        U: Schema,
        F: Fn(&T) -> E + Send + Sync + 'static,
        G: Fn(&[(E::Value, u64)]) -> U + Send + Sync + 'static,
    {
        let column = E::COLUMN.map(|column| ColumnInput::Ordered { column, nulls: true });
        Self::reducer(Values(fold_values::<E::Value, U, G>(f)), column, move |row, inputs| {
            value(row).with(row, |value| inputs.ordered_or_null(value));
        })
    }
}
