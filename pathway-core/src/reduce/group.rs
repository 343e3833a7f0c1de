//! The description of a group that the closure of `reduce` is given.

use super::accumulate::{Accumulate, AccumulateFold};
use super::{Average, Part, Summable};
use crate::dataflow::fold::{
    self, AnyFold, Best, BestKind, Collect, Count, CountDistinct, Fold, Total,
};
use crate::schema::{DataType, Expr, Schema};
use crate::stage::{ColumnInput, Inputs};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

/// One reducer of a group of `T` rows, whose result is an `O`.
#[must_use = "a reducer does nothing until it is returned from the closure of `reduce`"]
pub struct Reducer<T, O> {
    pub(super) part: Part<T>,
    output: PhantomData<fn() -> O>,
}

impl<T, O> fmt::Debug for Reducer<T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reducer").finish_non_exhaustive()
    }
}

/// A group of `T` rows: its methods are the reducers. Given to the closure of
/// [`reduce`](crate::table::Grouped::reduce).
///
/// Arguments are closures or columns: `g.sum(|o| o.amount)`, `g.sum(Order.amount)`.
pub struct Group<T> {
    append_only: bool,
    rows: PhantomData<fn() -> T>,
}

impl<T> fmt::Debug for Group<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").finish_non_exhaustive()
    }
}

impl<T> Group<T> {
    pub(crate) fn new(append_only: bool) -> Self {
        Self { append_only, rows: PhantomData }
    }

    fn reducer<O>(
        fold: impl Fold + 'static,
        column: Option<ColumnInput>,
        extract: impl Fn(&T, &mut Inputs) + Send + Sync + 'static,
    ) -> Reducer<T, O> {
        Self::any_reducer(AnyFold::Acc(Arc::new(fold)), column, extract)
    }

    fn any_reducer<O>(
        fold: AnyFold,
        column: Option<ColumnInput>,
        extract: impl Fn(&T, &mut Inputs) + Send + Sync + 'static,
    ) -> Reducer<T, O> {
        let part = Part { fold, extract: Arc::new(extract), column };
        Reducer { part, output: PhantomData }
    }

    /// The number of rows.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let counts = app.rows(vec![1, 2, 4]).group_by(|n| n % 2).reduce(|g| g.count());
    /// assert_eq!(counts.collect()?, [(0, 2), (1, 1)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn count(&self) -> Reducer<T, u64> {
        let fold = AnyFold::Words(Arc::new(Count));
        Self::any_reducer(fold, Some(ColumnInput::Nothing), |_, inputs| inputs.null())
    }

    /// The sum of a number. Null values are skipped; the sum of nulls alone is null.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let sums = app.rows(vec![0.1, 0.2, 0.3]).group_by(|_| ()).reduce(|g| g.sum(|n| *n));
    /// assert_eq!(sums.collect()?, [((), 0.6)]); // exact, then rounded once
    /// # Ok::<(), pathway::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A sum of integers that does not fit its type when an epoch closes ends the run.
    pub fn sum<E, F>(&self, value: F) -> Reducer<T, <E::Value as Summable>::Sum>
    where
        E: Expr<T, Value: Summable>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        let output = <<E::Value as Summable>::Sum as Schema>::data_type();
        let (nullable, output) = match output {
            DataType::Option(inner) => (true, inner()),
            other => (false, other),
        };
        let fold = E::Value::NUMBER.total(Total::Sum(output), nullable);
        let column = E::COLUMN.map(ColumnInput::Number);
        Self::any_reducer(fold, column, move |row, inputs| {
            value(row).with(row, |value| value.input(inputs));
        })
    }

    /// The mean of a number. Null values are skipped; the mean of nulls alone is null.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rows = app.rows(vec![Some(1), None, Some(2)]);
    /// let means = rows.group_by(|_| ()).reduce(|g| g.mean(|n| *n));
    /// assert_eq!(means.collect()?, [((), Some(1.5))]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn mean<E, F>(&self, value: F) -> Reducer<T, <E::Value as Average>::Mean>
    where
        E: Expr<T, Value: Average>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        let nullable = <<E::Value as Average>::Mean as Schema>::NULLABLE;
        let fold = E::Value::NUMBER.total(Total::Mean, nullable);
        let column = E::COLUMN.map(ColumnInput::Number);
        Self::any_reducer(fold, column, move |row, inputs| {
            value(row).with(row, |value| value.input(inputs));
        })
    }

    fn best<E, F>(&self, kind: BestKind, value: F) -> Reducer<T, E::Value>
    where
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        let fold = Best {
            kind,
            output: E::Value::data_type(),
            nullable: E::Value::NULLABLE,
            append_only: self.append_only,
        };
        let column = E::COLUMN.map(|column| ColumnInput::Ordered { column, nulls: false });
        Self::reducer(fold, column, move |row, inputs| {
            value(row).with(row, |value| inputs.ordered(value));
        })
    }

    /// The least value, by the order of rows. Null values are skipped.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let least = app.rows(vec![3, 1, 2]).group_by(|_| ()).reduce(|g| g.min(|n| *n));
    /// assert_eq!(least.collect()?, [((), 1)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn min<E, F>(&self, value: F) -> Reducer<T, E::Value>
    where
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        self.best(BestKind::Least, value)
    }

    /// The greatest value, by the order of rows. Null values are skipped.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let greatest = app.rows(vec![3, 1, 2]).group_by(|_| ()).reduce(|g| g.max(|n| *n));
    /// assert_eq!(greatest.collect()?, [((), 3)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn max<E, F>(&self, value: F) -> Reducer<T, E::Value>
    where
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        self.best(BestKind::Greatest, value)
    }

    /// One of the values: the least, so that the choice depends on nothing else. Null values are
    /// skipped.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let any = app.rows(vec![3, 3]).group_by(|_| ()).reduce(|g| g.any(|n| *n));
    /// assert_eq!(any.collect()?, [((), 3)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn any<E, F>(&self, value: F) -> Reducer<T, E::Value>
    where
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        self.best(BestKind::Least, value)
    }

    fn arg<B, O, F, G>(&self, descending: bool, by: F, of: G) -> Reducer<T, O::Value>
    where
        B: Expr<T>,
        O: Expr<T>,
        F: Fn(&T) -> B + Send + Sync + 'static,
        G: Fn(&T) -> O + Send + Sync + 'static,
    {
        let fold = Best {
            kind: BestKind::PairFirst { by: B::Value::data_type(), descending },
            output: O::Value::data_type(),
            nullable: O::Value::NULLABLE,
            append_only: self.append_only,
        };
        Self::reducer(fold, None, move |row, inputs| {
            by(row).with(row, |by| {
                of(row).with(row, |of| inputs.ordered_pair(by, of, descending));
            });
        })
    }

    /// `of` in the row where `by` is least; of several such rows, the least `of`. Rows whose `by`
    /// is null count only if all are.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rows = app.rows(vec![(3, 'a'), (1, 'c'), (1, 'b')]);
    /// let first = rows.group_by(|_| ()).reduce(|g| g.argmin(|row| row.0, |row| row.1));
    /// assert_eq!(first.collect()?, [((), 'b')]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn argmin<B, O, F, G>(&self, by: F, of: G) -> Reducer<T, O::Value>
    where
        B: Expr<T>,
        O: Expr<T>,
        F: Fn(&T) -> B + Send + Sync + 'static,
        G: Fn(&T) -> O + Send + Sync + 'static,
    {
        self.arg(false, by, of)
    }

    /// `of` in the row where `by` is greatest; of several such rows, the least `of`. Rows whose
    /// `by` is null count only if all are.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rows = app.rows(vec![(3, 'c'), (1, 'a'), (3, 'b')]);
    /// let last = rows.group_by(|_| ()).reduce(|g| g.argmax(|row| row.0, |row| row.1));
    /// assert_eq!(last.collect()?, [((), 'b')]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn argmax<B, O, F, G>(&self, by: F, of: G) -> Reducer<T, O::Value>
    where
        B: Expr<T>,
        O: Expr<T>,
        F: Fn(&T) -> B + Send + Sync + 'static,
        G: Fn(&T) -> O + Send + Sync + 'static,
    {
        self.arg(true, by, of)
    }

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

    /// All values in the order of rows, null ones too.
    ///
    /// **State.** Every value. A change writes the whole list again: O(group).
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let all = app.rows(vec![2, 1, 2]).group_by(|_| ()).reduce(|g| g.collect(|n| *n));
    /// assert_eq!(all.collect()?, [((), vec![1, 2, 2])]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn collect<E, F>(&self, value: F) -> Reducer<T, Vec<E::Value>>
    where
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        let column = E::COLUMN.map(|column| ColumnInput::Ordered { column, nulls: true });
        let fold = Collect { element: E::Value::data_type() };
        Self::reducer(fold, column, move |row, inputs| {
            value(row).with(row, |value| inputs.ordered_or_null(value));
        })
    }

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
        Self::reducer(fold::fold_values::<E::Value, U, G>(f), column, move |row, inputs| {
            value(row).with(row, |value| inputs.ordered_or_null(value));
        })
    }
}
