//! State machines with timers.

use super::{Stream, Table};
use crate::plan::{Mistake, Operation, Port, WatermarkNode};
use crate::schema::{DateTime, EventTime, Expr, Schema, TimePoint};
use crate::stage::{self, KeyedTerminal, Machine, MachineFactory};
use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;

/// A state machine for each key of a stream. Made by [`Stream::state_machine`]; goes on with
/// [`by_event_time`](Self::by_event_time) or [`by_clock`](Self::by_clock).
#[must_use = "a state machine does nothing until it is given its functions: `.by_event_time().run(..)`"]
pub struct StateMachine<T, E, G> {
    verb: &'static str,
    table: Table<T>,
    key_of: G,
    location: &'static Location<'static>,
    key: PhantomData<fn() -> E>,
}

impl<T, E, G> fmt::Debug for StateMachine<T, E, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateMachine").field("table", &self.table).finish_non_exhaustive()
    }
}

/// A state machine whose times are `P`. Ends in [`run`](Self::run).
#[must_use = "a state machine does nothing until it is given its functions: `.run(..)`"]
pub struct TimedMachine<T, E, P> {
    verb: &'static str,
    table: Table<T>,
    terminal: KeyedTerminal,
    location: &'static Location<'static>,
    watermark: Option<Port>,
    keeps_for: Option<i128>,
    types: PhantomData<fn() -> (E, P)>,
}

impl<T, E, P> fmt::Debug for TimedMachine<T, E, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimedMachine").field("table", &self.table).finish_non_exhaustive()
    }
}

impl<T> Stream<T> {
    /// Runs a state machine for each key: a function on rows and one on timers, with a state.
    ///
    /// For what no other verb says: sessions with rules of their own, alarms when something does
    /// *not* happen, deadlines. [`stateful_map`](Self::stateful_map) is the simpler form without
    /// timers.
    ///
    /// By event time, a key's rows come in the order of their times, once the watermark has passed
    /// them, and its timers between them. So the output depends on the rows in time alone, not on
    /// their arrival. By the clock, rows come with their epoch.
    ///
    /// ```
    /// use pathway::prelude::*;
    /// use pathway::testing::Harness;
    ///
    /// #[derive(Clone, Debug, Schema)]
    /// struct Beat {
    ///     machine: String,
    ///     #[schema(event_time)]
    ///     second: i64,
    /// }
    ///
    /// let mut t = Harness::new();
    /// let beats = t.stream::<Beat>();
    /// // A machine that has not been heard of for ten seconds is silent.
    /// let silent = beats
    ///     .rows()
    ///     .watermark(5)
    ///     .state_machine(|beat| beat.machine.clone())
    ///     .by_event_time()
    ///     .run(
    ///         |machine, beat| {
    ///             *machine.state() = Some(beat.second);
    ///             machine.cancel_timers();
    ///             machine.set_timer(beat.second + 10);
    ///         },
    ///         |machine, _| {
    ///             let since = machine.state().take().unwrap_or_default();
    ///             machine.emit((machine.key().clone(), since));
    ///         },
    ///     );
    /// let silent = t.capture(silent);
    ///
    /// let beat = |machine: &str, second| Beat { machine: machine.to_owned(), second };
    /// beats.push([beat("press", 3), beat("press", 1), beat("saw", 2)]);
    /// t.step();
    /// beats.push([beat("press", 11), beat("press", 19)]);
    /// t.step(); // the watermark is 14 now
    /// silent.assert_rows([("saw".to_owned(), 2)]);
    /// ```
    ///
    /// **State.** One state for each key that has one or has timers; by event time, the rows that
    /// the watermark has not passed.
    #[track_caller]
    pub fn state_machine<E, G>(&self, key: G) -> StateMachine<T, E, G>
    where
        T: Schema,
        E: Expr<T>,
        G: Fn(&T) -> E + Send + Sync + 'static,
    {
        self.machine("state_machine", Location::caller(), key)
    }

    /// The state machine of a verb.
    pub(super) fn machine<E, G>(
        &self,
        verb: &'static str,
        location: &'static Location<'static>,
        key: G,
    ) -> StateMachine<T, E, G> {
        let table: &Table<T> = self;
        StateMachine { verb, table: table.clone(), key_of: key, location, key: PhantomData }
    }
}

impl<T, E, G> StateMachine<T, E, G>
where
    T: Schema,
    E: Expr<T>,
    G: Fn(&T) -> E + Send + Sync + 'static,
{
    /// Lets time be that of the rows, as far as the watermark has come.
    ///
    /// When the stream ends, the timers that are there fire once, whatever their times; those that
    /// they set do not.
    ///
    /// # Errors
    ///
    /// A stream without a watermark is a
    /// [`BuildError::Argument`](crate::error::BuildError::Argument).
    pub fn by_event_time(self) -> TimedMachine<T, E, T::Time>
    where
        T: EventTime,
    {
        let Self { verb, table, key_of, location, .. } = self;
        let watermark = table.needs_watermark(verb, location);
        let terminal = stage::timed_terminal(key_of);
        let types = PhantomData;
        TimedMachine { verb, table, terminal, location, watermark, keeps_for: None, types }
    }

    /// Lets time be that of the clock: a row's is that of the close of its epoch, and a timer
    /// fires in the first epoch that is closed at or after it. An epoch is closed for a timer even
    /// if no row arrives. In tests, the clock is that of the [`Harness`](crate::testing::Harness).
    ///
    /// **Time.** A function of the history. When the stream ends, timers do not fire.
    pub fn by_clock(self) -> TimedMachine<T, E, DateTime> {
        let Self { verb, table, key_of, location, .. } = self;
        let terminal = stage::upsert_terminal(move |row: &T, out, _| {
            key_of(row).with(row, |value| value.encode(out));
        });
        let (watermark, types) = (None, PhantomData);
        TimedMachine { verb, table, terminal, location, watermark, keeps_for: None, types }
    }
}

impl<T> Table<T> {
    /// Notes a mistake, so that the pipeline will not start.
    pub(super) fn mistake(
        &self,
        verb: &'static str,
        location: &'static Location<'static>,
        problem: String,
    ) {
        self.graph.change(|plan| plan.add_mistake(Mistake { verb, location, problem }));
    }

    /// The progress of the watermark that the rows keep to; a mistake of the program if there is
    /// none.
    pub(super) fn needs_watermark(
        &self,
        verb: &'static str,
        location: &'static Location<'static>,
    ) -> Option<Port> {
        let watermark = self.graph.plan().watermark(self.port);
        if watermark.is_none() {
            let problem = "its rows have no watermark, so nobody knows when their times are over; \
                           give the stream one with `.watermark(..)`, behind the last step that \
                           makes new rows"
                .to_owned();
            self.mistake(verb, location, problem);
        }
        watermark.map(|node| Port { node, output: WatermarkNode::PROGRESS })
    }
}

impl<T, E, P> TimedMachine<T, E, P> {
    pub(super) fn table(&self) -> &Table<T> {
        &self.table
    }
}

impl<T, E, P> TimedMachine<T, E, P>
where
    T: Schema,
    E: Expr<T>,
    P: TimePoint,
{
    /// Forgets a key, with its state and its timers, once neither a row nor a timer has touched it
    /// for that long.
    ///
    /// # Errors
    ///
    /// A length that is not positive is a
    /// [`BuildError::Argument`](crate::error::BuildError::Argument).
    #[track_caller]
    pub fn forget_after(mut self, time: P::Span) -> Self {
        let steps = P::span_steps(time);
        if steps <= 0 {
            let location = Location::caller();
            let problem = format!("the time {time:?} is not positive");
            self.table.mistake("forget_after", location, problem);
        }
        self.keeps_for = Some(steps);
        self
    }

    /// Gives the machine its functions: one is called on each row, the other when a timer fires.
    /// What they emit makes a stream.
    ///
    /// The types of state and output follow from the functions; where they do not, name them:
    /// `.run::<State, Row>(..)`.
    ///
    /// # Errors
    ///
    /// A timer that sets a timer not later than itself ends the run with
    /// [`RunError::Operator`](crate::error::RunError::Operator).
    pub fn run<S, U>(
        self,
        on_row: impl Fn(&mut Machine<'_, E::Value, S, U, P>, T) + Send + Sync + 'static,
        on_timer: impl Fn(&mut Machine<'_, E::Value, S, U, P>, P) + Send + Sync + 'static,
    ) -> Stream<U>
    where
        S: Schema,
        U: Schema,
    {
        let logic: MachineFactory = stage::machine(on_row, on_timer);
        let Self { verb, table, terminal, location, watermark, keeps_for, .. } = self;
        let operation = Operation::Machine { terminal, logic, key: E::Value::data_type, keeps_for };
        let others: Vec<Port> = watermark.into_iter().collect();
        table.derive(verb, location, operation, &others, true).into_stream()
    }
}
