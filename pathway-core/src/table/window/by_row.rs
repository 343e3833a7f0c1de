//! Windows that rows say themselves: sessions by closure, windows of one's own, and windows of so
//! many rows.

use super::{ByPosition, ByTime, PanesOf, Windowed, checked, timed};
use crate::dataflow::window::{Division, Joins, Windows};
use crate::reduce::{Group, StreamGroup};
use crate::schema::{EventTime, TimePoint, Window};
use crate::table::{Stream, Table};
use std::panic::Location;
use std::sync::Arc;

/// A length of time on the line of a row's event time.
type Span<T> = <<T as EventTime>::Time as TimePoint>::Span;

impl<T> Table<T> {
    /// Divides the rows of each key into sessions, where each row says how long it lasts: it
    /// covers the time from its own up to `gap` later, and rows whose covers overlap are of one
    /// session. A session starts with its first row and ends with the last cover. `gap` is called
    /// again on a row that is taken away, so it must be a function of the row alone.
    ///
    /// [`sessions`](super::sessions) has one gap for all rows. What comes out when, and what is
    /// kept, is as for [`window`](Self::window).
    ///
    /// ```
    /// use pathway::prelude::*;
    ///
    /// #[derive(Clone, Debug, Schema)]
    /// struct Call {
    ///     line: u8,
    ///     #[schema(event_time)]
    ///     second: i64,
    ///     lasts: i64,
    /// }
    ///
    /// let app = Pipeline::new("example");
    /// let call = |second, lasts| Call { line: 1, second, lasts };
    /// let busy = app
    ///     .rows(vec![call(0, 30), call(20, 5), call(31, 10), call(40, 60)])
    ///     .sessions_by(|call| call.lasts)
    ///     .group_by(|call| call.line)
    ///     .reduce(|g| g.count())
    ///     .select(|(busy, line), calls| (line, busy.start, busy.end, calls));
    /// assert_eq!(busy.collect()?, [(1, 0, 30, 2), (1, 31, 100, 2)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A gap that is not positive ends the run with
    /// [`DataError::Step`](crate::error::DataError::Step), which names the row; so does a row
    /// without an event time.
    #[track_caller]
    pub fn sessions_by<F>(&self, gap: F) -> Windowed<T, ByTime, Group<T>>
    where
        T: EventTime,
        F: Fn(&T) -> Span<T> + Send + Sync + 'static,
    {
        sessions_by(self, gap, Location::caller())
    }

    /// Divides the rows of each key into sessions, where a function says whether the times of two
    /// rows of which none is between them are of one session: the earlier one comes first. A
    /// session starts with its first row and ends one step behind its last one.
    ///
    /// Times between two of one session are of that session, too: where `near(a, c)` holds and
    /// `b` is between `a` and `c`, so must `near(a, b)` and `near(b, c)`. A session is over when
    /// the watermark is not near its last row.
    ///
    /// ```
    /// use pathway::prelude::*;
    ///
    /// #[derive(Clone, Debug, Schema)]
    /// struct Visit {
    ///     #[schema(event_time)]
    ///     minute: i64,
    /// }
    ///
    /// let app = Pipeline::new("example");
    /// let visits = app.rows([1, 50, 59, 61, 62].map(|minute| Visit { minute }));
    /// // Ten minutes apart at most, and in one hour.
    /// let visits = visits
    ///     .sessions_where(|before, after| after - before <= 10 && before / 60 == after / 60)
    ///     .reduce(|g| g.count())
    ///     .select(|session, count| (session.start, session.end, count));
    /// assert_eq!(visits.collect()?, [(1, 2, 1), (50, 60, 2), (61, 63, 2)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    #[track_caller]
    pub fn sessions_where<F>(&self, near: F) -> Windowed<T, ByTime, Group<T>>
    where
        T: EventTime,
        F: Fn(T::Time, T::Time) -> bool + Send + Sync + 'static,
    {
        sessions_where(self, near, Location::caller())
    }

    /// Divides the rows into windows of one's own: `windows` says which windows a row is in. Each
    /// must hold the row's time; a row may be in several, or in none. `windows` is called again on
    /// a row that is taken away, so it must be a function of the row alone.
    ///
    /// ```
    /// use pathway::prelude::*;
    ///
    /// #[derive(Clone, Debug, Schema)]
    /// struct Sale {
    ///     #[schema(event_time)]
    ///     hour: i64,
    /// }
    ///
    /// let app = Pipeline::new("example");
    /// let sales = app.rows([3, 9, 12, 23].map(|hour| Sale { hour }));
    /// let (day, night) = (Window { start: 6, end: 22 }, Window { start: 22, end: 30 });
    /// let counts = sales
    ///     .windows_by(move |sale| {
    ///         let windows = [day, night].into_iter();
    ///         windows.filter(|w| (w.start..w.end).contains(&sale.hour)).collect::<Vec<_>>()
    ///     })
    ///     .reduce(|g| g.count())
    ///     .select(|window, count| (window.start, count));
    /// assert_eq!(counts.collect()?, [(6, 2), (22, 1)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A window that does not hold the time of its row ends the run with
    /// [`DataError::Step`](crate::error::DataError::Step), which names both; so does a row without
    /// an event time.
    #[track_caller]
    pub fn windows_by<I, F>(&self, windows: F) -> Windowed<T, ByTime, Group<T>>
    where
        T: EventTime,
        I: IntoIterator<Item = Window<T::Time>>,
        F: Fn(&T) -> I + Send + Sync + 'static,
    {
        windows_by(self, windows, Location::caller())
    }

    /// Divides the rows of each key into windows of `rows` rows each, in the order of their event
    /// times; rows of one time follow in the order of rows. A window's bounds are positions: the
    /// first has the rows from 0 up to `rows`.
    ///
    /// **Shape.** One row for each window and key that has rows. The last window of a key may have
    /// fewer: with a [`count`](crate::reduce::Group::count) beside the others it can be told apart.
    /// **Time.** A row that comes or goes shifts all rows of its key behind it, so those windows
    /// change. [`when_final`](Windowed::when_final), a window comes out when its last row is behind
    /// the watermark: then no row can come in front of it. The last, incomplete one comes when the
    /// stream ends.
    /// **State.** All rows of each key, sorted; behind a [`watermark`](Stream::watermark), those
    /// of windows that are not final, and a number for each key.
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
    /// let readings = [(5, 1), (1, 2), (3, 4), (9, 8)];
    /// let sums = app
    ///     .rows(readings.map(|(second, value)| Reading { second, value }))
    ///     .count_windows(2)
    ///     .reduce(|g| (g.sum(|reading| reading.value), g.min(|reading| reading.second)))
    ///     .select(|rows, (sum, since)| (rows.start, rows.end, since, sum));
    /// assert_eq!(sums.collect()?, [(0, 2, 1, 6), (2, 4, 5, 9)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Windows of no rows are a [`BuildError::Argument`](crate::error::BuildError::Argument).
    #[track_caller]
    pub fn count_windows(&self, rows: u64) -> Windowed<T, ByPosition, Group<T>>
    where
        T: EventTime,
    {
        count_windows(self, rows, rows, "count_windows", Location::caller())
    }

    /// Divides the rows of each key into windows of `rows` rows each, a new one every `hop` rows;
    /// see [`count_windows`](Self::count_windows). Each window is folded anew when it changes.
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
    /// let readings = [(5, 8), (1, 2), (3, 4)];
    /// let sums = app
    ///     .rows(readings.map(|(second, value)| Reading { second, value }))
    ///     .sliding_count_windows(2, 1)
    ///     .reduce(|g| g.sum(|reading| reading.value))
    ///     .select(|rows, sum| (rows.start, sum));
    /// assert_eq!(sums.collect()?, [(0, 6), (1, 12), (2, 8)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Windows of no rows, and a hop of none or of more rows than a window has, are a
    /// [`BuildError::Argument`](crate::error::BuildError::Argument).
    #[track_caller]
    pub fn sliding_count_windows(&self, rows: u64, hop: u64) -> Windowed<T, ByPosition, Group<T>>
    where
        T: EventTime,
    {
        count_windows(self, rows, hop, "sliding_count_windows", Location::caller())
    }
}

impl<T> Stream<T> {
    /// Divides the rows of each key into sessions by how long each row lasts; see
    /// [`Table::sessions_by`].
    #[track_caller]
    pub fn sessions_by<F>(&self, gap: F) -> Windowed<T, ByTime, StreamGroup<T>>
    where
        T: EventTime,
        F: Fn(&T) -> Span<T> + Send + Sync + 'static,
    {
        sessions_by(self, gap, Location::caller())
    }

    /// Divides the rows of each key into sessions by what times are near each other; see
    /// [`Table::sessions_where`].
    #[track_caller]
    pub fn sessions_where<F>(&self, near: F) -> Windowed<T, ByTime, StreamGroup<T>>
    where
        T: EventTime,
        F: Fn(T::Time, T::Time) -> bool + Send + Sync + 'static,
    {
        sessions_where(self, near, Location::caller())
    }

    /// Divides the rows into windows of one's own; see [`Table::windows_by`].
    #[track_caller]
    pub fn windows_by<I, F>(&self, windows: F) -> Windowed<T, ByTime, StreamGroup<T>>
    where
        T: EventTime,
        I: IntoIterator<Item = Window<T::Time>>,
        F: Fn(&T) -> I + Send + Sync + 'static,
    {
        windows_by(self, windows, Location::caller())
    }

    /// Divides the rows of each key into windows of `rows` rows each; see
    /// [`Table::count_windows`].
    #[track_caller]
    pub fn count_windows(&self, rows: u64) -> Windowed<T, ByPosition, StreamGroup<T>>
    where
        T: EventTime,
    {
        count_windows(self, rows, rows, "count_windows", Location::caller())
    }

    /// Divides the rows of each key into windows of `rows` rows each, a new one every `hop` rows;
    /// see [`Table::sliding_count_windows`].
    #[track_caller]
    pub fn sliding_count_windows(
        &self,
        rows: u64,
        hop: u64,
    ) -> Windowed<T, ByPosition, StreamGroup<T>>
    where
        T: EventTime,
    {
        count_windows(self, rows, hop, "sliding_count_windows", Location::caller())
    }
}

fn sessions_by<T, G, F>(
    table: &Table<T>,
    gap: F,
    location: &'static Location<'static>,
) -> Windowed<T, ByTime, G>
where
    T: EventTime,
    F: Fn(&T) -> Span<T> + Send + Sync + 'static,
{
    let gap = Arc::new(gap);
    let steps = move |row: &T| T::Time::span_steps(gap(row));
    let gap = steps.clone();
    let table = checked(table, location, move |row, _| match gap(row) {
        1.. => Ok(()),
        _ => Err("the gap that ends its session is not positive".to_owned()),
    });
    let panes: PanesOf<T> = Arc::new(move |row, put| {
        if let Some(time) = row.event_time() {
            let time = time.to_steps();
            put(time, time.saturating_add(steps(row)));
        }
    });
    Windowed::new(table, Windows::Sessions(Joins::ByRow), Some(panes), location)
}

fn sessions_where<T, G, F>(
    table: &Table<T>,
    near: F,
    location: &'static Location<'static>,
) -> Windowed<T, ByTime, G>
where
    T: EventTime,
    F: Fn(T::Time, T::Time) -> bool + Send + Sync + 'static,
{
    let near = move |before, after| near(T::Time::from_steps(before), T::Time::from_steps(after));
    let windows = Windows::Sessions(Joins::Where(Arc::new(near)));
    Windowed::new(timed(table, location), windows, None, location)
}

fn windows_by<T, G, I, F>(
    table: &Table<T>,
    windows: F,
    location: &'static Location<'static>,
) -> Windowed<T, ByTime, G>
where
    T: EventTime,
    I: IntoIterator<Item = Window<T::Time>>,
    F: Fn(&T) -> I + Send + Sync + 'static,
{
    let windows = Arc::new(windows);
    let windows_of = Arc::clone(&windows);
    let table = checked(table, location, move |row, time| {
        let misses = |window: &Window<T::Time>| time < window.start || time >= window.end;
        match windows_of(row).into_iter().find(misses) {
            Some(window) => Err(format!("its window from {window} does not hold its time {time}")),
            None => Ok(()),
        }
    });
    let panes: PanesOf<T> = Arc::new(move |row, put| {
        let windows = windows(row).into_iter();
        let mut windows: Vec<_> =
            windows.map(|window| (window.start.to_steps(), window.end.to_steps())).collect();
        windows.sort_unstable();
        windows.dedup();
        windows.into_iter().for_each(|(start, end)| put(start, end));
    });
    Windowed::new(table, Windows::Fixed(Division::Own), Some(panes), location)
}

fn count_windows<T: EventTime, G>(
    table: &Table<T>,
    size: u64,
    hop: u64,
    verb: &'static str,
    location: &'static Location<'static>,
) -> Windowed<T, ByPosition, G> {
    /// More rows than there will ever be.
    const ROWS_MAX: u64 = 1 << 48;
    let problem = match (size, hop) {
        (0, _) => Some("windows of no rows hold nothing".to_owned()),
        (_, 0) => Some("the hop of the windows is 0 rows".to_owned()),
        _ if hop > size => Some(format!(
            "the hop of {hop} rows is longer than a window of {size}, so some rows are in no window"
        )),
        _ if size > ROWS_MAX => Some(format!("windows of {size} rows are never full")),
        _ => None,
    };
    let windows = if let Some(problem) = problem {
        table.mistake(verb, location, problem);
        Windows::Counted { size: 1, hop: 1 }
    } else {
        Windows::Counted { size, hop }
    };
    Windowed::new(timed(table, location), windows, None, location)
}
