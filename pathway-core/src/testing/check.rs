//! Checks that a pipeline computes the same incrementally as from scratch.

use super::Random;
use super::feed::{Feed, FeedReader};
use super::history::{History, Inputs, Limits};
use super::replay::{Built, Failure, replay};
use super::report::{InputName, report};
use super::rows::{ByFunction, MakeRows, OfType, Simplify};
use super::shrink::shrink;
use crate::io::CollectionKind;
use crate::plan::Operation;
use crate::schema::{DataType, Schema};
use crate::table::{IntoTable, Pipeline, ReaderSource, Stream, Table};
use std::any::TypeId;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::panic::Location;
use std::rc::Rc;

/// A pipeline being checked: it gives the inputs, and their rows are random. Handed to the closure
/// of [`check_incremental`].
#[derive(Debug)]
pub struct Check {
    pub(super) pipeline: Pipeline,
    inputs: RefCell<Vec<Input>>,
}

#[derive(Debug)]
struct Input {
    feed: Feed,
    rows: DataType,
    row_type: TypeId,
    append_only: bool,
    /// How its rows are made, where it has a way of its own.
    made: Option<Rc<dyn MakeRows>>,
}

impl Check {
    fn new() -> Self {
        Self { pipeline: Pipeline::new("check"), inputs: RefCell::default() }
    }

    pub(super) fn input<T: Schema>(
        &self,
        append_only: bool,
        made: Option<Rc<dyn MakeRows>>,
        location: &'static Location<'static>,
    ) -> Table<T> {
        let feed = Feed::default();
        let source = ReaderSource::<T>::new(FeedReader(feed.clone()));
        let (table, _) = source.push(&self.pipeline, append_only);
        self.pipeline.graph.change(|plan| plan.node_mut(table.port.node).location = location);
        let row_type = TypeId::of::<T>();
        let input = Input { feed, rows: T::data_type(), row_type, append_only, made };
        self.inputs.borrow_mut().push(input);
        table
    }

    /// A stream of random rows.
    #[track_caller]
    pub fn stream<T: Schema>(&self) -> Stream<T> {
        self.input(true, None, Location::caller()).into_stream()
    }

    /// A table of random rows that come and go.
    #[track_caller]
    pub fn table<T: Schema>(&self) -> Table<T> {
        self.input(false, None, Location::caller())
    }

    /// The pipeline, for what needs it: rows that are always there, `Pipeline::rows`.
    pub fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    pub(super) fn feeds(&self) -> Vec<Feed> {
        self.inputs.borrow().iter().map(|input| input.feed.clone()).collect()
    }
}

/// Checks that a pipeline computes the same incrementally as from scratch.
///
/// The closure derives a table from random inputs; it is called anew for every run. Configure the
/// check, and end it with [`run`](RandomCheck::run):
///
/// ```
/// use pathway::prelude::*;
/// use pathway::testing::check_incremental;
///
/// fn totals(orders: &Table<(u32, i64)>, users: &Table<(u32, String)>) -> Table<(String, i64)> {
///     orders
///         .group_by(|(user, _)| *user)
///         .reduce(|g| g.sum(|(_, amount)| *amount))
///         .join(users)
///         .on(|(user, _)| *user, |(user, _)| *user)
///         .select(|(_, total), (_, name)| (name.clone(), *total))
/// }
///
/// check_incremental(|t| totals(&t.stream(), &t.table())).cases(32).run();
/// ```
///
/// A case is a history: rows of each input, retractions of rows that are there (of tables only),
/// cut into epochs, some of them empty, on one to four workers. After every epoch the rows of the
/// table must be those of a run from scratch, which is given at once all rows that are there; and
/// its changes must make sense by themselves: no row is taken away that is not there, and a
/// stream takes none away. A failing history is made as small as it gets.
///
/// A pipeline whose output is by nature a function of the history, such as
/// [`Table::changes`](crate::table::Table::changes), differs from a computation from scratch, and
/// is not for this check unless what follows forgets the history again.
pub fn check_incremental<F, C>(pipeline: F) -> RandomCheck<F>
where
    F: Fn(&Check) -> C,
    C: IntoTable,
{
    let limits = Limits { epochs_max: 6, rows_per_epoch_max: 8, workers_max: 4 };
    RandomCheck::new(pipeline, limits, |history, _, build| replay(history, build))
}

/// What is done with a history: whether what it gives is right.
pub(super) type Examine = fn(&History, u64, &dyn Fn() -> Built) -> Result<(), Failure>;

/// A check before it runs; made by [`check_incremental`] and
/// [`check_durable`](super::check_durable).
#[must_use = "a check does nothing until it runs: `.run()`"]
pub struct RandomCheck<F> {
    examine: Examine,
    pipeline: F,
    generators: HashMap<TypeId, Rc<dyn MakeRows>>,
    cases: u64,
    seed: Option<u64>,
    limits: Limits,
}

impl<F> fmt::Debug for RandomCheck<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RandomCheck")
            .field("cases", &self.cases)
            .field("seed", &self.seed)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl<F> RandomCheck<F> {
    pub(super) fn new(pipeline: F, limits: Limits, examine: Examine) -> Self {
        Self { examine, pipeline, generators: HashMap::new(), cases: 64, seed: None, limits }
    }

    /// Sets the number of histories; 64 by default. `PATHWAY_CASES` overrides it.
    pub fn cases(mut self, cases: u64) -> Self {
        self.cases = cases;
        self
    }

    /// Fixes the random choices, to run a failure again; a failing check prints its seed.
    /// `PATHWAY_SEED` overrides it.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Sets the most epochs of a history; 6 by default, and 10 where runs are killed.
    pub fn epochs(mut self, max: usize) -> Self {
        self.limits.epochs_max = max.max(1);
        self
    }

    /// Sets the most rows that come in one epoch; 8 by default.
    pub fn rows_per_epoch(mut self, max: usize) -> Self {
        self.limits.rows_per_epoch_max = max.max(1);
        self
    }

    /// Sets the most workers; 4 by default.
    pub fn workers(mut self, max: usize) -> Self {
        self.limits.workers_max = max.max(1);
        self
    }

    /// Makes the rows of all inputs of type `T` with a function, instead of from the type alone.
    /// With the feature `proptest`, `t.stream_of(strategy)` and `t.table_of(strategy)` take the
    /// rows of one input from a strategy.
    pub fn rows<T: Schema>(mut self, generate: impl Fn(&mut Random) -> T + 'static) -> Self {
        self.generators.insert(TypeId::of::<T>(), Rc::new(ByFunction(generate)));
        self
    }
}

impl<F, C> RandomCheck<F>
where
    F: Fn(&Check) -> C,
    C: IntoTable,
{
    /// Runs the check.
    ///
    /// # Panics
    ///
    /// If a history gives another result than it should, or fails. The message shows the history,
    /// the difference and the seed.
    #[track_caller]
    pub fn run(self) {
        let cases = variable("PATHWAY_CASES").unwrap_or(self.cases);
        let seed = variable("PATHWAY_SEED").or(self.seed);
        // Hashing nothing with random keys is the one randomness that std has.
        let seed = seed.unwrap_or_else(|| RandomState::new().hash_one(()) >> 16);
        let build = || self.build();
        let first = self.build();
        let inputs = self.inputs(&first);
        let rows = first.rows;
        drop(first);
        for seed in (0..cases).map(|case| seed.wrapping_add(case)) {
            let history = History::generate(seed, self.limits, &inputs);
            let examine = |history: &History| (self.examine)(history, seed, &build).err();
            let Some(failure) = examine(&history) else { continue };
            let run = examine;
            let (history, failure) = shrink(history, failure, &inputs, &run);
            panic!("{}", report(seed, &history, &failure, &inputs.names(), rows));
        }
    }

    fn build(&self) -> Built {
        let check = Check::new();
        let table = (self.pipeline)(&check).into_table();
        let append_only = table.is_append_only();
        let rows = C::Row::data_type();
        let (sink, captured) = table.capture(CollectionKind::Table);
        Built { check, sink, captured, rows, append_only }
    }

    fn inputs(&self, built: &Built) -> CheckedInputs {
        let inputs = built.check.inputs.borrow();
        let inputs = inputs.iter().map(|input| {
            let rows = input.rows;
            let by_type = || self.generators.get(&input.row_type).cloned();
            let made = input.made.clone().or_else(by_type);
            (made.unwrap_or_else(|| Rc::new(OfType(rows))), rows, input.append_only)
        });
        let inputs = inputs.collect();
        // To these the order of rows matters.
        let is_ordered = built.check.pipeline.graph.plan().nodes().iter().any(|node| {
            let is_ordered = |operation: &Operation| match operation {
                Operation::Upsert { versioned, .. } => !versioned,
                Operation::Stateful { .. } => true,
                _ => false,
            };
            is_ordered(&node.operation)
        });
        CheckedInputs { inputs, is_ordered }
    }
}

/// How the rows of each input are made.
struct CheckedInputs {
    inputs: Vec<(Rc<dyn MakeRows>, DataType, bool)>,
    is_ordered: bool,
}

impl CheckedInputs {
    fn names(&self) -> Vec<InputName> {
        let name = |rows: &DataType, append_only| (rows.name(), append_only);
        let all: Vec<_> = self.inputs.iter().map(|(_, rows, stream)| name(rows, *stream)).collect();
        let number = |at: usize| {
            let alike = |end: usize| all[..end].iter().filter(|other| **other == all[at]).count();
            (alike(all.len()) > 1).then(|| alike(at) + 1)
        };
        self.inputs
            .iter()
            .enumerate()
            .map(|(at, &(_, rows, append_only))| InputName {
                rows,
                append_only,
                number: number(at),
            })
            .collect()
    }
}

impl Inputs for CheckedInputs {
    fn count(&self) -> usize {
        self.inputs.len()
    }

    fn is_append_only(&self, input: usize) -> bool {
        self.inputs[input].2
    }

    fn row(&self, input: usize, random: &mut Random) -> Vec<u8> {
        self.inputs[input].0.row(random)
    }

    fn simplify(&self, input: usize, choices: &[u64]) -> Option<Box<dyn Simplify>> {
        self.inputs[input].0.simplify(choices)
    }

    fn is_ordered(&self) -> bool {
        self.is_ordered
    }
}

fn variable(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    let number = value.parse();
    Some(number.unwrap_or_else(|_| panic!("{name} is `{value}`, but must be a number")))
}
