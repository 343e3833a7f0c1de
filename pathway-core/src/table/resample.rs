//! `resample`: the values of a key at regular times.

use super::{NeedsStream, Stream, Table, TimedMachine};
use crate::schema::{EventTime, Expr, Schema, TimePoint};
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// A stream to be resampled at regular times. Made by [`Stream::resample`]; ends in
/// [`previous`](Self::previous), [`recent`](Self::recent) or [`linear`](Self::linear).
#[must_use = "say what is there at times without a row: `.previous()`, `.recent(..)` or `.linear(..)`"]
pub struct Resampled<T, E, P> {
    machine: TimedMachine<T, E, P>,
    /// The steps between two times.
    every: i128,
}

impl<T, E, P> fmt::Debug for Resampled<T, E, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resampled").field("every", &self.every).finish_non_exhaustive()
    }
}

impl<T> Table<T> {
    /// Only a [`Stream`] can be resampled: see [`Stream::resample`].
    #[doc(hidden)]
    pub fn resample<E, G>(
        &self,
        _every: <T::Time as TimePoint>::Span,
        _key: G,
    ) -> Resampled<T, E, T::Time>
    where
        Self: NeedsStream,
        T: EventTime,
        E: Expr<T>,
        G: Fn(&T) -> E + Send + Sync + 'static,
    {
        unreachable!("no table is append-only by its type")
    }

    /// Only the rows of a [`Stream`] have one order: see [`Stream::trailing`].
    #[doc(hidden)]
    pub fn trailing<U, E, G, F>(
        &self,
        _span: <T::Time as TimePoint>::Span,
        _key: G,
        _f: F,
    ) -> Stream<U>
    where
        Self: NeedsStream,
        T: EventTime,
        U: Schema,
        E: Expr<T>,
        G: Fn(&T) -> E + Send + Sync + 'static,
        F: Fn(&T, &[T]) -> U + Send + Sync + 'static,
    {
        unreachable!("no table is append-only by its type")
    }
}

impl<T> Stream<T> {
    /// Turns the rows of each key, which come when they come, into values at regular times, and
    /// fills gaps: a value for each multiple of `every` from the key's first row to its last one.
    /// What it is where no row is, is said next: that of the row before
    /// ([`previous`](Resampled::previous)), that of the row before unless it is too old
    /// ([`recent`](Resampled::recent)), or on the line between the rows around it
    /// ([`linear`](Resampled::linear)).
    ///
    /// A gap gives as many values as there are times in it. Times are counted from the origin of
    /// windows: from 1970-01-05, a Monday, or from zero. Of
    /// several rows of one time the last in the order of rows counts.
    ///
    /// **Time.** A time's value comes out with the first row behind it, once the watermark has
    /// passed that. So values depend on the rows in time alone, and come in the order of times.
    /// **State.** One row for each key; rows that the watermark has not passed.
    ///
    /// ```
    /// use pathway::prelude::*;
    ///
    /// #[derive(Clone, Debug, Schema)]
    /// struct Reading {
    ///     sensor: u32,
    ///     #[schema(event_time)]
    ///     second: i64,
    ///     value: f64,
    /// }
    ///
    /// let app = Pipeline::new("sensors");
    /// let reading = |second, value| Reading { sensor: 1, second, value };
    /// let readings = app.rows(vec![reading(9, 1.0), reading(12, 4.0), reading(31, 23.0)]);
    /// let lines = readings.watermark(5).resample(10, |reading| reading.sensor);
    /// let lines = lines.linear(|reading| reading.value);
    /// assert_eq!(lines.collect()?, [(1, 10, 2.0), (1, 20, 12.0), (1, 30, 22.0)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A span that is not positive, and a stream without a watermark, are a
    /// [`BuildError::Argument`](crate::error::BuildError::Argument).
    #[track_caller]
    pub fn resample<E, G>(
        &self,
        every: <T::Time as TimePoint>::Span,
        key: G,
    ) -> Resampled<T, E, T::Time>
    where
        T: EventTime,
        E: Expr<T>,
        G: Fn(&T) -> E + Send + Sync + 'static,
    {
        let location = Location::caller();
        let steps = self.positive_span::<T::Time>("resample", location, every);
        let machine = self.machine("resample", location, key).by_event_time();
        Resampled { machine, every: steps.max(1) }
    }

    /// Calls `f` on each row with the rows of its key in the stretch of time that ends with it: how
    /// often something happened in the last hour, a mean that moves with time. The rows are those
    /// after the time of the row less `span`, in the order of their times; the row itself is the
    /// last of them. A row that has the same time and comes behind it in the order of rows is not
    /// there yet.
    ///
    /// **Time.** A row's result comes out when the watermark has passed it; it depends on the rows
    /// in time alone.
    /// **State.** For each key, the rows of the last stretch of time; rows that the watermark has
    /// not passed.
    ///
    /// ```
    /// use pathway::prelude::*;
    ///
    /// #[derive(Clone, Debug, Schema)]
    /// struct Request {
    ///     user: u32,
    ///     #[schema(event_time)]
    ///     second: i64,
    /// }
    ///
    /// let app = Pipeline::new("requests");
    /// let request = |user, second| Request { user, second };
    /// let requests = app.rows(vec![request(1, 0), request(1, 30), request(2, 40), request(1, 60)]);
    /// // The requests per second of each user, over the last minute.
    /// let rates = requests.watermark(10).trailing(
    ///     60,
    ///     |request| request.user,
    ///     |request, last| (request.user, request.second, last.len() as f64 / 60.0),
    /// );
    /// let rates: Vec<(u32, i64, f64)> = rates.collect()?;
    /// assert_eq!(rates[2], (1, 60, 2.0 / 60.0));
    /// # Ok::<(), pathway::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A span that is not positive, and a stream without a watermark, are a
    /// [`BuildError::Argument`](crate::error::BuildError::Argument).
    #[track_caller]
    pub fn trailing<U, E, G, F>(
        &self,
        span: <T::Time as TimePoint>::Span,
        key: G,
        f: F,
    ) -> Stream<U>
    where
        T: EventTime,
        U: Schema,
        E: Expr<T>,
        G: Fn(&T) -> E + Send + Sync + 'static,
        F: Fn(&T, &[T]) -> U + Send + Sync + 'static,
    {
        let location = Location::caller();
        let steps = self.positive_span::<T::Time>("trailing", location, span);
        let over = move |at: T::Time| at.to_steps().saturating_add(steps);
        let machine = self.machine("trailing", location, key).by_event_time();
        machine.run::<Vec<T>, U>(
            move |machine, row| {
                let now = machine.now();
                let mut rows = machine.state().take().unwrap_or_default();
                let is_over =
                    |row: &T| row.event_time().is_none_or(|at| over(at) <= now.to_steps());
                rows.drain(..rows.iter().take_while(|row| is_over(row)).count());
                rows.push(row);
                if let Some(row) = rows.last() {
                    machine.emit(f(row, &rows));
                }
                *machine.state() = Some(rows);
                // Nothing is kept of a key that no row comes of any more.
                machine.cancel_timers();
                machine.set_timer(T::Time::from_steps(over(now)));
            },
            |machine, _| *machine.state() = None,
        )
    }
}

/// The first of the regular times at or behind a time.
fn at_or_behind(time: i128, origin: i128, every: i128) -> i128 {
    time + (origin - time).rem_euclid(every)
}

impl<T, E> Resampled<T, E, T::Time>
where
    T: EventTime,
    E: Expr<T>,
{
    /// Gives, for each time that two rows of a key are around, what `value` makes of them: the row
    /// at it or before it, and the row behind it.
    fn run<V: Schema>(
        self,
        value: impl Fn(T::Time, &T, Option<&T>) -> V + Send + Sync + 'static,
    ) -> Stream<(E::Value, T::Time, V)> {
        let Self { machine, every } = self;
        let value = Arc::new(value);
        let at_end = Arc::clone(&value);
        let origin = T::Time::ORIGIN;
        machine.run::<T, (E::Value, T::Time, V)>(
            move |machine, row| {
                let now = machine.now().to_steps();
                if let Some(last) = machine.state().take() {
                    let from = last.event_time().map_or(now, |time| time.to_steps());
                    let mut at = at_or_behind(from, origin, every);
                    while at < now {
                        let time = T::Time::from_steps(at);
                        let key = machine.key().duplicate();
                        machine.emit((key, time, value(time, &last, Some(&row))));
                        at += every;
                    }
                }
                *machine.state() = Some(row);
                if at_or_behind(now, origin, every) == now {
                    // At the end of the stream, the last row of a key may be at such a time itself.
                    machine.cancel_timers();
                    machine.set_timer(T::Time::from_steps(i128::MAX));
                } else {
                    machine.cancel_timers();
                }
            },
            move |machine, _| {
                let Some(last) = machine.state().take() else { return };
                let Some(time) = last.event_time() else { return };
                let key = machine.key().duplicate();
                machine.emit((key, time, at_end(time, &last, None)));
            },
        )
    }

    /// Gives each time the last row at it or before it: the last observation carried forward.
    ///
    /// ```
    /// use pathway::prelude::*;
    ///
    /// #[derive(Clone, Debug, PartialEq, Schema)]
    /// struct Price {
    ///     #[schema(event_time)]
    ///     minute: i64,
    ///     cents: u64,
    /// }
    ///
    /// let app = Pipeline::new("prices");
    /// let price = |minute, cents| Price { minute, cents };
    /// let prices = app.rows(vec![price(0, 90), price(4, 95), price(16, 99)]);
    /// let quarters = prices.watermark(0).resample(5, |_| ()).previous();
    /// let quarters = quarters.map(|((), minute, price)| (minute, price.cents));
    /// assert_eq!(quarters.collect()?, [(0, 90), (5, 95), (10, 95), (15, 95)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn previous(self) -> Stream<(E::Value, T::Time, T)> {
        self.run(|_, last, _| last.duplicate())
    }

    /// Gives each time the last row at it or before it, or null if that is as old as `age` or
    /// older. With the span between two times, gaps are null.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// # #[derive(Clone, Debug, PartialEq, Schema)]
    /// # struct Price {
    /// #     #[schema(event_time)]
    /// #     minute: i64,
    /// #     cents: u64,
    /// # }
    /// let app = Pipeline::new("prices");
    /// let price = |minute, cents| Price { minute, cents };
    /// let prices = app.rows(vec![price(0, 90), price(4, 95), price(16, 99)]);
    /// let quarters = prices.watermark(0).resample(5, |_| ()).recent(5);
    /// let quarters = quarters.map(|((), minute, price)| (minute, price.map(|price| price.cents)));
    /// assert_eq!(quarters.collect()?, [(0, Some(90)), (5, Some(95)), (10, None), (15, None)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn recent(
        self,
        age: <T::Time as TimePoint>::Span,
    ) -> Stream<(E::Value, T::Time, Option<T>)> {
        let age = T::Time::span_steps(age);
        self.run(move |time, last, _| {
            let is_recent = |at: T::Time| time.to_steps() - at.to_steps() < age;
            last.event_time().is_some_and(is_recent).then(|| last.duplicate())
        })
    }

    /// Gives each time the value on the line between the rows around it; at a row's own time, its
    /// value.
    pub fn linear<F>(self, value: F) -> Stream<(E::Value, T::Time, f64)>
    where
        F: Fn(&T) -> f64 + Send + Sync + 'static,
    {
        self.run(move |time, last, next| {
            let steps = |row: &T| row.event_time().map_or(0, |time| time.to_steps());
            let (from, start) = (steps(last), value(last));
            let Some(next) = next.filter(|_| time.to_steps() > from) else { return start };
            let (to, end) = (steps(next), value(next));
            start + (end - start) * (ratio(time.to_steps() - from, to - from))
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "spans are far below two to the 53 of what counts")]
fn ratio(part: i128, whole: i128) -> f64 {
    part as f64 / whole as f64
}
