//! Verbs that work on one row at a time. Their closures run fused, between one decode and one
//! encode.

use super::collection::{kept_step, step};
use super::{Fallible, RowError, Stream, Table};
use crate::plan::Operation;
use crate::schema::Schema;
use crate::stage::{self, RowType};
use std::fmt;
use std::sync::Arc;

/// The verbs of both handles; those of a stream return streams.
macro_rules! row_verbs {
    ($Handle:ident) => {
        impl<T> $Handle<T> {
            /// Turns every row into another one.
            ///
            /// **Time.** A retraction calls `f` again on the retracted row, so `f` must be a
            /// function of the row alone.
            ///
            /// ```
            /// # use pathway::prelude::*;
            /// let app = Pipeline::new("example");
            /// let doubled = app.rows(vec![1, 2]).map(|n| n * 2);
            /// assert_eq!(doubled.collect()?, [2, 4]);
            /// # Ok::<(), pathway::Error>(())
            /// ```
            #[track_caller]
            pub fn map<U, F>(&self, f: F) -> $Handle<U>
            where
                T: Schema,
                U: Schema,
                F: Fn(T) -> U + Send + Sync + 'static,
            {
                step(self, "map", std::panic::Location::caller(), stage::map(f))
            }

            /// Turns every row into another one, by reference: the columns that matter.
            ///
            /// ```
            /// # use pathway::prelude::*;
            /// let app = Pipeline::new("example");
            /// let people = app.rows(vec![("Ada".to_owned(), 36), ("Alan".to_owned(), 41)]);
            /// assert_eq!(people.select(|(name, _)| name.clone()).collect()?, ["Ada", "Alan"]);
            /// # Ok::<(), pathway::Error>(())
            /// ```
            #[track_caller]
            pub fn select<U, F>(&self, f: F) -> $Handle<U>
            where
                T: Schema,
                U: Schema,
                F: Fn(&T) -> U + Send + Sync + 'static,
            {
                let factory = stage::map(move |row: T| f(&row));
                step(self, "select", std::panic::Location::caller(), factory)
            }

            /// Keeps the rows for which `f` holds.
            ///
            /// ```
            /// # use pathway::prelude::*;
            /// let app = Pipeline::new("example");
            /// let odd = app.rows(vec![1, 2, 3]).filter(|n| n % 2 == 1);
            /// assert_eq!(odd.collect()?, [1, 3]);
            /// # Ok::<(), pathway::Error>(())
            /// ```
            #[track_caller]
            pub fn filter<F>(&self, f: F) -> $Handle<T>
            where
                T: Schema,
                F: Fn(&T) -> bool + Send + Sync + 'static,
            {
                let location = std::panic::Location::caller();
                kept_step(self, "filter", location, stage::filter(f))
            }

            /// Calls `f` on every row and keeps what it returns.
            ///
            /// ```
            /// # use pathway::prelude::*;
            /// let app = Pipeline::new("example");
            /// let text = app.rows(vec!["1".to_owned(), "x".to_owned()]);
            /// let numbers = text.filter_map(|text| text.parse::<i64>().ok());
            /// assert_eq!(numbers.collect()?, [1]);
            /// # Ok::<(), pathway::Error>(())
            /// ```
            #[track_caller]
            pub fn filter_map<U, F>(&self, f: F) -> $Handle<U>
            where
                T: Schema,
                U: Schema,
                F: Fn(T) -> Option<U> + Send + Sync + 'static,
            {
                step(self, "filter_map", std::panic::Location::caller(), stage::filter_map(f))
            }

            /// Turns every row into any number of rows.
            ///
            /// ```
            /// # use pathway::prelude::*;
            /// let app = Pipeline::new("example");
            /// let lines = app.rows(vec!["to be or".to_owned(), "not to be".to_owned()]);
            /// let words = lines.flat_map(|line| {
            ///     line.split(' ').map(str::to_owned).collect::<Vec<_>>()
            /// });
            /// assert_eq!(words.collect()?, ["to", "be", "or", "not", "to", "be"]);
            /// # Ok::<(), pathway::Error>(())
            /// ```
            #[track_caller]
            pub fn flat_map<I, F>(&self, f: F) -> $Handle<I::Item>
            where
                T: Schema,
                I: IntoIterator<Item: Schema> + 'static,
                F: Fn(T) -> I + Send + Sync + 'static,
            {
                step(self, "flat_map", std::panic::Location::caller(), stage::flat_map(f))
            }

            /// Takes rows apart that are lists: each element becomes a row.
            ///
            /// ```
            /// # use pathway::prelude::*;
            /// let app = Pipeline::new("example");
            /// let parts = app.rows(vec![vec![1, 2], vec![], vec![3]]).flatten();
            /// assert_eq!(parts.collect()?, [1, 2, 3]);
            /// # Ok::<(), pathway::Error>(())
            /// ```
            #[track_caller]
            pub fn flatten(&self) -> $Handle<T::Item>
            where
                T: Schema + IntoIterator<Item: Schema>,
            {
                step(self, "flatten", std::panic::Location::caller(), stage::flat_map(|row: T| row))
            }

            /// Divides the rows in two: those for which `f` holds, and the others.
            ///
            /// ```
            /// # use pathway::prelude::*;
            /// let app = Pipeline::new("example");
            /// let (odd, even) = app.rows(vec![1, 2, 3]).split(|n| n % 2 == 1);
            /// assert_eq!(odd.collect()?, [1, 3]);
            /// assert_eq!(even.collect()?, [2]);
            /// # Ok::<(), pathway::Error>(())
            /// ```
            #[track_caller]
            pub fn split<F>(&self, f: F) -> ($Handle<T>, $Handle<T>)
            where
                T: Schema,
                F: Fn(&T) -> bool + Send + Sync + 'static,
            {
                let location = std::panic::Location::caller();
                let f = Arc::new(f);
                let other = Arc::clone(&f);
                let with = kept_step(self, "split", location, stage::filter(move |row: &T| f(row)));
                let without =
                    kept_step(self, "split", location, stage::filter(move |row: &T| !other(row)));
                (with, without)
            }

            /// Shows every update, a row and its diff, to `f`: for debugging.
            ///
            /// `f` runs on the worker threads, before updates are consolidated.
            ///
            /// ```
            /// # use pathway::prelude::*;
            /// let app = Pipeline::new("example");
            /// let seen = app.rows(vec![1, 2]).inspect(|row, diff| eprintln!("{diff:+} {row}"));
            /// assert_eq!(seen.collect()?, [1, 2]);
            /// # Ok::<(), pathway::Error>(())
            /// ```
            #[track_caller]
            pub fn inspect<F>(&self, f: F) -> $Handle<T>
            where
                T: Schema,
                F: Fn(&T, i64) + Send + Sync + 'static,
            {
                let location = std::panic::Location::caller();
                kept_step(self, "inspect", location, stage::inspect(f))
            }

            /// Calls a function that can fail on every row.
            ///
            /// The result is a collection of what succeeded, and the first failure ends the run;
            /// [`or_errors`](Fallible::or_errors) gives the failures as a collection of their
            /// own, and the run goes on.
            ///
            /// ```
            /// # use pathway::prelude::*;
            /// let app = Pipeline::new("example");
            /// let text = app.rows(vec!["1".to_owned(), "x".to_owned()]);
            /// let (numbers, bad) = text.try_map(|text: String| text.parse::<i64>()).or_errors();
            /// assert_eq!(numbers.collect()?, [1]);
            /// assert_eq!(bad.collect()?[0].row, "x");
            /// # Ok::<(), pathway::Error>(())
            /// ```
            ///
            /// # Errors
            ///
            /// [`DataError::Step`](crate::error::DataError::Step) ends the run, unless the
            /// errors are taken.
            #[track_caller]
            pub fn try_map<U, E, F>(&self, f: F) -> Fallible<$Handle<U>, $Handle<RowError<T>>>
            where
                T: Schema,
                U: Schema,
                E: fmt::Display,
                F: Fn(T) -> Result<U, E> + Send + Sync + 'static,
            {
                try_step(self, std::panic::Location::caller(), f)
            }

            /// Puts this collection and another together; equal rows stay apart.
            ///
            /// A stream and a stream give a stream; anything else gives a table. Where both have a
            /// watermark, the result has the smaller one.
            ///
            /// ```
            /// # use pathway::prelude::*;
            /// let app = Pipeline::new("example");
            /// let all = app.rows(vec![1, 2]).concat(&app.rows(vec![2, 3]));
            /// assert_eq!(all.collect()?.len(), 4);
            /// # Ok::<(), pathway::Error>(())
            /// ```
            #[track_caller]
            pub fn concat(&self, other: &$Handle<T>) -> $Handle<T>
            where
                T: Schema,
            {
                let append_only = self.is_append_only() && other.is_append_only();
                let location = std::panic::Location::caller();
                let table =
                    self.derive("concat", location, Operation::Concat, &[other.port], append_only);
                table.graph.change(|plan| plan.put_watermarks_together(table.port.node));
                row_verbs!(@ $Handle table)
            }
        }
    };
    (@ Table $table:ident) => {
        $table
    };
    (@ Stream $table:ident) => {
        $table.into_stream()
    };
}

row_verbs!(Table);
row_verbs!(Stream);

/// The step of a fallible function: what failed keeps the row.
pub(super) fn fallible<T, U, E, F>(f: F) -> stage::StepFactory
where
    T: Schema,
    U: Schema,
    E: fmt::Display,
    F: Fn(T) -> Result<U, E> + Send + Sync + 'static,
{
    stage::try_map(move |row: T| {
        // The row moves into `f`; its bytes are what is left of it if `f` fails.
        let bytes = row.to_row_bytes();
        f(row).map_err(|error| RowError {
            row: T::decode(&mut bytes.as_slice()),
            error: error.to_string(),
        })
    })
}

/// Pushes a fallible step, and keeps the kind of collection.
pub(super) fn try_step<C, U, E, F>(
    input: &C,
    location: &'static std::panic::Location<'static>,
    f: F,
) -> Fallible<C::Of<U>, C::Of<RowError<C::Row>>>
where
    C: super::Collection,
    U: Schema,
    E: fmt::Display,
    F: Fn(C::Row) -> Result<U, E> + Send + Sync + 'static,
{
    let table = input.as_table();
    let append_only = C::APPEND_ONLY || table.is_append_only();
    let operation = Operation::Step(fallible(f));
    let outputs = vec![const { RowType::of::<U>() }, const { RowType::of::<RowError<C::Row>>() }];
    let graph = &table.graph;
    let node = graph.push("try_map", location, operation, vec![table.port], outputs, append_only);
    let rows = C::from_table(Table::new(Arc::clone(graph), node, 0));
    let errors = C::from_table(Table::new(Arc::clone(graph), node, 1));
    Fallible::new(rows, errors, (Arc::clone(graph), node))
}
