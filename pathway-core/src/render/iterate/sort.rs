//! Sorted tables in a loop: a partition is evaluated as a whole where it changes.

use super::LoopRenderer;
use crate::dataflow::iterate::{self, Buffer, Flow, Row};
use crate::dataflow::ordered::{Keeps, OverPlan, WholePartition};
use crate::plan::{Node, Port, Sorted, SortedOutput};
use crate::schema::{put_len, take_bytes, take_len};
use crate::stage::Diff;

impl<'a, 'inner> LoopRenderer<'_, 'a, '_, 'inner> {
    pub(super) fn sort(&mut self, node: &'a Node, sorted: &'a Sorted) {
        match &sorted.output {
            output @ (SortedOutput::Limit { .. } | SortedOutput::First { .. }) => {
                let bounds = output.limits().expect("it has limits");
                let is_first = matches!(output, SortedOutput::First { .. });
                let mut partition = WholePartition::new(Keeps::nothing(), (sorted.rows)());
                partition.takes_first_rows(is_first);
                let kept = self.partitions(node, partition, move |partition, out| {
                    partition.limit(bounds, |row, copies| out.push((Row::new(row), copies)))
                });
                self.rows(node, 0, kept.map(|(_, row)| (row, Row::default())));
            }
            SortedOutput::Over { plan, root } => {
                let partition = WholePartition::new(Keeps::of(&plan.parts), (sorted.rows)());
                let plan: OverPlan = plan.clone();
                let mut bytes = Vec::new();
                let kept = self.partitions(node, partition, move |partition, out| {
                    partition.over(&plan, |row, outputs| {
                        bytes.clear();
                        put_len(row.len(), &mut bytes);
                        bytes.extend_from_slice(row);
                        bytes.extend_from_slice(outputs);
                        out.push((Row::new(&bytes), 1));
                    })
                });
                let mut feeds = Vec::new();
                let root = root(self.steps(Port { node: node.id, output: 0 }, &mut feeds));
                self.run(node, kept.map(|(_, both)| parts(&both)), root, feeds);
            }
        }
    }

    fn partitions(
        &mut self,
        node: &Node,
        mut partition: WholePartition,
        mut evaluate: impl FnMut(&mut WholePartition, &mut Vec<(Row, Diff)>) -> Result<(), String>
        + 'static,
    ) -> Flow<'inner> {
        let (flow, kept, fail) = (self.input(node, 0), self.kept(node), self.renderer.fail(node));
        iterate::reduce(flow, &node.describe(), &kept, move |key, rows, out| {
            let mut bytes = Buffer::default();
            for (row, copies) in rows {
                partition.push(row.bytes(&mut bytes), *copies);
            }
            if let Err(problem) = evaluate(&mut partition, out) {
                fail(Some(key.bytes(&mut bytes)), problem);
            }
        })
    }
}

/// A row and its outputs.
fn parts(both: &Row) -> (Row, Row) {
    let mut bytes = Buffer::default();
    let mut outputs = both.bytes(&mut bytes);
    let len = take_len(&mut outputs);
    let row = Row::new(take_bytes(&mut outputs, len));
    (row, Row::new(outputs))
}
