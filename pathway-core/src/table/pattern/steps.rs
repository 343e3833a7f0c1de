//! The steps of patterns.

use super::{Alternative, NOTHING_FOLLOWS, Pattern, PatternStart, Within};
use crate::schema::{EventTime, Schema, TimePoint};
use crate::stage::{Append, Captures, Either, FitsStep, PatternOf, PatternStep, TakenRows};
use std::marker::PhantomData;
use std::ops::{Bound, RangeBounds};
use std::panic::Location;

const ONE: PatternStep = PatternStep { min: 1, max: 1, adjacent: false, alternative: 0 };
const MAYBE: PatternStep = PatternStep { min: 0, ..ONE };

/// How many rows a range asks for.
fn bounds(range: &impl RangeBounds<u32>) -> (u32, u32) {
    let min = match range.start_bound() {
        Bound::Included(min) => *min,
        Bound::Excluded(min) => min.saturating_add(1),
        Bound::Unbounded => 0,
    };
    let max = match range.end_bound() {
        Bound::Included(max) => *max,
        Bound::Excluded(max) => max.saturating_sub(1),
        Bound::Unbounded => u32::MAX,
    };
    (min, max)
}

impl<T, S> PatternStart<T, S> {
    fn begin<C>(self, step: PatternStep, fits: FitsStep<T>) -> Pattern<T, S, C> {
        let mut pattern = PatternOf::default();
        pattern.step(step, fits);
        let Self { source, .. } = self;
        Pattern { source, pattern, within: None, mistakes: Vec::new(), types: PhantomData }
    }

    /// Begins with one row that fits.
    pub fn one<F>(self, fits: F) -> Pattern<T, S, (T,)>
    where
        T: Schema,
        F: Fn(&T) -> bool + Send + Sync + 'static,
    {
        self.begin(ONE, Box::new(move |_, _, row| fits(row)))
    }

    /// Begins with so many rows that fit, as many as there are. `fits` sees the rows that were taken
    /// before.
    ///
    /// # Errors
    ///
    /// No row at all, or an empty range, is a
    /// [`BuildError::Argument`](crate::error::BuildError::Argument).
    #[track_caller]
    pub fn many<F>(self, times: impl RangeBounds<u32>, fits: F) -> Pattern<T, S, (Vec<T>,)>
    where
        T: Schema,
        F: Fn(&[&T], &T) -> bool + Send + Sync + 'static,
    {
        let (min, max) = bounds(&times);
        let step = PatternStep { min: min.max(1), max: max.max(1), ..ONE };
        let mut begun: Pattern<T, S, (Vec<T>,)> = self.begin(
            step,
            Box::new(move |taken, step, row| fits(&taken.of(step).collect::<Vec<_>>(), row)),
        );
        begun.check_times("many", Location::caller(), min.max(1), max);
        if min == 0 {
            let problem = "a pattern begins with a row, but its first step may take none; ask for \
                           one at least: `.many(1.., ..)`";
            begun.mistakes.push(("many", Location::caller(), problem.to_owned()));
        }
        begun
    }
}

impl<T, S, C, W> Pattern<T, S, C, W> {
    fn check_times(
        &mut self,
        verb: &'static str,
        location: &'static Location<'static>,
        min: u32,
        max: u32,
    ) {
        if max < min || max == 0 {
            self.mistakes.push((verb, location, "the range of times is empty".to_owned()));
        }
    }

    fn retyped<D, V>(self) -> Pattern<T, S, D, V> {
        let Self { source, pattern, within, mistakes, .. } = self;
        Pattern { source, pattern, within, mistakes, types: PhantomData }
    }

    fn single<X, F>(mut self, step: PatternStep, fits: F) -> Pattern<T, S, C::Output, W>
    where
        T: Schema,
        C: Captures<T> + Append<X>,
        F: Fn(C::Refs<'_>, &T) -> bool + Send + Sync + 'static,
    {
        let fits = move |taken: TakenRows<'_, T>, _: usize, row: &T| fits(C::refs(taken), row);
        self.pattern.step(step, Box::new(fits));
        self.retyped()
    }

    fn repeated<F>(
        mut self,
        verb: &'static str,
        location: &'static Location<'static>,
        (min, max): (u32, u32),
        adjacent: bool,
        fits: F,
    ) -> Pattern<T, S, C::Output, W>
    where
        T: Schema,
        C: Captures<T> + Append<Vec<T>>,
        F: Fn(C::Refs<'_>, &[&T], &T) -> bool + Send + Sync + 'static,
    {
        self.check_times(verb, location, min, max);
        let fits = move |taken: TakenRows<'_, T>, step: usize, row: &T| {
            let same: Vec<&T> = taken.of(step).collect();
            fits(C::refs(taken), &same, row)
        };
        let max = max.max(min).max(1);
        self.pattern.step(PatternStep { min, max, adjacent, ..ONE }, Box::new(fits));
        self.retyped()
    }

    /// Goes on with one row that fits; rows that fit no step are skipped until it comes. `fits` sees
    /// what was captured before: of one step its rows, of several a tuple.
    pub fn one<F>(self, fits: F) -> Pattern<T, S, C::Output, W>
    where
        T: Schema,
        C: Captures<T> + Append<T>,
        F: Fn(C::Refs<'_>, &T) -> bool + Send + Sync + 'static,
    {
        self.single::<T, F>(ONE, fits)
    }

    /// Goes on with the very next row, which must fit.
    pub fn next_one<F>(self, fits: F) -> Pattern<T, S, C::Output, W>
    where
        T: Schema,
        C: Captures<T> + Append<T>,
        F: Fn(C::Refs<'_>, &T) -> bool + Send + Sync + 'static,
    {
        self.single::<T, F>(PatternStep { adjacent: true, ..ONE }, fits)
    }

    /// Goes on with a row that fits, or without one. At the end of a pattern it waits for the row
    /// for as long as the match may take.
    pub fn maybe<F>(self, fits: F) -> Pattern<T, S, C::Output, W>
    where
        T: Schema,
        C: Captures<T> + Append<Option<T>>,
        F: Fn(C::Refs<'_>, &T) -> bool + Send + Sync + 'static,
    {
        self.single::<Option<T>, F>(MAYBE, fits)
    }

    /// Goes on with the very next row if it fits, and without it otherwise.
    pub fn next_maybe<F>(self, fits: F) -> Pattern<T, S, C::Output, W>
    where
        T: Schema,
        C: Captures<T> + Append<Option<T>>,
        F: Fn(C::Refs<'_>, &T) -> bool + Send + Sync + 'static,
    {
        self.single::<Option<T>, F>(PatternStep { adjacent: true, ..MAYBE }, fits)
    }

    /// Goes on with so many rows that fit, as many as there are: `1..`, `2..=5`. Rows that fit no
    /// step are skipped between them. `fits` sees what was captured before, and the rows of this
    /// step so far.
    ///
    /// ```
    /// use pathway::prelude::*;
    ///
    /// #[derive(Clone, Debug, Schema)]
    /// struct Price {
    ///     #[schema(event_time)]
    ///     day: i64,
    ///     price: i64,
    /// }
    ///
    /// let app = Pipeline::new("prices");
    /// let prices = [9, 7, 6, 8, 11, 10];
    /// let prices: Vec<Price> =
    ///     prices.iter().zip(0..).map(|(&price, day)| Price { day, price }).collect();
    /// // Prices that fall, and then rise above what they were.
    /// let recoveries = app
    ///     .rows(prices)
    ///     .watermark(0)
    ///     .pattern(|_| ())
    ///     .one(|_| true)
    ///     .next_many(1.., |start, falling, row| {
    ///         row.price < falling.last().unwrap_or(&start).price
    ///     })
    ///     .next_many(1.., |(_, falling), rising, row| {
    ///         let before = rising.last().or(falling.last());
    ///         before.is_some_and(|before| row.price > before.price)
    ///     })
    ///     .select(|(start, falling, rising)| (start.price, falling.len(), rising.len()));
    /// assert_eq!(recoveries.collect()?, [(9, 2, 2)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// An empty range is a [`BuildError::Argument`](crate::error::BuildError::Argument).
    #[track_caller]
    pub fn many<F>(self, times: impl RangeBounds<u32>, fits: F) -> Pattern<T, S, C::Output, W>
    where
        T: Schema,
        C: Captures<T> + Append<Vec<T>>,
        F: Fn(C::Refs<'_>, &[&T], &T) -> bool + Send + Sync + 'static,
    {
        self.repeated("many", Location::caller(), bounds(&times), false, fits)
    }

    /// Goes on with so many rows that fit and follow each other; see [`many`](Self::many).
    ///
    /// # Errors
    ///
    /// As of [`many`](Self::many).
    #[track_caller]
    pub fn next_many<F>(self, times: impl RangeBounds<u32>, fits: F) -> Pattern<T, S, C::Output, W>
    where
        T: Schema,
        C: Captures<T> + Append<Vec<T>>,
        F: Fn(C::Refs<'_>, &[&T], &T) -> bool + Send + Sync + 'static,
    {
        self.repeated("next_many", Location::caller(), bounds(&times), true, fits)
    }

    /// Forbids a row before the step that follows: where such a row comes first, and does not fit
    /// the step itself, there is no match.
    ///
    /// ```
    /// use pathway::prelude::*;
    ///
    /// #[derive(Clone, Debug, Schema)]
    /// struct Event {
    ///     #[schema(event_time)]
    ///     second: i64,
    ///     what: String,
    /// }
    ///
    /// let app = Pipeline::new("doors");
    /// let event = |second, what: &str| Event { second, what: what.to_owned() };
    /// let events = vec![event(1, "open"), event(2, "shut"), event(3, "open"), event(9, "alarm")];
    /// let open = app
    ///     .rows(events)
    ///     .watermark(0)
    ///     .pattern(|_| ())
    ///     .one(|event| event.what == "open")
    ///     .not(|_, event| event.what == "shut")
    ///     .one(|_, event| event.what == "alarm")
    ///     .select(|(open, _)| open.second);
    /// assert_eq!(open.collect()?, [3]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn not<F>(mut self, forbids: F) -> Self
    where
        T: Schema,
        C: Captures<T>,
        F: Fn(C::Refs<'_>, &T) -> bool + Send + Sync + 'static,
    {
        let forbids =
            move |taken: TakenRows<'_, T>, _: usize, row: &T| forbids(C::refs(taken), row);
        self.pattern.forbid(Box::new(forbids));
        self
    }

    /// Adds another sequence that is a match as well: the rows of a match are
    /// [`Either`] those of the first or those of the second. Where the rows behind a first row make
    /// either, the first is preferred, whichever comes to its end first.
    ///
    /// ```
    /// use pathway::prelude::*;
    /// use pathway::table::Either;
    ///
    /// #[derive(Clone, Debug, Schema)]
    /// struct Event {
    ///     order: u32,
    ///     #[schema(event_time)]
    ///     hour: i64,
    ///     what: String,
    /// }
    ///
    /// let app = Pipeline::new("orders");
    /// let event = |order, hour, what: &str| Event { order, hour, what: what.to_owned() };
    /// let events = vec![
    ///     event(1, 0, "ordered"),
    ///     event(1, 3, "paid"),
    ///     event(1, 9, "sent"),
    ///     event(2, 0, "ordered"),
    ///     event(2, 5, "cancelled"),
    /// ];
    /// let done = app
    ///     .rows(events)
    ///     .watermark(0)
    ///     .pattern(|event| event.order)
    ///     .one(|event| event.what == "ordered")
    ///     .one(|_, event| event.what == "paid")
    ///     .one(|_, event| event.what == "sent")
    ///     .or(|start| {
    ///         start
    ///             .one(|event| event.what == "ordered")
    ///             .one(|_, event| event.what == "cancelled")
    ///     })
    ///     .within(48)
    ///     .select(|rows| match rows {
    ///         Either::Former((ordered, _, sent)) => (ordered.order, sent.hour),
    ///         Either::Latter((ordered, cancelled)) => (ordered.order, cancelled.hour),
    ///     });
    /// assert_eq!(done.collect()?, [(1, 9), (2, 5)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    #[track_caller]
    pub fn or<D>(
        mut self,
        other: impl FnOnce(PatternStart<T, Alternative>) -> Pattern<T, Alternative, D>,
    ) -> Pattern<T, S, Either<C, D>, W>
    where
        T: Schema,
        C: Captures<T>,
        D: Captures<T>,
    {
        let start = PatternStart { source: Alternative(()), rows: PhantomData };
        let other = other(start);
        self.mistakes.extend(other.mistakes);
        for ends in [&self.pattern, &other.pattern].map(PatternOf::ends_in_forbidden) {
            if ends {
                self.mistakes.push(("not", Location::caller(), NOTHING_FOLLOWS.to_owned()));
            }
        }
        self.pattern.or(other.pattern);
        self.retyped()
    }

    /// Lets a row be part of several matches: each row that fits the first step begins one.
    pub fn overlapping(mut self) -> Self {
        self.pattern.overlap();
        self
    }

    /// Bounds the time from the first row of a match to its last one; that time itself is within.
    ///
    /// # Errors
    ///
    /// A negative span is a [`BuildError::Argument`](crate::error::BuildError::Argument).
    #[track_caller]
    pub fn within(mut self, span: <T::Time as TimePoint>::Span) -> Pattern<T, S, C, Within>
    where
        T: EventTime,
    {
        let steps = T::Time::span_steps(span);
        if steps < 0 {
            let problem = format!("the span {span:?} is negative");
            self.mistakes.push(("within", Location::caller(), problem));
        }
        self.within = Some(steps);
        self.retyped()
    }
}
