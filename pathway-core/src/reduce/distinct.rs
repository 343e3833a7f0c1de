//! Counting distinct values, exactly and approximately.

use super::{Group, Reducer, StreamGroup};
use crate::dataflow::fold::{AnyFold, ApproxCountDistinct, CountDistinct};
use crate::schema::Expr;
use crate::stage::ColumnInput;
use std::sync::Arc;

impl<T> Group<T> {
    /// The number of distinct values, exactly. Null values are skipped.
    ///
    /// **State.** Every distinct value of the group.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rows = app.rows(vec![1, 2, 2]);
    /// let distinct = rows.group_by(|_| ()).reduce(|g| g.count_distinct(|n| *n));
    /// assert_eq!(distinct.collect()?, [((), 2)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn count_distinct<E, F>(&self, value: F) -> Reducer<T, u64>
    where
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        let column = E::COLUMN.map(|column| ColumnInput::Compact { column, nulls: false });
        Self::reducer(CountDistinct, column, move |row, inputs| {
            value(row).with(row, |value| inputs.compact(value));
        })
    }
}

/// A group whose rows are never taken away.
///
/// You will rarely name this trait.
#[diagnostic::on_unimplemented(
    message = "`approx_count_distinct` needs the groups of a `Stream`, and this is a `Table`",
    label = "the rows of a `Table` come and go, and no value can be taken out of a sketch",
    note = "group the stream itself, or count exactly: `g.count_distinct(..)`"
)]
pub trait RowsStay {}

impl<T> RowsStay for StreamGroup<T> {}

impl<T> Group<T> {
    /// Of a `Stream` only: see [`StreamGroup::approx_count_distinct`].
    pub fn approx_count_distinct<E, F>(&self, value: F) -> Reducer<T, u64>
    where
        Self: RowsStay,
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        approx_count_distinct(value)
    }
}

fn approx_count_distinct<T, E, F>(value: F) -> Reducer<T, u64>
where
    E: Expr<T>,
    F: Fn(&T) -> E + Send + Sync + 'static,
{
    let column = E::COLUMN.map(|column| ColumnInput::Compact { column, nulls: false });
    Reducer::new(AnyFold::Acc(Arc::new(ApproxCountDistinct)), column, move |row, inputs| {
        value(row).with(row, |value| inputs.compact(value));
    })
}

impl<T> StreamGroup<T> {
    /// The number of distinct values, approximately: the standard error is 1.6 %. Up to 256
    /// values are counted exactly. Null values are skipped.
    ///
    /// For a `Stream` only: a value cannot be taken out of the sketch. The estimate depends on the
    /// set of values alone, neither on their order nor on the number of workers.
    ///
    /// **State.** At most 4 KiB for each group.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rows = app.rows((0..100_000).map(|n| n % 20_000));
    /// let distinct = rows.group_by(|_| ()).reduce(|g| g.approx_count_distinct(|n| *n));
    /// let estimate = distinct.collect()?[0].1;
    /// assert!((19_000..21_000).contains(&estimate));
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn approx_count_distinct<E, F>(&self, value: F) -> Reducer<T, u64>
    where
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        approx_count_distinct(value)
    }
}
