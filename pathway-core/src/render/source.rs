//! Sources: their stage runs on the worker, outside of any operator, and feeds the dataflow
//! through its inputs.

use super::{Renderer, RowTree};
use crate::dataflow::chunk::Origin;
use crate::dataflow::operator::Epoch;
use crate::dataflow::out_buffer::SharedBuffer;
use crate::io::AnyRows;
use crate::plan::{Node, NodeId, Operation, Port};
use crate::stage::{Diff, EncodedStep};
use std::rc::Rc;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::operators::Input as _;
use timely::dataflow::operators::core::input::Handle;

type Chunks = Vec<crate::dataflow::chunk::Chunk>;

/// A source's first stage, with the inputs that it feeds.
pub(crate) struct SourceStage {
    pub(crate) node: NodeId,
    rows: RowTree,
    errors: Box<dyn EncodedStep>,
    /// Whether the program takes the error stream.
    pub(crate) errors_taken: bool,
    ports: Vec<(SharedBuffer, Handle<Epoch, CapacityContainerBuilder<Chunks>>)>,
    chunks: Chunks,
    /// Whether anything has entered the open epoch. What was written directly into a state in the
    /// epoch before may still wait there, and is none of this one's.
    entered: bool,
}

pub(super) fn render(renderer: &mut Renderer<'_, '_>, node: &Node) -> SourceStage {
    let mut feeds = Vec::new();
    let Operation::Source(source) = &node.operation else {
        unreachable!("only sources are rendered here");
    };
    let port = Port { node: node.id, output: 0 };
    let rows = renderer.row_parts(port, !source.reader.typed(), &mut feeds);
    let errors = renderer.row_tree(Port { node: node.id, output: 1 }, &mut feeds);
    let mut ports = Vec::new();
    for feed in feeds {
        let (handle, edge) =
            renderer.scope.new_input_with_builder::<CapacityContainerBuilder<Chunks>>();
        renderer.connect(&feed, edge);
        ports.push((Rc::clone(&feed.buffer), handle));
    }
    SourceStage {
        node: node.id,
        rows,
        errors,
        errors_taken: node.errors_taken,
        ports,
        chunks: Vec::new(),
        entered: false,
    }
}

impl SourceStage {
    /// Names the partition that the rows which follow come from.
    pub(crate) fn set_origin(&mut self, partition: u64) {
        for (buffer, _) in &self.ports {
            buffer.borrow_mut().set_origin(Origin { partition, ..Origin::default() });
        }
    }

    /// Takes a row of the open epoch.
    pub(crate) fn row(&mut self, row: &[u8], diff: Diff) {
        self.entered = true;
        for step in &mut self.rows.encoded {
            step.push(row, &[], diff);
        }
        if let Some(step) = &mut self.rows.typed {
            step.push(row, &[], diff);
        }
    }

    /// Takes rows of the open epoch that were not encoded.
    pub(crate) fn rows(&mut self, rows: &mut dyn AnyRows) {
        self.entered = true;
        let RowTree { encoded, typed } = &mut self.rows;
        if !encoded.is_empty() {
            rows.encode_each(&mut |row| {
                for step in &mut *encoded {
                    step.push(row, &[], 1);
                }
            });
        }
        if let Some(step) = typed {
            step.push_rows(rows);
        }
    }

    /// Takes a row of the error stream.
    pub(crate) fn error(&mut self, row: &[u8], diff: Diff) {
        self.entered = true;
        self.errors.push(row, &[], diff);
    }

    fn send(&mut self, end_of_epoch: bool) {
        for (buffer, handle) in &mut self.ports {
            buffer.borrow_mut().take(end_of_epoch, &mut self.chunks);
            if !self.chunks.is_empty() {
                handle.send_batch(&mut self.chunks);
                self.chunks.clear();
            }
        }
    }

    fn end(&mut self) {
        if std::mem::take(&mut self.entered) {
            self.send(true);
        }
    }

    /// Sends on what the stage has produced, except what is still being combined.
    pub(crate) fn flush(&mut self) {
        self.send(false);
    }

    /// Ends the open epoch and opens `epoch`.
    pub(crate) fn advance(&mut self, epoch: Epoch) {
        self.end();
        for (_, handle) in &mut self.ports {
            handle.advance_to(epoch);
        }
    }

    /// Ends the input for good.
    pub(crate) fn close(&mut self) {
        self.end();
        self.ports.clear();
    }
}
