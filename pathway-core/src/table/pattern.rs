//! `pattern`: sequences of rows.

use super::{Stream, Table, TimedMachine};
use crate::schema::{EventTime, Expr, Schema, TimePoint};
use crate::stage::{
    Append, Captures, FitsStep, Outcome, PatternOf, PatternState, PatternStep, TakenRows,
};
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Bound, RangeBounds};
use std::panic::Location;
use std::sync::Arc;

/// A pattern without a limit of time.
#[derive(Debug)]
pub struct Anytime(());

/// A pattern that is to come to its end within a length of time.
#[derive(Debug)]
pub struct Within(());

/// A pattern whose matches have a limit of time: see [`Pattern::within`].
#[diagnostic::on_unimplemented(
    message = "the matches of this pattern have no limit of time, so none is ever over",
    label = "nothing says how long a match may take",
    note = "bound it in front of this: `.within(..)`"
)]
pub trait HasLimit {}

impl HasLimit for Within {}

/// A pattern before its first step. Made by [`Stream::pattern`] and [`Table::pattern`].
#[must_use = "say what the first row is: `.one(|row| ..)`"]
pub struct PatternStart<T, S> {
    source: S,
    rows: PhantomData<fn() -> T>,
}

/// A pattern of rows: its steps capture `C`. Made by [`Stream::pattern`] and [`Table::pattern`];
/// ends in `select`.
///
/// A row that fits the first step begins a match. Of the rows that follow, each that fits a step
/// which may come next is taken, and those that fit none are skipped; steps named `next_..` skip
/// none, and [`not`](Self::not) forbids some. Where a row fits several steps, a repetition goes on
/// rather than ends, and an optional step is taken rather than left out, unless the match would
/// not come to its end that way. So each first row gives one match at most. The rows of a match,
/// and those between them, are not part of another one, unless matches may
/// [overlap](Self::overlapping).
#[must_use = "a pattern does nothing until rows are made of its matches: `.select(|rows| ..)`"]
pub struct Pattern<T, S, C, W = Anytime> {
    source: S,
    pattern: PatternOf<T>,
    /// How long a match may take, in steps.
    within: Option<i128>,
    mistakes: Vec<(&'static str, &'static Location<'static>, String)>,
    types: PhantomData<fn() -> (C, W)>,
}

impl<T, S> fmt::Debug for PatternStart<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PatternStart").finish_non_exhaustive()
    }
}

impl<T, S, C, W> fmt::Debug for Pattern<T, S, C, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pattern").field("pattern", &self.pattern).finish_non_exhaustive()
    }
}

impl<T> Stream<T> {
    /// Finds sequences of rows of each key, in the order of their event times: *A, then B within
    /// ten minutes, and no C between them*.
    ///
    /// A pattern is written step by step, and each step captures rows: [`one`](Pattern::one) a row,
    /// [`maybe`](Pattern::maybe) an `Option` of one, [`many`](Pattern::many) a `Vec`. A step sees
    /// what the steps in front of it have captured. [`select`](Pattern::select) makes rows of
    /// matches; [`select_or_timeouts`](Pattern::select_or_timeouts) also of those that begin, and
    /// do not come to their end in time: that something did *not* happen.
    ///
    /// **Time.** A key's rows come once the watermark has passed them, those of one time in the
    /// order of rows. So the matches depend on the rows in time alone. A match comes out when
    /// nothing can make it another one: at its last row or, where it could go on, when its time is
    /// over.
    /// **State.** For each key, the rows since the first that a match under way has begun with;
    /// [`within`](Pattern::within) bounds them. Rows that the watermark has not passed.
    ///
    /// ```
    /// use pathway::prelude::*;
    ///
    /// #[derive(Clone, Debug, Schema)]
    /// struct Payment {
    ///     card: u32,
    ///     #[schema(event_time)]
    ///     second: i64,
    ///     cents: i64,
    /// }
    ///
    /// let app = Pipeline::new("cards");
    /// let payment = |card, second, cents| Payment { card, second, cents };
    /// let payments = app.rows(vec![
    ///     payment(1, 0, 99),
    ///     payment(1, 20, 3_000),
    ///     payment(1, 30, 80_000),
    ///     payment(2, 0, 50),
    ///     payment(2, 900, 70_000),
    /// ]);
    /// // A card is tried with a small sum, and a large one is taken within ten minutes.
    /// let tried: Stream<(u32, i64)> = payments
    ///     .watermark(60)
    ///     .pattern(|payment| payment.card)
    ///     .one(|payment| payment.cents < 100)
    ///     .one(|small, large| large.cents > 500 * small.cents)
    ///     .within(600)
    ///     .select(|(small, large)| (small.card, large.cents));
    /// assert_eq!(tried.collect()?, [(1, 80_000)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A stream without a watermark is a
    /// [`BuildError::Argument`](crate::error::BuildError::Argument).
    #[track_caller]
    pub fn pattern<E, G>(&self, key: G) -> PatternStart<T, TimedMachine<T, E, T::Time>>
    where
        T: EventTime,
        E: Expr<T>,
        G: Fn(&T) -> E + Send + Sync + 'static,
    {
        let source = self.machine("pattern", Location::caller(), key).by_event_time();
        PatternStart { source, rows: PhantomData }
    }
}

impl<T> Table<T> {
    /// Finds sequences of rows of each key, in the order of their event times; see
    /// [`Stream::pattern`]. The matches are those of the rows that are there: a row that comes
    /// between others, or goes, changes them.
    ///
    /// Rows without a time are part of no match. What is under way at the last row of a key has
    /// come to its end, as it has when a stream ends.
    ///
    /// **State.** All rows, by key. A change looks at all rows of its key again.
    ///
    /// ```
    /// use pathway::prelude::*;
    /// use pathway::testing::Harness;
    ///
    /// #[derive(Clone, Debug, Schema)]
    /// struct Status {
    ///     parcel: u32,
    ///     #[schema(event_time)]
    ///     hour: i64,
    ///     delivered: bool,
    /// }
    ///
    /// let mut t = Harness::new();
    /// let table = t.table::<Status>();
    /// let times: Table<(u32, i64)> = table
    ///     .rows()
    ///     .pattern(|status| status.parcel)
    ///     .one(|status| !status.delivered)
    ///     .one(|_, status| status.delivered)
    ///     .select(|(sent, delivered)| (sent.parcel, delivered.hour - sent.hour));
    /// let times = t.capture(times);
    ///
    /// let status = |hour, delivered| Status { parcel: 7, hour, delivered };
    /// table.insert(status(10, false));
    /// table.insert(status(40, true));
    /// t.step();
    /// times.assert_rows([(7, 30)]);
    /// table.remove(status(10, false));
    /// table.insert(status(12, false));
    /// t.step();
    /// times.assert_rows([(7, 28)]);
    /// ```
    #[track_caller]
    pub fn pattern<E, G>(&self, key: G) -> PatternStart<T, Table<Vec<T>>>
    where
        T: EventTime,
        E: Expr<T>,
        G: Fn(&T) -> E + Send + Sync + 'static,
    {
        let timed = self.filter(|row| row.event_time().is_some());
        let by_key = timed
            .group_by(key)
            .reduce(|g| g.collect_sorted_by(|row: &T| row.event_time(), |row: &T| row.duplicate()));
        let source = by_key.select(|_: E::Value, rows: Vec<T>| rows);
        PatternStart { source, rows: PhantomData }
    }
}

const ONE: PatternStep = PatternStep { min: 1, max: 1, adjacent: false };
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
        let step = PatternStep { min: min.max(1), max: max.max(1), adjacent: false };
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
        self.pattern.step(PatternStep { min, max, adjacent }, Box::new(fits));
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

/// Makes an output row of what a pattern has come to.
type Select<T, U> = Box<dyn Fn(Outcome, TakenRows<'_, T>) -> Option<U> + Send + Sync>;

/// A row of a match, or of one that was not completed in time.
type Either<U, V> = (Option<U>, Option<V>);

fn matches<T, C, U, F>(f: F) -> Select<T, U>
where
    T: Schema,
    C: Captures<T>,
    F: Fn(C::Rows) -> U + Send + Sync + 'static,
{
    Box::new(move |outcome, taken| (outcome == Outcome::Match).then(|| f(C::rows(taken))))
}

fn matches_and_timeouts<T, C, U, V, F, G>(f: F, g: G) -> Select<T, Either<U, V>>
where
    T: Schema,
    C: Captures<T>,
    F: Fn(C::Rows) -> U + Send + Sync + 'static,
    G: Fn(C::Parts) -> V + Send + Sync + 'static,
{
    Box::new(move |outcome, taken| {
        Some(match outcome {
            Outcome::Match => (Some(f(C::rows(taken))), None),
            Outcome::TimedOut => (None, Some(g(C::parts(taken)))),
        })
    })
}

/// The last time at which a match that begins now may take a row.
fn until<P: TimePoint>(now: i128, within: Option<i128>) -> P {
    P::from_steps(within.map_or(i128::MAX, |within| now.saturating_add(within)))
}

impl<T, S, C, W> Pattern<T, S, C, W> {
    /// Notes what is wrong with the pattern.
    fn checked<U>(mut self, table: &Table<U>) -> (S, PatternOf<T>, Option<i128>) {
        if self.pattern.ends_in_forbidden() {
            let problem = "no step follows, so nothing says until when such a row must not come; \
                           end the pattern in the forbidden row, and take the matches that do not \
                           come to their end: `.within(..).select_or_timeouts(..)`";
            self.mistakes.push(("not", Location::caller(), problem.to_owned()));
        }
        for (verb, location, problem) in self.mistakes {
            table.mistake(verb, location, problem);
        }
        (self.source, self.pattern, self.within)
    }
}

impl<T, E, C, W> Pattern<T, TimedMachine<T, E, T::Time>, C, W>
where
    T: EventTime,
    E: Expr<T>,
{
    fn run<U: Schema>(self, select: Select<T, U>) -> Stream<U> {
        let table = self.source.table().clone();
        let (machine, pattern, within) = self.checked(&table);
        let both = Arc::new((pattern, select));
        let on_timer = Arc::clone(&both);
        machine.run::<PatternState<T>, U>(
            move |machine, row| {
                let (pattern, select) = &*both;
                let until: T::Time = until(machine.now().to_steps(), within);
                let mut state = machine.state().take().unwrap_or_default();
                let begins = state.row(pattern, row, until.to_steps(), &mut |outcome, taken| {
                    select(outcome, taken).into_iter().for_each(|row| machine.emit(row));
                });
                if !state.is_empty() {
                    *machine.state() = Some(state);
                }
                if begins {
                    machine.set_timer(until);
                }
            },
            move |machine, at| {
                let (pattern, select) = &*on_timer;
                let Some(mut state) = machine.state().take() else { return };
                state.expire(pattern, at.to_steps(), &mut |outcome, taken| {
                    select(outcome, taken).into_iter().for_each(|row| machine.emit(row));
                });
                if !state.is_empty() {
                    *machine.state() = Some(state);
                }
            },
        )
    }

    /// Makes a row of each match.
    #[track_caller]
    pub fn select<U, F>(self, f: F) -> Stream<U>
    where
        C: Captures<T>,
        U: Schema,
        F: Fn(C::Rows) -> U + Send + Sync + 'static,
    {
        self.run(matches::<T, C, U, F>(f))
    }
}

impl<T, E, C, W> Pattern<T, TimedMachine<T, E, T::Time>, C, W>
where
    T: EventTime,
    E: Expr<T>,
{
    /// Makes a row of each match, and one of each that began and did not come to its end in time:
    /// of the steps that are missing there is no row.
    ///
    /// ```
    /// use pathway::prelude::*;
    ///
    /// #[derive(Clone, Debug, Schema)]
    /// struct Order {
    ///     id: u32,
    ///     #[schema(event_time)]
    ///     hour: i64,
    ///     paid: bool,
    /// }
    ///
    /// let app = Pipeline::new("orders");
    /// let order = |id, hour, paid| Order { id, hour, paid };
    /// let orders = vec![order(1, 0, false), order(2, 3, false), order(1, 5, true)];
    /// let (paid, unpaid) = app
    ///     .rows(orders)
    ///     .watermark(0)
    ///     .pattern(|order| order.id)
    ///     .one(|order| !order.paid)
    ///     .one(|_, order| order.paid)
    ///     .within(24)
    ///     .select_or_timeouts(|(order, _)| order.id, |(order, _)| order.map(|order| order.id));
    /// assert_eq!(unpaid.collect()?, [Some(2)]);
    /// # let _ = paid;
    /// # Ok::<(), pathway::Error>(())
    /// ```
    #[track_caller]
    pub fn select_or_timeouts<U, V, F, G>(self, f: F, g: G) -> (Stream<U>, Stream<V>)
    where
        W: HasLimit,
        C: Captures<T>,
        U: Schema,
        V: Schema,
        F: Fn(C::Rows) -> U + Send + Sync + 'static,
        G: Fn(C::Parts) -> V + Send + Sync + 'static,
    {
        let both = self.run(matches_and_timeouts::<T, C, U, V, F, G>(f, g));
        (both.filter_map(|(row, _)| row), both.filter_map(|(_, row)| row))
    }
}

impl<T, C, W> Pattern<T, Table<Vec<T>>, C, W>
where
    T: EventTime,
{
    #[track_caller]
    fn run<U: Schema>(self, select: Select<T, U>) -> Table<U> {
        let table = self.source.clone();
        let (by_key, pattern, within) = self.checked(&table);
        by_key.flat_map(move |rows: Vec<T>| {
            let mut found = Vec::new();
            let mut state = PatternState::default();
            let mut add = |outcome: Outcome, taken: TakenRows<'_, T>| {
                found.extend(select(outcome, taken));
            };
            for row in rows {
                let now = row.event_time().map_or(0, |time| time.to_steps());
                state.expire(&pattern, now.saturating_sub(1), &mut add);
                let until: T::Time = until(now, within);
                state.row(&pattern, row, until.to_steps(), &mut add);
            }
            state.expire(&pattern, i128::MAX, &mut add);
            found
        })
    }

    /// Makes a row of each match.
    #[track_caller]
    pub fn select<U, F>(self, f: F) -> Table<U>
    where
        C: Captures<T>,
        U: Schema,
        F: Fn(C::Rows) -> U + Send + Sync + 'static,
    {
        self.run(matches::<T, C, U, F>(f))
    }
}

impl<T, C, W> Pattern<T, Table<Vec<T>>, C, W>
where
    T: EventTime,
{
    /// Makes a row of each match, and one of each that began and did not come to its end in time:
    /// of the steps that are missing there is no row.
    #[track_caller]
    pub fn select_or_timeouts<U, V, F, G>(self, f: F, g: G) -> (Table<U>, Table<V>)
    where
        W: HasLimit,
        C: Captures<T>,
        U: Schema,
        V: Schema,
        F: Fn(C::Rows) -> U + Send + Sync + 'static,
        G: Fn(C::Parts) -> V + Send + Sync + 'static,
    {
        let both = self.run(matches_and_timeouts::<T, C, U, V, F, G>(f, g));
        (both.filter_map(|(row, _)| row), both.filter_map(|(_, row)| row))
    }
}
