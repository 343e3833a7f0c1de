//! The two handles, and what they share.

use super::Graph;
use crate::plan::{NodeId, Operation, Port};
use crate::schema::Schema;
use crate::stage::{RowType, StepFactory};
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::panic::Location;
use std::sync::Arc;

/// An evolving multiset of rows: insertions and retractions.
///
/// A handle to a node of the plan: cheap to clone, and nothing happens until the pipeline runs
/// and something observes the table. Every verb accepts insertions, updates and deletions of its
/// input, and its output is at every epoch what a computation from scratch would give.
#[must_use = "a table does nothing until it reaches a sink: `.write(..)`, `.subscribe(..)`, `.view()` or `.collect()`"]
pub struct Table<T> {
    pub(crate) graph: Arc<Graph>,
    pub(crate) port: Port,
    rows: PhantomData<fn() -> T>,
}

/// Append-only rows: each arrives once, at an epoch, and is never retracted.
///
/// A `Stream` can be used wherever a [`Table`] is wanted (`&stream` is a `&Table`), never the
/// other way round without saying how: [`Table::changes`] gives the stream of a table's updates.
/// Verbs that keep rows append-only return a `Stream` again.
#[must_use = "a stream does nothing until it reaches a sink: `.write(..)`, `.subscribe(..)`, `.view()` or `.collect()`"]
pub struct Stream<T> {
    table: Table<T>,
}

impl<T> Clone for Table<T> {
    fn clone(&self) -> Self {
        Self { graph: Arc::clone(&self.graph), port: self.port, rows: PhantomData }
    }
}

impl<T> Clone for Stream<T> {
    fn clone(&self) -> Self {
        Self { table: self.table.clone() }
    }
}

impl<T> fmt::Debug for Table<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("node", &self.port.node.0).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Stream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("node", &self.table.port.node.0).finish_non_exhaustive()
    }
}

impl<T> Deref for Stream<T> {
    type Target = Table<T>;

    fn deref(&self) -> &Table<T> {
        &self.table
    }
}

impl<T> From<Stream<T>> for Table<T> {
    fn from(stream: Stream<T>) -> Self {
        stream.table
    }
}

mod sealed {
    pub trait Sealed {}
    impl<T> Sealed for super::Table<T> {}
    impl<T> Sealed for super::Stream<T> {}
}

/// A [`Stream`] or a [`Table`], for functions that keep whichever they are given.
pub trait Collection: Clone + sealed::Sealed {
    /// The type of the rows.
    type Row: Schema;
    /// The same kind of collection with other rows.
    type Of<U: Schema>: Collection<Row = U>;
    /// Whether rows are never retracted.
    const APPEND_ONLY: bool;

    #[doc(hidden)]
    fn as_table(&self) -> &Table<Self::Row>;

    #[doc(hidden)]
    fn from_table<U: Schema>(table: Table<U>) -> Self::Of<U>;
}

impl<T: Schema> Collection for Table<T> {
    type Row = T;
    type Of<U: Schema> = Table<U>;
    const APPEND_ONLY: bool = false;

    fn as_table(&self) -> &Self {
        self
    }

    fn from_table<U: Schema>(table: Table<U>) -> Table<U> {
        table
    }
}

impl<T: Schema> Collection for Stream<T> {
    type Row = T;
    type Of<U: Schema> = Stream<U>;
    const APPEND_ONLY: bool = true;

    fn as_table(&self) -> &Table<T> {
        &self.table
    }

    fn from_table<U: Schema>(table: Table<U>) -> Stream<U> {
        debug_assert!(
            table.is_append_only(),
            "a stream's plan node is append-only: the type and the plan agree"
        );
        Stream { table }
    }
}

impl<T> Table<T> {
    pub(crate) fn new(graph: Arc<Graph>, node: NodeId, output: usize) -> Self {
        Self { graph, port: Port { node, output }, rows: PhantomData }
    }

    /// The table as a stream, where the plan knows that it is one.
    pub(crate) fn into_stream(self) -> Stream<T> {
        Stream { table: self }
    }

    pub(crate) fn is_append_only(&self) -> bool {
        self.graph.plan().node(self.port.node).append_only
    }

    /// Whether rows are never retracted, in whatever order they come: of a stream, and of pairs of
    /// streams' rows. What reduces such rows keeps less.
    pub(crate) fn never_retracts(&self) -> bool {
        self.graph.plan().node(self.port.node).never_retracts
    }

    /// Pushes a node behind this table and others.
    pub(crate) fn derive<U: Schema>(
        &self,
        verb: &'static str,
        location: &'static Location<'static>,
        operation: Operation,
        others: &[Port],
        append_only: bool,
    ) -> Table<U> {
        let inputs = std::iter::once(self.port).chain(others.iter().copied()).collect();
        let outputs = vec![const { RowType::of::<U>() }];
        let node = self.graph.push(verb, location, operation, inputs, outputs, append_only);
        Table::new(Arc::clone(&self.graph), node, 0)
    }

    /// Names the table, for [`explain`](super::Pipeline::explain), progress and messages. The
    /// name is also what identifies the state of its operator, so give one to what matters.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let odd = app.rows(vec![1, 2, 3]).filter(|n| n % 2 == 1).named("odd numbers");
    /// assert!(app.explain().to_string().contains("`odd numbers`"));
    /// # let _ = odd;
    /// ```
    pub fn named(&self, name: &str) -> Self {
        let node = self.port.node;
        self.graph.change(|plan| plan.node_mut(node).name = Some(name.to_owned()));
        self.clone()
    }
}

impl<T> Stream<T> {
    /// Names the stream; see [`Table::named`].
    pub fn named(&self, name: &str) -> Self {
        Self { table: self.table.named(name) }
    }
}

/// Whatever can be seen as a table: streams, tables, groups with their results, fallible
/// collections, and references to them.
pub trait IntoTable {
    /// The type of the rows.
    type Row: Schema;

    /// The table.
    fn into_table(self) -> Table<Self::Row>;
}

impl<T: Schema> IntoTable for Table<T> {
    type Row = T;

    fn into_table(self) -> Self {
        self
    }
}

impl<T: Schema> IntoTable for Stream<T> {
    type Row = T;

    fn into_table(self) -> Table<T> {
        self.table
    }
}

impl<K: Schema, O: Schema> IntoTable for super::Reduced<K, O> {
    type Row = (K, O);

    fn into_table(self) -> Table<(K, O)> {
        self.into()
    }
}

impl<T: Schema, O: Schema> IntoTable for super::Ordered<T, O> {
    type Row = (T, O);

    fn into_table(self) -> Table<(T, O)> {
        self.into()
    }
}

impl<T: Schema> IntoTable for super::Limited<T> {
    type Row = T;

    fn into_table(self) -> Table<T> {
        self.into()
    }
}

impl<C: IntoTable, E> IntoTable for super::Fallible<C, E> {
    type Row = C::Row;

    fn into_table(self) -> Table<C::Row> {
        self.or_stop().into_table()
    }
}

impl<C: IntoTable + Clone> IntoTable for &C {
    type Row = C::Row;

    fn into_table(self) -> Table<C::Row> {
        self.clone().into_table()
    }
}

/// Pushes a step that works on one row at a time, and keeps the kind of collection.
pub(crate) fn step<C: Collection, U: Schema>(
    input: &C,
    verb: &'static str,
    location: &'static Location<'static>,
    factory: StepFactory,
) -> C::Of<U> {
    let table = input.as_table();
    let append_only = C::APPEND_ONLY || table.is_append_only();
    C::from_table(table.derive(verb, location, Operation::Step(factory), &[], append_only))
}

/// Pushes a step that hands on some of its rows as they are, so that they keep to their watermark.
pub(crate) fn kept_step<C: Collection, T: Schema>(
    input: &C,
    verb: &'static str,
    location: &'static Location<'static>,
    factory: StepFactory,
) -> C::Of<T> {
    let table = input.as_table();
    let append_only = C::APPEND_ONLY || table.is_append_only();
    let kept = table.derive::<T>(verb, location, Operation::Step(factory), &[], append_only);
    table.graph.change(|plan| plan.keep_watermark(kept.port.node));
    C::from_table(kept)
}
