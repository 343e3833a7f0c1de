//! The kinds of nodes.

use super::{CallsNode, DeltaJoin, LoopId};
use crate::dataflow::ordered::OverPlan;
use crate::dataflow::window::{Results, Windows};
use crate::dataflow::{JoinKind, ReducePlan, TimeJoinPlan, WatermarkPlan};
use crate::io::{CollectionKind, Reader, Sink, SinkWriter, Wanted};
use crate::schema::DataType;
use crate::stage::{
    AnyStep, EncodedStep, KeyedLogicFactory, KeyedTerminal, MachineFactory, ReduceColumns,
    ReduceTerminal, RowKey, RowType, StepFactory, ToWatermark,
};
use std::any::TypeId;
use std::borrow::Cow;
use std::fmt;
use std::panic::Location;
use std::sync::{Arc, Mutex, PoisonError};

/// A node of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

impl NodeId {
    /// The position in the plan.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A part of the graph that a user's function made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScopeId(pub u32);

impl ScopeId {
    /// The position among the scopes.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// An output of a node: 0 is its rows, 1 its errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port {
    /// The node.
    pub node: NodeId,
    /// Which of its outputs.
    pub output: usize,
}

/// One step of the program.
#[derive(Debug)]
pub struct Node {
    /// Its place in the plan.
    pub id: NodeId,
    /// The verb that made it: `filter`, `join`.
    pub verb: &'static str,
    /// The name that the user gave it.
    pub name: Option<String>,
    /// The doc comment of the function that it calls.
    pub doc: &'static str,
    /// The version of the function that it calls.
    pub version: Option<u64>,
    /// Where the user called the verb.
    pub location: &'static Location<'static>,
    /// What it does.
    pub operation: Operation,
    /// Where its rows come from.
    pub inputs: Vec<Port>,
    /// The types of its outputs: its rows and, where it can fail, its errors.
    pub outputs: Vec<RowType>,
    /// Whether its rows are a stream: never retracted, and in an order.
    pub append_only: bool,
    /// Whether its rows are never retracted, in whatever order they come.
    pub never_retracts: bool,
    /// The user's function that it was made in.
    pub scope: Option<ScopeId>,
    /// Whether the program takes its second output.
    pub errors_taken: bool,
    /// The loop that it stands in.
    pub in_loop: Option<LoopId>,
    /// The watermark that its rows' event times keep to.
    pub watermark: Option<NodeId>,
}

impl Node {
    /// The type of its rows.
    pub fn rows(&self) -> DataType {
        (self.outputs[0].data_type)()
    }

    /// What messages call the node: its name, or its verb and source line.
    pub fn describe(&self) -> String {
        match &self.name {
            Some(name) => format!("`{name}` ({} at {})", self.verb, self.location),
            None => format!("`{}` at {}", self.verb, self.location),
        }
    }
}

/// What a node does. The closures in it are the user's, erased; the rest is data.
pub enum Operation {
    /// Reads rows from outside.
    Source(SourceNode),
    /// Works on one row at a time; fused with its neighbours.
    Step(StepFactory),
    /// Puts tables of one row type together.
    Concat,
    /// Keeps a table by key, for joins.
    Index(SharedIndex),
    /// Joins two indexes.
    Join {
        /// What it gives.
        kind: JoinKind,
        /// Calls the user's closure on each pair; nothing where it gives left rows as they are.
        root: Option<Rooted>,
    },
    /// Joins the indexes of many tables, and keeps nothing but them.
    DeltaJoin(DeltaJoin),
    /// Hands on the rows of an index whose keys are unique.
    Unique,
    /// Groups and reduces.
    Reduce {
        /// Takes key and arguments from a row.
        terminal: ReduceTerminal,
        /// The reducers.
        plan: ReducePlan,
        /// Decodes key and outputs.
        root: fn(AnyStep) -> Box<dyn EncodedStep>,
        /// The type of the key.
        key: fn() -> DataType,
        /// The name of the key column, where the key is one.
        key_column: Option<&'static str>,
        /// The columns, where the key and all arguments are columns.
        columns: Option<ReduceColumns>,
    },
    /// Reduces a whole table to one row.
    Total {
        /// Takes arguments from a row.
        terminal: ReduceTerminal,
        /// The reducers.
        plan: ReducePlan,
    },
    /// Makes rows of a table's updates: the row and its diff, consolidated per epoch.
    Changes {
        /// Decodes row and diff.
        root: fn(AnyStep) -> Box<dyn EncodedStep>,
    },
    /// Keeps one copy of each row.
    Distinct,
    /// Compares the copies of rows in two tables.
    Set {
        /// Keeps what both have, rather than what the second does not have.
        intersect: bool,
    },
    /// Keeps the latest row of each key.
    Upsert {
        /// Takes the key from a row.
        terminal: Terminal,
        /// The type of the key.
        key: fn() -> DataType,
        /// Whether rows carry a version in front.
        versioned: bool,
    },
    /// Calls a function on each row with the state of its key.
    Stateful {
        /// Takes the key from a row.
        terminal: Terminal,
        /// Builds the function.
        logic: KeyedLogicFactory,
    },
    /// Calls an asynchronous function on each row.
    Calls(CallsNode),
    /// Groups by window and key, and reduces. Behind its rows come the other table, where windows
    /// are around its rows, and the watermarks that there are.
    Window(WindowNode),
    /// Joins two tables by time. Its inputs are both sides, then the watermarks of those that have
    /// one.
    TimeJoin(TimeJoinNode),
    /// Calls a function on each row with the state of its key, and one on each timer. Its second
    /// input is the watermark, where it goes by event time.
    Machine {
        /// Takes the key from a row; by event time, the time goes in front of the row.
        terminal: Terminal,
        /// Builds the functions.
        logic: MachineFactory,
        /// The type of the key.
        key: fn() -> DataType,
        /// How long a state is kept that nothing touches, in steps.
        keeps_for: Option<i128>,
    },
    /// Keeps each row from one time to another. Its second input is the watermark, where it goes by
    /// event time.
    Validity {
        /// Takes both times from a row, in steps.
        terminal: Terminal,
    },
    /// Gives each row the time of its epoch.
    Stamp {
        /// Decodes row and time.
        root: Rooted,
    },
    /// Tells rows that are in time from late ones, and how far time has come.
    Watermark(WatermarkNode),
    /// The least of several watermarks, which are its inputs: that of their rows put together. It
    /// has no rows.
    LeastWatermark,
    /// Sorts the rows of each partition, and works on them in that order.
    Sort(Sorted),
    /// A table in a loop: its input in the first round, then what the round before made of it.
    Variable(LoopId),
    /// Ends a loop. Its inputs are what a round makes of the variables, its outputs what the last
    /// round made of them.
    Loop(LoopId),
    /// Hands rows to the outside.
    Sink(SinkSlot),
}

/// A sorted table of a plan.
pub struct Sorted {
    /// Takes partition, sort key and arguments from a row.
    pub terminal: Terminal,
    /// The type of the partition's key.
    pub partition: fn() -> DataType,
    /// The name of the partition's column, where it is one; nothing where the whole table is one
    /// partition.
    pub partition_column: Option<Option<&'static str>>,
    /// The name of the column that is sorted by, where it is one.
    pub sort_column: Option<&'static str>,
    /// The type of the sorted rows.
    pub rows: fn() -> DataType,
    /// What is made of the rows.
    pub output: SortedOutput,
}

/// What is made of sorted rows.
pub enum SortedOutput {
    /// Those from one position to another.
    Limit {
        /// How many are left out.
        offset: u64,
        /// How many are kept.
        limit: u64,
        /// Whether rows are never retracted.
        append_only: bool,
    },
    /// The first few of rows that are never retracted; with a terminal of its own.
    First {
        /// How many are kept.
        limit: u64,
    },
    /// All, with outputs that depend on their neighbours.
    Over {
        /// The outputs.
        plan: OverPlan,
        /// Decodes row and outputs.
        root: fn(AnyStep) -> Box<dyn EncodedStep>,
    },
}

impl SortedOutput {
    /// The numbers that it was told.
    pub(crate) fn limits(&self) -> Option<(u64, u64)> {
        match self {
            Self::Limit { offset, limit, .. } => Some((*offset, *limit)),
            Self::First { limit } => Some((0, *limit)),
            Self::Over { .. } => None,
        }
    }
}

/// A watermark of a plan. Its outputs are the rows in time and the late ones; what waits for it
/// has its output [`PROGRESS`](Self::PROGRESS) as an input, which has no rows.
pub struct WatermarkNode {
    /// Takes the event time from a row, as sixteen bytes, and what its key is behind it.
    pub input: ToWatermark,
    /// Whether rows are updates of a table, which are decided on by key.
    pub updates: bool,
    /// What it allows.
    pub plan: WatermarkPlan,
    /// A time in steps, to a person.
    pub describe: fn(i128) -> String,
    /// The name of the column.
    pub column: Option<&'static str>,
    /// How far it may be ahead of others.
    pub aligned: Option<Aligned>,
}

/// How far a watermark may be ahead of other aligned ones.
#[derive(Clone, Debug)]
pub struct Aligned {
    /// By how much, in steps.
    pub drift: i128,
    /// That, to a person.
    pub described: String,
    /// The type of its times: only those of one type are compared.
    pub line: TypeId,
}

impl WatermarkNode {
    /// Whether it decides on each row by itself, as soon as it comes, and so can be a step of the
    /// stage in front.
    pub(crate) fn is_step(&self) -> bool {
        // The clock of an epoch is known when it closes.
        !self.updates && self.plan.ahead.is_none()
    }

    /// The output that says how far time has come.
    pub const PROGRESS: usize = 2;
}

/// Windows of a plan.
pub struct WindowNode {
    /// Takes pane, key and arguments from a row.
    pub terminal: WindowTerminal,
    /// Takes key and time from a row of the other table, where windows are around its rows.
    pub other: Option<Terminal>,
    /// The watermarks of both.
    pub watermarks: [Option<NodeId>; 2],
    /// The reducers.
    pub plan: ReducePlan,
    /// How time is divided.
    pub windows: Windows,
    /// When outputs come out, and what becomes of them.
    pub results: Results,
    /// Decodes window, key and outputs.
    pub root: fn(AnyStep) -> Box<dyn EncodedStep>,
    /// The type of the key.
    pub key: fn() -> DataType,
    /// The name of the key column, where the key is one; nothing where there is no key.
    pub key_column: Option<Option<&'static str>>,
    /// A time in steps, to a person.
    pub describe: fn(i128) -> String,
    /// The type of the rows.
    pub rows: fn() -> DataType,
}

/// What takes rows into windows.
pub enum WindowTerminal {
    /// Pane, key and arguments of a row.
    Panes(ReduceTerminal),
    /// Key, time, row and arguments.
    Rows(Terminal),
}

/// A join by time of a plan.
pub struct TimeJoinNode {
    /// Take the key from a row of each side; the time goes in front of the row.
    pub terminals: [Terminal; 2],
    /// Which rows meet, and when they come out.
    pub plan: TimeJoinPlan,
    /// Calls the user's closure.
    pub root: Rooted,
    /// Which sides have a watermark.
    pub watermarks: [bool; 2],
    /// Which rows meet, to a person.
    pub described: String,
}

/// A source of a plan.
pub struct SourceNode {
    /// Reads the bytes.
    pub reader: Arc<dyn Reader>,
}

/// Takes a key from each row.
pub type Terminal = KeyedTerminal;

/// Builds the root behind an operator, which calls a user's closure.
pub type Rooted = Arc<dyn Fn(u32, AnyStep) -> Box<dyn EncodedStep> + Send + Sync>;

/// An index of a plan.
pub struct SharedIndex {
    /// Takes the key from a row.
    pub terminal: Terminal,
    /// The name of the key column, where the key is one; or of several.
    pub key_column: Option<Cow<'static, str>>,
    /// Its position.
    pub column: Option<usize>,
    /// The keys, where they are several.
    pub keys: Arc<[RowKey]>,
    /// Whether two rows of one key are an error.
    pub unique: bool,
    /// Whether the rows are what the first joins of several give.
    pub intermediate: bool,
}

/// A sink of a plan.
pub struct SinkSlot {
    /// What the sink is called.
    pub label: String,
    /// What tells it from others.
    pub fingerprint: String,
    /// Whether it receives a stream or a table.
    pub kind: CollectionKind,
    /// The sink, until the run takes it.
    pub sink: Mutex<Option<SinkKind>>,
    /// What it wants of an epoch's updates.
    pub wants: Wanted,
}

/// How a sink is served.
pub enum SinkKind {
    /// On a thread of its own.
    Threaded(Box<dyn Sink>),
    /// On the worker, because it never blocks: views and captures.
    Inline(Box<dyn SinkWriter>),
}

impl fmt::Debug for SourceNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SourceNode").field(&self.reader.label()).finish()
    }
}

impl fmt::Debug for WatermarkNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WatermarkNode").field(&self.plan).finish()
    }
}

impl fmt::Debug for WindowNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WindowNode").field(&self.windows).field(&self.results).finish()
    }
}

impl fmt::Debug for WindowTerminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Panes(_) => "Panes",
            Self::Rows(_) => "Rows",
        })
    }
}

impl fmt::Debug for TimeJoinNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TimeJoinNode").field(&self.plan).finish()
    }
}

impl fmt::Debug for SharedIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SharedIndex").field(&self.key_column).finish()
    }
}

impl fmt::Debug for Sorted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sorted").field(&self.sort_column).finish()
    }
}

impl fmt::Debug for SortedOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Limit { .. } | Self::First { .. } => "Limit",
            Self::Over { .. } => "Over",
        })
    }
}

impl fmt::Debug for SinkSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SinkSlot").field(&self.label).finish()
    }
}

impl fmt::Debug for SinkKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Threaded(_) => "Threaded",
            Self::Inline(_) => "Inline",
        })
    }
}

impl Operation {
    /// Whether it is a sink whose thread takes part in checkpoints: it has not been started, and
    /// wants rows.
    pub(crate) fn takes_part_by_thread(&self) -> bool {
        let Self::Sink(slot) = self else { return false };
        let sink = slot.sink.lock().unwrap_or_else(PoisonError::into_inner);
        slot.wants != Wanted::Nothing && matches!(*sink, Some(SinkKind::Threaded(_)))
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Source(_) => "Source",
            Self::Step(_) => "Step",
            Self::Concat => "Concat",
            Self::Index(_) => "Index",
            Self::Join { .. } => "Join",
            Self::DeltaJoin(_) => "DeltaJoin",
            Self::Unique => "Unique",
            Self::Reduce { .. } => "Reduce",
            Self::Total { .. } => "Total",
            Self::Changes { .. } => "Changes",
            Self::Distinct => "Distinct",
            Self::Set { .. } => "Set",
            Self::Upsert { .. } => "Upsert",
            Self::Stateful { .. } => "Stateful",
            Self::Calls(_) => "Calls",
            Self::Window(_) => "Window",
            Self::TimeJoin(_) => "TimeJoin",
            Self::Machine { .. } => "Machine",
            Self::Validity { .. } => "Validity",
            Self::Stamp { .. } => "Stamp",
            Self::Watermark(_) => "Watermark",
            Self::LeastWatermark => "LeastWatermark",
            Self::Sort(_) => "Sort",
            Self::Variable(_) => "Variable",
            Self::Loop(_) => "Loop",
            Self::Sink(_) => "Sink",
        })
    }
}
