//! What `Pipeline::read` takes.

use super::{Pipeline, Stream, Table};
use crate::io::{BadRow, Reader};
use crate::plan::{Operation, SourceNode};
use crate::schema::{Keyed, Schema};
use crate::stage::RowType;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;

/// Something that a pipeline can read. Sources implement it through [`ReaderSource`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a source",
    label = "`read` needs a source, such as `csv::files::<Row>(\"data/*.csv\")`",
    note = "rows that are there already: `app.rows(vec![..])`; rows pushed from this process: `app.input::<Row>()`"
)]
pub trait Source {
    /// What reading it gives: a stream, a table, or a pair with the bad rows.
    type Output;

    /// Adds the source to the pipeline. Call [`Pipeline::read`] instead.
    fn read(self, pipeline: &Pipeline) -> Self::Output;
}

/// A source of `T` rows behind a [`Reader`]: what the builders of connectors end in.
#[must_use = "a source does nothing until it is read: `app.read(source)`"]
pub struct ReaderSource<T> {
    reader: Arc<dyn Reader>,
    rows: PhantomData<fn() -> T>,
}

impl<T> std::fmt::Debug for ReaderSource<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ReaderSource").field(&self.reader.label()).finish()
    }
}

impl<T: Schema> ReaderSource<T> {
    /// A source whose reader's decoders make rows of type `T`.
    pub fn new(reader: impl Reader + 'static) -> Self {
        Self { reader: Arc::new(reader), rows: PhantomData }
    }

    /// Adds the source to a pipeline: its rows and its bad rows, both append-only if `append_only`.
    #[track_caller]
    pub fn push(self, pipeline: &Pipeline, append_only: bool) -> (Table<T>, Table<BadRow>) {
        let node = pipeline.graph.push(
            "read",
            Location::caller(),
            Operation::Source(SourceNode { reader: self.reader }),
            Vec::new(),
            vec![const { RowType::of::<T>() }, const { RowType::of::<BadRow>() }],
            append_only,
        );
        let graph = &pipeline.graph;
        (Table::new(Arc::clone(graph), node, 0), Table::new(Arc::clone(graph), node, 1))
    }

    /// Adds the source as a stream.
    #[track_caller]
    pub fn stream(self, pipeline: &Pipeline) -> Stream<T> {
        self.push(pipeline, true).0.into_stream()
    }

    /// Adds the source as a table.
    #[track_caller]
    pub fn table(self, pipeline: &Pipeline) -> Table<T> {
        self.push(pipeline, false).0
    }

    /// Adds the source as a stream, and its bad rows as another.
    #[track_caller]
    pub fn stream_or_errors(self, pipeline: &Pipeline) -> (Stream<T>, Stream<BadRow>) {
        let (rows, errors) = self.push(pipeline, true);
        take_errors(&rows);
        (rows.into_stream(), errors.into_stream())
    }

    /// Adds the source as a table, and its bad rows as another.
    #[track_caller]
    pub fn table_or_errors(self, pipeline: &Pipeline) -> (Table<T>, Table<BadRow>) {
        let (rows, errors) = self.push(pipeline, false);
        take_errors(&rows);
        (rows, errors)
    }

    /// Adds the source as the latest row of each key.
    #[track_caller]
    pub fn upsert(self, pipeline: &Pipeline) -> Table<T>
    where
        T: Keyed,
    {
        self.stream(pipeline).upsert()
    }
}

fn take_errors<T>(rows: &Table<T>) {
    rows.graph.change(|plan| plan.node_mut(rows.port.node).errors_taken = true);
}
