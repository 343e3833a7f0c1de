//! `reduce` without groups.

use super::group::{Reduction, reduction};
use super::{Stream, Table};
use crate::plan::Operation;
use crate::reduce::{Group, GroupOf, Reducers, StreamGroup};
use crate::schema::Schema;
use crate::stage;
use std::panic::Location;

impl<T> Table<T> {
    /// Folds the whole table with one reducer, or with several that share one pass.
    ///
    /// **Shape.** Exactly one row, as SQL's aggregates without `GROUP BY` give: also of a table
    /// without rows. Counts and sums of no rows are zero and lists empty; what has no result, such
    /// as the least value and the mean, is optional, and then null.
    /// **Time.** The row is there from the first closed epoch on.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let numbers = app.rows(vec![1, 2, 4]);
    /// let total = numbers.reduce(|g| (g.count(), g.max(|n| *n)));
    /// assert_eq!(total.collect()?, [(3, Some(4))]);
    /// let none = numbers.filter(|n| *n > 9).reduce(|g| (g.count(), g.max(|n| *n)));
    /// assert_eq!(none.collect()?, [(0, None)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A sum that does not fit its type when an epoch closes ends the run with
    /// [`RunError::Operator`](crate::error::RunError::Operator).
    #[track_caller]
    pub fn reduce<R>(&self, reducers: impl FnOnce(Group<T>) -> R) -> Table<R::OrNull>
    where
        T: Schema,
        R: Reducers<T>,
    {
        total(self, Location::caller(), reducers)
    }
}

impl<T> Stream<T> {
    /// Folds the whole stream; see [`Table::reduce`].
    #[track_caller]
    pub fn reduce<R>(&self, reducers: impl FnOnce(StreamGroup<T>) -> R) -> Table<R::OrNull>
    where
        T: Schema,
        R: Reducers<T>,
    {
        total(self, Location::caller(), reducers)
    }
}

fn total<T: Schema, G: GroupOf<T>, R: Reducers<T>>(
    table: &Table<T>,
    location: &'static Location<'static>,
    reducers: impl FnOnce(G) -> R,
) -> Table<R::OrNull> {
    let parts = reducers(G::new(table.never_retracts())).into_optional_parts();
    let Reduction { plan, extracts, .. } = reduction(&table.graph, parts);
    let terminal = stage::reduce_terminal(|_: &T| (), extracts);
    table.derive("reduce", location, Operation::Total { terminal, plan }, &[], false)
}
