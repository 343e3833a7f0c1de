//! `window`: reductions of the rows of stretches of time.

mod calendar;
mod spec;

pub use spec::{WindowSpec, cumulating, days, months, sessions, sliding, tumbling, weeks};

use super::group::{Reduction, reduction};
use super::{Reduced, Stream, Table};
use crate::dataflow::OutputShape;
use crate::dataflow::window::{Emission, Windows};
use crate::plan::{Operation, Port, WatermarkNode, WindowNode};
use crate::reduce::{Group, GroupOf, Part, Reducers, StreamGroup};
use crate::schema::{DataType, Duration, EventTime, Expr, Schema, TimePoint, Window};
use crate::stage::{self, AnyStep, EncodedStep};
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::panic::Location;
use std::sync::Arc;

/// Results come out in every epoch that changes them, or at intervals.
#[derive(Debug)]
pub struct Changing(());

/// Results come out once, when they are final.
#[derive(Debug)]
pub struct Final(());

/// A table divided into windows of its event time. Made by [`Table::window`]; ends in
/// [`reduce`](Windowed::reduce), or goes on with [`group_by`](Windowed::group_by).
#[must_use = "windows do nothing until they are reduced: `.reduce(|g| ..)`"]
pub struct Windowed<T, G, M = Changing> {
    rows: WindowRows<T>,
    types: PhantomData<fn() -> (G, M)>,
}

/// A table divided into windows, and into groups within each. Made by [`Windowed::group_by`]; ends
/// in [`reduce`](GroupedWindows::reduce).
#[must_use = "windows do nothing until they are reduced: `.reduce(|g| ..)`"]
pub struct GroupedWindows<T, E, F, G, M = Changing> {
    rows: WindowRows<T>,
    key_of: F,
    types: PhantomData<fn() -> (E, G, M)>,
}

impl<T, G, M> fmt::Debug for Windowed<T, G, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Windowed").field(&self.rows.windows).finish()
    }
}

impl<T, E, F, G, M> fmt::Debug for GroupedWindows<T, E, F, G, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GroupedWindows").field(&self.rows.windows).finish()
    }
}

/// Rows, and the windows that they are to be divided into.
struct WindowRows<T> {
    table: Table<T>,
    windows: Windows,
    emission: Emission,
    location: &'static Location<'static>,
}

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
    /// [`explain`](super::Pipeline::explain) says; so for a table, whose rows may be corrected at
    /// any time.
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
    pub fn window(&self, windows: WindowSpec<T::Time>) -> Windowed<T, Group<T>>
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
    pub fn window(&self, windows: WindowSpec<T::Time>) -> Windowed<T, StreamGroup<T>>
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
) -> Windowed<T, G> {
    let windows = windows.windows().unwrap_or_else(|problem| {
        table.mistake("window", location, problem);
        Windows::Sessions { gap: 1 }
    });
    let has_watermark = table.graph.plan().watermark(table.port).is_some();
    let table = if has_watermark { table.clone() } else { with_time(table, location) };
    let rows = WindowRows { table, windows, emission: Emission::EveryChange, location };
    Windowed { rows, types: PhantomData }
}

/// Refuses rows without an event time.
fn with_time<T: EventTime>(table: &Table<T>, location: &'static Location<'static>) -> Table<T> {
    let has_time = |row: T| match row.event_time() {
        Some(_) => Ok(row),
        None => Err("its event time is null; filter such rows out in front of the window"),
    };
    super::rows::try_step(table, location, has_time).or_stop()
}

/// When results come out, for windows with and without keys.
macro_rules! emission {
    ($Windows:ident $(by $($Key:ident)*)?) => {
        impl<T, $($($Key,)*)? G, M> $Windows<T, $($($Key,)*)? G, M> {
            /// Lets the result of a window come out whenever it changes, the former one retracted:
            /// the default. So results are right at every moment, and those that are there when
            /// the window is over stay.
            pub fn every_change(self) -> $Windows<T, $($($Key,)*)? G, Changing> {
                self.emitting(Emission::EveryChange)
            }

            /// Lets the result of a window come out once, in the epoch in which the watermark
            /// reaches its end. So results make a stream.
            ///
            /// # Errors
            ///
            /// Rows without a watermark are a
            /// [`BuildError::Argument`](crate::error::BuildError::Argument).
            #[track_caller]
            pub fn when_final(self) -> $Windows<T, $($($Key,)*)? G, Final> {
                self.rows.table.needs_watermark("when_final", Location::caller());
                self.emitting(Emission::WhenFinal)
            }

            /// Lets changed results come out at most once in an interval of the clock, and when
            /// their window is over. The first change waits for an interval, too.
            ///
            /// **Time.** A function of the history. In tests the clock is that of the
            /// [`Harness`](crate::testing::Harness).
            ///
            /// # Errors
            ///
            /// An interval that is not positive is a
            /// [`BuildError::Argument`](crate::error::BuildError::Argument).
            #[track_caller]
            pub fn early(self, interval: Duration) -> $Windows<T, $($($Key,)*)? G, Changing> {
                let nanoseconds = i64::try_from(interval.as_nanos()).unwrap_or(i64::MAX);
                if nanoseconds <= 0 {
                    let problem = format!("the interval {interval:?} is not positive");
                    self.rows.table.mistake("early", Location::caller(), problem);
                }
                self.emitting(Emission::Early(nanoseconds))
            }
        }
    };
}

emission!(Windowed);
emission!(GroupedWindows by E F);

impl<T, G, M> Windowed<T, G, M> {
    fn emitting<N>(mut self, emission: Emission) -> Windowed<T, G, N> {
        self.rows.emission = emission;
        Windowed { rows: self.rows, types: PhantomData }
    }

    /// Divides the rows of each window into groups of equal keys, as [`Table::group_by`] does.
    pub fn group_by<E, F>(self, key: F) -> GroupedWindows<T, E, F, G, M>
    where
        T: Schema,
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        GroupedWindows { rows: self.rows, key_of: key, types: PhantomData }
    }
}

impl<T, E, F, G, M> GroupedWindows<T, E, F, G, M> {
    fn emitting<N>(mut self, emission: Emission) -> GroupedWindows<T, E, F, G, N> {
        self.rows.emission = emission;
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
    fn reduced<E, F, U>(
        self,
        key_of: F,
        parts: (Vec<Part<T>>, OutputShape),
        output: Output,
    ) -> Table<U>
    where
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
        U: Schema,
    {
        let Self { table, windows, emission, location } = self;
        let Reduction { plan, extracts, .. } = reduction(&table.graph, parts);
        let panes = windows.clone();
        let pane_of: stage::PaneOf = Arc::new(move |time| panes.pane_bounds(time));
        let Output { root, key, key_column } = output;
        let operation = Operation::Window(WindowNode {
            terminal: stage::windowed_terminal(key_of, pane_of, extracts),
            plan,
            windows,
            emission,
            root,
            key,
            key_column,
            describe: |steps| T::Time::from_steps(steps).to_string(),
        });
        let watermark = table.graph.plan().watermark(table.port);
        let progress = watermark.map(|node| Port { node, output: WatermarkNode::PROGRESS });
        let others: Vec<Port> = progress.into_iter().collect();
        table.derive("window", location, operation, &others, emission == Emission::WhenFinal)
    }
}

/// Windows without keys, with their results.
type Whole<T, R> = (Window<<T as EventTime>::Time>, <R as Reducers<T>>::Output);

/// Windows and keys, and their results.
type Keyed<T, E, R> =
    ((Window<<T as EventTime>::Time>, <E as Expr<T>>::Value), <R as Reducers<T>>::Output);

impl<T: EventTime, G: GroupOf<T>, M> Windowed<T, G, M> {
    fn whole<R: Reducers<T>>(self, reducers: impl FnOnce(G) -> R) -> Table<Whole<T, R>> {
        let parts = reducers(G::new(self.rows.table.is_append_only())).into_parts();
        let root = stage::whole_window_root::<T::Time, R::Output>;
        let output = Output { root, key: <()>::data_type, key_column: None };
        self.rows.reduced(|_: &T| (), parts, output)
    }
}

impl<T, G> Windowed<T, G, Changing> {
    /// Folds the rows of each window with one reducer, or with a tuple of several that share one
    /// pass; see [`Grouped::reduce`](super::Grouped::reduce).
    pub fn reduce<R: Reducers<T>>(
        self,
        reducers: impl FnOnce(G) -> R,
    ) -> Reduced<Window<T::Time>, R::Output>
    where
        T: EventTime,
        G: GroupOf<T>,
    {
        Reduced::new(self.whole(reducers))
    }
}

impl<T, G> Windowed<T, G, Final> {
    /// Folds the rows of each window once it is final.
    pub fn reduce<R: Reducers<T>>(
        self,
        reducers: impl FnOnce(G) -> R,
    ) -> FinalWindows<Window<T::Time>, R::Output>
    where
        T: EventTime,
        G: GroupOf<T>,
    {
        FinalWindows { rows: self.whole(reducers).into_stream() }
    }
}

impl<T, E, F, G, M> GroupedWindows<T, E, F, G, M>
where
    T: EventTime,
    E: Expr<T>,
    F: Fn(&T) -> E + Send + Sync + 'static,
    G: GroupOf<T>,
{
    fn keyed<R: Reducers<T>>(self, reducers: impl FnOnce(G) -> R) -> Table<Keyed<T, E, R>> {
        let parts = reducers(G::new(self.rows.table.is_append_only())).into_parts();
        let root = stage::window_root::<T::Time, E::Value, R::Output>;
        let key_column = Some(super::index::column_name::<T, E>());
        let output = Output { root, key: E::Value::data_type, key_column };
        self.rows.reduced(self.key_of, parts, output)
    }
}

impl<T, E, F, G> GroupedWindows<T, E, F, G, Changing> {
    /// Folds each group of each window with one reducer, or with a tuple of several that share one
    /// pass; see [`Grouped::reduce`](super::Grouped::reduce).
    pub fn reduce<R: Reducers<T>>(
        self,
        reducers: impl FnOnce(G) -> R,
    ) -> Reduced<(Window<T::Time>, E::Value), R::Output>
    where
        T: EventTime,
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
        G: GroupOf<T>,
    {
        Reduced::new(self.keyed(reducers))
    }
}

impl<T, E, F, G> GroupedWindows<T, E, F, G, Final> {
    /// Folds each group of each window once it is final.
    pub fn reduce<R: Reducers<T>>(
        self,
        reducers: impl FnOnce(G) -> R,
    ) -> FinalWindows<(Window<T::Time>, E::Value), R::Output>
    where
        T: EventTime,
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
        G: GroupOf<T>,
    {
        FinalWindows { rows: self.keyed(reducers).into_stream() }
    }
}

/// Windows that are final, with their results: a stream of pairs, window (and key) and outputs.
#[must_use = "a stream does nothing until it reaches a sink"]
pub struct FinalWindows<K, O> {
    rows: Stream<(K, O)>,
}

impl<K, O> fmt::Debug for FinalWindows<K, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FinalWindows").field("rows", &self.rows).finish()
    }
}

impl<K, O> Clone for FinalWindows<K, O> {
    fn clone(&self) -> Self {
        Self { rows: self.rows.clone() }
    }
}

impl<K, O> Deref for FinalWindows<K, O> {
    type Target = Stream<(K, O)>;

    fn deref(&self) -> &Stream<(K, O)> {
        &self.rows
    }
}

impl<K: Schema, O: Schema> FinalWindows<K, O> {
    /// Makes a row of each window's (and key's) results.
    #[track_caller]
    pub fn select<U, F>(&self, f: F) -> Stream<U>
    where
        U: Schema,
        F: Fn(K, O) -> U + Send + Sync + 'static,
    {
        let factory = stage::map(move |(key, outputs): (K, O)| f(key, outputs));
        super::collection::step(&self.rows, "select", Location::caller(), factory)
    }
}

impl<K: Schema, O: Schema> super::IntoTable for FinalWindows<K, O> {
    type Row = (K, O);

    fn into_table(self) -> Table<(K, O)> {
        self.rows.into_table()
    }
}
