//! Groups declared as a struct.

use super::Table;
use crate::schema::Schema;

/// A row that is the result of grouping another table; derived with `#[derive(Aggregate)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not declared as an aggregate",
    label = "`{Self}` does not implement `Aggregate`",
    note = "add `#[derive(Aggregate)]` and `#[aggregate(from = ..)]` to it, and say for each field what it is: `#[aggregate(group)]`, `#[aggregate(count)]`, `#[aggregate(sum(column))]`, .."
)]
pub trait Aggregate: Schema {
    /// The rows that are grouped.
    type Row: Schema;

    /// Groups and reduces; called by [`Table::aggregate`].
    fn aggregate(rows: &Table<Self::Row>) -> Table<Self>;
}

impl<T> Table<T> {
    /// Groups and reduces as a struct declares it.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// #[derive(Clone, Schema)]
    /// struct Order {
    ///     user: u32,
    ///     cents: u64,
    /// }
    ///
    /// #[derive(Clone, Debug, PartialEq, Schema, Aggregate)]
    /// #[aggregate(from = Order)]
    /// struct Total {
    ///     #[aggregate(group)]
    ///     user: u32,
    ///     #[aggregate(count)]
    ///     orders: u64,
    ///     #[aggregate(sum(cents))]
    ///     cents: u64,
    /// }
    ///
    /// let app = Pipeline::new("example");
    /// let orders = app.rows(vec![Order { user: 1, cents: 5 }, Order { user: 1, cents: 7 }]);
    /// let totals: Table<Total> = orders.aggregate();
    /// assert_eq!(totals.collect()?, [Total { user: 1, orders: 2, cents: 12 }]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    #[track_caller]
    pub fn aggregate<S: Aggregate<Row = T>>(&self) -> Table<S> {
        S::aggregate(self)
    }
}
