//! `sessions_while`: sessions by a predicate on neighbouring rows.

use super::{ByNeighbours, Windowed, timed};
use crate::dataflow::window::{Neighbours, Windows};
use crate::reduce::{Group, StreamGroup};
use crate::schema::{EventTime, TimePoint};
use crate::table::{Stream, Table};
use std::panic::Location;
use std::sync::Arc;

impl<T> Table<T> {
    /// Divides the rows of each key into sessions, where a predicate says whether a row is of the
    /// session of the one before it. Rows are in the order of their event times, and those of one
    /// time in the order of rows; copies of a row are of one session. A session starts with its
    /// first row and ends one step behind its last one; where rows of one time are divided, so are
    /// two sessions that share it.
    ///
    /// [`within`](Windowed::within) ends a session too where the next row is far behind. Where the
    /// times of rows alone decide, [`sessions`](super::sessions) and
    /// [`sessions_where`](Self::sessions_where) keep less. `same` is called again when rows come
    /// and go, so it must be a function of the two rows alone.
    ///
    /// **Shape.** One row for each session and key.
    /// **Time.** A row that comes between two of a session may take it apart, or bring two together;
    /// so may one that goes.
    /// [`when_final`](Windowed::when_final), a session comes out when a row behind it that is not of
    /// it is behind the watermark, since until then any row may come that is of it; or when the
    /// watermark is further than `within` behind its last row.
    /// **State.** All rows of each key, sorted; behind a [`watermark`](Stream::watermark), those that
    /// are not behind it and the last one that is. A change costs O(log n), but where it takes a
    /// session apart, as much as that session has rows.
    ///
    /// ```
    /// use pathway::prelude::*;
    ///
    /// #[derive(Clone, Debug, Schema)]
    /// struct View {
    ///     user: String,
    ///     #[schema(event_time)]
    ///     second: i64,
    ///     page: String,
    /// }
    ///
    /// let app = Pipeline::new("example");
    /// let views = [(0, "home"), (20, "home"), (25, "cart"), (90, "cart"), (95, "home")];
    /// let view = |(second, page): (i64, &str)| View {
    ///     user: "ada".into(),
    ///     second,
    ///     page: page.into(),
    /// };
    /// // How long a user stays on a page.
    /// let stays = app
    ///     .rows(views.map(view))
    ///     .sessions_while(|before, next| before.page == next.page)
    ///     .within(60)
    ///     .group_by(|view| view.user.clone())
    ///     .reduce(|g| g.count())
    ///     .select(|(stay, _), views| (stay.start, stay.end, views));
    /// assert_eq!(stays.collect()?, [(0, 21, 2), (25, 26, 1), (90, 91, 1), (95, 96, 1)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Without a watermark, a row whose event time is null ends the run with
    /// [`DataError::Step`](crate::error::DataError::Step); with one, it is late.
    #[track_caller]
    pub fn sessions_while<F>(&self, same: F) -> Windowed<T, ByNeighbours, Group<T>>
    where
        T: EventTime,
        F: Fn(&T, &T) -> bool + Send + Sync + 'static,
    {
        sessions_while(self, same, Location::caller())
    }
}

impl<T> Stream<T> {
    /// Divides the rows of each key into sessions by a predicate on neighbouring rows; see
    /// [`Table::sessions_while`].
    #[track_caller]
    pub fn sessions_while<F>(&self, same: F) -> Windowed<T, ByNeighbours, StreamGroup<T>>
    where
        T: EventTime,
        F: Fn(&T, &T) -> bool + Send + Sync + 'static,
    {
        sessions_while(self, same, Location::caller())
    }
}

impl<T: EventTime, G, M> Windowed<T, ByNeighbours, G, M> {
    /// Ends a session as well where the next row is further behind than that. So a session of a key
    /// that has fallen silent is final once the watermark is, and its state goes.
    ///
    /// ```
    /// use pathway::prelude::*;
    /// use pathway::testing::Harness;
    ///
    /// #[derive(Clone, Debug, Schema)]
    /// struct Reading {
    ///     sensor: u8,
    ///     #[schema(event_time)]
    ///     second: i64,
    ///     on: bool,
    /// }
    ///
    /// let mut t = Harness::new();
    /// let readings = t.stream::<Reading>();
    /// let runs = readings
    ///     .rows()
    ///     .watermark(0)
    ///     .sessions_while(|before, next| before.on == next.on)
    ///     .within(10)
    ///     .group_by(|reading| reading.sensor)
    ///     .when_final()
    ///     .reduce(|g| g.count())
    ///     .select(|(run, sensor), readings| (sensor, run.start, readings));
    /// let runs = t.capture(runs);
    /// let reading = |sensor, second, on| Reading { sensor, second, on };
    /// readings.push([reading(1, 0, true), reading(1, 5, true), reading(2, 9, false)]);
    /// t.step();
    /// runs.assert_rows([]);
    /// readings.push([reading(2, 16, true)]);
    /// t.step(); // Nothing more can be within ten seconds of the second row.
    /// runs.assert_rows([(1, 0, 2)]);
    /// readings.push([reading(2, 17, true)]);
    /// t.step(); // A row of another session is behind the watermark.
    /// runs.assert_rows([(1, 0, 2), (2, 9, 1)]);
    /// ```
    ///
    /// # Errors
    ///
    /// A negative span is a [`BuildError::Argument`](crate::error::BuildError::Argument).
    #[track_caller]
    pub fn within(mut self, span: <T::Time as TimePoint>::Span) -> Self {
        let steps = T::Time::span_steps(span);
        if steps < 0 {
            let problem = format!("the span {span:?} is negative");
            self.rows.table.mistake("within", Location::caller(), problem);
        }
        if let Windows::Neighbours(neighbours) = &mut self.rows.windows {
            neighbours.within = Some(steps.max(0));
            neighbours.described = format!("{span:?}");
        }
        self
    }
}

fn sessions_while<T, G, F>(
    table: &Table<T>,
    same: F,
    location: &'static Location<'static>,
) -> Windowed<T, ByNeighbours, G>
where
    T: EventTime,
    F: Fn(&T, &T) -> bool + Send + Sync + 'static,
{
    let same =
        move |one: &[u8], next: &[u8]| same(&T::decode(&mut &one[..]), &T::decode(&mut &next[..]));
    let neighbours = Neighbours { same: Arc::new(same), within: None, described: String::new() };
    Windowed::new(timed(table, location), Windows::Neighbours(neighbours), None, location)
}
