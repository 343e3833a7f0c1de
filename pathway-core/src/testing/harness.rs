//! A pipeline whose epochs a test closes.

use super::Capture;
use crate::error::Result;
use crate::io::CollectionKind;
use crate::persistence::Store;
use crate::runtime::{self, Clock, Drive, Purpose, Running};
use crate::schema::{DateTime, Duration, Schema};
use crate::table::{Input, IntoTable, Pipeline, Stream, Table, TableInput};
use std::any::Any;
use std::fmt;
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// When tests start, in nanoseconds since 1970.
const STARTS_AT: i64 = 946_684_800_000_000_000;

/// A pipeline under test: a test pushes its rows and closes its epochs.
///
/// With one worker, the default, a run is deterministic. It starts at the first
/// [`step`](Self::step); tables are derived before.
#[derive(Debug)]
pub struct Harness {
    pipeline: Pipeline,
    threads: usize,
    clock: Clock,
    running: Option<Running>,
    durability: runtime::Durability,
    /// How many epochs have been closed.
    steps: Arc<AtomicU64>,
    /// Handles of the inputs, behind the run: one whose last handle is dropped has ended, which in a
    /// durable pipeline is for good, and a test drops what it pushes to before the harness.
    inputs: Inputs,
}

/// Handles that are kept and never used.
#[derive(Default)]
struct Inputs(Mutex<Vec<Box<dyn Any>>>);

impl fmt::Debug for Inputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inputs").finish_non_exhaustive()
    }
}

impl Inputs {
    fn keep<T: Any>(&self, input: T) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(input));
    }
}

impl Default for Harness {
    fn default() -> Self {
        Self::new()
    }
}

impl Harness {
    /// An empty pipeline on one worker.
    pub fn new() -> Self {
        Self::with_threads(1)
    }

    /// An empty pipeline on that many workers.
    pub fn with_threads(threads: usize) -> Self {
        let pipeline = Pipeline::new("test");
        let clock = Clock::starting_at(STARTS_AT);
        Self {
            pipeline,
            threads,
            clock,
            running: None,
            durability: runtime::Durability::default(),
            steps: Arc::default(),
            inputs: Inputs::default(),
        }
    }

    /// Makes the pipeline durable, with a checkpoint behind so many epochs. Another harness with the
    /// same tables and a clone of the store goes on where this one was.
    ///
    /// ```
    /// use pathway::prelude::*;
    /// use pathway::testing::Harness;
    ///
    /// let store = store::memory();
    /// for (number, total) in [(20, 20), (22, 42)] {
    ///     let mut t = Harness::new().durable(store.clone(), 1);
    ///     let numbers = t.stream::<i64>();
    ///     let sum = numbers.rows().reduce(|g| g.sum(|n| *n)).view();
    ///     numbers.push([number]);
    ///     t.step();
    ///     assert_eq!(sum.rows(), [total]);
    /// }
    /// ```
    #[must_use = "the setting is part of the harness that is returned"]
    pub fn durable(mut self, store: impl Store + 'static, checkpoint_epochs: u64) -> Self {
        self.durability.set("durable", Arc::new(store), Purpose::GoOn);
        self.durability.checkpoint_epochs = Some(checkpoint_epochs.max(1));
        // By epochs alone, so that tests know what is in a checkpoint.
        self.durability.checkpoint_every = std::time::Duration::MAX;
        self
    }

    /// Lets in what a run has [recorded](Pipeline::record), as
    /// [`Pipeline::replay`] does: the streams and tables of the test stand for the recorded sources
    /// whose names they have. The first step brings all of it.
    ///
    /// ```
    /// use pathway::prelude::*;
    /// use pathway::testing::Harness;
    ///
    /// let recording = store::memory();
    /// let app = Pipeline::new("live").record(recording.clone());
    /// app.rows(vec![20, 22]).named("numbers").collect()?;
    ///
    /// let mut t = Harness::new().replay(recording);
    /// let numbers = t.stream::<i32>();
    /// let sum = t.capture(numbers.rows().named("numbers").reduce(|g| g.sum(|n| *n)));
    /// t.step();
    /// sum.assert_rows([42]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    #[must_use = "the setting is part of the harness that is returned"]
    pub fn replay(mut self, store: impl Store + 'static) -> Self {
        self.durability.set("replay", Arc::new(store), Purpose::Replay);
        self
    }

    /// The pipeline, for sources and sinks other than those of the test.
    pub fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// A stream that the test pushes to.
    #[track_caller]
    pub fn stream<T: Schema>(&self) -> TestStream<T> {
        let (input, rows) = self.pipeline.input::<T>();
        self.inputs.keep(input.clone());
        TestStream { input, rows }
    }

    /// A table that the test changes.
    #[track_caller]
    pub fn table<T: Schema>(&self) -> TestTable<T> {
        let (input, rows) = self.pipeline.input_table::<T>();
        self.inputs.keep(input.clone());
        TestTable { input, rows }
    }

    /// Captures a table's rows and changes.
    pub fn capture<C: IntoTable>(&self, table: C) -> Capture<C::Row> {
        let (_, captured) = table.into_table().capture(CollectionKind::Table);
        Capture::new(captured, Arc::clone(&self.steps))
    }

    /// Closes one epoch: everything pushed so far is in it, and its results have arrived when
    /// this returns.
    ///
    /// # Panics
    ///
    /// If the run has failed; [`try_step`](Self::try_step) returns the error instead.
    #[track_caller]
    pub fn step(&mut self) {
        if let Err(error) = self.try_step() {
            panic!("the pipeline failed: {error}");
        }
    }

    /// Closes one epoch; see [`step`](Self::step).
    ///
    /// # Errors
    ///
    /// Why the pipeline could not start, or why it has failed.
    #[track_caller]
    pub fn try_step(&mut self) -> Result<()> {
        if self.running.is_none() {
            let plan = self.pipeline.graph.plan();
            let sinks: Vec<_> = plan.sinks().collect();
            let (threads, durability) = (self.threads, self.durability.clone());
            let settings = runtime::Settings { threads, durability, ..Default::default() };
            let drive = Drive::Test(self.clock.clone());
            let started = runtime::start("test", plan, &sinks, &settings, drive)?;
            // What was logged in an earlier run comes before the first step of this one.
            self.steps.store(started.logged_before(), Ordering::SeqCst);
            self.running = Some(started);
        }
        if let Some(running) = &self.running {
            running.step()?;
        }
        self.steps.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    /// What time it is in the test: 2000-01-01T00:00:00Z at first.
    ///
    /// # Panics
    ///
    /// If the test has moved its clock further than calendars reach.
    #[track_caller]
    pub fn now(&self) -> DateTime {
        DateTime::from_nanosecond(self.clock.now().into())
            .expect("the clock is within years 1 to 9999")
    }

    /// Moves the test's clock on. What depends on it happens in the epoch that is closed next:
    /// an epoch has the time of its close.
    ///
    /// Only the clock of the test itself moves; nothing sleeps.
    ///
    /// ```
    /// use pathway::prelude::*;
    /// use pathway::testing::Harness;
    ///
    /// let mut t = Harness::new();
    /// let before = t.now();
    /// t.advance(Duration::from_mins(5));
    /// assert_eq!(t.now().duration_since(before), Duration::from_mins(5));
    /// ```
    ///
    /// # Panics
    ///
    /// If the time is negative: clocks of epochs never go back.
    #[track_caller]
    pub fn advance(&self, time: Duration) {
        let by = i64::try_from(time.as_nanos()).ok().filter(|by| *by >= 0);
        self.clock.advance(by.expect("a clock moves on, by 292 years at most"));
    }

    /// Figures of the run, with the sizes of its states.
    ///
    /// # Panics
    ///
    /// If no epoch has been closed yet.
    #[track_caller]
    pub fn stats(&self) -> runtime::Stats {
        let caller = Location::caller();
        let Some(running) = &self.running else {
            panic!("the pipeline has not started at {caller}: call `step` first");
        };
        running.stats()
    }
}

/// A stream that a test pushes to.
#[derive(Clone, Debug)]
pub struct TestStream<T> {
    input: Input<T>,
    rows: Stream<T>,
}

impl<T: Schema> TestStream<T> {
    /// The stream, to derive tables from.
    pub fn rows(&self) -> Stream<T> {
        self.rows.clone()
    }

    /// Pushes rows into the open epoch.
    ///
    /// # Panics
    ///
    /// If the run has failed.
    #[track_caller]
    pub fn push(&self, rows: impl IntoIterator<Item = T>) {
        self.input.push_all(rows).expect("the pipeline runs");
    }

    /// Ends the stream.
    pub fn close(&self) {
        self.input.close();
    }
}

/// A table that a test changes.
#[derive(Clone, Debug)]
pub struct TestTable<T> {
    input: TableInput<T>,
    rows: Table<T>,
}

impl<T: Schema> TestTable<T> {
    /// The table, to derive others from.
    pub fn rows(&self) -> Table<T> {
        self.rows.clone()
    }

    /// Adds a row in the open epoch.
    ///
    /// # Panics
    ///
    /// If the run has failed; so for all methods.
    #[track_caller]
    pub fn insert(&self, row: T) {
        self.input.insert(row).expect("the pipeline runs");
    }

    /// Takes a row away in the open epoch.
    ///
    /// # Panics
    ///
    /// If the row is not there.
    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "as `insert`, so that tests read alike")]
    pub fn remove(&self, row: T) {
        self.input.remove(&row).expect("the row is in the table");
    }

    /// Adds a row in the place of the one with its key.
    ///
    /// # Panics
    ///
    /// If the row type has no key.
    #[track_caller]
    pub fn replace(&self, row: T) {
        self.input.replace(row).expect("the row type has a key");
    }

    /// Ends the table's input.
    pub fn close(&self) {
        self.input.close();
    }
}
