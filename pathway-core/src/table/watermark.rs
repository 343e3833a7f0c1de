//! `watermark`: how far the event times of a stream have come.

use super::graph::Graph;
use super::{Collection, IntoTable, Stream, Table};
use crate::dataflow::WatermarkPlan;
use crate::plan::{Aligned, Mistake, NodeId, Operation, WatermarkNode};
use crate::schema::{DateTime, Duration, EventTime, Expr, Keyed, Schema, TimePoint};
use crate::stage::{self, RowType, ToWatermark};
use std::any::TypeId;
use std::fmt;
use std::ops::Deref;
use std::panic::Location;
use std::sync::Arc;

/// How long a partition may be silent before it holds nobody back, in nanoseconds: a minute.
const IDLE_AFTER: i64 = 60_000_000_000;

/// A stream or a table with a watermark: its rows are in time. Made by [`Stream::watermark`] and
/// [`Table::watermark`].
///
/// It derefs to the collection of rows that are in time. By default the first late row ends the
/// run; take late rows with `or_late`, or drop and count them with
/// [`drop_late`](Self::drop_late).
#[must_use = "a stream does nothing until it reaches a sink"]
pub struct InTime<C> {
    rows: C,
    node: (Arc<Graph>, NodeId),
}

impl<C: Clone> Clone for InTime<C> {
    fn clone(&self) -> Self {
        Self { rows: self.rows.clone(), node: self.node.clone() }
    }
}

impl<C: fmt::Debug> fmt::Debug for InTime<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InTime").field("rows", &self.rows).finish_non_exhaustive()
    }
}

impl<C> Deref for InTime<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.rows
    }
}

impl<C: IntoTable> IntoTable for InTime<C> {
    type Row = C::Row;

    fn into_table(self) -> Table<C::Row> {
        self.rows.into_table()
    }
}

/// A length of time on the line of a collection's event time.
type Drift<C> = <<<C as Collection>::Row as EventTime>::Time as TimePoint>::Span;

/// A type of times that are those of the world's clocks: [`DateTime`].
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "times of type `{Self}` cannot be compared with the clock",
    label = "an event time of this type says nothing about when that is by the clock",
    note = "only a `DateTime` is an instant: turn the event time into one, for example by a time zone"
)]
pub trait ClockTime: TimePoint {}

impl ClockTime for DateTime {}

impl<T> Stream<T> {
    /// Gives the stream a watermark: of each partition of its source, the largest event time seen
    /// less `lateness`; of all partitions, the smallest. No row with an event time below it will
    /// follow, because such rows are late and are kept out, here and once, so that everything
    /// behind agrees on them.
    ///
    /// The watermark follows the rows through [`filter`](Stream::filter),
    /// [`inspect`](Stream::inspect), [`split`](Stream::split) and
    /// [`concat`](Stream::concat), which has the smaller one of two. A step that makes other rows
    /// loses it: call `watermark` behind that step instead. Windows and temporal joins let go of
    /// what they keep once the watermark has passed it; without a watermark they keep all.
    ///
    /// **Time.** A function of the history: which rows are late depends on the epochs they come
    /// in. Within an epoch the watermark is that of its start, so the rows of one epoch are not
    /// late because of each other. A file that is read once, or any other batch, is one epoch, so
    /// nothing in it is late. When the stream ends, so does time: everything becomes final.
    /// **State.** One time for each partition of the source.
    ///
    /// A partition without rows holds the others back, until it is idle: for a minute, or what
    /// [`idle_after`](InTime::idle_after) says.
    ///
    /// ```
    /// use pathway::prelude::*;
    /// use pathway::testing::Harness;
    ///
    /// #[derive(Clone, Debug, PartialEq, Schema)]
    /// struct Reading {
    ///     #[schema(event_time)]
    ///     second: i64,
    ///     value: f64,
    /// }
    ///
    /// let mut t = Harness::new();
    /// let readings = t.stream::<Reading>();
    /// let (in_time, late) = readings.rows().watermark(10).or_late();
    /// let (in_time, late) = (t.capture(in_time), t.capture(late));
    ///
    /// let row = |second| Reading { second, value: 0.5 };
    /// readings.push([row(100), row(70)]);
    /// t.step(); // the watermark is 90 now
    /// readings.push([row(90), row(89)]);
    /// t.step();
    /// in_time.assert_rows([row(70), row(90), row(100)]);
    /// late.assert_rows([row(89)]);
    /// ```
    ///
    /// # Errors
    ///
    /// A late row, and a row whose event time is null, end the run with
    /// [`DataError::Late`](crate::error::DataError::Late), which names the row, its time and the
    /// watermark, unless late rows are taken or dropped. A negative lateness is a
    /// [`BuildError::Argument`](crate::error::BuildError::Argument).
    #[track_caller]
    pub fn watermark(&self, lateness: <T::Time as TimePoint>::Span) -> InTime<Self>
    where
        T: EventTime,
    {
        let input = stage::to_watermark(|_: &T, _| {});
        let in_time = in_time(self, lateness, input, false, Location::caller());
        InTime { rows: in_time.rows.into_stream(), node: in_time.node }
    }
}

impl<T> Table<T> {
    /// Gives the table a watermark; see [`Stream::watermark`].
    ///
    /// What is late is an *update*: taking away a row whose event time is below the watermark is
    /// as late as adding one. The updates of a key in one epoch are accepted or refused together,
    /// so a row is replaced wholly or not at all. What was refused is not in the table, so an
    /// update that takes it away later is refused as well; what was accepted stays as it was.
    ///
    /// Windows and temporal joins let go of what they keep of a table with a watermark; without
    /// one they keep all, as each row may still be corrected.
    ///
    /// **Time.** A function of the history, as for streams.
    /// **State.** One time for each partition of the source, and the rows that have been refused
    /// until the watermark has passed them.
    ///
    /// ```
    /// use pathway::prelude::*;
    /// use pathway::testing::Harness;
    ///
    /// #[derive(Clone, Debug, PartialEq, Schema)]
    /// struct Order {
    ///     #[schema(key)]
    ///     id: u32,
    ///     #[schema(event_time)]
    ///     hour: i64,
    ///     cents: i64,
    /// }
    ///
    /// let mut t = Harness::new();
    /// let orders = t.table::<Order>();
    /// let (in_time, late) = orders.rows().watermark(24).or_late();
    /// let (in_time, late) = (t.capture(in_time), t.capture(late));
    ///
    /// let order = |id, hour, cents| Order { id, hour, cents };
    /// orders.insert(order(1, 5, 300));
    /// orders.insert(order(2, 30, 120));
    /// t.step(); // the watermark is 6 now
    /// orders.remove(order(1, 5, 300));
    /// orders.insert(order(1, 31, 250));
    /// t.step();
    /// in_time.assert_rows([order(1, 5, 300), order(2, 30, 120)]);
    /// late.assert_rows([(order(1, 5, 300), -1), (order(1, 31, 250), 1)]);
    /// ```
    ///
    /// # Errors
    ///
    /// As for a stream.
    #[track_caller]
    pub fn watermark(&self, lateness: <T::Time as TimePoint>::Span) -> InTime<Self>
    where
        T: EventTime + Keyed,
    {
        let input = stage::to_watermark(|row: &T, key| row.key().encode(key));
        in_time(self, lateness, input, true, Location::caller())
    }
}

fn in_time<T: EventTime>(
    table: &Table<T>,
    lateness: <T::Time as TimePoint>::Span,
    input: ToWatermark,
    updates: bool,
    location: &'static Location<'static>,
) -> InTime<Table<T>> {
    let steps = T::Time::span_steps(lateness);
    if steps < 0 {
        let problem = format!("the lateness {lateness:?} is negative");
        table.mistake("watermark", location, problem);
    }
    let plan = WatermarkPlan {
        lateness: steps,
        idle_after: IDLE_AFTER,
        per_key: false,
        ahead: None,
        follows: None,
    };
    let operation = Operation::Watermark(WatermarkNode {
        input,
        updates,
        plan,
        describe: |steps| T::Time::from_steps(steps).to_string(),
        column: event_time_column::<T>(),
        aligned: None,
    });
    let rows = const { RowType::of::<T>() };
    let (inputs, outputs) = (vec![table.port], vec![rows, rows]);
    let append_only = table.is_append_only();
    let node = table.graph.push("watermark", location, operation, inputs, outputs, append_only);
    let graph = Arc::clone(&table.graph);
    InTime { rows: Table::new(Arc::clone(&graph), node, 0), node: (graph, node) }
}

impl<T> Table<T> {
    /// Whether the rows keep to a watermark.
    pub(super) fn has_watermark(&self) -> bool {
        self.graph.plan().watermark(self.port).is_some()
    }

    /// The steps of a span; a mistake of the program if there are none.
    pub(super) fn positive_span<P: TimePoint>(
        &self,
        verb: &'static str,
        location: &'static Location<'static>,
        span: P::Span,
    ) -> i128 {
        let steps = P::span_steps(span);
        if steps <= 0 {
            self.mistake(verb, location, format!("the span {span:?} is not positive"));
        }
        steps
    }
}

/// Whether rows of the table may have no event time: with a watermark, such rows are late.
pub(super) fn may_miss_time<T: EventTime>(table: &Table<T>) -> bool {
    let data_type = T::data_type();
    let column = data_type.columns().iter().find(|column| column.event_time);
    !table.has_watermark() && column.is_none_or(|column| column.nullable)
}

/// The name of the event-time column.
pub(super) fn event_time_column<T: EventTime>() -> Option<&'static str> {
    T::data_type().columns().iter().find(|column| column.event_time).map(|column| column.name)
}

impl<T> InTime<Stream<T>> {
    /// The rows in time, and the late ones as a stream of their own; rows whose event time is
    /// null are late. The run goes on.
    pub fn or_late(self) -> (Stream<T>, Stream<T>) {
        let late = self.late();
        (self.rows, late)
    }

    /// The late rows as a stream; the run goes on when one comes. See [`or_late`](Self::or_late).
    pub fn late(&self) -> Stream<T> {
        self.take_late().into_stream()
    }

    /// Lets the watermark be the smallest of the keys', rather than of the source's partitions:
    /// so a key whose rows come early does not make those of others late.
    ///
    /// A key without rows holds the others back until it is idle; see
    /// [`idle_after`](Self::idle_after).
    ///
    /// **State.** One time for each key that is not idle.
    ///
    /// ```
    /// use pathway::prelude::*;
    /// use pathway::testing::Harness;
    ///
    /// #[derive(Clone, Debug, PartialEq, Schema)]
    /// struct Reading {
    ///     sensor: String,
    ///     #[schema(event_time)]
    ///     second: i64,
    /// }
    ///
    /// let mut t = Harness::new();
    /// let readings = t.stream::<Reading>();
    /// let in_time = readings.rows().watermark(10).per_key(|reading| reading.sensor.clone());
    /// let in_time = t.capture(in_time);
    ///
    /// let reading = |sensor: &str, second| Reading { sensor: sensor.into(), second };
    /// readings.push([reading("slow", 100), reading("fast", 900)]);
    /// t.step(); // the watermark is 90 now
    /// readings.push([reading("slow", 95)]);
    /// t.step();
    /// assert_eq!(in_time.rows().len(), 3);
    /// ```
    pub fn per_key<E, F>(self, key: F) -> Self
    where
        T: EventTime,
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        let input = stage::to_watermark(move |row: &T, out| {
            key(row).with(row, |value| value.encode(out));
        });
        self.change(|watermark| {
            watermark.input = input;
            watermark.plan.per_key = true;
        });
        self
    }
}

impl<T> InTime<Table<T>> {
    /// The rows in time, and the late updates as a stream: each a row and its diff. The run goes
    /// on.
    #[track_caller]
    pub fn or_late(self) -> (Table<T>, Stream<(T, i64)>)
    where
        T: Schema,
    {
        let late = self.late();
        (self.rows, late)
    }

    /// The late updates as a stream; the run goes on when one comes. See
    /// [`or_late`](Self::or_late).
    #[track_caller]
    pub fn late(&self) -> Stream<(T, i64)>
    where
        T: Schema,
    {
        self.take_late().changes()
    }
}

impl<C> InTime<C> {
    /// Drops late rows and counts them in [`Stats::late`](crate::runtime::Stats::late).
    pub fn drop_late(self) -> Self {
        let (graph, node) = &self.node;
        graph.change(|plan| plan.node_mut(*node).errors_taken = true);
        self
    }

    /// Lets a partition of the source hold the others back only so long after its last row, by
    /// the clock of the machine. A minute by default.
    ///
    /// # Errors
    ///
    /// A time that is not positive is a
    /// [`BuildError::Argument`](crate::error::BuildError::Argument).
    #[track_caller]
    pub fn idle_after(self, time: Duration) -> Self {
        let nanoseconds = self.positive("idle_after", time);
        self.change(|watermark| watermark.plan.idle_after = nanoseconds);
        self
    }

    /// Keeps out rows whose event time is further ahead of the clock than that: so one source
    /// whose clock is wrong does not make the rows of all others late.
    ///
    /// They are treated as late rows are: an error that names row, time and clock, unless late
    /// rows are taken or dropped. The clock is that of the epoch's close.
    ///
    /// ```
    /// use pathway::prelude::*;
    /// use pathway::testing::Harness;
    ///
    /// #[derive(Clone, Debug, PartialEq, Schema)]
    /// struct Beat {
    ///     #[schema(event_time)]
    ///     at: DateTime,
    /// }
    ///
    /// let mut t = Harness::new(); // by its clock, it is the start of the year 2000
    /// let beats = t.stream::<Beat>();
    /// let beats_in_time = beats.rows().watermark(Duration::ZERO);
    /// let (in_time, wrong) = beats_in_time.ahead_at_most(Duration::from_mins(5)).or_late();
    /// let (in_time, wrong) = (t.capture(in_time), t.capture(wrong));
    ///
    /// let beat = |at: &str| Beat { at: at.parse().unwrap() };
    /// beats.push([beat("1999-12-31T23:59:00Z"), beat("2020-01-01T00:00:00Z")]);
    /// t.step();
    /// in_time.assert_rows([beat("1999-12-31T23:59:00Z")]);
    /// wrong.assert_rows([beat("2020-01-01T00:00:00Z")]);
    /// ```
    ///
    /// # Errors
    ///
    /// A time that is not positive is a
    /// [`BuildError::Argument`](crate::error::BuildError::Argument).
    #[track_caller]
    pub fn ahead_at_most(self, time: Duration) -> Self
    where
        C: Collection<Row: EventTime<Time: ClockTime>>,
    {
        let nanoseconds = self.positive("ahead_at_most", time);
        self.change(|watermark| watermark.plan.ahead = Some(nanoseconds));
        self
    }

    /// Lets the watermark follow the clock, too: where no rows come, time goes on all the same. So
    /// the last windows of a stream that has become silent are final by themselves.
    ///
    /// A row is late that comes more than the lateness after it happened, by the clock. The
    /// watermark is brought up to the clock in every epoch and, where there is none, `every` so
    /// often. Not for rows of the past: all of them are late.
    ///
    /// For windows by the time at which rows arrive, give rows that time by
    /// [`stamped`](Stream::stamped).
    ///
    /// ```
    /// use pathway::prelude::*;
    /// use pathway::testing::Harness;
    ///
    /// #[derive(Clone, Debug, PartialEq, Schema)]
    /// struct Arrival {
    ///     name: String,
    ///     #[schema(event_time)]
    ///     at: DateTime,
    /// }
    ///
    /// let mut t = Harness::new();
    /// let (minute, second) = (Duration::from_mins(1), Duration::from_secs(1));
    /// let names = t.stream::<String>();
    /// let counts = names
    ///     .rows()
    ///     .stamped(|name, at| Arrival { name, at })
    ///     .watermark(Duration::ZERO)
    ///     .follow_clock(second)
    ///     .window(tumbling(minute))
    ///     .when_final()
    ///     .reduce(|g| g.count())
    ///     .select(|_, arrivals| arrivals);
    /// let counts = t.capture(counts);
    /// names.push(["ada".to_owned(), "bo".to_owned()]);
    /// t.step();
    /// t.advance(minute);
    /// t.step(); // nothing has come, and the minute is over
    /// counts.assert_rows([2]);
    /// ```
    ///
    /// # Errors
    ///
    /// A time that is not positive is a
    /// [`BuildError::Argument`](crate::error::BuildError::Argument).
    #[track_caller]
    pub fn follow_clock(self, every: Duration) -> Self
    where
        C: Collection<Row: EventTime<Time: ClockTime>>,
    {
        let nanoseconds = self.positive("follow_clock", every);
        self.change(|watermark| watermark.plan.follows = Some(nanoseconds));
        self
    }

    /// Aligns the sources that feed this watermark with those that feed the other aligned ones of
    /// the pipeline: while its largest event time is more than `drift` ahead of the one that is
    /// furthest behind, no more is taken from its sources, whose queues fill up and hold back
    /// whoever pushes or reads. So a fast source does not fill the memory of what waits for a slow
    /// one.
    ///
    /// Align two streams at least, with event times of one type. One from which nothing has come
    /// yet is furthest behind. One that is idle, for a minute or what
    /// [`idle_after`](Self::idle_after) says, holds nobody back, and neither does one that has
    /// ended. What is furthest behind is never held back, and transactions are taken whole.
    ///
    /// **Time.** Which epoch rows are part of changes, and nothing else. A batch is one epoch, so
    /// nothing is held back there, nor of what a live pipeline finds at its start. A source may be
    /// ahead by more than `drift` by what it brings at once, about a mebibyte.
    ///
    /// ```
    /// use pathway::prelude::*;
    /// use pathway::testing::Harness;
    ///
    /// #[derive(Clone, Debug, Schema)]
    /// struct Reading {
    ///     #[schema(event_time)]
    ///     second: i64,
    /// }
    ///
    /// let mut t = Harness::new();
    /// let (slow, fast) = (t.stream::<Reading>(), t.stream::<Reading>());
    /// let aligned = |readings: &Stream<Reading>| readings.watermark(0).align_within(100);
    /// let both = aligned(&slow.rows()).concat(&aligned(&fast.rows()));
    /// let seconds = t.capture(both.map(|reading| reading.second));
    /// slow.push([Reading { second: 10 }]);
    /// fast.push([Reading { second: 150 }]);
    /// t.step();
    /// fast.push([Reading { second: 160 }]);
    /// t.step(); // the fast one is too far ahead
    /// seconds.assert_rows([10, 150]);
    /// slow.push([Reading { second: 50 }]);
    /// t.step(); // and is not any more behind this epoch
    /// t.step();
    /// seconds.assert_rows([10, 50, 150, 160]);
    /// ```
    ///
    /// # Errors
    ///
    /// A negative drift is a [`BuildError::Argument`](crate::error::BuildError::Argument).
    #[track_caller]
    pub fn align_within(self, drift: Drift<C>) -> Self
    where
        C: Collection<Row: EventTime>,
    {
        let steps = <C::Row as EventTime>::Time::span_steps(drift);
        if steps < 0 {
            let (verb, location) = ("align_within", Location::caller());
            let problem = format!("the drift {drift:?} is negative");
            self.node.0.change(|plan| plan.add_mistake(Mistake { verb, location, problem }));
        }
        let (described, line) = (format!("{drift:?}"), TypeId::of::<<C::Row as EventTime>::Time>());
        self.change(|watermark| {
            watermark.aligned = Some(Aligned { drift: steps.max(0), described, line });
        });
        self
    }

    fn take_late<T>(&self) -> Table<T> {
        let (graph, node) = &self.node;
        graph.change(|plan| plan.node_mut(*node).errors_taken = true);
        Table::new(Arc::clone(graph), *node, 1)
    }

    fn change(&self, change: impl FnOnce(&mut WatermarkNode)) {
        let (graph, node) = &self.node;
        graph.change(|plan| {
            if let Operation::Watermark(watermark) = &mut plan.node_mut(*node).operation {
                change(watermark);
            }
        });
    }

    /// A time in nanoseconds; noted as a mistake if it is not positive.
    #[track_caller]
    fn positive(&self, verb: &'static str, time: Duration) -> i64 {
        let nanoseconds = i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
        if nanoseconds <= 0 {
            let (location, problem) =
                (Location::caller(), format!("the time {time:?} is not positive"));
            self.node.0.change(|plan| plan.add_mistake(Mistake { verb, location, problem }));
        }
        nanoseconds
    }
}
