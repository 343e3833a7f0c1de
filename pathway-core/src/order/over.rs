//! The description of sorted rows that the closure of `over` is given.

use super::{Interpolate, Part, Subtract};
use crate::dataflow::ordered::{Edge, OverPart};
use crate::reduce::Summable;
use crate::schema::{Expr, Schema};
use crate::stage::Extract;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

/// One output of sorted `T` rows, which is an `O` for each of them.
#[must_use = "an output does nothing until it is returned from the closure of `over`"]
pub struct Output<T, O> {
    pub(super) part: Part<T>,
    output: PhantomData<fn() -> O>,
}

impl<T, O> fmt::Debug for Output<T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").finish_non_exhaustive()
    }
}

/// The sorted rows of a partition: its methods are the outputs that each row can have. Given to
/// the closure of [`over`](crate::table::Sorted::over).
///
/// Arguments are closures or columns: `o.lag(1, |t| t.price)`, `o.lag(1, Trade.price)`.
pub struct Over<T> {
    rows: PhantomData<fn() -> T>,
}

impl<T> fmt::Debug for Over<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Over").finish_non_exhaustive()
    }
}

pub(super) fn output<T, O>(part: OverPart, extracts: Vec<Extract<T>>) -> Output<T, O> {
    Output { part: Part { part, extracts }, output: PhantomData }
}

/// A value of a row as it is, null too.
fn whole<T, E, F>(value: F) -> Extract<T>
where
    E: Expr<T>,
    F: Fn(&T) -> E + Send + Sync + 'static,
{
    Arc::new(move |row, inputs| value(row).with(row, |value| inputs.compact_or_null(value)))
}

/// A number of a row.
pub(super) fn summand<T, E, F>(value: F) -> Extract<T>
where
    E: Expr<T, Value: Summable>,
    F: Fn(&T) -> E + Send + Sync + 'static,
{
    Arc::new(move |row, inputs| value(row).with(row, |value| value.input(inputs)))
}

/// A value of a row that has differences.
fn operand<T, E, F>(value: F) -> Extract<T>
where
    E: Expr<T, Value: Subtract>,
    F: Fn(&T) -> E + Send + Sync + 'static,
{
    Arc::new(move |row, inputs| value(row).with(row, |value| value.operand(inputs)))
}

impl<T> Over<T> {
    pub(crate) fn new() -> Self {
        Self { rows: PhantomData }
    }

    fn shifted<E, F>(by: i64, value: F) -> Output<T, Option<E::Value>>
    where
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        output(OverPart::Shifted { by, argument: 0 }, vec![whole(value)])
    }

    /// The position of the row, counted from one.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rows = app.rows(vec!['b', 'a', 'b']);
    /// let out = rows.sort_by(|c| *c).over(|o| o.row_number()).select(|_, out| out);
    /// assert_eq!(out.collect()?, [1, 2, 3]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn row_number(&self) -> Output<T, u64> {
        output(OverPart::RowNumber, Vec::new())
    }

    /// One more than how many rows have a smaller sort key: rows of equal keys have equal ranks,
    /// and leave a gap behind them.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rows = app.rows(vec![10, 20, 20, 30]);
    /// let out = rows.sort_by(|n| *n).over(|o| o.rank()).select(|_, out| out);
    /// assert_eq!(out.collect()?, [1, 2, 2, 4]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn rank(&self) -> Output<T, u64> {
        output(OverPart::Rank, Vec::new())
    }

    /// One more than how many smaller sort keys there are: ranks without gaps.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rows = app.rows(vec![10, 20, 20, 30]);
    /// let out = rows.sort_by(|n| *n).over(|o| o.dense_rank()).select(|_, out| out);
    /// assert_eq!(out.collect()?, [1, 2, 2, 3]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn dense_rank(&self) -> Output<T, u64> {
        output(OverPart::DenseRank, Vec::new())
    }

    /// The value of the row `rows` rows in front; null where there is none.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rows = app.rows(vec![1, 2, 3]);
    /// let out = rows.sort_by(|n| *n).over(|o| o.lag(2, |n| *n)).select(|_, out| out);
    /// assert_eq!(out.collect()?, [None, None, Some(1)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn lag<E, F>(&self, rows: u64, value: F) -> Output<T, Option<E::Value>>
    where
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        Self::shifted(i64::try_from(rows).map_or(i64::MIN, |rows| -rows), value)
    }

    /// The value of the row `rows` rows behind; null where there is none.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rows = app.rows(vec![1, 2, 3]);
    /// let out = rows.sort_by(|n| *n).over(|o| o.lead(1, |n| *n)).select(|_, out| out);
    /// assert_eq!(out.collect()?, [None, Some(2), Some(3)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn lead<E, F>(&self, rows: u64, value: F) -> Output<T, Option<E::Value>>
    where
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        Self::shifted(i64::try_from(rows).unwrap_or(i64::MAX), value)
    }

    /// The value of the row in front: `lag(1, value)`.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rows = app.rows(vec![1, 2, 3]);
    /// let out = rows.sort_by(|n| *n).over(|o| o.previous(|n| *n)).select(|_, out| out);
    /// assert_eq!(out.collect()?, [None, Some(1), Some(2)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn previous<E, F>(&self, value: F) -> Output<T, Option<E::Value>>
    where
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        Self::shifted(-1, value)
    }

    /// The value of the row behind: `lead(1, value)`.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rows = app.rows(vec![1, 2, 3]);
    /// let out = rows.sort_by(|n| *n).over(|o| o.next(|n| *n)).select(|_, out| out);
    /// assert_eq!(out.collect()?, [None, Some(2), Some(3)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn next<E, F>(&self, value: F) -> Output<T, Option<E::Value>>
    where
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        Self::shifted(1, value)
    }

    /// The value of the first row of the partition.
    ///
    /// Where the first row changes, every row does: O(partition).
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rows = app.rows(vec![2, 1]);
    /// let out = rows.sort_by(|n| *n).over(|o| o.first(|n| *n)).select(|_, out| out);
    /// assert_eq!(out.collect()?, [1, 1]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn first<E, F>(&self, value: F) -> Output<T, E::Value>
    where
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        let edge = Edge { argument: 0, nullable: E::Value::NULLABLE };
        output(OverPart::First(edge), vec![whole(value)])
    }

    /// The value of the last row of the partition.
    ///
    /// Where the last row changes, every row does: O(partition).
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rows = app.rows(vec![2, 1]);
    /// let out = rows.sort_by(|n| *n).over(|o| o.last(|n| *n)).select(|_, out| out);
    /// assert_eq!(out.collect()?, [2, 2]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn last<E, F>(&self, value: F) -> Output<T, E::Value>
    where
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        let edge = Edge { argument: 0, nullable: E::Value::NULLABLE };
        output(OverPart::Last(edge), vec![whole(value)])
    }

    /// The value less that of the row in front; null in the first row, and where one of the two is
    /// null.
    ///
    /// Integers differ by 64 bits with a sign (128 stay 128), times by a
    /// [`Duration`](crate::schema::Duration).
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rows = app.rows(vec![1_i64, 2, 5]);
    /// let out = rows.sort_by(|n| *n).over(|o| o.difference(|n| *n)).select(|_, out| out);
    /// assert_eq!(out.collect()?, [None, Some(1), Some(3)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn difference<E, F>(
        &self,
        value: F,
    ) -> Output<T, Option<<E::Value as Subtract>::Difference>>
    where
        E: Expr<T, Value: Subtract>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        let part = OverPart::Difference {
            number: E::Value::NUMBER,
            output: <E::Value as Subtract>::Difference::data_type(),
            argument: 0,
        };
        output(part, vec![operand(value)])
    }

    /// The value `y`, or where it is null the one on the straight line between the nearest rows in
    /// front and behind that have one, by how far the row's `x` lies between theirs.
    ///
    /// In front of the first row with a value, and behind the last, it is that of the nearest; null
    /// only where no row of the partition has a value. A row whose `x` is null keeps its own `y`,
    /// and its neighbours do not go by it.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rows = app.rows(vec![(0, Some(0.0)), (1, None), (4, Some(8.0)), (9, None)]);
    /// let filled = rows.sort_by(|row| row.0).over(|o| o.interpolate(|row| row.0, |row| row.1));
    /// let out = filled.select(|_, out| out);
    /// assert_eq!(out.collect()?, [Some(0.0), Some(2.0), Some(8.0), Some(8.0)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn interpolate<X, Y, F, G>(&self, x: F, y: G) -> Output<T, Option<f64>>
    where
        X: Expr<T, Value: Subtract>,
        Y: Expr<T, Value: Interpolate>,
        F: Fn(&T) -> X + Send + Sync + 'static,
        G: Fn(&T) -> Y + Send + Sync + 'static,
    {
        output(OverPart::Interpolate { argument: 0 }, vec![operand(x), summand(y)])
    }
}
