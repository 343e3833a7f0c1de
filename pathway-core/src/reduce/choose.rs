//! Reducers that choose one of the values: min, max, any, argmin, argmax, first, last, unique, mode.

use super::{Group, Reducer};
use crate::dataflow::fold::{Best, BestKind, Mode, Output, Unique, Values};
use crate::schema::{Expr, Schema};
use crate::stage::ColumnInput;
use std::panic::Location;

type OrNull<V> = <V as Schema>::OrNull;

pub(super) fn output_of<V: Schema>() -> Output {
    Output { data_type: V::data_type(), nullable: V::NULLABLE }
}

impl<T> Group<T> {
    fn best<E, F>(&self, kind: BestKind, value: F) -> Reducer<T, E::Value, OrNull<E::Value>>
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
    pub fn min<E, F>(&self, value: F) -> Reducer<T, E::Value, OrNull<E::Value>>
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
    pub fn max<E, F>(&self, value: F) -> Reducer<T, E::Value, OrNull<E::Value>>
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
    pub fn any<E, F>(&self, value: F) -> Reducer<T, E::Value, OrNull<E::Value>>
    where
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        self.best(BestKind::Least, value)
    }

    fn arg<B, O, F, G>(
        &self,
        descending: bool,
        by: F,
        of: G,
    ) -> Reducer<T, O::Value, OrNull<O::Value>>
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
    pub fn argmin<B, O, F, G>(&self, by: F, of: G) -> Reducer<T, O::Value, OrNull<O::Value>>
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
    pub fn argmax<B, O, F, G>(&self, by: F, of: G) -> Reducer<T, O::Value, OrNull<O::Value>>
    where
        B: Expr<T>,
        O: Expr<T>,
        F: Fn(&T) -> B + Send + Sync + 'static,
        G: Fn(&T) -> O + Send + Sync + 'static,
    {
        self.arg(true, by, of)
    }

    /// `value` in the first row by `by`: [`argmin`](Self::argmin) by its familiar name.
    ///
    /// There is no order of arrival: what comes first is said by a column, such as a time.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rows = app.rows(vec![(9, "late".to_owned()), (7, "early".to_owned())]);
    /// let first = rows.group_by(|_| ()).reduce(|g| g.first(|row| row.0, |row| row.1.clone()));
    /// assert_eq!(first.collect()?, [((), "early".to_owned())]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn first<B, O, F, G>(&self, by: F, value: G) -> Reducer<T, O::Value, OrNull<O::Value>>
    where
        B: Expr<T>,
        O: Expr<T>,
        F: Fn(&T) -> B + Send + Sync + 'static,
        G: Fn(&T) -> O + Send + Sync + 'static,
    {
        self.arg(false, by, value)
    }

    /// `value` in the last row by `by`: [`argmax`](Self::argmax) by its familiar name. Of several
    /// rows that are last, the least `value`.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rows = app.rows(vec![(9, "late".to_owned()), (7, "early".to_owned())]);
    /// let last = rows.group_by(|_| ()).reduce(|g| g.last(|row| row.0, |row| row.1.clone()));
    /// assert_eq!(last.collect()?, [((), "late".to_owned())]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn last<B, O, F, G>(&self, by: F, value: G) -> Reducer<T, O::Value, OrNull<O::Value>>
    where
        B: Expr<T>,
        O: Expr<T>,
        F: Fn(&T) -> B + Send + Sync + 'static,
        G: Fn(&T) -> O + Send + Sync + 'static,
    {
        self.arg(true, by, value)
    }

    /// The one value of the group: a column that depends on the key. Null values are skipped.
    ///
    /// **State.** Every distinct value, of which there should be one.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rows = app.rows(vec![(1, "Ada".to_owned()), (1, "Ada".to_owned())]);
    /// let names = rows.group_by(|row| row.0).reduce(|g| g.unique(|row| row.1.clone()));
    /// assert_eq!(names.collect()?, [(1, "Ada".to_owned())]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Several different values when an epoch closes end the run; the message names the group and
    /// two of them.
    #[track_caller]
    pub fn unique<E, F>(&self, value: F) -> Reducer<T, E::Value, OrNull<E::Value>>
    where
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        let output = output_of::<E::Value>();
        let fold = Values(Unique { output, append_only: self.append_only });
        let column = E::COLUMN.map(|column| ColumnInput::Ordered { column, nulls: false });
        Self::reducer(fold, column, move |row, inputs| {
            value(row).with(row, |value| inputs.ordered(value));
        })
        .written("unique", E::COLUMN, Location::caller())
    }

    /// The most frequent value; of several, the least. Null values are skipped.
    ///
    /// **State.** Every distinct value. A change reads them all: O(distinct values).
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let modes = app.rows(vec![3, 1, 3, 1, 2]).group_by(|_| ()).reduce(|g| g.mode(|n| *n));
    /// assert_eq!(modes.collect()?, [((), 1)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn mode<E, F>(&self, value: F) -> Reducer<T, E::Value, OrNull<E::Value>>
    where
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        let column = E::COLUMN.map(|column| ColumnInput::Ordered { column, nulls: false });
        Self::reducer(Values(Mode(output_of::<E::Value>())), column, move |row, inputs| {
            value(row).with(row, |value| inputs.ordered(value));
        })
    }
}
