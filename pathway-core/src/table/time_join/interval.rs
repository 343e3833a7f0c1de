//! `interval_join`: rows whose times are so far apart.

use super::{BothSides, OfPairs, SameTime, TimeJoin};
use crate::dataflow::Meets;
use crate::schema::{EventTime, TimePoint};
use crate::table::Table;
use std::ops::RangeInclusive;
use std::panic::Location;

/// Rows meet whose times are so far apart; see [`Table::interval_join`].
#[derive(Debug)]
pub struct ByInterval(());

impl BothSides for ByInterval {}
impl OfPairs for ByInterval {}

impl<T> Table<T> {
    /// Joins rows of one key whose event times are near each other: the right time less the left
    /// time is in the interval, its ends included.
    ///
    /// Name the keys with [`on`](TimeJoin::on), and end with `select`. By default only pairs come
    /// out; [`left`](TimeJoin::left), [`right`](TimeJoin::right) and [`full`](TimeJoin::full) keep
    /// the rows without a match.
    ///
    /// **Time.** Results are right at every moment; with [`when_final`](TimeJoin::when_final) each
    /// comes out once. A pair of streams' rows is final at once; a row without a match is, once the
    /// other side's watermark has passed all that it could meet. The result has no watermark.
    /// **State.** A left row is kept until the right side's watermark is behind its time and the
    /// interval's end; a right row until the left side's watermark is behind its time less the
    /// interval's start. What may still be taken away is kept as well. Where the other side has no
    /// [`watermark`](crate::table::Stream::watermark) and has not ended, rows are kept for ever,
    /// which [`explain`](crate::table::Pipeline::explain) says.
    ///
    /// ```
    /// use pathway::prelude::*;
    ///
    /// #[derive(Clone, Debug, Schema)]
    /// struct Click {
    ///     user: u32,
    ///     #[schema(event_time)]
    ///     second: i64,
    /// }
    ///
    /// #[derive(Clone, Debug, Schema)]
    /// struct Purchase {
    ///     user: u32,
    ///     #[schema(event_time)]
    ///     second: i64,
    ///     amount: i64,
    /// }
    ///
    /// let app = Pipeline::new("example");
    /// let clicks = [(1, 10), (1, 40), (2, 50)].map(|(user, second)| Click { user, second });
    /// let purchases =
    ///     [(1, 45, 7), (2, 49, 9)].map(|(user, second, amount)| Purchase { user, second, amount });
    /// // What was bought within ten seconds of a click.
    /// let bought = app
    ///     .rows(clicks)
    ///     .interval_join(&app.rows(purchases), 0..=10)
    ///     .on(|click| click.user, |purchase| purchase.user)
    ///     .left()
    ///     .select(|click, purchase| (click.second, purchase.map(|purchase| purchase.amount)));
    /// assert_eq!(bought.collect()?, [(10, None), (40, Some(7)), (50, None)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// An interval whose start is after its end is a
    /// [`BuildError::Argument`](crate::error::BuildError::Argument). Without a watermark, a row
    /// whose event time is null ends the run with
    /// [`DataError::Step`](crate::error::DataError::Step); with one, it is late.
    #[track_caller]
    pub fn interval_join<R>(
        &self,
        right: &Table<R>,
        interval: RangeInclusive<<T::Time as TimePoint>::Span>,
    ) -> TimeJoin<T, R, ByInterval>
    where
        T: EventTime,
        R: EventTime,
        T::Time: SameTime<R::Time>,
    {
        let location = Location::caller();
        let [lower, upper] = [*interval.start(), *interval.end()].map(T::Time::span_steps);
        if lower > upper {
            let problem = format!("the interval {interval:?} is empty: its start is after its end");
            self.mistake("interval_join", location, problem);
        }
        let described = format!("from {:?} to {:?}", interval.start(), interval.end());
        let meets = Meets::Interval { lower, upper };
        TimeJoin::new((self, right), meets, described, "interval_join", location)
    }
}
