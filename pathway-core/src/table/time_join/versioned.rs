//! `versioned_join`: a table's state at the time of a row.

use super::{OfPairs, SameTime, TimeJoin, condition};
use crate::dataflow::{AsOf, Direction, Meets};
use crate::schema::EventTime;
use crate::stage::Front;
use crate::table::Table;
use std::panic::Location;

/// A left row meets the version that holds at its time; see [`Table::versioned_join`].
#[derive(Debug)]
pub struct ByVersion(());

impl OfPairs for ByVersion {}

impl<T> Table<T> {
    /// Joins each row with the version of its key that holds at the row's event time: with a
    /// table as it was then, whatever it has become since.
    ///
    /// The right side are versions, each with an event time from which on it holds, until the next
    /// one of its key. A version may say that from its time on there is nothing:
    /// [`deleted_when`](TimeJoin::deleted_when). Of several versions from one time on, the greatest
    /// in row order holds. By default rows for which nothing holds are left out;
    /// [`left`](TimeJoin::left) keeps them.
    ///
    /// **Time.** As of [`as_of_join`](Table::as_of_join): a version that comes late corrects the
    /// results that it concerns, or each result comes out once, when it is final.
    /// **State.** As of [`as_of_join`](Table::as_of_join): rows whose version is not final, and the
    /// versions that rows can still ask for. A key that ends with a deletion is forgotten.
    ///
    /// ```
    /// use pathway::prelude::*;
    ///
    /// #[derive(Clone, Debug, Schema)]
    /// struct Order {
    ///     currency: String,
    ///     #[schema(event_time)]
    ///     day: i64,
    ///     amount: i64,
    /// }
    ///
    /// #[derive(Clone, Debug, Schema)]
    /// struct Rate {
    ///     currency: String,
    ///     #[schema(event_time)]
    ///     since: i64,
    ///     /// Nothing where the currency is no longer traded.
    ///     rate: Option<i64>,
    /// }
    ///
    /// let app = Pipeline::new("example");
    /// let order = |day| Order { currency: "XAU".into(), day, amount: 10 };
    /// let rate = |since, rate| Rate { currency: "XAU".into(), since, rate };
    /// let orders = app.rows([order(1), order(5), order(9)]);
    /// let rates = app.rows([rate(0, Some(2)), rate(5, Some(3)), rate(8, None)]);
    /// let values = orders
    ///     .versioned_join(&rates)
    ///     .deleted_when(|rate| rate.rate.is_none())
    ///     .on(|order| order.currency.clone(), |rate| rate.currency.clone())
    ///     .left()
    ///     .select(|order, rate| {
    ///         (order.day, rate.and_then(|rate| rate.rate).map(|rate| rate * order.amount))
    ///     });
    /// assert_eq!(values.collect()?, [(1, Some(20)), (5, Some(30)), (9, None)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Without a watermark, a row whose event time is null ends the run with
    /// [`DataError::Step`](crate::error::DataError::Step); with one, it is late.
    #[track_caller]
    pub fn versioned_join<R>(&self, versions: &Table<R>) -> TimeJoin<T, R, ByVersion>
    where
        T: EventTime,
        R: EventTime,
        T::Time: SameTime<R::Time>,
    {
        let as_of = AsOf { direction: Direction::Backward, within: None, versions: false };
        let (described, location) = ("by event time".to_owned(), Location::caller());
        TimeJoin::new((self, versions), Meets::AsOf(as_of), described, "versioned_join", location)
    }
}

impl<L, R, K, M, O> TimeJoin<L, R, ByVersion, K, M, O> {
    /// Lets a version for which `f` holds end its key: from its time on there is nothing, until
    /// the next version.
    pub fn deleted_when<F>(mut self, f: F) -> Self
    where
        F: Fn(&R) -> bool + Send + Sync + 'static,
    {
        if let Meets::AsOf(AsOf { versions, .. }) = &mut self.parts.meets {
            *versions = true;
        }
        self.parts.fronts.1 = Front::End(condition(f));
        self
    }
}
