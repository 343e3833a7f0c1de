//! `intervals_over`: windows around the rows of another table.

use super::{Changing, EVERY_CHANGE, Final, FinalWindows, clock_interval, emission};
use crate::dataflow::OutputShape;
use crate::dataflow::window::{Around, Emission, Results, Windows};
use crate::plan::{Operation, Port, WatermarkNode, WindowNode, WindowTerminal};
use crate::reduce::{Group, GroupOf, Part, Reducers, StreamGroup};
use crate::schema::{DataType, Duration, EventTime, Expr, Schema, TimePoint};
use crate::stage::{self, JoinKeyOf};
use crate::table::group::{Reduction, reduction};
use crate::table::index::{SameKey, column_name, is_plain};
use crate::table::{Reduced, Stream, Table};
use std::fmt;
use std::marker::PhantomData;
use std::ops::RangeInclusive;
use std::panic::Location;
use std::sync::Arc;

/// Rows of a table, and intervals around the rows of another one. Made by
/// [`Table::intervals_over`]; ends in [`reduce`](IntervalsOver::reduce), or goes on with
/// [`on`](IntervalsOver::on).
#[must_use = "intervals do nothing until they are reduced: `.reduce(|g| ..)`"]
pub struct IntervalsOver<T, A, G, M = Changing, W = AllIntervals> {
    rows: Table<T>,
    others: Table<A>,
    keys: Keys<T, A>,
    lower: i128,
    upper: i128,
    results: Results,
    location: &'static Location<'static>,
    types: PhantomData<fn() -> (G, M, W)>,
}

/// What rows and those of the other table have in common.
struct Keys<T, A> {
    of_row: JoinKeyOf<T>,
    of_other: JoinKeyOf<A>,
    key: fn() -> DataType,
    column: Option<Option<&'static str>>,
}

impl<T, A, G, M, W> fmt::Debug for IntervalsOver<T, A, G, M, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("IntervalsOver");
        debug.field("lower", &self.lower).field("upper", &self.upper).finish_non_exhaustive()
    }
}

/// Every interval has results, also one without rows.
#[derive(Debug)]
pub struct AllIntervals(());

/// Intervals without rows have no results.
#[derive(Debug)]
pub struct NonEmpty(());

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::AllIntervals {}
    impl Sealed for super::NonEmpty {}
}

/// Whether intervals without rows have results: [`AllIntervals`] or [`NonEmpty`].
///
/// You will rarely name this trait.
pub trait Emptiness: sealed::Sealed {
    #[doc(hidden)]
    const OUTER: bool;
    /// The type of the results.
    type Output<T, R: Reducers<T>>: Schema;

    #[doc(hidden)]
    fn parts<T, R: Reducers<T>>(reducers: R) -> (Vec<Part<T>>, OutputShape);
}

impl Emptiness for AllIntervals {
    const OUTER: bool = true;
    type Output<T, R: Reducers<T>> = R::OrNull;

    fn parts<T, R: Reducers<T>>(reducers: R) -> (Vec<Part<T>>, OutputShape) {
        reducers.into_optional_parts()
    }
}

impl Emptiness for NonEmpty {
    const OUTER: bool = false;
    type Output<T, R: Reducers<T>> = R::Output;

    fn parts<T, R: Reducers<T>>(reducers: R) -> (Vec<Part<T>>, OutputShape) {
        reducers.into_parts()
    }
}

/// Two times that are on one line: of one type.
#[diagnostic::on_unimplemented(
    message = "intervals around times of type `{Self}` hold no times of type `{P}`",
    label = "the event times of both tables must have the same type",
    note = "turn one of the columns into the other's type in front, for example with `map`"
)]
pub trait SameLine<P>: TimePoint {}

impl<P: TimePoint> SameLine<P> for P {}

/// A length of time on the line of a row's event time.
type Span<T> = <<T as EventTime>::Time as TimePoint>::Span;

impl<T> Table<T> {
    /// Folds, for each row of another table, the rows whose event times are in an interval around
    /// that row's: from `lower` to `upper` of it, both ends included. A negative bound is before
    /// it. With [`on`](IntervalsOver::on), only rows with the same key.
    ///
    /// **Shape.** One row for each row of the other table: that row, and what the reducers make of
    /// the interval. Where it has no rows, counts and sums are zero and what has no result is
    /// null, as for a [whole table](Table::reduce); [`inner`](IntervalsOver::inner) leaves such
    /// rows out.
    /// **Time.** A row that comes or goes on either side corrects the results, which costs as much
    /// as there are intervals that it is in; when they come out is said as for
    /// [`window`](Self::window).
    /// **State.** What the reducers keep for each row of the other table, and for each moment that
    /// has rows. Behind the watermarks of both they go: an interval when its end is behind the
    /// watermark of the rows and its row behind that of the other table, a moment when no row of
    /// the other table that may still come is near it. Without a watermark of the other table all
    /// moments are kept, until it ends.
    ///
    /// ```
    /// use pathway::prelude::*;
    ///
    /// #[derive(Clone, Debug, Schema)]
    /// struct Reading {
    ///     #[schema(event_time)]
    ///     second: i64,
    ///     value: f64,
    /// }
    ///
    /// #[derive(Clone, Debug, Schema)]
    /// struct Alarm {
    ///     #[schema(event_time)]
    ///     second: i64,
    /// }
    ///
    /// let app = Pipeline::new("example");
    /// let readings = [(1, 5.0), (8, 2.0), (10, 6.0), (12, 9.0)];
    /// let readings = app.rows(readings.map(|(second, value)| Reading { second, value }));
    /// let alarms = app.rows([10, 30].map(|second| Alarm { second }));
    /// let around = readings
    ///     .intervals_over(&alarms, -5..=1)
    ///     .reduce(|g| (g.count(), g.mean(|reading| reading.value)))
    ///     .select(|alarm, (readings, mean)| (alarm.second, readings, mean));
    /// assert_eq!(around.collect()?, [(10, 2, Some(4.0)), (30, 0, None)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A lower bound behind the upper one is a
    /// [`BuildError::Argument`](crate::error::BuildError::Argument). Without a watermark, a row
    /// whose event time is null ends the run with
    /// [`DataError::Step`](crate::error::DataError::Step).
    #[track_caller]
    pub fn intervals_over<A>(
        &self,
        others: &Table<A>,
        interval: RangeInclusive<Span<T>>,
    ) -> IntervalsOver<T, A, Group<T>>
    where
        T: EventTime,
        A: EventTime<Time: SameLine<T::Time>>,
    {
        IntervalsOver::new(self, others, interval, Location::caller())
    }
}

impl<T> Stream<T> {
    /// Folds the rows in an interval around each row of another table; see
    /// [`Table::intervals_over`].
    #[track_caller]
    pub fn intervals_over<A>(
        &self,
        others: &Table<A>,
        interval: RangeInclusive<Span<T>>,
    ) -> IntervalsOver<T, A, StreamGroup<T>>
    where
        T: EventTime,
        A: EventTime<Time: SameLine<T::Time>>,
    {
        IntervalsOver::new(self, others, interval, Location::caller())
    }
}

emission!(IntervalsOver<T, A, G, | M, W> of table);

impl<T, A, G, M, W> IntervalsOver<T, A, G, M, W> {
    fn table(&self) -> &Table<T> {
        &self.rows
    }

    fn results(&self) -> &Results {
        &self.results
    }

    fn results_mut(&mut self) -> &mut Results {
        &mut self.results
    }

    fn need_watermarks(&self, verb: &'static str, location: &'static Location<'static>) {
        self.rows.needs_watermark(verb, location);
        // Rows of a stream stay, so nothing is to be waited for.
        if !self.others.is_append_only() {
            self.others.needs_watermark(verb, location);
        }
    }

    fn emitting<N>(mut self, emission: Emission) -> IntervalsOver<T, A, G, N, W> {
        self.results.emission = emission;
        self.with_types()
    }

    fn with_types<N, V>(self) -> IntervalsOver<T, A, G, N, V> {
        let Self { rows, others, keys, lower, upper, results, location, .. } = self;
        let types = PhantomData;
        IntervalsOver { rows, others, keys, lower, upper, results, location, types }
    }

    /// Takes only rows whose key is that of the other table's row. A null key equals none. Closures
    /// or columns: `.on(Reading.sensor, Alarm.sensor)`.
    pub fn on<E, F, ET, EA>(mut self, key: E, of_other: F) -> Self
    where
        T: Schema,
        A: Schema,
        ET: Expr<T, Value: SameKey<EA::Value>>,
        EA: Expr<A>,
        E: Fn(&T) -> ET + Send + Sync + 'static,
        F: Fn(&A) -> EA + Send + Sync + 'static,
    {
        self.keys = Keys {
            of_row: stage::join_key(key),
            of_other: stage::join_key(of_other),
            key: key_type::<EA::Value>,
            column: Some(column_name::<A, EA>()),
        };
        self
    }

    /// Leaves out the rows of the other table whose interval has no rows.
    pub fn inner(self) -> IntervalsOver<T, A, G, M, NonEmpty> {
        self.with_types()
    }
}

/// The type of a key without nulls, for messages; none where that is not known.
fn key_type<K: Schema>() -> DataType {
    match K::data_type() {
        DataType::Option(inner) => inner(),
        key if is_plain(key) => key,
        _ => <()>::data_type(),
    }
}

impl<T, A, G> IntervalsOver<T, A, G>
where
    T: EventTime,
    A: EventTime,
{
    fn new(
        rows: &Table<T>,
        others: &Table<A>,
        interval: RangeInclusive<Span<T>>,
        location: &'static Location<'static>,
    ) -> Self {
        let (lower, upper) = interval.into_inner();
        let (from, to) = (T::Time::span_steps(lower), T::Time::span_steps(upper));
        if from > to {
            let problem = format!("the interval from {lower:?} to {upper:?} ends before it starts");
            rows.mistake("intervals_over", location, problem);
        }
        let keys = Keys {
            of_row: Arc::new(|_, _| false),
            of_other: Arc::new(|_, _| false),
            key: <()>::data_type,
            column: None,
        };
        Self {
            rows: super::timed(rows, location),
            others: super::timed(others, location),
            keys,
            lower: from,
            upper: to,
            results: EVERY_CHANGE,
            location,
            types: PhantomData,
        }
    }
}

impl<T, A, G, M, W> IntervalsOver<T, A, G, M, W>
where
    T: EventTime,
    A: EventTime,
    G: GroupOf<T>,
    W: Emptiness,
{
    /// Pushes the node.
    fn reduced<R: Reducers<T>>(self, reducers: impl FnOnce(G) -> R) -> Table<(A, W::Output<T, R>)> {
        let Self { rows, others, keys, lower, upper, results, location, .. } = self;
        let parts = W::parts(reducers(G::new(rows.is_append_only())));
        let Reduction { plan, extracts, .. } = reduction(&rows.graph, parts);
        let Keys { of_row, of_other, key, column } = keys;
        let terminal = stage::groups_terminal(
            Arc::new(move |row: &T, groups| {
                let Some(time) = row.event_time() else { return };
                let mut key = time.to_steps().to_le_bytes().to_vec();
                if !of_row(row, &mut key) {
                    groups.add(|out| out.extend_from_slice(&key));
                }
            }),
            extracts,
        );
        let watermarks = {
            let plan = rows.graph.plan();
            [plan.watermark(rows.port), plan.watermark(others.port)]
        };
        let around = Around { lower, upper, outer: W::OUTER, append_only: others.is_append_only() };
        let operation = Operation::Window(WindowNode {
            terminal: WindowTerminal::Panes(terminal),
            other: Some(stage::timed_join_terminal(of_other)),
            watermarks,
            plan,
            windows: Windows::Around(around),
            results,
            root: stage::interval_root::<A, W::Output<T, R>>,
            key,
            key_column: column,
            describe: |steps| T::Time::from_steps(steps).to_string(),
            rows: T::data_type,
        });
        let progress = watermarks.into_iter().flatten();
        let progress = progress.map(|node| Port { node, output: WatermarkNode::PROGRESS });
        let inputs: Vec<Port> = std::iter::once(others.port).chain(progress).collect();
        let append_only = results.emission == Emission::WhenFinal;
        rows.derive("intervals_over", location, operation, &inputs, append_only)
    }
}

impl<T, A, G, W> IntervalsOver<T, A, G, Changing, W> {
    /// Folds the rows of each interval with one reducer, or with a tuple of several that share one
    /// pass; see [`Grouped::reduce`](crate::table::Grouped::reduce).
    pub fn reduce<R: Reducers<T>>(
        self,
        reducers: impl FnOnce(G) -> R,
    ) -> Reduced<A, W::Output<T, R>>
    where
        T: EventTime,
        A: EventTime,
        G: GroupOf<T>,
        W: Emptiness,
    {
        Reduced::new(self.reduced(reducers))
    }
}

impl<T, A, G, W> IntervalsOver<T, A, G, Final, W> {
    /// Folds the rows of each interval once it is final.
    pub fn reduce<R: Reducers<T>>(
        self,
        reducers: impl FnOnce(G) -> R,
    ) -> FinalWindows<A, W::Output<T, R>>
    where
        T: EventTime,
        A: EventTime,
        G: GroupOf<T>,
        W: Emptiness,
    {
        FinalWindows::new(self.reduced(reducers))
    }
}
