//! Quantiles and histograms.

use super::choose::output_of;
use super::{Average, Group, Reducer, Summable};
use crate::dataflow::fold::{ApproxQuantile, Histogram, Quantile, QuantileDiscrete, Tally, Values};
use crate::schema::{Expr, Schema};
use crate::stage::ColumnInput;
use std::panic::Location;

type Mean<V> = <V as Average>::Mean;
type OrNull<V> = <V as Schema>::OrNull;

fn is_share(q: f64) -> bool {
    (0.0..=1.0).contains(&q)
}

fn no_share(q: f64) -> String {
    format!("`q` is {q}, but must be between 0 and 1")
}

impl<T> Group<T> {
    fn interpolated<E, F>(
        &self,
        q: f64,
        value: F,
    ) -> Reducer<T, Mean<E::Value>, OrNull<Mean<E::Value>>>
    where
        E: Expr<T, Value: Average>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        let (element, nullable) = (E::Value::data_type(), E::Value::NULLABLE);
        let column = E::COLUMN.map(|column| ColumnInput::Ordered { column, nulls: false });
        Self::reducer(Values(Quantile { q, element, nullable }), column, move |row, inputs| {
            value(row).with(row, |value| inputs.ordered(value));
        })
    }

    /// The number below which a share of `q` of the numbers lies: `q` 0 is the least, 0.5 the
    /// median, 1 the greatest. Between two numbers it is interpolated linearly, as SQL's
    /// `PERCENTILE_CONT` and numpy's default do. Null values are skipped; NaN is the greatest.
    ///
    /// **State.** Every distinct value. A change costs O(log n), and a walk over about a hundredth
    /// of them.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rows = app.rows(vec![1, 2, 3, 4]);
    /// let quantiles = rows.group_by(|_| ()).reduce(|g| g.quantile(0.9, |n| *n));
    /// assert_eq!(quantiles.collect()?, [((), 3.7)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A `q` outside of 0..=1 is refused when the pipeline starts.
    #[track_caller]
    pub fn quantile<E, F>(
        &self,
        q: f64,
        value: F,
    ) -> Reducer<T, Mean<E::Value>, OrNull<Mean<E::Value>>>
    where
        E: Expr<T, Value: Average>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        let reducer = self.interpolated(q, value);
        reducer.expect(is_share(q), "quantile", Location::caller(), || no_share(q))
    }

    /// The number in the middle, between two their mean: the [`quantile`](Self::quantile) 0.5.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let medians = app.rows(vec![9, 1, 2, 4]).group_by(|_| ()).reduce(|g| g.median(|n| *n));
    /// assert_eq!(medians.collect()?, [((), 3.0)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn median<E, F>(&self, value: F) -> Reducer<T, Mean<E::Value>, OrNull<Mean<E::Value>>>
    where
        E: Expr<T, Value: Average>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        self.interpolated(0.5, value)
    }

    /// The least value that is not less than a share of `q` of the values (SQL's
    /// `PERCENTILE_DISC`): one of the values, of any type. Null values are skipped.
    ///
    /// **State.** Every distinct value. A change costs O(log n), and a walk over about a hundredth
    /// of them.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rows = app.rows(vec!['a', 'b', 'c', 'd']);
    /// let middle = rows.group_by(|_| ()).reduce(|g| g.quantile_discrete(0.5, |c| *c));
    /// assert_eq!(middle.collect()?, [((), 'b')]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A `q` outside of 0..=1 is refused when the pipeline starts.
    #[track_caller]
    pub fn quantile_discrete<E, F>(
        &self,
        q: f64,
        value: F,
    ) -> Reducer<T, E::Value, OrNull<E::Value>>
    where
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        let fold = Values(QuantileDiscrete { q, output: output_of::<E::Value>() });
        let column = E::COLUMN.map(|column| ColumnInput::Ordered { column, nulls: false });
        let reducer = Self::reducer(fold, column, move |row, inputs| {
            value(row).with(row, |value| inputs.ordered(value));
        });
        reducer.expect(is_share(q), "quantile_discrete", Location::caller(), || no_share(q))
    }

    /// The [discrete quantile](Self::quantile_discrete) of numbers, rounded towards zero by at
    /// most 1/128 (0.8 %) of its size; integers up to 256 come out as they are. Null values are
    /// skipped.
    ///
    /// Numbers are counted in buckets, from which they can be taken away again, so it also serves
    /// a `Table`. It depends neither on the order of rows nor on the number of workers.
    ///
    /// **State.** One count for each bucket that is not empty: 128 for each doubling of the range
    /// of values, however many there are.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rows = app.rows((1..=10_000).map(f64::from));
    /// let tails = rows.group_by(|_| ()).reduce(|g| g.approx_quantile(0.99, |n| *n));
    /// let tail = tails.collect()?[0].1;
    /// assert!((9_900.0 - 9_900.0 / 128.0..=9_900.0).contains(&tail));
    /// # Ok::<(), pathway::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A `q` outside of 0..=1 is refused when the pipeline starts.
    #[track_caller]
    pub fn approx_quantile<E, F>(
        &self,
        q: f64,
        value: F,
    ) -> Reducer<T, Mean<E::Value>, OrNull<Mean<E::Value>>>
    where
        E: Expr<T, Value: Average>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        let fold = Values(ApproxQuantile { q, nullable: E::Value::NULLABLE });
        let column = E::COLUMN.map(ColumnInput::Number);
        let reducer = Self::reducer(fold, column, move |row, inputs| {
            value(row).with(row, |value| value.input(inputs));
        });
        reducer.expect(is_share(q), "approx_quantile", Location::caller(), || no_share(q))
    }

    /// How many numbers lie below the first of the ascending `bounds`, from each bound on to below
    /// the next, and from the last on: one count more than there are bounds (as SQL's
    /// `WIDTH_BUCKET` numbers them). Null values are skipped; NaN is the greatest.
    ///
    /// **State.** The counts.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rows = app.rows(vec![-1, 0, 5, 10, 99]);
    /// let counts = rows.group_by(|_| ()).reduce(|g| g.histogram([0.0, 10.0], |n| *n));
    /// assert_eq!(counts.collect()?, [((), vec![1, 2, 2])]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Bounds that do not ascend are refused when the pipeline starts.
    #[track_caller]
    pub fn histogram<E, F>(
        &self,
        bounds: impl IntoIterator<Item: Into<f64>>,
        value: F,
    ) -> Reducer<T, Vec<u64>>
    where
        E: Expr<T, Value: Average>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        let bounds: Vec<f64> = bounds.into_iter().map(Into::into).collect();
        let ascend =
            bounds.is_sorted_by(|a, b| a < b) && bounds.first().is_none_or(|a| !a.is_nan());
        let problem = format!("`bounds` are {bounds:?}, but must be numbers that ascend");
        let column = E::COLUMN.map(ColumnInput::Number);
        let reducer = Self::reducer(Tally(Histogram { bounds }), column, move |row, inputs| {
            value(row).with(row, |value| value.input(inputs));
        });
        reducer.expect(ascend, "histogram", Location::caller(), || problem)
    }
}
