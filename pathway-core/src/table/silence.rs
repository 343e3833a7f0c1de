//! `inactive_after` and `deduplicate_within`: what is told by the time between the rows of a key.

use super::{NeedsStream, Stream, Table, TimedMachine};
use crate::schema::{DateTime, Duration, EventTime, Expr, Schema, TimePoint};
use std::panic::Location;

/// When a key's last row came, and whether it has been called silent since.
type Heard<P> = (P, bool);

/// A key that is silent: since when, and when it was heard again, if it was.
type Silence<K, P> = (K, P, Option<P>);

impl<T, E, P> TimedMachine<T, E, P>
where
    T: Schema,
    E: Expr<T>,
    P: TimePoint,
{
    /// Tells when a key is silent, and when it is heard again.
    fn silence(
        self,
        span: P::Span,
        location: &'static Location<'static>,
    ) -> (Stream<(E::Value, P)>, Stream<(E::Value, P, P)>) {
        let steps = self.table().positive_span::<P>("inactive_after", location, span);
        let told = self.run::<Heard<P>, Silence<E::Value, P>>(
            move |machine, _| {
                let now = machine.now();
                if let Some((last, true)) = machine.state().replace((now, false)) {
                    let key = machine.key().duplicate();
                    machine.emit((key, last, Some(now)));
                }
                machine.cancel_timers();
                machine.set_timer(P::from_steps(now.to_steps().saturating_add(steps)));
            },
            |machine, _| {
                let Some((last, is_silent)) = machine.state() else { return };
                *is_silent = true;
                let last = *last;
                let key = machine.key().duplicate();
                machine.emit((key, last, None));
            },
        );
        let silent = told.filter_map(|(key, last, heard)| heard.is_none().then_some((key, last)));
        let resumed = told.filter_map(|(key, last, heard)| heard.map(|heard| (key, last, heard)));
        (silent, resumed)
    }
}

impl<T> Table<T> {
    /// Only a [`Stream`] falls silent: see [`Stream::inactive_after`].
    #[doc(hidden)]
    pub fn inactive_after<E, G>(
        &self,
        _span: <T::Time as TimePoint>::Span,
        _key: G,
    ) -> (Stream<(E::Value, T::Time)>, Stream<(E::Value, T::Time, T::Time)>)
    where
        Self: NeedsStream,
        T: EventTime,
        E: Expr<T>,
        G: Fn(&T) -> E + Send + Sync + 'static,
    {
        unreachable!("no table is append-only by its type")
    }

    /// Only the rows of a [`Stream`] have one order: see [`Stream::deduplicate_within`].
    #[doc(hidden)]
    pub fn deduplicate_within<E, G>(
        &self,
        _span: <T::Time as TimePoint>::Span,
        _key: G,
    ) -> Stream<T>
    where
        Self: NeedsStream,
        T: EventTime,
        E: Expr<T>,
        G: Fn(&T) -> E + Send + Sync + 'static,
    {
        unreachable!("no table is append-only by its type")
    }
}

impl<T> Stream<T> {
    /// Tells which keys are silent: a key without a row for longer than `span` is, since its last
    /// row. The first stream has each such key and the time of that row; the second one each key
    /// that is heard again, with that time and the time of the row that ended its silence.
    ///
    /// For the stream as a whole, take `|_| ()` as the key.
    ///
    /// **Time.** That of the rows, as far as the watermark has come: what is told depends on the
    /// rows in time alone. So silence is noticed only while others are heard, unless the watermark
    /// [follows the clock](super::InTime::follow_clock); see also
    /// [`inactive_after_by_clock`](Self::inactive_after_by_clock). When the stream ends, so does
    /// time, and every key is silent.
    /// **State.** Two times for each key; rows that the watermark has not passed.
    ///
    /// ```
    /// use pathway::prelude::*;
    /// use pathway::testing::Harness;
    ///
    /// #[derive(Clone, Debug, Schema)]
    /// struct Beat {
    ///     machine: String,
    ///     #[schema(event_time)]
    ///     second: i64,
    /// }
    ///
    /// let mut t = Harness::new();
    /// let beats = t.stream::<Beat>();
    /// let heard = beats.rows().watermark(2);
    /// let (silent, resumed) = heard.inactive_after(10, |beat| beat.machine.clone());
    /// let (silent, resumed) = (t.capture(silent), t.capture(resumed));
    ///
    /// let beat = |machine: &str, second| Beat { machine: machine.to_owned(), second };
    /// beats.push([beat("press", 0), beat("saw", 9), beat("saw", 18)]);
    /// t.step(); // the watermark is 16 now
    /// silent.assert_rows([("press".to_owned(), 0)]);
    /// beats.push([beat("press", 17), beat("saw", 20)]);
    /// t.step();
    /// resumed.assert_rows([("press".to_owned(), 0, 17)]);
    /// ```
    ///
    /// # Errors
    ///
    /// A span that is not positive, and a stream without a watermark, are a
    /// [`BuildError::Argument`](crate::error::BuildError::Argument).
    #[track_caller]
    pub fn inactive_after<E, G>(
        &self,
        span: <T::Time as TimePoint>::Span,
        key: G,
    ) -> (Stream<(E::Value, T::Time)>, Stream<(E::Value, T::Time, T::Time)>)
    where
        T: EventTime,
        E: Expr<T>,
        G: Fn(&T) -> E + Send + Sync + 'static,
    {
        let location = Location::caller();
        let machine = self.machine("inactive_after", location, key).by_event_time();
        machine.silence(span, location)
    }

    /// Tells which keys are silent by the clock, as [`inactive_after`](Self::inactive_after) does
    /// by event time: a row's time is that of its epoch. An epoch is closed when a key falls
    /// silent, even if no row arrives.
    ///
    /// **Time.** A function of the history. When the stream ends, no key is silent for that.
    /// **State.** Two times for each key.
    ///
    /// ```
    /// use pathway::prelude::*;
    /// use pathway::testing::Harness;
    ///
    /// let mut t = Harness::new();
    /// let rows = t.stream::<u32>();
    /// let minute = Duration::from_mins(1);
    /// let (silent, resumed) = rows.rows().inactive_after_by_clock(minute, |_| ());
    /// let (silent, resumed) = (t.capture(silent), t.capture(resumed));
    /// let start = t.now();
    /// rows.push([1, 2]);
    /// t.step();
    /// t.advance(minute);
    /// t.step();
    /// silent.assert_rows([((), start)]);
    /// t.advance(minute);
    /// rows.push([3]);
    /// t.step();
    /// resumed.assert_rows([((), start, start + minute * 2)]);
    /// ```
    ///
    /// # Errors
    ///
    /// A span that is not positive is a
    /// [`BuildError::Argument`](crate::error::BuildError::Argument).
    #[track_caller]
    pub fn inactive_after_by_clock<E, G>(
        &self,
        span: Duration,
        key: G,
    ) -> (Stream<(E::Value, DateTime)>, Stream<(E::Value, DateTime, DateTime)>)
    where
        T: Schema,
        E: Expr<T>,
        G: Fn(&T) -> E + Send + Sync + 'static,
    {
        let location = Location::caller();
        self.machine("inactive_after", location, key).by_clock().silence(span, location)
    }

    /// Keeps the first row of each key, and drops those that follow within a time of it: messages
    /// that are delivered twice, alarms that ring on. The next row after that is kept again.
    ///
    /// Rows come in the order of their event times, those of one time in the order of rows; so
    /// which are kept depends on the rows in time alone. A row whose time is that of the kept one
    /// and `span` is kept. To drop repetitions for ever, see `distinct` and
    /// [`deduplicate`](Self::deduplicate).
    ///
    /// **Time.** A row comes out when the watermark has passed it. The kept rows come in the order
    /// of their times, so that `.watermark(..)` behind needs no lateness.
    /// **State.** One time for each key that had a row within the span; rows that the watermark has
    /// not passed.
    ///
    /// ```
    /// use pathway::prelude::*;
    ///
    /// #[derive(Clone, Debug, PartialEq, Schema)]
    /// struct Alarm {
    ///     door: u32,
    ///     #[schema(event_time)]
    ///     second: i64,
    /// }
    ///
    /// let app = Pipeline::new("doors");
    /// let alarm = |door, second| Alarm { door, second };
    /// let alarms = app.rows(vec![alarm(1, 0), alarm(1, 8), alarm(2, 5), alarm(1, 12)]);
    /// let told = alarms.watermark(0).deduplicate_within(10, |alarm| alarm.door);
    /// assert_eq!(told.collect()?, [alarm(1, 0), alarm(1, 12), alarm(2, 5)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A span that is not positive, and a stream without a watermark, are a
    /// [`BuildError::Argument`](crate::error::BuildError::Argument).
    #[track_caller]
    pub fn deduplicate_within<E, G>(&self, span: <T::Time as TimePoint>::Span, key: G) -> Self
    where
        T: EventTime,
        E: Expr<T>,
        G: Fn(&T) -> E + Send + Sync + 'static,
    {
        let location = Location::caller();
        let steps = self.positive_span::<T::Time>("deduplicate_within", location, span);
        let machine = self.machine("deduplicate_within", location, key).by_event_time();
        machine.run::<T::Time, T>(
            move |machine, row| {
                let now = machine.now();
                let over = |kept: &T::Time| kept.to_steps().saturating_add(steps);
                if machine.state().as_ref().is_some_and(|kept| now.to_steps() < over(kept)) {
                    return;
                }
                *machine.state() = Some(now);
                // The state need not be kept any longer than it counts.
                machine.cancel_timers();
                machine.set_timer(T::Time::from_steps(over(&now)));
                machine.emit(row);
            },
            |machine, _| *machine.state() = None,
        )
    }
}
