//! Rows that come and go with time: `forget_after`, `delay`, `valid`, `within_last`.

use super::watermark::ClockTime;
use super::{Stream, Table};
use crate::dataflow::{END, START};
use crate::plan::Operation;
use crate::schema::{DateTime, Duration, EventTime, Schema, TimePoint};
use crate::stage::{self, KeyedTerminal};
use std::ops::{Bound, RangeBounds};
use std::panic::Location;

/// From when a row is there, and from when it is gone, in steps.
type Times = (i128, i128);

fn terminal<T, F>(times: F) -> KeyedTerminal
where
    T: Schema,
    F: Fn(&T) -> Times + Send + Sync + 'static,
{
    stage::upsert_terminal(move |row: &T, out, _| {
        let (from, to) = times(row);
        from.encode(out);
        to.encode(out);
    })
}

/// From when and until when a row is there by the clock.
fn times_of(range: &impl RangeBounds<DateTime>) -> Times {
    let from = match range.start_bound() {
        Bound::Included(at) => at.to_steps(),
        Bound::Excluded(at) => at.to_steps() + 1,
        Bound::Unbounded => START,
    };
    let to = match range.end_bound() {
        Bound::Included(at) => at.to_steps() + 1,
        Bound::Excluded(at) => at.to_steps(),
        Bound::Unbounded => END,
    };
    (from, to)
}

fn time_of<T: EventTime>(row: &T) -> i128 {
    row.event_time().expect("a row behind a watermark has a time").to_steps()
}

impl<T> Table<T> {
    /// Lets each row go once the watermark has come so far behind its time, so that what is behind
    /// (groups, joins, sorted tables) forgets it, too.
    ///
    /// A row is retracted in the epoch whose watermark reaches its time and `span`. One that comes
    /// later than that but is not late by the watermark is never there. To keep results and let go
    /// of the state alone, use windows, which do so by themselves.
    ///
    /// **Shape.** A table with the rows of this one, also of a stream.
    /// **Time.** At each epoch, the rows whose time is after the watermark less `span`. The end of a
    /// stream lets nothing go that its last row would not: a file gives what its rows give one
    /// after the other.
    /// **State.** The rows that are there.
    ///
    /// ```
    /// use pathway::prelude::*;
    /// use pathway::testing::Harness;
    ///
    /// #[derive(Clone, Debug, PartialEq, Schema)]
    /// struct Login {
    ///     user: String,
    ///     #[schema(event_time)]
    ///     minute: i64,
    /// }
    ///
    /// let mut t = Harness::new();
    /// let logins = t.stream::<Login>();
    /// // The users of the last hour.
    /// let recent = logins.rows().watermark(0).forget_after(60);
    /// let recent = t.capture(recent.group_by(|login| login.user.clone()).reduce(|g| g.count()));
    ///
    /// let login = |user: &str, minute| Login { user: user.to_owned(), minute };
    /// logins.push([login("ada", 0), login("bob", 30)]);
    /// t.step();
    /// recent.assert_rows([("ada".to_owned(), 1), ("bob".to_owned(), 1)]);
    /// logins.push([login("bob", 60)]);
    /// t.step();
    /// recent.assert_rows([("bob".to_owned(), 2)]);
    /// ```
    ///
    /// # Errors
    ///
    /// A negative span, and a table without a watermark, are a
    /// [`BuildError::Argument`](crate::error::BuildError::Argument).
    #[track_caller]
    pub fn forget_after(&self, span: <T::Time as TimePoint>::Span) -> Self
    where
        T: EventTime,
    {
        let location = Location::caller();
        let steps = self.span::<T::Time>("forget_after", location, span);
        let terminal = terminal(move |row: &T| (START, time_of(row).saturating_add(steps)));
        self.by_watermark("forget_after", location, terminal, false)
    }

    /// Holds each row back until the watermark has come so far behind its time.
    ///
    /// A row comes out in the epoch whose watermark reaches its time and `span`; with a span of
    /// zero, once no earlier row can come. What is left comes out when the stream ends. A row that
    /// is taken away before is never seen.
    ///
    /// **State.** The rows that are held back.
    ///
    /// ```
    /// use pathway::prelude::*;
    /// use pathway::testing::Harness;
    ///
    /// #[derive(Clone, Debug, PartialEq, Schema)]
    /// struct Trade {
    ///     #[schema(event_time)]
    ///     second: i64,
    /// }
    ///
    /// let mut t = Harness::new();
    /// let trades = t.stream::<Trade>();
    /// // Published a quarter of an hour later.
    /// let published: Stream<Trade> = trades.rows().watermark(10).delay(900);
    /// let published = t.capture(published);
    /// trades.push([Trade { second: 0 }, Trade { second: 500 }]);
    /// t.step();
    /// published.assert_rows([]);
    /// trades.push([Trade { second: 910 }]);
    /// t.step();
    /// published.assert_rows([Trade { second: 0 }]);
    /// ```
    ///
    /// # Errors
    ///
    /// A negative span, and a table without a watermark, are a
    /// [`BuildError::Argument`](crate::error::BuildError::Argument).
    #[track_caller]
    pub fn delay(&self, span: <T::Time as TimePoint>::Span) -> Self
    where
        T: EventTime,
    {
        self.delayed(span, Location::caller(), self.is_append_only())
    }

    /// Keeps each row for as long as the clock is in the range that `f` gives it: rows come and go
    /// by themselves as time goes on. A row whose range has not begun waits for it.
    ///
    /// For what is valid from one instant to another: prices, bans, sessions, offers.
    /// [`within_last`](Self::within_last) is the form for a stretch of time that moves.
    ///
    /// **Time.** A function of the history: at each epoch, the rows in whose range the time of the
    /// epoch's close is. An epoch is closed when a row comes or goes, even if no row arrives. In
    /// tests, the clock is that of the [`Harness`](crate::testing::Harness).
    /// **State.** The rows that will come or go; not those that are gone, nor those that stay.
    ///
    /// ```
    /// use pathway::prelude::*;
    /// use pathway::testing::Harness;
    ///
    /// let mut t = Harness::new();
    /// let offers = t.table::<(String, DateTime, DateTime)>();
    /// let open = t.capture(offers.rows().valid(|(_, from, to)| *from..*to));
    /// let (now, hour) = (t.now(), Duration::from_hours(1));
    /// let offer = ("ten per cent off".to_owned(), now + hour, now + hour * 2);
    /// offers.insert(offer.clone());
    /// t.step();
    /// open.assert_rows([]);
    /// t.advance(hour);
    /// t.step();
    /// open.assert_rows([offer]);
    /// t.advance(hour);
    /// t.step();
    /// open.assert_rows([]);
    /// ```
    #[track_caller]
    pub fn valid<R, F>(&self, f: F) -> Self
    where
        T: Schema,
        R: RangeBounds<DateTime>,
        F: Fn(&T) -> R + Send + Sync + 'static,
    {
        let terminal = terminal(move |row: &T| times_of(&f(row)));
        self.by_clock("valid", Location::caller(), terminal)
    }

    /// Keeps the rows whose event time is in the last stretch of time by the clock: after `now -
    /// span`, and not after `now`. They come and go by themselves; a row of the future comes when
    /// it is due. A row without a time is never there.
    ///
    /// **Time.** A function of the history, as [`valid`](Self::valid) is.
    /// **State.** The rows that will come or go.
    ///
    /// ```
    /// use pathway::prelude::*;
    /// use pathway::testing::Harness;
    ///
    /// #[derive(Clone, Debug, PartialEq, Schema)]
    /// struct Request {
    ///     #[schema(event_time)]
    ///     at: DateTime,
    /// }
    ///
    /// let mut t = Harness::new();
    /// let requests = t.stream::<Request>();
    /// let load = requests.rows().within_last(Duration::from_hours(1)).reduce(|g| g.count());
    /// let load = t.capture(load);
    /// requests.push([Request { at: t.now() }, Request { at: t.now() + Duration::from_mins(30) }]);
    /// t.step();
    /// load.assert_rows([1]);
    /// t.advance(Duration::from_mins(30));
    /// t.step();
    /// load.assert_rows([2]);
    /// t.advance(Duration::from_mins(30));
    /// t.step();
    /// load.assert_rows([1]);
    /// ```
    ///
    /// # Errors
    ///
    /// A span that is not positive is a
    /// [`BuildError::Argument`](crate::error::BuildError::Argument).
    #[track_caller]
    pub fn within_last(&self, span: Duration) -> Self
    where
        T: EventTime,
        T::Time: ClockTime,
    {
        let location = Location::caller();
        let steps = self.positive_span::<DateTime>("within_last", location, span);
        let terminal = terminal(move |row: &T| match row.event_time() {
            Some(time) => (time.to_steps(), time.to_steps().saturating_add(steps)),
            None => (END, END),
        });
        self.by_clock("within_last", location, terminal)
    }

    /// The steps of a span; a mistake of the program if there are fewer than none.
    fn span<P: TimePoint>(
        &self,
        verb: &'static str,
        location: &'static Location<'static>,
        span: P::Span,
    ) -> i128 {
        let steps = P::span_steps(span);
        if steps < 0 {
            self.mistake(verb, location, format!("the span {span:?} is negative"));
        }
        steps
    }

    fn delayed(
        &self,
        span: <T::Time as TimePoint>::Span,
        location: &'static Location<'static>,
        append_only: bool,
    ) -> Self
    where
        T: EventTime,
    {
        let steps = self.span::<T::Time>("delay", location, span);
        let terminal = terminal(move |row: &T| (time_of(row).saturating_add(steps), END));
        self.by_watermark("delay", location, terminal, append_only)
    }

    fn by_watermark(
        &self,
        verb: &'static str,
        location: &'static Location<'static>,
        terminal: KeyedTerminal,
        append_only: bool,
    ) -> Self
    where
        T: Schema,
    {
        let watermark = self.needs_watermark(verb, location);
        let others: Vec<_> = watermark.into_iter().collect();
        self.derive(verb, location, Operation::Validity { terminal }, &others, append_only)
    }

    fn by_clock(
        &self,
        verb: &'static str,
        location: &'static Location<'static>,
        terminal: KeyedTerminal,
    ) -> Self
    where
        T: Schema,
    {
        self.derive(verb, location, Operation::Validity { terminal }, &[], false)
    }
}

impl<T> Stream<T> {
    /// Holds each row back until the watermark has come so far behind its time; see
    /// [`Table::delay`]. The rows come out in the order of their times, epoch by epoch, so that
    /// `.watermark(..)` behind needs no lateness.
    ///
    /// # Errors
    ///
    /// As of [`Table::delay`].
    #[track_caller]
    pub fn delay(&self, span: <T::Time as TimePoint>::Span) -> Self
    where
        T: EventTime,
    {
        self.delayed(span, Location::caller(), true).into_stream()
    }
}
