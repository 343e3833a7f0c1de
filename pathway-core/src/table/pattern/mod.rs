//! `pattern`: sequences of rows.

mod select;
mod steps;

use super::{Stream, Table, TimedMachine};
use crate::schema::{EventTime, Expr};
use crate::stage::PatternOf;
use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;

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

/// Stands for the rows of an alternative: those of the pattern that it is one of.
#[derive(Debug)]
pub struct Alternative(());

const NOTHING_FOLLOWS: &str = "no step follows, so nothing says until when such a row must not come; \
                               end the pattern in the forbidden row, and take the matches that do \
                               not come to their end: `.within(..).select_or_timeouts(..)`";

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
/// none, and [`not`](Self::not) forbids some. [`or`](Self::or) adds another sequence. Where a row fits several steps, a repetition goes on
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
