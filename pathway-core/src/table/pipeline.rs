//! The program: a graph of tables, sources and sinks.

use super::{Graph, Input, Source, Stream, Table, TableInput, input};
use crate::error::Result;
use crate::persistence::Store;
use crate::plan::explain::Explain;
use crate::runtime::{self, Purpose, Running};
use crate::schema::Schema;
use std::panic::Location;
use std::sync::{Arc, PoisonError};

/// A program that keeps answers up to date: a graph of tables, sources and sinks.
///
/// It is a value, built before it runs: read sources, derive tables, end them in sinks, then
/// [`run`](Self::run).
///
/// ```
/// use pathway::prelude::*;
///
/// let app = Pipeline::new("words");
/// let words = app.rows(vec!["to".to_owned(), "be".to_owned(), "be".to_owned()]);
/// let counts = words.group_by(|word| word.clone()).reduce(|g| g.count());
/// counts.subscribe(|epoch, changes| println!("epoch {epoch}: {changes:?}"));
/// app.run()?;
/// # Ok::<(), pathway::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Pipeline {
    pub(crate) graph: Arc<Graph>,
}

impl Pipeline {
    /// An empty pipeline of that name.
    pub fn new(name: &str) -> Self {
        Self { graph: Arc::new(Graph::new(name)) }
    }

    /// Sets the number of worker threads; one by default. `PATHWAY_THREADS` overrides it.
    ///
    /// Results are the same for every number.
    #[must_use = "the setting is part of the pipeline that is returned"]
    pub fn threads(self, threads: usize) -> Self {
        self.settings(|settings| settings.threads = threads)
    }

    /// Sets whether [`run`](Self::run) shows progress; by default it does, on standard error.
    /// `PATHWAY_PROGRESS` overrides it.
    #[must_use = "the setting is part of the pipeline that is returned"]
    pub fn progress(self, progress: bool) -> Self {
        self.settings(|settings| settings.progress = progress)
    }

    /// Bounds the rows of an epoch. Without it, a batch job is one epoch, and a live pipeline
    /// closes epochs as fast as they drain. `PATHWAY_EPOCH_ROWS_MAX` overrides it.
    #[must_use = "the setting is part of the pipeline that is returned"]
    pub fn epoch_rows_max(self, rows: u64) -> Self {
        self.settings(|settings| settings.epoch_rows_max = Some(rows))
    }

    /// Makes the pipeline durable: killed at any moment, by whatever, and started again with the
    /// same store, it goes on as if nothing had happened.
    ///
    /// The store holds *checkpoints*, the state of every operator and the position of every source
    /// as of one epoch, and a *log* of what has entered the epochs since. A sink publishes an epoch
    /// only when the log holds it. Started again, the pipeline loads the newest checkpoint, makes
    /// the logged epochs again, and goes on reading where it was.
    ///
    /// **Sources.** Files are found by name and read on behind the last row; a file whose rows are
    /// not those that were read is an error. What was pushed is logged, so nothing has to be pushed
    /// again; standard input is logged, too.
    ///
    /// **Sinks.** Files of CSV and JSON Lines get every epoch exactly once. Others, such as
    /// [`subscribe`](Table::subscribe) and standard output, get it at least once: one that was
    /// being delivered may come again ([`Delivery`](crate::io::Delivery)). A view has its rows when
    /// the run has begun.
    ///
    /// **Stop.** [`Running::stop`], Ctrl-C and SIGTERM end the run with a checkpoint; that is no
    /// end of the inputs, so what waits for time, such as a window, goes on to wait.
    ///
    /// **State.** In the store, two checkpoints, each as large as all states but for what both share,
    /// and the log since the older of them. A checkpoint takes what has changed, in the background;
    /// while workers hand that over they do nothing else.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let store = store::memory(); // or `store::directory("state/words")`
    /// for (round, words) in ["to be or", "not to be"].iter().enumerate() {
    ///     let app = Pipeline::new("words").durable(store.clone());
    ///     let (input, stream) = app.input::<String>();
    ///     let counts = stream.group_by(|word| word.clone()).reduce(|g| g.count()).view();
    ///     let running = app.start()?;
    ///     input.push_all(words.split(' ').map(str::to_owned))?;
    ///     let expected = 2 * (round + 1) - 1;
    ///     counts.wait_for(|rows| rows.len() > expected, std::time::Duration::from_secs(10));
    ///     running.stop();
    ///     running.wait()?;
    ///     if round == 1 {
    ///         assert_eq!(counts.rows()[0], ("be".to_owned(), 2));
    ///     }
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`start`](Self::start) refuses a store that another run uses, that belongs to another
    /// program or to one whose code has changed ([`assume_unchanged`](Self::assume_unchanged)), or
    /// that is damaged beyond its last checkpoints.
    #[must_use = "the setting is part of the pipeline that is returned"]
    pub fn durable(self, store: impl Store + 'static) -> Self {
        let store = Arc::new(store);
        self.settings(|settings| settings.durability.set("durable", store, Purpose::GoOn))
    }

    /// Records what enters the pipeline: the rows of every source, in the epochs that they came in,
    /// and the times at which those closed. Another run lets them in again by
    /// [`replay`](Self::replay), and so does a test by
    /// [`Harness::replay`](crate::testing::Harness::replay).
    ///
    /// Sinks wait for nothing. A run that is killed has recorded all epochs but the last ones. A
    /// pipeline that is [durable](Self::durable) cannot be recorded besides.
    ///
    /// **State.** In the store, all rows that have entered.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let recording = store::memory(); // or `store::directory("recordings/monday")`
    /// let app = Pipeline::new("words").record(recording.clone());
    /// let words = app.rows(["to", "be", "or", "not", "to", "be"].map(str::to_owned)).named("words");
    /// assert_eq!(words.distinct().collect()?.len(), 4);
    ///
    /// // Another program over the same rows.
    /// let app = Pipeline::new("letters").replay(recording);
    /// let (_, words) = app.input::<String>();
    /// let letters = words.named("words").reduce(|g| g.sum(|word| word.len() as u64));
    /// assert_eq!(letters.collect()?, [13]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`start`](Self::start) refuses a store in which something is, and one for `record` and
    /// [`durable`](Self::durable) or [`replay`](Self::replay) together.
    #[must_use = "the setting is part of the pipeline that is returned"]
    pub fn record(self, store: impl Store + 'static) -> Self {
        let store = Arc::new(store);
        self.settings(|settings| settings.durability.set("record", store, Purpose::Record))
    }

    /// Lets in what another run has [recorded](Self::record) instead of reading the sources: the
    /// same rows in the same epochs, which close at the times that they had, as fast as they can or
    /// as fast as [`replay_speed`](Self::replay_speed) says. Then all inputs end.
    ///
    /// The program may be another one. A source is found by its name
    /// ([`named`](Table::named)), or what it reads, and the type of its rows; recorded sources that
    /// the program does not have are left out. Asynchronous functions are called. The recording is
    /// only read, also while it is still being made.
    ///
    /// **State.** The whole recording, in memory, until it has been let in.
    ///
    /// # Errors
    ///
    /// [`start`](Self::start) refuses a store without a recording, and one that has no such source,
    /// with those that it has.
    #[must_use = "the setting is part of the pipeline that is returned"]
    pub fn replay(self, store: impl Store + 'static) -> Self {
        let store = Arc::new(store);
        self.settings(|settings| settings.durability.set("replay", store, Purpose::Replay))
    }

    /// How many times faster than it was a recording is [replayed](Self::replay): 1.0 keeps its
    /// pace, 60.0 makes a minute of an hour.
    ///
    /// # Errors
    ///
    /// [`start`](Self::start) refuses a speed that is not a positive number.
    #[must_use = "the setting is part of the pipeline that is returned"]
    pub fn replay_speed(self, speed: f64) -> Self {
        self.settings(|settings| settings.durability.replay_speed = Some(speed))
    }

    /// Sets the time between checkpoints of a [durable](Self::durable) pipeline; ten seconds by
    /// default. `PATHWAY_CHECKPOINT_MS` overrides it.
    ///
    /// The more seldom, the less they cost, and the more epochs are made again after a crash.
    #[must_use = "the setting is part of the pipeline that is returned"]
    pub fn checkpoint_every(self, time: std::time::Duration) -> Self {
        self.settings(|settings| settings.durability.checkpoint_every = time)
    }

    /// Has checkpoints of a [durable](Self::durable) pipeline made at the latest behind so many
    /// epochs, however fast they come.
    #[must_use = "the setting is part of the pipeline that is returned"]
    pub fn checkpoint_epochs(self, epochs: u64) -> Self {
        self.settings(|settings| settings.durability.checkpoint_epochs = Some(epochs.max(1)))
    }

    /// Keeps the state of a [durable](Self::durable) pipeline though its code has changed.
    ///
    /// Whether a closure computes what it did is not to be seen from outside, so without this every
    /// new build of the program is refused its old state, unless its closures have versions of
    /// their own: functions with `#[operator]` have. To say that nothing has changed that matters
    /// is the caller's promise: state and outputs of old code and new would be mixed otherwise.
    #[must_use = "the setting is part of the pipeline that is returned"]
    pub fn assume_unchanged(self) -> Self {
        self.settings(|settings| settings.durability.assume_unchanged = true)
    }

    fn settings(self, change: impl FnOnce(&mut runtime::Settings)) -> Self {
        change(&mut self.graph.settings.lock().unwrap_or_else(PoisonError::into_inner));
        self
    }

    /// Reads a source: a [`Stream`], or what the source's options make of it.
    ///
    /// The rows are the type that the source names: `csv::files::<Flight>("data/*.csv")`.
    #[track_caller]
    pub fn read<S: Source>(&self, source: S) -> S::Output {
        source.read(self)
    }

    /// A stream of rows that are there already.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// assert_eq!(app.rows(vec![1, 2, 3]).collect()?, [1, 2, 3]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    #[track_caller]
    pub fn rows<T: Schema>(&self, rows: impl IntoIterator<Item = T>) -> Stream<T> {
        input::rows(self, rows, Location::caller())
    }

    /// A stream that is pushed to from this process: the handle, for any thread, and the stream.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let (input, numbers) = app.input::<i64>();
    /// let total = numbers.group_by(|_| ()).reduce(|g| g.sum(|n| *n)).view();
    /// let running = app.start()?;
    /// input.push(20)?;
    /// input.push(22)?;
    /// input.close();
    /// running.wait()?;
    /// assert_eq!(total.rows(), [((), 42)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn input<T: Schema>(&self) -> (Input<T>, Stream<T>) {
        input::stream(self, Location::caller())
    }

    /// A table that is changed from this process: the handle, for any thread, and the table.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// #[derive(Clone, Debug, PartialEq, Schema)]
    /// struct Stock {
    ///     #[schema(key)]
    ///     item: u32,
    ///     count: i64,
    /// }
    ///
    /// let app = Pipeline::new("example");
    /// let (stock, table) = app.input_table::<Stock>();
    /// let view = table.view();
    /// let running = app.start()?;
    /// stock.insert(Stock { item: 1, count: 5 })?;
    /// stock.replace(Stock { item: 1, count: 4 })?;
    /// stock.close();
    /// running.wait()?;
    /// assert_eq!(view.get(&1), Some(Stock { item: 1, count: 4 }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn input_table<T: Schema>(&self) -> (TableInput<T>, Table<T>) {
        input::table(self, Location::caller())
    }

    /// The plan, to print (`Display`) or to draw ([`to_mermaid`](Explain::to_mermaid)).
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// app.rows(vec![1, 2]).filter(|n| n % 2 == 0).write(null::sink());
    /// let plan = app.explain().to_string();
    /// assert!(plan.contains("filter"), "{plan}");
    /// assert!(app.explain().to_mermaid().starts_with("flowchart"));
    /// ```
    pub fn explain(&self) -> Explain {
        Explain::new(&self.graph.name, &self.graph.plan())
    }

    /// Starts the pipeline and returns at once; the handle stops it and waits for it.
    ///
    /// # Errors
    ///
    /// A mistake in the program, a source or a sink that cannot be opened.
    pub fn start(&self) -> Result<Running> {
        let settings = self.graph.settings().with_environment()?;
        let plan = self.graph.plan();
        let sinks: Vec<_> = plan.sinks().collect();
        runtime::start(&self.graph.name, plan, &sinks, &settings, runtime::Drive::Itself)
    }

    /// Runs the pipeline until its sources end, and shows progress on standard error meanwhile:
    /// rows in and out, their rate and how much is left on a terminal, and elsewhere a line every
    /// ten seconds if the run takes more than three.
    ///
    /// **Signals.** A pipeline with a live source ends at Ctrl-C or SIGTERM, with what has been
    /// read finished and every sink flushed; a second one ends the process at once, says so, and
    /// leaves the status that the signal would have (130 for Ctrl-C). A pipeline
    /// whose sources all end by themselves dies of the first, as any program does: a job that was
    /// interrupted must not look complete. The handlers stay installed after the run, where they
    /// do what the system does without them; a program with handlers of its own uses
    /// [`start`](Self::start) and [`Running::stop`].
    ///
    /// # Errors
    ///
    /// Why the pipeline could not start, or why it failed.
    pub fn run(&self) -> Result<()> {
        let settings = self.graph.settings().with_environment()?;
        let running = self.start()?;
        runtime::watch(running, &self.graph.name, settings.progress)
    }

    /// As [`run`](Self::run), without blocking the thread: on tokio or any other runtime.
    ///
    /// # Errors
    ///
    /// Why the pipeline could not start, or why it failed.
    pub async fn run_async(&self) -> Result<()> {
        self.start()?.ended().await
    }
}
