//! A join of many tables on its way into the plan: as one node, or as joins of two.

use crate::dataflow::JoinKind;
use crate::plan::delta_join::{self, Condition, DeltaHop, DeltaJoin, DeltaPath, Hop};
use crate::plan::{NodeId, Operation, Port, Rooted, SharedIndex};
use crate::schema::{Bytes, Expr, Schema};
use crate::stage::{self, LeftRow, RowKey, RowType};
use crate::table::index::{column_name, is_plain};
use crate::table::join::{JoinPair, PairJoin};
use crate::table::{Graph, Table};
use std::borrow::Cow;
use std::panic::Location;
use std::sync::Arc;

/// Joined tables, with their row types erased.
#[derive(Clone)]
pub(super) struct Chain {
    graph: Arc<Graph>,
    location: &'static Location<'static>,
    tables: Vec<(Port, RowType)>,
    conditions: Vec<Condition>,
    /// The keys of the conditions: that of the left table, and that of the right one.
    keys: Vec<[ChainKey; 2]>,
    /// Whether the program asks for joins of two.
    pub(super) materialises: bool,
}

/// What the rows of a table are joined by.
#[derive(Clone)]
pub(super) struct ChainKey {
    key: RowKey,
    name: Option<Cow<'static, str>>,
    /// The column by which an index is shared.
    column: Option<usize>,
    /// The index that is there.
    index: Option<NodeId>,
}

/// A key among those of a chain: two are the same if they are one column or one index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyId {
    Index(NodeId),
    Column(Port, usize),
    /// That of a side of a condition.
    Closure(usize, usize),
}

impl ChainKey {
    pub(super) fn new<T, E, F>(key_of: F) -> Self
    where
        T: Schema,
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        let key = RowKey {
            rows: RowType::of::<T>(),
            terminal: stage::keyed_terminal(key_of),
            column: E::COLUMN.filter(|_| is_plain(E::Value::data_type())),
        };
        let name = column_name::<T, E>().map(Cow::Borrowed);
        Self { key, name, column: E::COLUMN, index: None }
    }
}

impl<L: Schema, R: Schema, K: PairJoin> JoinPair<L, R, K> {
    /// The two tables, as the first of a chain.
    pub(super) fn into_chain(self) -> Chain {
        let (left, right) = (&self.left.table, &self.right.table);
        let mut chain = Chain {
            graph: Arc::clone(&left.graph),
            location: self.location,
            tables: Vec::new(),
            conditions: Vec::new(),
            keys: Vec::new(),
            materialises: false,
        };
        chain.add_table(left);
        chain.add_table(right);
        let keys = (chain.key_of(self.left.node), chain.key_of(self.right.node));
        chain.add_condition(0, keys.0, keys.1, K::KIND == JoinKind::LEFT);
        chain
    }
}

impl Chain {
    pub(super) fn add_table<T: Schema>(&mut self, table: &Table<T>) {
        self.tables.push((table.port, RowType::of::<T>()));
    }

    /// Joins the last table with one in front.
    pub(super) fn add_condition(
        &mut self,
        left_table: usize,
        left: ChainKey,
        right: ChainKey,
        optional: bool,
    ) {
        let right_table = self.tables.len() - 1;
        self.conditions.push(Condition { left: left_table, right: right_table, optional });
        self.keys.push([left, right]);
    }

    /// The key of an index.
    pub(super) fn key_of(&self, index: NodeId) -> ChainKey {
        let plan = self.graph.plan();
        let node = plan.node(index);
        let Operation::Index(shared) = &node.operation else {
            unreachable!("only an index has the handle of one");
        };
        let key = RowKey {
            rows: node.outputs[0],
            terminal: Arc::clone(&shared.terminal),
            column: shared.column,
        };
        ChainKey { key, name: shared.key_column.clone(), column: None, index: Some(index) }
    }

    /// Pushes the join; `root` calls the user's closure.
    pub(super) fn push(mut self, output: RowType, root: Rooted) -> (Arc<Graph>, NodeId) {
        let plan = self.graph.plan();
        for (condition, keys) in self.conditions.iter().zip(&mut self.keys) {
            for (table, key) in [condition.left, condition.right].into_iter().zip(keys) {
                let shared = key.column.and_then(|at| plan.index(self.tables[table].0, at));
                key.index = key.index.or(shared);
            }
        }
        // What stands in a loop has another notion of time.
        let in_loop = self.tables.iter().any(|(port, _)| plan.node(port.node).in_loop.is_some());
        drop(plan);
        let node = if in_loop || self.materialises {
            self.push_pairs(output, root)
        } else {
            self.push_delta(output, root)
        };
        (self.graph, node)
    }

    /// The key of a table in a condition.
    fn key(&self, condition: usize, table: usize) -> &ChainKey {
        &self.keys[condition][self.side(condition, table)]
    }

    fn side(&self, condition: usize, table: usize) -> usize {
        usize::from(self.conditions[condition].left != table)
    }

    fn id(&self, condition: usize, table: usize) -> KeyId {
        let key = self.key(condition, table);
        match (key.index, key.column) {
            (Some(index), _) => KeyId::Index(index),
            (None, Some(column)) => KeyId::Column(self.tables[table].0, column),
            (None, None) => KeyId::Closure(condition, self.side(condition, table)),
        }
    }

    /// The keys of the tables at the other sides of conditions.
    fn other_keys(&self, table: usize, conditions: &[usize]) -> Vec<(usize, RowKey)> {
        let other = |&at: &usize| {
            let other = self.conditions[at].other(table);
            (other, self.key(at, other).key.clone())
        };
        conditions.iter().map(other).collect()
    }

    fn push_delta(&self, output: RowType, root: Rooted) -> NodeId {
        let paths = delta_join::paths(self.tables.len(), &self.conditions);
        let mut indexes = Indexes::default();
        for hop in paths.iter().flatten() {
            indexes.input(self, hop.table, &hop.by);
        }
        let path = |(start, hops): (usize, &Vec<Hop>)| self.path(start, hops, &indexes);
        let paths: Vec<DeltaPath> = paths.iter().enumerate().map(path).collect();
        let inputs = indexes.nodes.iter().map(|&node| Port { node, output: 0 }).collect();
        let operation = Operation::DeltaJoin(DeltaJoin { paths, root });
        self.graph.push("join", self.location, operation, inputs, vec![output], false)
    }

    fn path(&self, start: usize, hops: &[Hop], indexes: &Indexes) -> DeltaPath {
        // Changed rows are read from where they are kept by the key that they look up first.
        let first: Vec<KeyId> = hops[0].by.iter().map(|&at| self.id(at, start)).collect();
        let port = self.tables[start].0;
        let kept = indexes.find(port, &first);
        let input = kept.unwrap_or_else(|| indexes.any_of(port));
        // The keys that a worker owns where the path has come to: all are equal.
        let mut owned: Vec<Vec<(usize, KeyId)>> = Vec::new();
        if kept.is_some() {
            owned.push(first.into_iter().map(|id| (start, id)).collect());
        }
        let hop = |hop: &Hop| {
            let asked = hop.by.iter().map(|&at| {
                let other = self.conditions[at].other(hop.table);
                (other, self.id(at, other))
            });
            let asked: Vec<_> = asked.collect();
            let answered = hop.by.iter().map(|&at| (hop.table, self.id(at, hop.table))).collect();
            let local = owned.contains(&asked);
            if !local {
                owned.clear();
            }
            owned.extend([asked, answered]);
            let check = |&at: &usize| {
                let tables = [hop.table, self.conditions[at].other(hop.table)];
                tables.map(|table| (table, self.key(at, table).key.clone()))
            };
            let ids: Vec<KeyId> = hop.by.iter().map(|&at| self.id(at, hop.table)).collect();
            let input = indexes.find(self.tables[hop.table].0, &ids);
            DeltaHop {
                table: hop.table,
                input: input.expect("there is an index for each look-up"),
                key: self.other_keys(hop.table, &hop.by),
                checks: hop.checks.iter().map(check).collect(),
                optional: hop.optional,
                local,
            }
        };
        let hops = hops.iter().map(hop).collect();
        let optional = delta_join::own_condition(start, &self.conditions).is_some();
        DeltaPath { input, optional, hops }
    }

    /// Pushes a join of two after the other; each but the last gives combinations.
    fn push_pairs(&self, output: RowType, root: Rooted) -> NodeId {
        let mut indexes = Indexes::default();
        let last = self.tables.len() - 1;
        let mut combinations: Option<Port> = None;
        let mut root = Some(root);
        for table in 1..=last {
            let by: Vec<usize> = (0..self.conditions.len())
                .filter(|&at| self.conditions[at].right == table)
                .collect();
            let right = indexes.input(self, table, &by);
            let right = indexes.nodes[right];
            let (left, left_row) = match combinations {
                None => {
                    let left = indexes.input(self, 0, &by);
                    (indexes.nodes[left], LeftRow::Plain)
                }
                Some(port) => {
                    let terminal = stage::combination_terminal(self.other_keys(table, &by));
                    let index = SharedIndex {
                        terminal,
                        key_column: self.name(&by, |at| self.conditions[at].left),
                        column: None,
                        keys: Arc::default(),
                        unique: false,
                        intermediate: true,
                    };
                    let operation = Operation::Index(index);
                    let rows = vec![RowType::of::<Bytes>()];
                    let location = self.location;
                    let index =
                        self.graph.push("index_by", location, operation, vec![port], rows, false);
                    (index, LeftRow::Combination)
                }
            };
            let root: Rooted = match root.take_if(|_| table == last) {
                Some(root) => Arc::new(move |node, next| stage::combined_root(root(node, next))),
                None => Arc::new(move |_, next| stage::combine_root(left_row, next)),
            };
            let optional = by.iter().any(|&at| self.conditions[at].optional);
            let kind = if optional { JoinKind::LEFT } else { JoinKind::INNER };
            let operation = Operation::Join { kind, root: Some(root) };
            let rows = if table == last { output } else { RowType::of::<Bytes>() };
            let verb = if optional { "left_join" } else { "join" };
            let inputs = [left, right].map(|node| Port { node, output: 0 }).to_vec();
            let node = self.graph.push(verb, self.location, operation, inputs, vec![rows], false);
            combinations = Some(Port { node, output: 0 });
        }
        combinations.expect("a chain has several tables").node
    }

    /// The names of the columns that are the keys of conditions, if they are columns.
    fn name(
        &self,
        conditions: &[usize],
        table: impl Fn(usize) -> usize,
    ) -> Option<Cow<'static, str>> {
        let names = conditions.iter().map(|&at| self.key(at, table(at)).name.clone());
        match names.collect::<Option<Vec<_>>>()?.as_slice() {
            [one] => Some(one.clone()),
            several => Some(several.join("`, `").into()),
        }
    }
}

/// The indexes that a join reads, each once.
#[derive(Default)]
struct Indexes {
    nodes: Vec<NodeId>,
    keys: Vec<(Port, Vec<KeyId>)>,
}

impl Indexes {
    fn find(&self, port: Port, keys: &[KeyId]) -> Option<usize> {
        self.keys.iter().position(|(of, known)| *of == port && known == keys)
    }

    fn any_of(&self, port: Port) -> usize {
        let found = self.keys.iter().position(|(of, _)| *of == port);
        found.expect("the rows of each table are looked up by others")
    }

    /// The index of a table by the keys of conditions.
    fn input(&mut self, chain: &Chain, table: usize, conditions: &[usize]) -> usize {
        let ids: Vec<KeyId> = conditions.iter().map(|&at| chain.id(at, table)).collect();
        let (port, rows) = chain.tables[table];
        if let Some(known) = self.find(port, &ids) {
            return known;
        }
        let keys: Vec<&ChainKey> = conditions.iter().map(|&at| chain.key(at, table)).collect();
        let node = match keys.as_slice() {
            [ChainKey { index: Some(index), .. }] => *index,
            [one] => {
                let name = one.name.clone();
                let terminal = Arc::clone(&one.key.terminal);
                let keys = (one.key.column, Arc::default());
                let node = push_index(chain, (port, rows), terminal, keys, name);
                if let Some(column) = one.column {
                    chain.graph.change(|plan| plan.remember_index(port, column, node));
                }
                node
            }
            several => {
                let keys: Arc<[RowKey]> = several.iter().map(|key| key.key.clone()).collect();
                let name = chain.name(conditions, |_| table);
                let terminal = stage::keys_terminal(rows, Arc::clone(&keys));
                push_index(chain, (port, rows), terminal, (None, keys), name)
            }
        };
        self.nodes.push(node);
        self.keys.push((port, ids));
        self.nodes.len() - 1
    }
}

fn push_index(
    chain: &Chain,
    (port, rows): (Port, RowType),
    terminal: stage::KeyedTerminal,
    (column, keys): (Option<usize>, Arc<[RowKey]>),
    key_column: Option<Cow<'static, str>>,
) -> NodeId {
    let (unique, intermediate) = (false, false);
    let index = SharedIndex { terminal, key_column, column, keys, unique, intermediate };
    let operation = Operation::Index(index);
    let append_only = chain.graph.plan().node(port.node).append_only;
    let (verb, location) = ("index_by", chain.location);
    chain.graph.push(verb, location, operation, vec![port], vec![rows], append_only)
}
