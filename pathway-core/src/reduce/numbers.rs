//! Count, sum, mean, variance.

use super::{Average, Group, Reducer, Summable};
use crate::dataflow::fold::{self, AnyFold, Total};
use crate::schema::{DataType, Expr, Schema};
use crate::stage::ColumnInput;
use std::panic::Location;
use std::sync::Arc;

type Mean<V> = <V as Average>::Mean;
type OrNull<V> = <V as Schema>::OrNull;

impl<T> Group<T> {
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
        let fold = AnyFold::Words(Arc::new(fold::Count));
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
    /// A sum of integers or decimals that does not fit its type when an epoch closes ends the run.
    /// The error names the group, and the column or the line of the closure.
    #[track_caller]
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
        .written("sum", E::COLUMN, Location::caller())
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
    pub fn mean<E, F>(&self, value: F) -> Reducer<T, Mean<E::Value>, OrNull<Mean<E::Value>>>
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

    fn spread<E, F, O, N>(&self, population: bool, root: bool, value: F) -> Reducer<T, O, N>
    where
        E: Expr<T, Value: Average>,
        F: Fn(&T) -> E + Send + Sync + 'static,
        O: Schema,
    {
        let number = E::Value::NUMBER;
        let fold = fold::Variance { number, population, root, nullable: O::NULLABLE };
        let column = E::COLUMN.map(ColumnInput::Number);
        Self::reducer(fold, column, move |row, inputs| {
            value(row).with(row, |value| value.input(inputs));
        })
    }

    /// The variance of a sample of numbers, divided by one less than there are (SQL's `VARIANCE`
    /// and `VAR_SAMP`). Null values are skipped; of fewer than two, it is null.
    ///
    /// It is computed from exact sums, so values that are large and near each other lose nothing,
    /// and a retraction leaves no trace. Among infinities and NaN it is NaN.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rows = app.rows(vec![1e9 + 4.0, 1e9 + 7.0, 1e9 + 13.0, 1e9 + 16.0]);
    /// let variance = rows.group_by(|_| ()).reduce(|g| g.variance(|n| *n));
    /// assert_eq!(variance.collect()?, [((), Some(30.0))]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn variance<E, F>(&self, value: F) -> Reducer<T, Option<f64>>
    where
        E: Expr<T, Value: Average>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        self.spread(false, false, value)
    }

    /// The variance of numbers that are all there are, divided by how many (SQL's `VAR_POP`).
    /// Otherwise as [`variance`](Self::variance); of one number it is 0.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rows = app.rows(vec![4, 7, 13, 16]);
    /// let variance = rows.group_by(|_| ()).reduce(|g| g.variance_population(|n| *n));
    /// assert_eq!(variance.collect()?, [((), 22.5)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn variance_population<E, F>(
        &self,
        value: F,
    ) -> Reducer<T, Mean<E::Value>, OrNull<Mean<E::Value>>>
    where
        E: Expr<T, Value: Average>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        self.spread::<E, F, Mean<E::Value>, _>(true, false, value)
    }

    /// The standard deviation of a sample of numbers: the root of [`variance`](Self::variance).
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rows = app.rows(vec![1, 3, 5, 100]);
    /// let deviation = rows.group_by(|n| *n < 10).reduce(|g| g.std_dev(|n| *n));
    /// assert_eq!(deviation.collect()?, [(false, None), (true, Some(2.0))]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn std_dev<E, F>(&self, value: F) -> Reducer<T, Option<f64>>
    where
        E: Expr<T, Value: Average>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        self.spread(false, true, value)
    }

    /// The standard deviation of numbers that are all there are: the root of
    /// [`variance_population`](Self::variance_population).
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rows = app.rows(vec![2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]);
    /// let deviation = rows.group_by(|_| ()).reduce(|g| g.std_dev_population(|n| *n));
    /// assert_eq!(deviation.collect()?, [((), 2.0)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn std_dev_population<E, F>(
        &self,
        value: F,
    ) -> Reducer<T, Mean<E::Value>, OrNull<Mean<E::Value>>>
    where
        E: Expr<T, Value: Average>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        self.spread::<E, F, Mean<E::Value>, _>(true, true, value)
    }
}
