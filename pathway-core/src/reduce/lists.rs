//! Reducers whose result holds many values: lists, maps, joined text.

use super::choose::output_of;
use super::{Group, Reducer, TextValue};
use crate::dataflow::fold::{
    Collect, CollectMap, CollectSorted, JoinText, MostFrequent, Top, Values,
};
use crate::schema::{Expr, Schema};
use crate::stage::ColumnInput;
use std::collections::BTreeMap;
use std::panic::Location;

impl<T> Group<T> {
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
        let fold = Values(Collect { element: E::Value::data_type() });
        Self::reducer(fold, column, move |row, inputs| {
            value(row).with(row, |value| inputs.ordered_or_null(value));
        })
    }

    /// All values in the order of `by`, and of themselves where that is the same; null ones too.
    /// Rows whose `by` is null come last.
    ///
    /// **State.** Every value. A change writes the whole list again: O(group).
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rows = app.rows(vec![(2, 'a'), (1, 'z'), (2, 'b')]);
    /// let all = rows.group_by(|_| ()).reduce(|g| g.collect_sorted_by(|row| row.0, |row| row.1));
    /// assert_eq!(all.collect()?, [((), vec!['z', 'a', 'b'])]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn collect_sorted_by<B, E, F, G>(&self, by: F, value: G) -> Reducer<T, Vec<E::Value>>
    where
        B: Expr<T>,
        E: Expr<T>,
        F: Fn(&T) -> B + Send + Sync + 'static,
        G: Fn(&T) -> E + Send + Sync + 'static,
    {
        let (by_type, element) = (B::Value::data_type(), E::Value::data_type());
        let fold = Values(CollectSorted { by: by_type, element });
        Self::reducer(fold, None, move |row, inputs| {
            by(row).with(row, |by| {
                value(row).with(row, |value| inputs.ordered_pair(by, value, false));
            });
        })
    }

    /// All keys with their values, as a map. A row that is there twice counts once.
    ///
    /// **State.** Every key and value. A change writes the whole map again: O(group).
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rows = app.rows(vec![("b".to_owned(), 2), ("a".to_owned(), 1)]);
    /// let maps = rows.group_by(|_| ()).reduce(|g| g.collect_map(|row| row.0.clone(), |row| row.1));
    /// assert_eq!(maps.collect()?[0].1["a"], 1);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A key that has two values when an epoch closes ends the run; the message names the group,
    /// the key and both.
    #[track_caller]
    pub fn collect_map<K, E, F, G>(
        &self,
        key: F,
        value: G,
    ) -> Reducer<T, BTreeMap<K::Value, E::Value>>
    where
        K: Expr<T, Value: Ord>,
        E: Expr<T>,
        F: Fn(&T) -> K + Send + Sync + 'static,
        G: Fn(&T) -> E + Send + Sync + 'static,
    {
        let fold = CollectMap { key: K::Value::data_type(), value: E::Value::data_type() };
        Self::reducer(Values(fold), None, move |row, inputs| {
            key(row).with(row, |key| {
                value(row).with(row, |value| inputs.ordered_both(key, value));
            });
        })
        .written("collect_map", K::COLUMN, Location::caller())
    }

    /// The texts one behind the other in the order of `by`, and of themselves where that is the
    /// same, with `separator` between two. Null texts are skipped; texts whose `by` is null come
    /// last.
    ///
    /// **State.** Every text. A change writes the whole text again: O(group).
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rows = app.rows(vec![(2, "be".to_owned()), (1, "to".to_owned())]);
    /// let lines = rows.group_by(|_| ()).reduce(|g| {
    ///     g.join_text(" ", |row| row.0, |row| row.1.clone())
    /// });
    /// assert_eq!(lines.collect()?, [((), "to be".to_owned())]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn join_text<B, E, F, G>(
        &self,
        separator: impl Into<String>,
        by: F,
        text: G,
    ) -> Reducer<T, E::Value, <E::Value as Schema>::OrNull>
    where
        B: Expr<T>,
        E: Expr<T, Value: TextValue>,
        F: Fn(&T) -> B + Send + Sync + 'static,
        G: Fn(&T) -> E + Send + Sync + 'static,
    {
        let by_type = B::Value::data_type();
        let (separator, output) = (separator.into(), output_of::<E::Value>());
        let fold = Values(JoinText { separator, by: by_type, text: output });
        Self::reducer(fold, None, move |row, inputs| {
            by(row).with(row, |by| {
                text(row).with(row, |text| match text.is_null() {
                    true => inputs.null(),
                    false => inputs.ordered_pair(by, text, false),
                });
            });
        })
    }

    fn top<E, F>(&self, k: usize, greatest: bool, value: F) -> Reducer<T, Vec<E::Value>>
    where
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        let (element, append_only) = (E::Value::data_type(), self.append_only);
        let fold = Values(Top { k: k as u64, greatest, element, append_only });
        let column = E::COLUMN.map(|column| ColumnInput::Ordered { column, nulls: false });
        Self::reducer(fold, column, move |row, inputs| {
            value(row).with(row, |value| inputs.ordered(value));
        })
    }

    /// The `k` greatest values, from the greatest on, each as often as it is there. Null values
    /// are skipped. To rank by one column and list another, make a tuple of both.
    ///
    /// **State.** At most `k` distinct values over a `Stream`, all values over a `Table`.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let top = app.rows(vec![3, 9, 1, 9]).group_by(|_| ()).reduce(|g| g.top_k(3, |n| *n));
    /// assert_eq!(top.collect()?, [((), vec![9, 9, 3])]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A `k` of 0 is refused when the pipeline starts.
    #[track_caller]
    pub fn top_k<E, F>(&self, k: usize, value: F) -> Reducer<T, Vec<E::Value>>
    where
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        self.top(k, true, value).expect(k > 0, "top_k", Location::caller(), none)
    }

    /// The `k` least values, from the least on, each as often as it is there; otherwise as
    /// [`top_k`](Self::top_k).
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let bottom = app.rows(vec![3, 9, 1, 9]).group_by(|_| ()).reduce(|g| g.bottom_k(2, |n| *n));
    /// assert_eq!(bottom.collect()?, [((), vec![1, 3])]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A `k` of 0 is refused when the pipeline starts.
    #[track_caller]
    pub fn bottom_k<E, F>(&self, k: usize, value: F) -> Reducer<T, Vec<E::Value>>
    where
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        self.top(k, false, value).expect(k > 0, "bottom_k", Location::caller(), none)
    }

    /// The `k` most frequent values, each with how often it is there, the most frequent first;
    /// equally frequent ones in the order of rows. Null values are skipped.
    ///
    /// It is exact. Sketches of frequent values in bounded memory depend on the order in which
    /// values come or on how they are divided among workers, so there is none here.
    ///
    /// **State.** Every distinct value. A change reads them all: O(distinct values).
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rows = app.rows(vec!['a', 'b', 'c', 'b', 'c']);
    /// let frequent = rows.group_by(|_| ()).reduce(|g| g.most_frequent(2, |c| *c));
    /// assert_eq!(frequent.collect()?, [((), vec![('b', 2), ('c', 2)])]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A `k` of 0 is refused when the pipeline starts.
    #[track_caller]
    pub fn most_frequent<E, F>(&self, k: usize, value: F) -> Reducer<T, Vec<(E::Value, u64)>>
    where
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        let (element, nullable) = (E::Value::data_type(), E::Value::NULLABLE);
        let column = E::COLUMN.map(|column| ColumnInput::Ordered { column, nulls: false });
        let fold = Values(MostFrequent { k, element, nullable });
        let reducer = Self::reducer(fold, column, move |row, inputs| {
            value(row).with(row, |value| inputs.ordered(value));
        });
        reducer.expect(k > 0, "most_frequent", Location::caller(), none)
    }
}

fn none() -> String {
    "`k` is 0, but must be at least 1".to_owned()
}
