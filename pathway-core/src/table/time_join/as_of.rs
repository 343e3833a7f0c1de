//! `as_of_join`: the last row before, the first one behind, or the nearest.

use super::{OfPairs, SameTime, TimeJoin};
use crate::dataflow::{AsOf, Direction, Meets};
use crate::schema::{EventTime, TimePoint};
use crate::table::Table;
use std::panic::Location;

/// A left row meets the last right row before it, the first one behind it, or the nearest; see
/// [`Table::as_of_join`].
#[derive(Debug)]
pub struct ByAsOf(());

impl OfPairs for ByAsOf {}

impl<T> Table<T> {
    /// Joins each row with one row of the other side by event time: the last one of its key that
    /// is not after it. [`forward`](TimeJoin::forward) takes the first one that is not before it,
    /// [`nearest`](TimeJoin::nearest) the nearest of both, and [`within`](TimeJoin::within) none
    /// that is too far away.
    ///
    /// Of several right rows at one time, the greatest in row order counts. Name the keys with
    /// [`on`](TimeJoin::on), and end with `select`. By default rows without a match are left out;
    /// [`left`](TimeJoin::left) keeps them.
    ///
    /// **Time.** A row that comes late, or goes, corrects the results that it concerns: they are
    /// right at every moment. With [`when_final`](TimeJoin::when_final) each comes out once, when
    /// the right side's watermark says that no other match can come. The result has no watermark.
    /// **State.** A left row is kept until its match is final. Of the right rows of a key, those in
    /// front of the last one that left rows can still look for are forgotten, so one row of each
    /// key stays; [`within`](TimeJoin::within) a tolerance, none. For that, both sides need a
    /// [`watermark`](crate::table::Stream::watermark) or an end; what lacks one,
    /// [`explain`](crate::table::Pipeline::explain) says. An update costs O(log n) and the results
    /// that it changes.
    ///
    /// ```
    /// use pathway::prelude::*;
    ///
    /// #[derive(Clone, Debug, Schema)]
    /// struct Trade {
    ///     symbol: String,
    ///     #[schema(event_time)]
    ///     millisecond: i64,
    /// }
    ///
    /// #[derive(Clone, Debug, Schema)]
    /// struct Quote {
    ///     symbol: String,
    ///     #[schema(event_time)]
    ///     millisecond: i64,
    ///     bid: i64,
    /// }
    ///
    /// let app = Pipeline::new("example");
    /// let trade = |millisecond| Trade { symbol: "A".into(), millisecond };
    /// let quote = |millisecond, bid| Quote { symbol: "A".into(), millisecond, bid };
    /// let trades = app.rows([trade(5), trade(20), trade(90)]);
    /// let quotes = app.rows([quote(10, 100), quote(20, 101), quote(30, 102)]);
    /// let bids = trades
    ///     .as_of_join(&quotes)
    ///     .within(50)
    ///     .on(|trade| trade.symbol.clone(), |quote| quote.symbol.clone())
    ///     .left()
    ///     .select(|trade, quote| (trade.millisecond, quote.map(|quote| quote.bid)));
    /// assert_eq!(bids.collect()?, [(5, None), (20, Some(101)), (90, None)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Without a watermark, a row whose event time is null ends the run with
    /// [`DataError::Step`](crate::error::DataError::Step); with one, it is late.
    #[track_caller]
    pub fn as_of_join<R>(&self, right: &Table<R>) -> TimeJoin<T, R, ByAsOf>
    where
        T: EventTime,
        R: EventTime,
        T::Time: SameTime<R::Time>,
    {
        let as_of = AsOf { direction: Direction::Backward, within: None, versions: false };
        let described = "backward".to_owned();
        let location = Location::caller();
        TimeJoin::new((self, right), Meets::AsOf(as_of), described, "as_of_join", location)
    }
}

impl<L, R, K, M, O> TimeJoin<L, R, ByAsOf, K, M, O> {
    /// Joins each left row with the first right row that is not before it. It is final once the
    /// right side's watermark has passed that row.
    pub fn forward(self) -> Self {
        self.looking(Direction::Forward, "forward")
    }

    /// Joins each left row with the right row that is nearest to it; of two that are as near, the
    /// earlier one.
    pub fn nearest(self) -> Self {
        self.looking(Direction::Nearest, "nearest")
    }

    fn looking(mut self, to: Direction, described: &str) -> Self {
        if let Meets::AsOf(AsOf { direction, .. }) = &mut self.parts.meets {
            *direction = to;
        }
        let tolerance = self.parts.described.find(" within ");
        let tolerance = tolerance.map_or("", |at| &self.parts.described[at..]);
        self.parts.described = format!("{described}{tolerance}");
        self
    }
}

impl<L, R, V, K, M, O> TimeJoin<L, R, V, K, M, O>
where
    V: Nearby,
{
    /// Leaves out right rows that are further away than that. So what is behind it can be
    /// forgotten.
    ///
    /// # Errors
    ///
    /// A negative tolerance is a [`BuildError::Argument`](crate::error::BuildError::Argument).
    #[track_caller]
    pub fn within(mut self, tolerance: <L::Time as TimePoint>::Span) -> Self
    where
        L: EventTime,
    {
        let steps = L::Time::span_steps(tolerance);
        if steps < 0 {
            let problem = format!("the tolerance {tolerance:?} is negative");
            self.parts.left.mistake("within", Location::caller(), problem);
        }
        if let Meets::AsOf(AsOf { within, .. }) = &mut self.parts.meets {
            *within = Some(steps.max(0));
        }
        let before = self.parts.described.find(" within ").unwrap_or(self.parts.described.len());
        self.parts.described.truncate(before);
        self.parts.described.push_str(&format!(" within {tolerance:?}"));
        self
    }
}

/// Joins by time that look for one row. You will rarely name this trait.
#[diagnostic::on_unimplemented(
    message = "this join has no tolerance",
    label = "`within` is said of an `as_of_join`",
    note = "an `interval_join` says in its interval how far times may be apart"
)]
pub trait Nearby {}

impl Nearby for ByAsOf {}
