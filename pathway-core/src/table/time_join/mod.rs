//! Joins by time: rows of one key whose times are near each other.

mod as_of;
mod interval;
mod versioned;
mod window;

pub use as_of::{ByAsOf, Nearby};
pub use interval::ByInterval;
pub use versioned::ByVersion;
pub use window::ByWindow;

use super::index::SameKey;
use super::join::present;
use super::watermark::may_miss_time;
use super::window::{Changing, Final, clock_interval};
use super::{Full, Inner, Left, PairJoin, Right, Stream, Table};
use crate::dataflow::window::Emission;
use crate::dataflow::{Alone, Meets, TimeJoinPlan};
use crate::plan::{Operation, Port, Rooted, TimeJoinNode, WatermarkNode};
use crate::schema::{Duration, EventTime, Expr, Schema, TimePoint};
use crate::stage::{self, Condition, Front, JoinKeyOf};
use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;

/// Two times that a join can compare: of one type.
#[diagnostic::on_unimplemented(
    message = "a join cannot compare event times of type `{Self}` with ones of type `{P}`",
    label = "the event times of both sides must have the same type",
    note = "turn one of the columns into the other's type in front of the join, for example with `map`"
)]
pub trait SameTime<P>: TimePoint {}

impl<P: TimePoint> SameTime<P> for P {}

/// With a second type to choose from, the compiler does not take the other side's time for granted,
/// and so gives our message.
#[doc(hidden)]
#[derive(Debug)]
pub struct Unlike<P>(PhantomData<fn() -> P>);

#[diagnostic::do_not_recommend]
impl<P: TimePoint> SameTime<Unlike<P>> for P {}

/// The keys of a join have not been named yet.
#[derive(Debug)]
pub struct Unkeyed(());

/// The keys of a join have been named.
#[derive(Debug)]
pub struct OnKeys(());

/// Two tables to be joined by time. Made by [`Table::interval_join`], [`Table::as_of_join`],
/// [`Table::versioned_join`] and [`Table::window_join`]; name the keys with [`on`](Self::on) and end with `select`.
///
/// The types say which rows meet, `V`; which rows without a match are kept, `K`; when results come
/// out, `M`; and whether the keys are named, `O`.
#[must_use = "a join does nothing until it is given its keys and makes rows: `.on(..).select(..)`"]
pub struct TimeJoin<L, R, V, K = Inner, M = Changing, O = Unkeyed> {
    parts: Parts<L, R>,
    types: PhantomData<fn() -> (V, K, M, O)>,
}

struct Parts<L, R> {
    left: Table<L>,
    right: Table<R>,
    keys: Option<(JoinKeyOf<L>, JoinKeyOf<R>)>,
    /// What stands in front of the rows of each side.
    fronts: (Front<L>, Front<R>),
    meets: Meets,
    /// What is added to the verb, to a person.
    described: String,
    emission: Emission,
    verb: &'static str,
    location: &'static Location<'static>,
}

impl<L, R, V, K, M, O> fmt::Debug for TimeJoin<L, R, V, K, M, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TimeJoin").field(&self.parts.meets).finish()
    }
}

impl<L, R, V> TimeJoin<L, R, V> {
    fn new(
        (left, right): (&Table<L>, &Table<R>),
        meets: Meets,
        described: String,
        verb: &'static str,
        location: &'static Location<'static>,
    ) -> Self {
        let parts = Parts {
            left: left.clone(),
            right: right.clone(),
            keys: None,
            fronts: (Front::Nothing, Front::Nothing),
            meets,
            described,
            emission: Emission::EveryChange,
            verb,
            location,
        };
        Self { parts, types: PhantomData }
    }
}

impl<L, R, V, K, M, O> TimeJoin<L, R, V, K, M, O> {
    fn with<K2, M2, O2>(self) -> TimeJoin<L, R, V, K2, M2, O2> {
        TimeJoin { parts: self.parts, types: PhantomData }
    }

    /// Lets results come out whenever they change, the former ones retracted: the default. So
    /// results are right at every moment, and those of rows that are forgotten stay.
    pub fn every_change(mut self) -> TimeJoin<L, R, V, K, Changing, O> {
        self.parts.emission = Emission::EveryChange;
        self.with()
    }

    /// Lets each result come out once, as soon as the watermarks say that nothing can change it
    /// any more. So results make a stream.
    ///
    /// # Errors
    ///
    /// A side without a watermark is a
    /// [`BuildError::Argument`](crate::error::BuildError::Argument).
    #[track_caller]
    pub fn when_final(mut self) -> TimeJoin<L, R, V, K, Final, O> {
        self.parts.emission = Emission::WhenFinal;
        let Parts { left, right, .. } = &self.parts;
        let sides = [("left", left.has_watermark()), ("right", right.has_watermark())];
        for (side, _) in sides.into_iter().filter(|(_, has_watermark)| !has_watermark) {
            let problem = format!(
                "the rows on the {side} have no watermark, so nobody knows when a result is final; \
                 give the stream one with `.watermark(..)`, behind the last step that makes new rows"
            );
            left.mistake("when_final", Location::caller(), problem);
        }
        self.with()
    }

    /// Lets changed results come out at most once in an interval of the clock, and those that are
    /// final at once: no later than by [`when_final`](Self::when_final). The first change waits for
    /// an interval, too. What contradicts a final result comes out together with it.
    ///
    /// A pair of streams' rows, which is final as soon as it is there, does not wait.
    ///
    /// **Time.** A function of the history. In tests the clock is that of the
    /// [`Harness`](crate::testing::Harness).
    /// **State.** The changes since the last interval are kept as well.
    ///
    /// ```
    /// use pathway::prelude::*;
    /// use pathway::testing::{Harness, add, remove};
    ///
    /// #[derive(Clone, Debug, Schema)]
    /// struct Row {
    ///     #[schema(event_time)]
    ///     second: i64,
    ///     value: i64,
    /// }
    ///
    /// let mut t = Harness::new();
    /// let (orders, prices) = (t.stream::<Row>(), t.stream::<Row>());
    /// let priced = orders
    ///     .rows()
    ///     .watermark(0)
    ///     .as_of_join(&prices.rows().watermark(0))
    ///     .on(|_| (), |_| ())
    ///     .left()
    ///     .early(Duration::from_secs(60))
    ///     .select(|order, price| (order.second, price.map(|price| price.value)));
    /// let priced = t.capture(priced);
    /// let row = |second, value| Row { second, value };
    /// orders.push([row(10, 1)]);
    /// prices.push([row(1, 5)]);
    /// t.step();
    /// priced.assert_changes([]);
    /// t.advance(Duration::from_secs(60));
    /// t.step();
    /// priced.assert_changes([add((10, Some(5)))]);
    /// prices.push([row(8, 6), row(11, 7)]);
    /// t.step(); // No other price can come for that order.
    /// priced.assert_changes([remove((10, Some(5))), add((10, Some(6)))]);
    /// ```
    ///
    /// # Errors
    ///
    /// An interval that is not positive is a
    /// [`BuildError::Argument`](crate::error::BuildError::Argument).
    #[track_caller]
    pub fn early(mut self, interval: Duration) -> TimeJoin<L, R, V, K, Changing, O> {
        match clock_interval(interval) {
            Ok(emission) => self.parts.emission = emission,
            Err(problem) => self.parts.left.mistake("early", Location::caller(), problem),
        }
        self.with()
    }
}

impl<L, R, V, K, M> TimeJoin<L, R, V, K, M, Unkeyed> {
    /// Names the keys: closures or columns, `.on(Order.user, User.id)`. Several columns are a
    /// tuple; where all rows are of one key, it is `.on(|_| (), |_| ())`.
    pub fn on<E, G, EL, ER>(mut self, left: E, right: G) -> TimeJoin<L, R, V, K, M, OnKeys>
    where
        L: Schema,
        R: Schema,
        EL: Expr<L, Value: SameKey<ER::Value>>,
        ER: Expr<R>,
        E: Fn(&L) -> EL + Send + Sync + 'static,
        G: Fn(&R) -> ER + Send + Sync + 'static,
    {
        self.parts.keys = Some((stage::join_key(left), stage::join_key(right)));
        self.with()
    }
}

impl<L, R, V, M, O> TimeJoin<L, R, V, Inner, M, O> {
    /// Keeps the left rows that match nothing: `select` is given an `Option` of the right row.
    pub fn left(self) -> TimeJoin<L, R, V, Left, M, O> {
        self.with()
    }

    /// Keeps the right rows that match nothing: `select` is given an `Option` of the left row.
    pub fn right(self) -> TimeJoin<L, R, V, Right, M, O>
    where
        V: BothSides,
    {
        self.with()
    }

    /// Keeps the rows of both sides that match nothing: `select` is given an `Option` of each, at
    /// least one of which is there.
    pub fn full(self) -> TimeJoin<L, R, V, Full, M, O>
    where
        V: BothSides,
    {
        self.with()
    }
}

/// Joins by time that can keep the rows of either side. You will rarely name this trait.
#[diagnostic::on_unimplemented(
    message = "this join cannot keep right rows without a match",
    label = "each left row meets one right row at most, and right rows are there to be looked up",
    note = "keep the left rows that match nothing with `.left()`, or swap the sides"
)]
pub trait BothSides {}

/// Joins by time whose results depend on a row of each side alone. You will rarely name this trait.
pub trait OfPairs {}

/// Refuses rows without an event time.
fn with_time<T: EventTime>(table: &Table<T>, location: &'static Location<'static>) -> Table<T> {
    if !may_miss_time(table) {
        return table.clone();
    }
    let has_time = |row: T| match row.event_time() {
        Some(_) => Ok(row),
        None => Err("its event time is null; filter such rows out in front of the join"),
    };
    super::rows::try_step(table, location, has_time).or_stop()
}

impl<L: EventTime, R: EventTime> Parts<L, R> {
    fn push<K: PairJoin, U: Schema>(self, root: Rooted) -> Table<U> {
        let Self { left, right, keys, fronts, meets, described, emission, verb, location } = self;
        let (left_key, right_key) = keys.expect("a join makes rows once its keys are named");
        let (left, right) = (with_time(&left, location), with_time(&right, location));
        let plan = TimeJoinPlan {
            meets,
            left_alone: K::KIND.left != Alone::No,
            right_alone: K::KIND.right != Alone::No,
            emission,
        };
        // Pairs stay, where rows do.
        let pairs_stay = left.is_append_only() && right.is_append_only();
        let gives_pairs = !plan.left_alone && !plan.right_alone;
        let meets_for_good = matches!(meets, Meets::Interval { .. } | Meets::Window);
        let is_final = emission == Emission::WhenFinal;
        let append_only = is_final || (pairs_stay && gives_pairs && meets_for_good);
        let watermark = |port| left.graph.plan().watermark(port);
        let watermarks = [watermark(left.port), watermark(right.port)];
        let progress = watermarks.into_iter().flatten();
        let progress = progress.map(|node| Port { node, output: WatermarkNode::PROGRESS });
        let others: Vec<Port> = std::iter::once(right.port).chain(progress).collect();
        let operation = Operation::TimeJoin(TimeJoinNode {
            terminals: [
                stage::time_join_terminal(left_key, fronts.0),
                stage::time_join_terminal(right_key, fronts.1),
            ],
            plan,
            root,
            watermarks: watermarks.map(|watermark| watermark.is_some()),
            described,
        });
        left.derive(verb, location, operation, &others, append_only)
    }

    fn pairs<U, F>(self, f: F) -> Table<U>
    where
        U: Schema,
        F: Fn(&L, &R) -> U + Send + Sync + 'static,
    {
        let f = Arc::new(f);
        let root: Rooted =
            Arc::new(move |node, next| stage::join_root::<L, R, U, F>(node, Arc::clone(&f), next));
        self.push::<Inner, U>(root)
    }

    fn outer<K: PairJoin, U, F>(self, f: F) -> Table<U>
    where
        U: Schema,
        F: Fn(Option<&L>, Option<&R>) -> U + Send + Sync + 'static,
    {
        let f = Arc::new(f);
        let root: Rooted = Arc::new(move |node, next| {
            stage::outer_join_root::<L, R, U, F>(node, Arc::clone(&f), next)
        });
        self.push::<K, U>(root)
    }
}

/// `select` for each kind of join, of results that change and of final ones.
macro_rules! selects {
    ($($(#[$doc:meta])* $Kind:ident($Left:ty, $Right:ty): |$parts:ident, $f:ident| $rows:expr;)*) => { $(
        impl<L, R, V: OfPairs> TimeJoin<L, R, V, $Kind, Changing, OnKeys> {
            $(#[$doc])*
            pub fn select<U, F>(self, f: F) -> Table<U>
            where
                L: EventTime,
                R: EventTime,
                U: Schema,
                F: Fn($Left, $Right) -> U + Send + Sync + 'static,
            {
                let ($parts, $f) = (self.parts, f);
                $rows
            }
        }

        impl<L, R, V: OfPairs> TimeJoin<L, R, V, $Kind, Final, OnKeys> {
            $(#[$doc])*
            pub fn select<U, F>(self, f: F) -> Stream<U>
            where
                L: EventTime,
                R: EventTime,
                U: Schema,
                F: Fn($Left, $Right) -> U + Send + Sync + 'static,
            {
                let ($parts, $f) = (self.parts, f);
                $rows.into_stream()
            }
        }
    )* };
}

selects! {
    /// Makes a row of each pair of rows that meet.
    Inner(&L, &R): |parts, f| parts.pairs(f);
    /// Makes a row of each pair of rows that meet, and of each left row that meets none.
    Left(&L, Option<&R>): |parts, f| {
        parts.outer::<Left, U, _>(move |left, right| f(present(left), right))
    };
    /// Makes a row of each pair of rows that meet, and of each right row that meets none.
    Right(Option<&L>, &R): |parts, f| {
        parts.outer::<Right, U, _>(move |left, right| f(left, present(right)))
    };
    /// Makes a row of each pair of rows that meet, and of each row of either side that meets none.
    Full(Option<&L>, Option<&R>): |parts, f| parts.outer::<Full, U, _>(f);
}

/// The condition of a version that ends its key.
fn condition<T>(f: impl Fn(&T) -> bool + Send + Sync + 'static) -> Condition<T> {
    Arc::new(f)
}
