//! `window`: reductions of the rows of stretches of time.

mod by_row;
mod calendar;
mod emission;
mod final_windows;
mod intervals;
mod neighbours;
mod spec;

pub use final_windows::FinalWindows;
pub use intervals::{AllIntervals, Emptiness, IntervalsOver, NonEmpty, SameLine};
pub use spec::{WindowSpec, cumulating, days, global, months, sessions, sliding, tumbling, weeks};

pub(in crate::table) use self::emission::clock_interval;
use self::emission::emission;
use super::group::{Reduction, reduction};
use super::watermark::may_miss_time;
use super::{Reduced, Stream, Table};
use crate::dataflow::OutputShape;
use crate::dataflow::window::{Division, Emission, Results, Windows, time_bytes};
use crate::plan::{Operation, Port, WatermarkNode, WindowNode, WindowTerminal};
use crate::reduce::{Group, GroupOf, Part, Reducers, StreamGroup};
use crate::schema::{DataType, Duration, EventTime, Expr, Schema, TimePoint, Window};
use crate::stage::{self, AnyStep, EncodedStep};
use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;

/// Results come out in every epoch that changes them, or at intervals.
#[derive(Debug)]
pub struct Changing(());

/// Results come out once, when they are final.
#[derive(Debug)]
pub struct Final(());

/// Windows whose bounds are times.
#[derive(Debug)]
pub struct ByTime(());

/// Windows whose bounds are times, that follow from neighbouring rows.
#[derive(Debug)]
pub struct ByNeighbours(());

/// Windows whose bounds are positions.
#[derive(Debug)]
pub struct ByPosition(());

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::ByTime {}
    impl Sealed for super::ByNeighbours {}
    impl Sealed for super::ByPosition {}
}

/// What the bounds of windows are: [`ByTime`], [`ByNeighbours`] or [`ByPosition`].
///
/// You will rarely name this trait.
pub trait BoundsOf<T>: sealed::Sealed {
    /// The type of a bound.
    type Point: TimePoint;
}

impl<T: EventTime> BoundsOf<T> for ByTime {
    type Point = T::Time;
}

impl<T: EventTime> BoundsOf<T> for ByNeighbours {
    type Point = T::Time;
}

impl<T> BoundsOf<T> for ByPosition {
    type Point = u64;
}

/// A table divided into windows; `P` says what their bounds are. Made by [`Table::window`] and its like;
/// ends in [`reduce`](Windowed::reduce), or goes on with [`group_by`](Windowed::group_by).
#[must_use = "windows do nothing until they are reduced: `.reduce(|g| ..)`"]
pub struct Windowed<T, P, G, M = Changing> {
    rows: WindowRows<T>,
    types: PhantomData<fn() -> (P, G, M)>,
}

/// A table divided into windows, and into groups within each. Made by [`Windowed::group_by`]; ends
/// in [`reduce`](GroupedWindows::reduce).
#[must_use = "windows do nothing until they are reduced: `.reduce(|g| ..)`"]
pub struct GroupedWindows<T, E, F, P, G, M = Changing> {
    rows: WindowRows<T>,
    key_of: F,
    types: PhantomData<fn() -> (E, P, G, M)>,
}

impl<T, P, G, M> fmt::Debug for Windowed<T, P, G, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Windowed").field(&self.rows.windows).finish()
    }
}

impl<T, E, F, P, G, M> fmt::Debug for GroupedWindows<T, E, F, P, G, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GroupedWindows").field(&self.rows.windows).finish()
    }
}

/// Rows, and the windows that they are to be divided into.
struct WindowRows<T> {
    table: Table<T>,
    windows: Windows,
    /// The panes of a row, where it says itself which they are.
    panes: Option<PanesOf<T>>,
    results: Results,
    location: &'static Location<'static>,
}

/// Hands out what stands in front of a row's key, for each pane that it is in.
type PanesOf<T> = Arc<dyn Fn(&T, &mut dyn FnMut(i128, i128)) + Send + Sync>;

/// Results come out in every epoch that changes them, and stay.
const EVERY_CHANGE: Results = Results { emission: Emission::EveryChange, forgets: false };

impl<T> Table<T> {
    /// Divides the rows into windows of their event time.
    ///
    /// Group the rows of each window further by [`group_by`](Windowed::group_by), say when results
    /// come out ([`every_change`](Windowed::every_change), the default,
    /// [`when_final`](Windowed::when_final) or [`early`](Windowed::early)), and end with
    /// [`reduce`](Windowed::reduce).
    ///
    /// **Shape.** One row for each window and key that has rows.
    /// **State.** What the reducers keep for each window and key that is not over. A window is
    /// over when the watermark has reached its end; its state goes then, and its results stay. A
    /// row is reduced once, however many windows it is in, where they come out when final.
    /// Without a [`watermark`](Stream::watermark) no window is ever over and all are kept, which
    /// [`explain`](super::Pipeline::explain) says: each row of a table may be corrected at any
    /// time.
    ///
    /// ```
    /// use pathway::prelude::*;
    /// use pathway::testing::Harness;
    ///
    /// #[derive(Clone, Debug, Schema)]
    /// struct Flight {
    ///     origin: String,
    ///     #[schema(event_time)]
    ///     hour: i64,
    ///     delay: f64,
    /// }
    ///
    /// let mut t = Harness::new();
    /// let flights = t.stream::<Flight>();
    /// let daily = flights
    ///     .rows()
    ///     .watermark(2)
    ///     .window(tumbling(24))
    ///     .group_by(|flight| flight.origin.clone())
    ///     .when_final()
    ///     .reduce(|g| (g.count(), g.mean(|flight| flight.delay)))
    ///     .select(|(day, origin), (flights, mean)| (day.start / 24, origin, flights, mean));
    /// let daily = t.capture(daily);
    ///
    /// let flight = |origin: &str, hour, delay| Flight { origin: origin.into(), hour, delay };
    /// flights.push([flight("JFK", 5, 10.0), flight("EWR", 6, 3.0), flight("JFK", 25, 0.0)]);
    /// t.step();
    /// daily.assert_rows([]); // a flight of the first day may still come
    /// flights.push([flight("JFK", 23, 20.0), flight("JFK", 26, 5.0)]);
    /// t.step();
    /// daily.assert_rows([(0, "EWR".into(), 1, 3.0), (0, "JFK".into(), 2, 15.0)]);
    /// ```
    ///
    /// # Errors
    ///
    /// A size, hop or step that is not positive, a hop longer than its window and an unknown time
    /// zone are [`BuildError::Argument`](crate::error::BuildError::Argument)s. Without a
    /// watermark, a row whose event time is null ends the run with
    /// [`DataError::Step`](crate::error::DataError::Step); with one, it is late.
    #[track_caller]
    pub fn window(&self, windows: WindowSpec<T::Time>) -> Windowed<T, ByTime, Group<T>>
    where
        T: EventTime,
    {
        windowed(self, windows, Location::caller())
    }
}

impl<T> Stream<T> {
    /// Divides the rows into windows of their event time; see [`Table::window`]. The groups have
    /// the reducers of a [`StreamGroup`] too.
    #[track_caller]
    pub fn window(&self, windows: WindowSpec<T::Time>) -> Windowed<T, ByTime, StreamGroup<T>>
    where
        T: EventTime,
    {
        windowed(self, windows, Location::caller())
    }
}

fn windowed<T: EventTime, G>(
    table: &Table<T>,
    windows: WindowSpec<T::Time>,
    location: &'static Location<'static>,
) -> Windowed<T, ByTime, G> {
    let windows = windows.windows().unwrap_or_else(|problem| {
        table.mistake("window", location, problem);
        Windows::Fixed(Division::Global)
    });
    Windowed::new(timed(table, location), windows, None, location)
}

/// Refuses rows without an event time, where no watermark has done so.
fn timed<T: EventTime>(table: &Table<T>, location: &'static Location<'static>) -> Table<T> {
    if !may_miss_time(table) {
        return table.clone();
    }
    checked(table, location, |_, _| Ok(()))
}

/// Refuses rows without an event time, and those that `check` finds something wrong with.
fn checked<T: EventTime>(
    table: &Table<T>,
    location: &'static Location<'static>,
    check: impl Fn(&T, T::Time) -> Result<(), String> + Send + Sync + 'static,
) -> Table<T> {
    let check = move |row: T| match row.event_time() {
        Some(time) => check(&row, time).map(|()| row),
        None => {
            Err("its event time is null; filter such rows out in front of the window".to_owned())
        }
    };
    let rows = super::rows::try_step(table, location, check).or_stop();
    table.graph.change(|plan| plan.keep_watermark(rows.port.node));
    rows
}

emission!(Windowed<T, P, G, | M> of table);
emission!(GroupedWindows<T, E, F, P, G, | M> of table);

impl<T> WindowRows<T> {
    fn need_watermarks(&self, verb: &'static str, location: &'static Location<'static>) {
        self.table.needs_watermark(verb, location);
    }
}

impl<T, P, G, M> Windowed<T, P, G, M> {
    fn new(
        table: Table<T>,
        windows: Windows,
        panes: Option<PanesOf<T>>,
        location: &'static Location<'static>,
    ) -> Self {
        let rows = WindowRows { table, windows, panes, results: EVERY_CHANGE, location };
        Self { rows, types: PhantomData }
    }

    fn table(&self) -> &Table<T> {
        &self.rows.table
    }

    fn results(&self) -> &Results {
        &self.rows.results
    }

    fn results_mut(&mut self) -> &mut Results {
        &mut self.rows.results
    }

    fn need_watermarks(&self, verb: &'static str, location: &'static Location<'static>) {
        self.rows.need_watermarks(verb, location);
    }

    fn emitting<N>(mut self, emission: Emission) -> Windowed<T, P, G, N> {
        self.rows.results.emission = emission;
        Windowed { rows: self.rows, types: PhantomData }
    }

    /// Divides the rows of each window into groups of equal keys, as [`Table::group_by`] does.
    pub fn group_by<E, F>(self, key: F) -> GroupedWindows<T, E, F, P, G, M>
    where
        T: Schema,
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        GroupedWindows { rows: self.rows, key_of: key, types: PhantomData }
    }
}

impl<T, E, F, P, G, M> GroupedWindows<T, E, F, P, G, M> {
    fn table(&self) -> &Table<T> {
        &self.rows.table
    }

    fn results(&self) -> &Results {
        &self.rows.results
    }

    fn results_mut(&mut self) -> &mut Results {
        &mut self.rows.results
    }

    fn need_watermarks(&self, verb: &'static str, location: &'static Location<'static>) {
        self.rows.need_watermarks(verb, location);
    }

    fn emitting<N>(mut self, emission: Emission) -> GroupedWindows<T, E, F, P, G, N> {
        self.rows.results.emission = emission;
        GroupedWindows { rows: self.rows, key_of: self.key_of, types: PhantomData }
    }
}

/// What comes out of windows: how it is decoded, and what names its key.
#[derive(Clone, Copy)]
struct Output {
    root: fn(AnyStep) -> Box<dyn EncodedStep>,
    key: fn() -> DataType,
    key_column: Option<Option<&'static str>>,
}

impl<T: EventTime> WindowRows<T> {
    /// Pushes the node.
    fn reduced<P, E, F, U>(
        self,
        key_of: F,
        parts: (Vec<Part<T>>, OutputShape),
        output: Output,
    ) -> Table<U>
    where
        P: TimePoint,
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
        U: Schema,
    {
        let Self { table, windows, panes, results, location } = self;
        let Reduction { plan, extracts, .. } = reduction(&table.graph, parts);
        let terminal = match panes {
            Some(panes) => WindowTerminal::Panes(stage::groups_terminal(
                Arc::new(move |row: &T, groups| {
                    panes(row, &mut |start, end| {
                        groups.add(|out| {
                            out.extend_from_slice(&start.to_le_bytes());
                            out.extend_from_slice(&end.to_le_bytes());
                            key_of(row).with(row, |value| value.encode(out));
                        });
                    });
                }),
                extracts,
            )),
            None if matches!(windows, Windows::Counted { .. } | Windows::Neighbours(_)) => {
                let key = stage::partition_key(key_of);
                WindowTerminal::Rows(stage::sorted_terminal(key, Arc::new(put_time), extracts))
            }
            None => {
                let panes = windows.clone();
                let pane_of: stage::PaneOf = Arc::new(move |time| panes.pane_bounds(time));
                WindowTerminal::Panes(stage::windowed_terminal(key_of, pane_of, extracts))
            }
        };
        let Output { root, key, key_column } = output;
        let watermark = table.graph.plan().watermark(table.port);
        let operation = Operation::Window(WindowNode {
            terminal,
            other: None,
            watermarks: [watermark, None],
            plan,
            windows,
            results,
            root,
            key,
            key_column,
            describe: |steps| P::from_steps(steps).to_string(),
            rows: T::data_type,
        });
        let progress = watermark.map(|node| Port { node, output: WatermarkNode::PROGRESS });
        let others: Vec<Port> = progress.into_iter().collect();
        let append_only = results.emission == Emission::WhenFinal;
        table.derive("window", location, operation, &others, append_only)
    }
}

/// Appends what a row sorts by in windows that look at the order of rows.
fn put_time<T: EventTime>(row: &T, out: &mut Vec<u8>, _: &mut Vec<u8>) {
    let time = row.event_time().expect("a row without a time has been refused in front");
    out.extend_from_slice(&time_bytes(time.to_steps()));
}

/// Windows without keys, with their results.
type Whole<T, P, R> = (Window<<P as BoundsOf<T>>::Point>, <R as Reducers<T>>::Output);

/// Windows and keys, and their results.
type Keyed<T, P, E, R> =
    ((Window<<P as BoundsOf<T>>::Point>, <E as Expr<T>>::Value), <R as Reducers<T>>::Output);

impl<T: EventTime, P: BoundsOf<T>, G: GroupOf<T>, M> Windowed<T, P, G, M> {
    fn whole<R: Reducers<T>>(self, reducers: impl FnOnce(G) -> R) -> Table<Whole<T, P, R>> {
        let parts = reducers(G::new(self.rows.table.is_append_only())).into_parts();
        let root = stage::whole_window_root::<P::Point, R::Output>;
        let output = Output { root, key: <()>::data_type, key_column: None };
        self.rows.reduced::<P::Point, _, _, _>(|_: &T| (), parts, output)
    }
}

impl<T, P, G> Windowed<T, P, G, Changing> {
    /// Folds the rows of each window with one reducer, or with a tuple of several that share one
    /// pass; see [`Grouped::reduce`](super::Grouped::reduce).
    pub fn reduce<R: Reducers<T>>(
        self,
        reducers: impl FnOnce(G) -> R,
    ) -> Reduced<Window<P::Point>, R::Output>
    where
        T: EventTime,
        P: BoundsOf<T>,
        G: GroupOf<T>,
    {
        Reduced::new(self.whole(reducers))
    }
}

impl<T, P, G> Windowed<T, P, G, Final> {
    /// Folds the rows of each window once it is final.
    pub fn reduce<R: Reducers<T>>(
        self,
        reducers: impl FnOnce(G) -> R,
    ) -> FinalWindows<Window<P::Point>, R::Output>
    where
        T: EventTime,
        P: BoundsOf<T>,
        G: GroupOf<T>,
    {
        FinalWindows::new(self.whole(reducers))
    }
}

impl<T, E, F, P, G, M> GroupedWindows<T, E, F, P, G, M>
where
    T: EventTime,
    P: BoundsOf<T>,
    E: Expr<T>,
    F: Fn(&T) -> E + Send + Sync + 'static,
    G: GroupOf<T>,
{
    fn keyed<R: Reducers<T>>(self, reducers: impl FnOnce(G) -> R) -> Table<Keyed<T, P, E, R>> {
        let parts = reducers(G::new(self.rows.table.is_append_only())).into_parts();
        let root = stage::window_root::<P::Point, E::Value, R::Output>;
        let key_column = Some(super::index::column_name::<T, E>());
        let output = Output { root, key: E::Value::data_type, key_column };
        self.rows.reduced::<P::Point, _, _, _>(self.key_of, parts, output)
    }
}

impl<T, E, F, P, G> GroupedWindows<T, E, F, P, G, Changing> {
    /// Folds each group of each window with one reducer, or with a tuple of several that share one
    /// pass; see [`Grouped::reduce`](super::Grouped::reduce).
    pub fn reduce<R: Reducers<T>>(
        self,
        reducers: impl FnOnce(G) -> R,
    ) -> Reduced<(Window<P::Point>, E::Value), R::Output>
    where
        T: EventTime,
        P: BoundsOf<T>,
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
        G: GroupOf<T>,
    {
        Reduced::new(self.keyed(reducers))
    }
}

impl<T, E, F, P, G> GroupedWindows<T, E, F, P, G, Final> {
    /// Folds each group of each window once it is final.
    pub fn reduce<R: Reducers<T>>(
        self,
        reducers: impl FnOnce(G) -> R,
    ) -> FinalWindows<(Window<P::Point>, E::Value), R::Output>
    where
        T: EventTime,
        P: BoundsOf<T>,
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
        G: GroupOf<T>,
    {
        FinalWindows::new(self.keyed(reducers))
    }
}
