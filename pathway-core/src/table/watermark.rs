//! `watermark`: how far the event times of a stream have come.

use super::{Stream, Table};
use crate::dataflow::WatermarkPlan;
use crate::plan::{Mistake, Operation, WatermarkNode};
use crate::schema::{Duration, EventTime, TimePoint};
use crate::stage::{self, RowType};
use std::fmt;
use std::ops::Deref;
use std::panic::Location;
use std::sync::Arc;

/// How long a partition may be silent before it holds nobody back, in nanoseconds: a minute.
const IDLE_AFTER: i64 = 60_000_000_000;

/// A stream with a watermark: its rows are in time. Made by [`Stream::watermark`].
///
/// It derefs to the stream of rows that are in time. By default the first late row ends the run;
/// take late rows with [`or_late`](Self::or_late), or drop and count them with
/// [`drop_late`](Self::drop_late).
#[must_use = "a stream does nothing until it reaches a sink"]
pub struct InTime<T> {
    rows: Stream<T>,
}

impl<T> Clone for InTime<T> {
    fn clone(&self) -> Self {
        Self { rows: self.rows.clone() }
    }
}

impl<T> fmt::Debug for InTime<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InTime").field("rows", &self.rows).finish()
    }
}

impl<T> Deref for InTime<T> {
    type Target = Stream<T>;

    fn deref(&self) -> &Stream<T> {
        &self.rows
    }
}

impl<T> Stream<T> {
    /// Gives the stream a watermark: of each partition of its source, the largest event time seen
    /// less `lateness`; of all partitions, the smallest. No row with an event time below it will
    /// follow, because such rows are late and are kept out, here and once, so that everything
    /// behind agrees on them.
    ///
    /// The watermark follows the rows through [`filter`](Stream::filter),
    /// [`inspect`](Stream::inspect), [`split`](Stream::split) and a
    /// [`concat`](Stream::concat) of streams that have the same. A step that makes other rows
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
    pub fn watermark(&self, lateness: <T::Time as TimePoint>::Span) -> InTime<T>
    where
        T: EventTime,
    {
        let location = Location::caller();
        let steps = T::Time::span_steps(lateness);
        if steps < 0 {
            let problem = format!("the lateness {lateness:?} is negative");
            self.mistake("watermark", location, problem);
        }
        let operation = Operation::Watermark(WatermarkNode {
            terminal: stage::event_time_terminal::<T>(),
            plan: WatermarkPlan { lateness: steps, idle_after: IDLE_AFTER },
            describe: |steps| T::Time::from_steps(steps).to_string(),
            column: event_time_column::<T>(),
        });
        let rows = const { RowType::of::<T>() };
        let (inputs, outputs) = (vec![self.port], vec![rows, rows]);
        let node = self.graph.push("watermark", location, operation, inputs, outputs, true);
        InTime { rows: Table::new(Arc::clone(&self.graph), node, 0).into_stream() }
    }
}

/// The name of the event-time column.
pub(super) fn event_time_column<T: EventTime>() -> Option<&'static str> {
    T::data_type().columns().iter().find(|column| column.event_time).map(|column| column.name)
}

impl<T> InTime<T> {
    /// The rows in time, and the late ones as a stream of their own; rows whose event time is
    /// null are late. The run goes on.
    pub fn or_late(self) -> (Stream<T>, Stream<T>) {
        let late = self.take_late();
        (self.rows, late)
    }

    /// The late rows as a stream; the run goes on when one comes. See [`or_late`](Self::or_late).
    pub fn late(&self) -> Stream<T> {
        self.take_late()
    }

    /// Drops late rows and counts them in [`Stats::late`](crate::runtime::Stats::late).
    pub fn drop_late(self) -> Self {
        let _late = self.take_late();
        self
    }

    /// The stream of rows in time.
    pub(super) fn to_stream(&self) -> Stream<T> {
        self.rows.clone()
    }

    fn take_late(&self) -> Stream<T> {
        let (graph, node) = (&self.rows.graph, self.rows.port.node);
        graph.change(|plan| plan.node_mut(node).errors_taken = true);
        Table::new(Arc::clone(graph), node, 1).into_stream()
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
        let (node, location) = (self.rows.port.node, Location::caller());
        self.rows.graph.change(|plan| {
            let nanoseconds = i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
            if let Operation::Watermark(watermark) = &mut plan.node_mut(node).operation {
                watermark.plan.idle_after = nanoseconds;
            }
            if nanoseconds <= 0 {
                let problem = format!("the time {time:?} is not positive");
                plan.add_mistake(Mistake { verb: "idle_after", location, problem });
            }
        });
        self
    }
}
