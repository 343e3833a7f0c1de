//! From the plan to a dataflow, on one worker.
//!
//! A *root* is a node with an operator of its own. Rendering a root composes the tree of steps
//! behind it, down to the terminals that feed other roots, builds its operator with one output
//! per terminal, and leaves the edges for the nodes that will consume them. Nodes come after
//! their inputs in a plan, so one pass is enough.

mod async_calls;
mod consumers;
mod delta_join;
mod iterate;
mod sort;
mod source;
mod time_join;
mod validity;
mod watermark;
mod window;

pub(crate) use async_calls::DetachedStage;
pub(crate) use source::SourceStage;

use crate::dataflow::async_calls::Calls;
use crate::dataflow::epoch_clock::{Alarm, EpochClock};
use crate::dataflow::group_table::GroupTable;
use crate::dataflow::index::Index;
use crate::dataflow::iterate::Rounds;
use crate::dataflow::logic::{
    Arrange, Changes, Fail, Forward, Join, JoinSide, Reduce, Rows, Set, SetOperation, Unique,
};
use crate::dataflow::machine::{MachineTime, Machines, RunMachine};
use crate::dataflow::operator::{self, Closes, Edge, Epoch, Logic, Pact};
use crate::dataflow::out_buffer::{
    Combined, DirectGroups, DirectIndex, Exchanged, OutBuffer, Route, RowsAsGroups, SharedBuffer,
    owner,
};
use crate::dataflow::sink::{Discarded, InlineEnd, SinkEnd, SinkLogic, SinkRoute};
use crate::dataflow::stamp::Stamp;
use crate::dataflow::state::State;
use crate::dataflow::stateful::{Stateful, States};
use crate::dataflow::total::{Total, TotalState};
use crate::dataflow::upsert::{LatestRows, Upsert};
use crate::dataflow::watermark::Watermark;
use crate::dataflow::window::{Emission, WindowState};
use crate::dataflow::{OutputShape, ReducePlan, fold};
use crate::format;
use crate::io::Wanted;
use crate::plan::{Node, NodeId, Operation, Plan, Port};
use crate::schema::DataType;
use crate::stage::{
    AnyStep, Diff, EncodedStep, EncodedTee, Inputs, InputsCollector, KeyedCollector, LeftRows,
    PassRows, ReduceByColumns, RowStep, RowsByColumn, StepContext, by_keys,
};
use consumers::Consumers;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use timely::dataflow::Scope;
use timely::dataflow::operators::probe::{Handle as Probe, Probe as _};

/// What rendering needs from the run.
pub(crate) struct RenderContext<'a> {
    pub(crate) plan: &'a Plan,
    /// The nodes that some sink needs.
    pub(crate) needed: &'a [bool],
    /// Ends the run with a message about a node.
    pub(crate) fail: Arc<dyn Fn(u32, String) + Send + Sync>,
    /// The ends of the sinks, on the worker that serves them.
    pub(crate) sinks: RefCell<HashMap<NodeId, SinkEnd>>,
    /// The rows that each sink has received.
    pub(crate) sink_rows: &'a HashMap<NodeId, Arc<AtomicU64>>,
    /// In a durable pipeline, what is added to epochs where they leave the run.
    pub(crate) durable: Option<Epoch>,
    /// Loops are restored in the first epoch.
    pub(crate) restores: bool,
    /// Makes the calls of an operator.
    pub(crate) calls: &'a dyn Fn(NodeId) -> Box<dyn Calls>,
    /// How far each loop is, by the node that ends it.
    pub(crate) rounds: &'a HashMap<NodeId, Arc<Rounds>>,
    /// The late rows that each watermark has met.
    pub(crate) late_rows: &'a HashMap<NodeId, Arc<AtomicU64>>,
}

/// A rendered plan.
pub(crate) struct Rendered {
    pub(crate) sources: Vec<SourceStage>,
    /// The ways back of calls whose results join a later epoch.
    pub(crate) detached: Vec<DetachedStage>,
    pub(crate) probe: Probe<Epoch>,
    pub(crate) states: Vec<(NodeId, SharedState)>,
    /// What has entered loops of a durable pipeline: the end of each loop, and what enters there.
    pub(crate) entered: Vec<(NodeId, Port, SharedState)>,
    pub(crate) clock: Rc<EpochClock>,
    /// The watermarks that are aligned.
    pub(crate) aligned: Vec<(NodeId, Rc<Watermark>)>,
}

/// The state of an operator, shared with it.
pub(crate) type SharedState = Rc<RefCell<dyn State>>;

/// An input of a node.
#[derive(Clone, Copy)]
struct Entry {
    node: NodeId,
    /// Which of its inputs: edges are found in another order than the plan's.
    input: usize,
}

/// A terminal that a root's tree ends in: whom it feeds, and through what.
struct Feed {
    consumer: Entry,
    buffer: SharedBuffer,
    pact: Pact,
}

/// The consumers of whole rows: those that read them encoded, and the stage of the others.
struct RowTree {
    encoded: Vec<Box<dyn EncodedStep>>,
    typed: Option<Box<dyn RowStep>>,
}

struct Renderer<'a, 'scope> {
    context: &'a RenderContext<'a>,
    scope: Scope<'scope, Epoch>,
    consumers: Consumers,
    edges: HashMap<NodeId, Vec<(usize, Edge<'scope>, Pact)>>,
    tables: HashMap<NodeId, Rc<RefCell<GroupTable>>>,
    indexes: HashMap<NodeId, Rc<RefCell<Index>>>,
    watermarks: HashMap<NodeId, Rc<Watermark>>,
    aligned: Vec<(NodeId, Rc<Watermark>)>,
    windows: HashMap<NodeId, Rc<RefCell<dyn WindowState>>>,
    /// The states of other operators.
    states: Vec<(NodeId, SharedState)>,
    entered: Vec<(NodeId, Port, SharedState)>,
    sources: Vec<SourceStage>,
    detached: Vec<DetachedStage>,
    probe: Probe<Epoch>,
    clock: Rc<EpochClock>,
}

/// Builds the dataflow of a plan in a scope.
pub(crate) fn render<'a, 'scope>(
    scope: Scope<'scope, Epoch>,
    context: &'a RenderContext<'a>,
) -> Rendered {
    let consumers = Consumers::new(context.plan, context.needed);
    let mut renderer = Renderer {
        context,
        scope,
        consumers,
        edges: HashMap::new(),
        tables: HashMap::new(),
        indexes: HashMap::new(),
        watermarks: HashMap::new(),
        aligned: Vec::new(),
        windows: HashMap::new(),
        states: Vec::new(),
        entered: Vec::new(),
        sources: Vec::new(),
        detached: Vec::new(),
        probe: Probe::new(),
        clock: Rc::default(),
    };
    for node in context.plan.nodes().iter().filter(|node| context.needed[node.id.index()]) {
        renderer.node(node);
    }
    let groups = renderer.tables.into_iter().map(|(id, table)| (id, table as SharedState));
    let indexes = renderer.indexes.into_iter().map(|(id, index)| (id, index as SharedState));
    let mut states: Vec<(NodeId, SharedState)> =
        groups.chain(indexes).chain(renderer.states).collect();
    states.sort_by_key(|(id, _)| *id);
    let Renderer { sources, detached, probe, clock, aligned, entered, .. } = renderer;
    Rendered { sources, detached, probe, states, entered, clock, aligned }
}

impl<'a, 'scope> Renderer<'a, 'scope> {
    fn peers(&self) -> usize {
        self.scope.peers()
    }

    fn fail(&self, node: &Node) -> Fail {
        let (fail, id) = (Arc::clone(&self.context.fail), node.id.0);
        let key: Option<DataType> = match &node.operation {
            Operation::Reduce { key, .. }
            | Operation::Upsert { key, .. }
            | Operation::Machine { key, .. } => Some(key()),
            Operation::Distinct | Operation::Set { .. } => Some(node.rows()),
            Operation::Sort(sorted) => Some((sorted.partition)()),
            Operation::Window(window) => Some((window.key)()),
            _ => None,
        };
        Arc::new(move |bytes, problem| match (key, bytes) {
            (Some(key), Some(bytes)) if !bytes.is_empty() => {
                fail(
                    id,
                    format!("{problem}\nin the group {}", format::display::display(key, bytes)),
                );
            }
            _ => fail(id, problem),
        })
    }

    /// The steps behind an output, or nothing if nobody consumes it.
    fn steps(&mut self, port: Port, feeds: &mut Vec<Feed>) -> AnyStep {
        let consumers = self.consumers.of.get(&port).cloned().unwrap_or_default();
        let mut steps: Vec<AnyStep> = consumers
            .into_iter()
            .map(|(consumer, input)| self.consumer(consumer, input, feeds))
            .collect();
        if steps.len() == 1 {
            return steps.pop().expect("there is one");
        }
        let rows = self.context.plan.node(port.node).outputs[port.output];
        (rows.tee)(steps)
    }

    /// The step of one consumer: its own chain, or the terminal in front of its operator.
    fn consumer(&mut self, consumer: NodeId, input: usize, feeds: &mut Vec<Feed>) -> AnyStep {
        let context = self.context;
        let node = context.plan.node(consumer);
        let entry = Entry { node: consumer, input };
        match &node.operation {
            Operation::Step(factory) => {
                let next = (0..node.outputs.len())
                    .map(|output| self.steps(Port { node: consumer, output }, feeds))
                    .collect();
                let step = StepContext {
                    node: consumer.0,
                    fail: Arc::clone(&context.fail),
                    errors_taken: node.errors_taken,
                };
                factory(&step, next)
            }
            Operation::Upsert { terminal, .. }
            | Operation::Stateful { terminal, .. }
            | Operation::Machine { terminal, .. } => {
                let peers = self.peers();
                terminal(consumer.0, exchanged(Route::ByKey, peers, entry, Pact::Exchanged, feeds))
            }
            Operation::Validity { terminal } => {
                terminal(consumer.0, validity::collector(self, entry, feeds))
            }
            Operation::Window(window) => window::terminal(self, entry, window, feeds),
            Operation::Watermark(watermark) if watermark.is_step() => {
                watermark::step(self, entry, watermark, feeds)
            }
            Operation::Watermark(watermark) => {
                let collector = watermark::collector(self, entry, watermark, feeds);
                (watermark.input.terminal)(consumer.0, collector)
            }
            Operation::TimeJoin(join) => {
                let peers = self.peers();
                let collector = exchanged(Route::ByKey, peers, entry, Pact::Exchanged, feeds);
                (join.terminals[input])(consumer.0, collector)
            }
            Operation::Sort(sorted) => {
                let peers = self.peers();
                let collector = exchanged(Route::ByKey, peers, entry, Pact::Exchanged, feeds);
                (sorted.terminal)(consumer.0, collector)
            }
            Operation::Index(index) => {
                let collector = self.index_collectors(entry, feeds);
                (index.terminal)(consumer.0, collector)
            }
            Operation::Reduce { terminal, plan, .. } => {
                let collector = self.group_collector(entry, plan, feeds);
                terminal(consumer.0, collector)
            }
            Operation::Total { terminal, plan } => {
                let collector = self.combined(entry, Route::ByKey, plan, feeds);
                terminal(consumer.0, collector)
            }
            _ => {
                let collector = self.row_collector(node, input, feeds).unwrap_or_else(|| {
                    unreachable!("sources have no input, and joins read indexes")
                });
                let port = match &node.operation {
                    Operation::Loop(_) => self.consumers.entry(consumer, input),
                    _ => node.inputs[input],
                };
                let rows = context.plan.node(port.node).outputs[port.output];
                (rows.rows)(collector)
            }
        }
    }

    fn table(&mut self, node: NodeId, plan: &ReducePlan) -> Rc<RefCell<GroupTable>> {
        let table = self
            .tables
            .entry(node)
            .or_insert_with(|| Rc::new(RefCell::new(GroupTable::new(node.0, plan.clone()))));
        Rc::clone(table)
    }

    fn index(&mut self, node: NodeId) -> Rc<RefCell<Index>> {
        Rc::clone(self.indexes.entry(node).or_insert_with(|| Rc::new(RefCell::new(Index::new()))))
    }

    fn watermark(&mut self, node: NodeId) -> Rc<Watermark> {
        Rc::clone(self.watermarks.entry(node).or_default())
    }

    /// An index as a join reads it.
    fn join_side(&mut self, index: NodeId, keeps: bool) -> JoinSide {
        let index = self.index(index);
        let reader = index.borrow_mut().add_reader(keeps);
        JoinSide { index, reader, forgets: !keeps }
    }

    fn group_collector(
        &mut self,
        consumer: Entry,
        plan: &ReducePlan,
        feeds: &mut Vec<Feed>,
    ) -> Box<dyn InputsCollector> {
        if self.peers() == 1 {
            let table = self.table(consumer.node, plan);
            let batch = table.borrow().batch();
            let buffer = Rc::new(RefCell::new(OutBuffer::marking(batch)));
            feeds.push(Feed { consumer, buffer: Rc::clone(&buffer), pact: Pact::Local });
            return Box::new(DirectGroups { table, buffer });
        }
        self.combined(consumer, Route::ByKey, plan, feeds)
    }

    /// Combines the rows of each group before they are sent.
    fn combined(
        &mut self,
        consumer: Entry,
        route: Route,
        plan: &ReducePlan,
        feeds: &mut Vec<Feed>,
    ) -> Box<dyn InputsCollector> {
        let (node, peers) = (consumer.node.0, self.peers());
        let buffer = OutBuffer::combining(node, route, peers, plan.clone());
        let buffer = Rc::new(RefCell::new(buffer));
        feeds.push(Feed { consumer, buffer: Rc::clone(&buffer), pact: Pact::Exchanged });
        Box::new(Combined(buffer))
    }

    /// Where the rows of an index go: into the index, and into the loops that use it.
    fn index_collectors(
        &mut self,
        consumer: Entry,
        feeds: &mut Vec<Feed>,
    ) -> Box<dyn KeyedCollector> {
        let mut collectors: Vec<Box<dyn KeyedCollector>> = Vec::new();
        if self.consumers.has_outer_readers(consumer.node) {
            collectors.push(self.index_collector(consumer, feeds));
        }
        for entry in self.consumers.index_entries(consumer.node) {
            collectors.push(exchanged(Route::To(0), 1, entry, Pact::Local, feeds));
        }
        match collectors.len() {
            1 => collectors.pop().expect("there is one"),
            _ => Box::new(KeyedTee(collectors)),
        }
    }

    fn index_collector(
        &mut self,
        consumer: Entry,
        feeds: &mut Vec<Feed>,
    ) -> Box<dyn KeyedCollector> {
        let peers = self.peers();
        if peers == 1 {
            let index = self.index(consumer.node);
            let buffer = Rc::new(RefCell::new(OutBuffer::new(Route::To(0), 1)));
            feeds.push(Feed { consumer, buffer: Rc::clone(&buffer), pact: Pact::Local });
            return Box::new(DirectIndex { index, buffer });
        }
        exchanged(Route::ByKey, peers, consumer, Pact::Exchanged, feeds)
    }

    /// The tree behind a root, decoded as `root` says.
    fn tree(
        &mut self,
        node: &Node,
        root: impl FnOnce(AnyStep) -> Box<dyn EncodedStep>,
    ) -> (Box<dyn EncodedStep>, Vec<Feed>) {
        let mut feeds = Vec::new();
        let next = self.steps(Port { node: node.id, output: 0 }, &mut feeds);
        (root(next), feeds)
    }

    /// The tree behind a root that hands out whole rows.
    fn row_tree(&mut self, port: Port, feeds: &mut Vec<Feed>) -> Box<dyn EncodedStep> {
        let RowTree { mut encoded, typed } = self.row_parts(port, true, feeds);
        encoded.extend(typed.map(|typed| -> Box<dyn EncodedStep> { typed }));
        match encoded.len() {
            1 => encoded.pop().expect("there is one"),
            _ => Box::new(EncodedTee(encoded)),
        }
    }

    /// The consumers of whole rows. Those that can read them encoded do; rows are decoded only for
    /// the others. Those that ask for columns can do either, and read them encoded if `by_column`.
    fn row_parts(&mut self, port: Port, by_column: bool, feeds: &mut Vec<Feed>) -> RowTree {
        let rows = self.context.plan.node(port.node).outputs[port.output];
        let consumers = self.consumers.of.get(&port).cloned().unwrap_or_default();
        let (mut encoded, mut typed) = (Vec::new(), Vec::new());
        for (consumer, input) in consumers {
            let columns_of = by_column.then(|| (rows.data_type)());
            match self.encoded(columns_of, consumer, input, feeds) {
                Some(step) => encoded.push(step),
                None => typed.push(self.consumer(consumer, input, feeds)),
            }
        }
        let typed = match typed.len() {
            0 => None,
            1 => typed.pop().map(rows.root),
            _ => Some((rows.root)((rows.tee)(typed))),
        };
        RowTree { encoded, typed }
    }

    /// A consumer that reads rows as they are encoded, if it can.
    fn encoded(
        &mut self,
        columns_of: Option<DataType>,
        consumer: NodeId,
        input: usize,
        feeds: &mut Vec<Feed>,
    ) -> Option<Box<dyn EncodedStep>> {
        let node = self.context.plan.node(consumer);
        let entry = Entry { node: consumer, input };
        if let Some(collector) = self.row_collector(node, input, feeds) {
            return Some(Box::new(PassRows(collector)));
        }
        let rows = columns_of?;
        match &node.operation {
            Operation::Index(index) if !index.keys.is_empty() => {
                let collector = self.index_collectors(entry, feeds);
                Some(Box::new(PassRows(by_keys(&index.keys, consumer.0, collector))))
            }
            Operation::Index(index) => {
                let column = index.column?;
                let collector = self.index_collectors(entry, feeds);
                Some(Box::new(RowsByColumn::new(rows, column, collector)))
            }
            Operation::Reduce { plan, columns, .. } => {
                let columns = columns.as_ref()?;
                let collector = self.group_collector(entry, plan, feeds);
                Some(Box::new(ReduceByColumns::new(rows, columns, collector)))
            }
            _ => None,
        }
    }

    /// The collector of an operator that takes whole rows.
    fn row_collector(
        &mut self,
        node: &Node,
        input: usize,
        feeds: &mut Vec<Feed>,
    ) -> Option<Box<dyn KeyedCollector>> {
        let (consumer, peers) = (Entry { node: node.id, input }, self.peers());
        Some(match &node.operation {
            Operation::Concat | Operation::Loop(_) | Operation::Stamp { .. } => {
                exchanged(Route::To(0), 1, consumer, Pact::Local, feeds)
            }
            Operation::Sink(slot) if slot.wants == Wanted::Nothing => Box::new(Discarded {
                rows: Arc::clone(&self.context.sink_rows[&node.id]),
                _end: self.context.sinks.borrow_mut().remove(&node.id),
                uncounted: 0,
            }),
            Operation::Sink(_) => exchanged(Route::To(0), peers, consumer, Pact::Exchanged, feeds),
            Operation::Changes { .. } => {
                exchanged(Route::ByKey, peers, consumer, Pact::Exchanged, feeds)
            }
            // A retraction goes where its row went; rows of a stream stay where they are.
            Operation::Calls(_) if node.append_only => {
                exchanged(Route::To(0), 1, consumer, Pact::Local, feeds)
            }
            Operation::Calls(_) => exchanged(Route::ByKey, peers, consumer, Pact::Exchanged, feeds),
            Operation::Distinct => {
                let groups = self.group_collector(consumer, &distinct_plan(), feeds);
                Box::new(RowsAsGroups::new(groups, Inputs::default()))
            }
            Operation::Set { .. } => {
                let groups = self.group_collector(consumer, &set_plan(), feeds);
                let mut inputs = Inputs::default();
                inputs.int(i128::from(input == 0));
                inputs.int(i128::from(input == 1));
                Box::new(RowsAsGroups::new(groups, inputs))
            }
            _ => return None,
        })
    }

    /// The tree behind a node that hands out whole rows.
    fn rows(&mut self, node: &Node) -> (Box<dyn EncodedStep>, Vec<Feed>) {
        let mut feeds = Vec::new();
        let root = self.row_tree(Port { node: node.id, output: 0 }, &mut feeds);
        (root, feeds)
    }

    /// Leaves the edge of a feed for the node that it feeds.
    fn connect(&mut self, feed: &Feed, edge: Edge<'scope>) {
        let Entry { node, input } = feed.consumer;
        self.edges.entry(node).or_default().push((input, edge, feed.pact));
    }

    /// The edges that were left for a node, in the order of its inputs.
    fn inputs(&mut self, node: &Node) -> Vec<(Edge<'scope>, Pact)> {
        let mut edges = self.edges.remove(&node.id).unwrap_or_default();
        edges.sort_by_key(|(input, ..)| *input);
        edges.into_iter().map(|(_, edge, pact)| (edge, pact)).collect()
    }

    /// Builds the operator of a root and leaves its edges for those it feeds.
    fn operator(&mut self, node: &Node, feeds: Vec<Feed>, logic: Box<dyn Logic>) {
        let inputs = self.inputs(node);
        let buffers = feeds.iter().map(|feed| Rc::clone(&feed.buffer)).collect();
        // One worker owns the row of a whole table, which is there from the first epoch on.
        let starts = matches!(node.operation, Operation::Total { .. })
            && owner(&[], self.peers()) == self.scope.index();
        let closes = match node.operation {
            Operation::Machine { .. } | Operation::Window(_) | Operation::Validity { .. } => {
                Closes::Every
            }
            // Watermarks may go on without rows, and so does the clock.
            Operation::TimeJoin(ref join)
                if node.inputs.len() > 2 || matches!(join.plan.emission, Emission::Early(_)) =>
            {
                Closes::Every
            }
            _ if starts => Closes::FirstAndArrived,
            _ => Closes::Arrived,
        };
        let name = node.describe();
        let (edges, end) = operator::build(self.scope, &name, inputs, buffers, logic, closes);
        end.probe_with(&self.probe);
        for (feed, edge) in feeds.into_iter().zip(edges) {
            self.connect(&feed, edge);
        }
    }

    fn node(&mut self, node: &'a Node) {
        if node.in_loop.is_some() {
            // Rendered where its loop ends.
            return;
        }
        match &node.operation {
            Operation::Step(_) => {}
            Operation::Variable(_) => unreachable!("a variable stands in its loop"),
            Operation::Loop(id) => self.iterate(node, *id),
            Operation::Source(_) => {
                let stage = source::render(self, node);
                self.sources.push(stage);
            }
            Operation::Concat => {
                let (root, feeds) = self.rows(node);
                let buffers = feeds.iter().map(|feed| Rc::clone(&feed.buffer)).collect();
                self.operator(node, feeds, Box::new(Forward { node: node.id.0, root, buffers }));
            }
            Operation::Reduce { plan, root, .. } => {
                let table = self.table(node.id, plan);
                let (root, feeds) = self.tree(node, root);
                let fail = self.fail(node);
                self.operator(node, feeds, Box::new(Reduce { table, root, fail }));
            }
            Operation::Total { plan, .. } => {
                let state = Rc::new(RefCell::new(TotalState::new(plan.clone())));
                self.states.push((node.id, Rc::clone(&state) as SharedState));
                let (root, feeds) = self.rows(node);
                let fail = self.fail(node);
                self.operator(node, feeds, Box::new(Total { state, root, fail }));
            }
            Operation::Distinct => {
                let table = self.table(node.id, &distinct_plan());
                let (root, feeds) = self.rows(node);
                let fail = self.fail(node);
                self.operator(node, feeds, Box::new(Reduce { table, root, fail }));
            }
            Operation::Set { intersect } => {
                let table = self.table(node.id, &set_plan());
                let (root, feeds) = self.rows(node);
                let operation =
                    if *intersect { SetOperation::Intersection } else { SetOperation::Difference };
                let fail = self.fail(node);
                self.operator(node, feeds, Box::new(Set { operation, table, root, fail }));
            }
            Operation::Upsert { versioned, .. } => {
                let (root, feeds) = self.rows(node);
                let rows = node.rows();
                let describe = Box::new(move |row: &[u8]| format::display::display(rows, row));
                let fail = self.fail(node);
                let latest = Rc::new(RefCell::new(LatestRows::new()));
                self.states.push((node.id, Rc::clone(&latest) as SharedState));
                let upsert = Upsert::new(root, *versioned, describe, fail, latest);
                self.operator(node, feeds, Box::new(upsert));
            }
            Operation::Stateful { logic, .. } => {
                let mut feeds = Vec::new();
                let next = self.steps(Port { node: node.id, output: 0 }, &mut feeds);
                let states = Rc::new(RefCell::new(States::new(logic(node.id.0, next))));
                self.states.push((node.id, Rc::clone(&states) as SharedState));
                self.operator(node, feeds, Box::new(Stateful { states, chunks: Vec::new() }));
            }
            Operation::Machine { logic, keeps_for, .. } => {
                let mut feeds = Vec::new();
                let next = self.steps(Port { node: node.id, output: 0 }, &mut feeds);
                let Port { node: input, output } = node.inputs[0];
                let rows = (self.context.plan.node(input).outputs[output].data_type)();
                let machines = Machines::new(logic(node.id.0, next), rows, *keeps_for);
                let machines = Rc::new(RefCell::new(machines));
                self.states.push((node.id, Rc::clone(&machines) as SharedState));
                let time = match node.inputs.get(1) {
                    Some(watermark) => MachineTime::Event(self.watermark(watermark.node)),
                    None => MachineTime::Clock(Alarm::new(&self.clock)),
                };
                let (chunks, fail) = (Vec::new(), self.fail(node));
                let run = RunMachine { machines, time, chunks, fail };
                self.operator(node, feeds, Box::new(run));
            }
            Operation::Validity { .. } => validity::render(self, node),
            Operation::Stamp { root } => {
                let (root, feeds) = self.tree(node, |next| root(node.id.0, next));
                let buffers = feeds.iter().map(|feed| Rc::clone(&feed.buffer)).collect();
                let clock = Rc::clone(&self.clock);
                let stamp = Stamp { clock, root, buffers, chunks: Vec::new() };
                self.operator(node, feeds, Box::new(stamp));
            }
            Operation::Changes { root } => {
                let (root, feeds) = self.tree(node, root);
                self.operator(node, feeds, Box::new(Changes { root, chunks: Vec::new() }));
            }
            Operation::Calls(calls) => async_calls::render(self, node, calls),
            Operation::Sort(sorted) => sort::render(self, node, sorted),
            Operation::Window(window) => window::render(self, node, window),
            Operation::TimeJoin(join) => time_join::render(self, node, join),
            Operation::Watermark(watermark) => watermark::render(self, node, watermark),
            Operation::LeastWatermark => watermark::render_least(self, node),
            Operation::Index(_) if !self.consumers.has_outer_readers(node.id) => {}
            Operation::Index(index) => self.arrange(node, index.unique),
            Operation::Join { kind, root } => {
                let (root, feeds) = match root {
                    Some(root) => self.tree(node, |next| root(node.id.0, next)),
                    None => {
                        let (rows, feeds) = self.rows(node);
                        let root: Box<dyn EncodedStep> = Box::new(LeftRows(rows));
                        (root, feeds)
                    }
                };
                let kind = *kind;
                let left = self.join_side(node.inputs[0].node, !kind.as_of_now);
                let right = self.join_side(node.inputs[1].node, true);
                self.operator(node, feeds, Box::new(Join { kind, left, right, root }));
            }
            Operation::DeltaJoin(delta) => delta_join::render(self, node, delta),
            Operation::Unique => {
                let (root, feeds) = self.rows(node);
                let JoinSide { index, reader, .. } = self.join_side(node.inputs[0].node, true);
                self.operator(node, feeds, Box::new(Rows { index, reader, root }));
            }
            // Its rows have been dropped where they were made.
            Operation::Sink(slot) if slot.wants == Wanted::Nothing => {}
            Operation::Sink(slot) => {
                let end = self.sink_route(node);
                let logic = SinkLogic {
                    base: self.context.durable.unwrap_or(0),
                    kind: slot.kind,
                    data_type: node.rows(),
                    wants: slot.wants,
                    end,
                    rows: Arc::clone(&self.context.sink_rows[&node.id]),
                    fail: self.fail(node),
                    chunks: Vec::new(),
                    waiting: None,
                };
                self.operator(node, Vec::new(), Box::new(logic));
            }
        }
    }

    /// Where the rows of a sink go.
    fn sink_route(&mut self, node: &Node) -> SinkRoute {
        let end = self.context.sinks.borrow_mut().remove(&node.id);
        match end {
            None => SinkRoute::Elsewhere,
            Some(SinkEnd::Queue(queue)) => SinkRoute::Queue(queue),
            Some(SinkEnd::Inline(writer)) => {
                let end = InlineEnd::new(writer);
                // A view is part of a checkpoint, so that it has its rows when the run goes on.
                if self.context.durable.is_some() {
                    self.states.push((node.id, Rc::clone(&end) as SharedState));
                }
                SinkRoute::Inline(end)
            }
        }
    }

    /// An index has one output for each join that reads it, and a join that reads it on both
    /// sides has two.
    fn arrange(&mut self, node: &Node, unique: bool) {
        let index = self.index(node.id);
        let rows = node.rows();
        let unique = unique.then(|| Unique {
            describe: Box::new(move |row: &[u8]| format::display::display(rows, row)),
            fail: self.fail(node),
        });
        let mark = Rc::new(RefCell::new(OutBuffer::new(Route::To(0), 1)));
        let inputs = self.inputs(node);
        let logic = Arrange { index, mark: Rc::clone(&mark), unique };
        let name = node.describe();
        let logic = Box::new(logic);
        let (edges, end) =
            operator::build(self.scope, &name, inputs, vec![mark], logic, Closes::Arrived);
        end.probe_with(&self.probe);
        let edge = edges.into_iter().next().expect("the mark has an edge");
        let port = Port { node: node.id, output: 0 };
        for (join, input) in self.consumers.of.get(&port).cloned().unwrap_or_default() {
            self.edges.entry(join).or_default().push((input, edge.clone(), Pact::Local));
        }
    }
}

/// Hands rows to several collectors.
struct KeyedTee(Vec<Box<dyn KeyedCollector>>);

impl KeyedCollector for KeyedTee {
    fn update(&mut self, key: Option<&[u8]>, row: &[u8], diff: Diff) {
        for collector in &mut self.0 {
            collector.update(key, row, diff);
        }
    }
}

fn exchanged(
    route: Route,
    peers: usize,
    consumer: Entry,
    pact: Pact,
    feeds: &mut Vec<Feed>,
) -> Box<dyn KeyedCollector> {
    let buffer = Rc::new(RefCell::new(OutBuffer::new(route, peers)));
    feeds.push(Feed { consumer, buffer: Rc::clone(&buffer), pact });
    Box::new(Exchanged(buffer))
}

fn distinct_plan() -> ReducePlan {
    ReducePlan::new(Vec::new(), OutputShape::Tuple)
}

/// The copies of a row on the left and on the right.
fn set_plan() -> ReducePlan {
    let count = || fold::Number::Int.total(fold::Total::Sum(DataType::I64), false);
    ReducePlan::new(vec![count(), count()], OutputShape::Tuple)
}
