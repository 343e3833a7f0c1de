//! Running and moving results.

use super::Output;
use super::over::{Over, output, summand};
use crate::dataflow::fold::{AnyFold, Best, BestKind, Count, Fold, Total};
use crate::dataflow::ordered::{OverPart, RunningKind};
use crate::reduce::{Average, Summable};
use crate::schema::{DataType, Expr, Schema};
use crate::stage::Extract;
use std::sync::Arc;

/// A value of a row in the ordered encoding.
fn ordered<T, E, F>(value: F) -> Extract<T>
where
    E: Expr<T>,
    F: Fn(&T) -> E + Send + Sync + 'static,
{
    Arc::new(move |row, inputs| value(row).with(row, |value| inputs.ordered(value)))
}

fn sum<N: Summable>() -> Arc<dyn Fold> {
    let (nullable, output) = match <N::Sum as Schema>::data_type() {
        DataType::Option(inner) => (true, inner()),
        other => (false, other),
    };
    N::NUMBER.total(Total::Sum(output), nullable).in_acc()
}

fn best<V: Schema>(kind: BestKind, append_only: bool) -> Arc<dyn Fold> {
    Arc::new(Best { kind, output: V::data_type(), nullable: V::NULLABLE, append_only })
}

/// No argument of its own takes the place of one that is not looked at.
fn nothing<T>() -> Extract<T> {
    Arc::new(|_, inputs| inputs.null())
}

impl<T> Over<T> {
    fn running<O>(fold: Arc<dyn Fold>, kind: RunningKind, value: Extract<T>) -> Output<T, O> {
        output(OverPart::Running { fold, kind, argument: 0 }, vec![value])
    }

    fn moving<O>(
        (preceding, following): (u64, u64),
        fold: Arc<dyn Fold>,
        value: Extract<T>,
    ) -> Output<T, O> {
        output(OverPart::Moving { fold, preceding, following, argument: 0 }, vec![value])
    }

    /// How many rows there are up to this one: the same as [`row_number`](Self::row_number).
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rows = app.rows(vec!['b', 'a']);
    /// let out = rows.sort_by(|c| *c).over(|o| o.running_count()).select(|_, out| out);
    /// assert_eq!(out.collect()?, [1, 2]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn running_count(&self) -> Output<T, u64> {
        self.row_number()
    }

    /// The sum of the rows up to this one. Null values are skipped; the sum of nulls alone is null.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rows = app.rows(vec![1_i64, 2, 3]);
    /// let out = rows.sort_by(|n| *n).over(|o| o.running_sum(|n| *n)).select(|_, out| out);
    /// assert_eq!(out.collect()?, [1, 3, 6]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn running_sum<E, F>(&self, value: F) -> Output<T, <E::Value as Summable>::Sum>
    where
        E: Expr<T, Value: Summable>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        Self::running(sum::<E::Value>(), RunningKind::Sum, summand(value))
    }

    /// The least value of the rows up to this one, by the order of rows. Null values are
    /// skipped.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rows = app.rows(vec![(1, 'b'), (2, 'a'), (3, 'c')]);
    /// let sorted = rows.sort_by(|row| row.0);
    /// let out = sorted.over(|o| o.running_min(|row| row.1)).select(|_, out| out);
    /// assert_eq!(out.collect()?, ['a', 'a', 'b']);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn running_min<E, F>(&self, value: F) -> Output<T, E::Value>
    where
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        let fold = best::<E::Value>(BestKind::Least, true);
        Self::running(fold, RunningKind::Least, ordered(value))
    }

    /// The greatest value of the rows up to this one, by the order of rows. Null values are
    /// skipped.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rows = app.rows(vec![(1, 'b'), (2, 'a'), (3, 'c')]);
    /// let sorted = rows.sort_by(|row| row.0);
    /// let out = sorted.over(|o| o.running_max(|row| row.1)).select(|_, out| out);
    /// assert_eq!(out.collect()?, ['b', 'b', 'c']);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn running_max<E, F>(&self, value: F) -> Output<T, E::Value>
    where
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        let fold = best::<E::Value>(BestKind::Greatest, true);
        Self::running(fold, RunningKind::Greatest, ordered(value))
    }

    /// How many rows there are from `preceding` rows in front to `following` rows behind.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rows = app.rows(vec!['a', 'b', 'c']);
    /// let out = rows.sort_by(|c| *c).over(|o| o.moving_count(1, 0)).select(|_, out| out);
    /// assert_eq!(out.collect()?, [1, 2, 2]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn moving_count(&self, preceding: u64, following: u64) -> Output<T, u64> {
        Self::moving((preceding, following), AnyFold::Words(Arc::new(Count)).in_acc(), nothing())
    }

    /// The sum of the rows from `preceding` rows in front to `following` rows behind.
    /// Null values are skipped; the sum of nulls alone is null.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rows = app.rows(vec![1_i64, 2, 4]);
    /// let out = rows.sort_by(|n| *n).over(|o| o.moving_sum(1, 0, |n| *n)).select(|_, out| out);
    /// assert_eq!(out.collect()?, [1, 3, 6]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn moving_sum<E, F>(
        &self,
        preceding: u64,
        following: u64,
        value: F,
    ) -> Output<T, <E::Value as Summable>::Sum>
    where
        E: Expr<T, Value: Summable>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        Self::moving((preceding, following), sum::<E::Value>(), summand(value))
    }

    /// The mean of the rows from `preceding` rows in front to `following` rows behind.
    /// Null values are skipped; the mean of nulls alone is null.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rows = app.rows(vec![1, 2, 4]);
    /// let out = rows.sort_by(|n| *n).over(|o| o.moving_mean(1, 0, |n| *n)).select(|_, out| out);
    /// assert_eq!(out.collect()?, [1.0, 1.5, 3.0]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn moving_mean<E, F>(
        &self,
        preceding: u64,
        following: u64,
        value: F,
    ) -> Output<T, <E::Value as Average>::Mean>
    where
        E: Expr<T, Value: Average>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        let nullable = <<E::Value as Average>::Mean as Schema>::NULLABLE;
        let fold = E::Value::NUMBER.total(Total::Mean, nullable).in_acc();
        Self::moving((preceding, following), fold, summand(value))
    }

    /// The least value of the rows from `preceding` rows in front to `following` rows behind.
    /// Null values are skipped.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rows = app.rows(vec![1, 2, 4]);
    /// let out = rows.sort_by(|n| *n).over(|o| o.moving_min(1, 0, |n| *n)).select(|_, out| out);
    /// assert_eq!(out.collect()?, [1, 1, 2]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn moving_min<E, F>(&self, preceding: u64, following: u64, value: F) -> Output<T, E::Value>
    where
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        let fold = best::<E::Value>(BestKind::Least, false);
        Self::moving((preceding, following), fold, ordered(value))
    }

    /// The greatest value of the rows from `preceding` rows in front to `following` rows behind.
    /// Null values are skipped.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rows = app.rows(vec![1, 2, 4]);
    /// let out = rows.sort_by(|n| *n).over(|o| o.moving_max(1, 0, |n| *n)).select(|_, out| out);
    /// assert_eq!(out.collect()?, [1, 2, 4]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn moving_max<E, F>(&self, preceding: u64, following: u64, value: F) -> Output<T, E::Value>
    where
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        let fold = best::<E::Value>(BestKind::Greatest, false);
        Self::moving((preceding, following), fold, ordered(value))
    }
}
