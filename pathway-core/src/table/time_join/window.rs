//! `window_join`: rows of the same window.

use super::{BothSides, OnKeys, Parts, SameTime, TimeJoin};
use crate::dataflow::Meets;
use crate::dataflow::window::Windows;
use crate::plan::Rooted;
use crate::schema::{EventTime, Schema, Window};
use crate::stage::{self, Front};
use crate::table::join::present;
use crate::table::window::{Changing, Final, WindowSpec};
use crate::table::{Full, Inner, Left, PairJoin, Right, Stream, Table};
use std::panic::Location;
use std::sync::Arc;

/// Rows meet that are in the same window; see [`Table::window_join`].
#[derive(Debug)]
pub struct ByWindow(());

impl BothSides for ByWindow {}

impl<T> Table<T> {
    /// Joins rows of one key whose event times are in the same window.
    ///
    /// Name the keys with [`on`](TimeJoin::on), and end with `select`, which is given the window
    /// as well. By default only pairs come out; [`left`](TimeJoin::left),
    /// [`right`](TimeJoin::right) and [`full`](TimeJoin::full) keep the rows that meet none in one
    /// of their windows, once for each such window.
    ///
    /// **Time.** Results are right at every moment; with [`when_final`](TimeJoin::when_final) each
    /// comes out once: a pair of streams' rows at once, others when their window is over. The result
    /// has no watermark.
    /// **State.** Each row once for each of its windows, until the other side's watermark has
    /// reached the window's end. Where that side has no
    /// [`watermark`](crate::table::Stream::watermark) and has not ended, rows are kept for ever,
    /// which [`explain`](crate::table::Pipeline::explain) says.
    ///
    /// ```
    /// use pathway::prelude::*;
    ///
    /// #[derive(Clone, Debug, Schema)]
    /// struct Reading {
    ///     #[schema(event_time)]
    ///     second: i64,
    ///     value: i64,
    /// }
    ///
    /// let app = Pipeline::new("example");
    /// let reading = |(second, value)| Reading { second, value };
    /// let inside = app.rows([(1, 20), (13, 21)].map(reading));
    /// let outside = app.rows([(8, 3), (29, 5)].map(reading));
    /// let both = inside
    ///     .window_join(&outside, tumbling(10))
    ///     .on(|_| (), |_| ())
    ///     .full()
    ///     .select(|window, inside, outside| {
    ///         (window.start, inside.map(|row| row.value), outside.map(|row| row.value))
    ///     });
    /// assert_eq!(
    ///     both.collect()?,
    ///     [(0, Some(20), Some(3)), (10, Some(21), None), (20, None, Some(5))],
    /// );
    /// # Ok::<(), pathway::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Windows that make no sense are
    /// [`BuildError::Argument`](crate::error::BuildError::Argument)s. Without a watermark, a row
    /// whose event time is null ends the run with
    /// [`DataError::Step`](crate::error::DataError::Step); with one, it is late.
    #[track_caller]
    pub fn window_join<R>(
        &self,
        right: &Table<R>,
        windows: WindowSpec<T::Time>,
    ) -> TimeJoin<T, R, ByWindow>
    where
        T: EventTime,
        R: EventTime,
        T::Time: SameTime<R::Time>,
    {
        let location = Location::caller();
        let division = match windows.windows() {
            Ok(Windows::Fixed(division)) => Ok(division),
            Ok(other) => Err(format!("{other} cannot be joined yet")),
            Err(problem) => Err(problem),
        };
        let described = division.as_ref().map_or_else(|_| String::new(), |d| format!("in {d}"));
        let sides = (self, right);
        let mut join = TimeJoin::new(sides, Meets::Window, described, "window_join", location);
        match division {
            Ok(division) => {
                join.parts.fronts = (Front::Windows(division.clone()), Front::Windows(division));
            }
            Err(problem) => self.mistake("window_join", location, problem),
        }
        join
    }
}

impl<L: EventTime, R: EventTime> Parts<L, R> {
    fn windows<K: PairJoin, U, F>(self, f: F) -> Table<U>
    where
        U: Schema,
        F: Fn(Window<L::Time>, Option<&L>, Option<&R>) -> U + Send + Sync + 'static,
    {
        let f = Arc::new(f);
        let root: Rooted = Arc::new(move |node, next| {
            stage::window_join_root::<L::Time, L, R, U, F>(node, Arc::clone(&f), next)
        });
        self.push::<K, U>(root)
    }
}

/// `select` for each kind of join, of results that change and of final ones.
macro_rules! selects {
    ($($(#[$doc:meta])* $Kind:ident($Left:ty, $Right:ty): |$w:ident, $l:ident, $r:ident| $of:expr;)*) => { $(
        impl<L, R> TimeJoin<L, R, ByWindow, $Kind, Changing, OnKeys> {
            $(#[$doc])*
            pub fn select<U, F>(self, f: F) -> Table<U>
            where
                L: EventTime,
                R: EventTime,
                U: Schema,
                F: Fn(Window<L::Time>, $Left, $Right) -> U + Send + Sync + 'static,
            {
                self.parts.windows::<$Kind, U, _>(move |$w, $l, $r| {
                    let (left, right) = $of;
                    f($w, left, right)
                })
            }
        }

        impl<L, R> TimeJoin<L, R, ByWindow, $Kind, Final, OnKeys> {
            $(#[$doc])*
            pub fn select<U, F>(self, f: F) -> Stream<U>
            where
                L: EventTime,
                R: EventTime,
                U: Schema,
                F: Fn(Window<L::Time>, $Left, $Right) -> U + Send + Sync + 'static,
            {
                let rows = self.parts.windows::<$Kind, U, _>(move |$w, $l, $r| {
                    let (left, right) = $of;
                    f($w, left, right)
                });
                rows.into_stream()
            }
        }
    )* };
}

selects! {
    /// Makes a row of each pair of rows that meet in a window.
    Inner(&L, &R): |window, left, right| (present(left), present(right));
    /// Makes a row of each pair of rows that meet in a window, and of each left row that meets
    /// none in one of its windows.
    Left(&L, Option<&R>): |window, left, right| (present(left), right);
    /// Makes a row of each pair of rows that meet in a window, and of each right row that meets
    /// none in one of its windows.
    Right(Option<&L>, &R): |window, left, right| (left, present(right));
    /// Makes a row of each pair of rows that meet in a window, and of each row of either side that
    /// meets none in one of its windows.
    Full(Option<&L>, Option<&R>): |window, left, right| (left, right);
}
