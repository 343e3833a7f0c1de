//! Windows: outputs of each row that depend on its neighbours in order.

use super::affected::affected;
use super::evaluate::evaluate;
use super::partition::{Change, Partition, Partitions, Side};
use super::plan::{Keeps, OverPlan};
use crate::dataflow::chunk::Chunk;
use crate::dataflow::logic::Fail;
use crate::dataflow::operator::{Epoch, Logic};
use crate::schema::{DataType, ordered};
use crate::stage::{Diff, EncodedStep};
use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

/// Evaluates a window over each partition.
pub(crate) struct Over {
    pub(crate) plan: OverPlan,
    pub(crate) rows: DataType,
    pub(crate) state: Rc<RefCell<Partitions>>,
    pub(crate) root: Box<dyn EncodedStep>,
    pub(crate) fail: Fail,
}

/// Rows in order with their outputs.
#[derive(Debug, Default)]
struct Outputs {
    bytes: Vec<u8>,
    rows: Vec<Output>,
}

#[derive(Clone, Copy, Debug)]
struct Output {
    start: usize,
    key_len: usize,
    sort_len: usize,
    len: usize,
}

impl Outputs {
    fn push(&mut self, key_len: usize, sort: &[u8], outputs: &[u8]) {
        let (start, sort_len) = (self.bytes.len(), sort.len());
        self.bytes.extend_from_slice(sort);
        self.bytes.extend_from_slice(outputs);
        self.rows.push(Output { start, key_len, sort_len, len: sort_len + outputs.len() });
    }

    fn sort(&self, row: Output) -> &[u8] {
        &self.bytes[row.start..row.start + row.sort_len]
    }

    fn row(&self, row: Output) -> &[u8] {
        &self.sort(row)[row.key_len..]
    }

    fn outputs(&self, row: Output) -> &[u8] {
        &self.bytes[row.start + row.sort_len..row.start + row.len]
    }

    /// How many rows from there on are copies of one.
    fn copies(&self, from: usize) -> usize {
        let first = self.sort(self.rows[from]);
        self.rows[from..].iter().take_while(|&&row| self.sort(row) == first).count()
    }
}

/// Where the difference of outputs goes.
struct Emit<'a> {
    rows: DataType,
    root: &'a mut dyn EncodedStep,
    row: Vec<u8>,
}

impl Emit<'_> {
    /// The copies of one row on the two sides, of which either may be none.
    fn copies(&mut self, old: (&Outputs, &[Output]), new: (&Outputs, &[Output])) {
        if let ([one], [other]) = (old.1, new.1)
            && old.0.outputs(*one) == new.0.outputs(*other)
        {
            return;
        }
        self.row.clear();
        let mut row = match (old.1, new.1) {
            ([first, ..], _) => old.0.row(*first),
            (_, [first, ..]) => new.0.row(*first),
            _ => return,
        };
        ordered::to_compact(self.rows, &mut row, &mut self.row);
        // Copies of a row cannot be told apart, so only which outputs there are matters.
        let mut left: Vec<&[u8]> = old.1.iter().map(|&row| old.0.outputs(row)).collect();
        let mut right: Vec<&[u8]> = new.1.iter().map(|&row| new.0.outputs(row)).collect();
        left.sort_unstable();
        right.sort_unstable();
        let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
        loop {
            let (outputs, diff): (_, Diff) = match (left.peek().copied(), right.peek().copied()) {
                (None, None) => return,
                (Some(before), Some(after)) if before == after => {
                    left.next();
                    right.next();
                    continue;
                }
                (Some(before), after) if after.is_none_or(|after| before < after) => {
                    left.next();
                    (before, -1)
                }
                (_, after) => {
                    right.next();
                    (after.unwrap_or_default(), 1)
                }
            };
            self.root.push(&self.row, outputs, diff);
        }
    }

    /// The difference of two sides.
    fn difference(&mut self, old: &Outputs, new: &Outputs) {
        let (mut at_old, mut at_new) = (0, 0);
        while at_old < old.rows.len() || at_new < new.rows.len() {
            let before = old.rows.get(at_old).map(|&row| old.sort(row));
            let after = new.rows.get(at_new).map(|&row| new.sort(row));
            let (takes_old, takes_new) = match (before, after) {
                (Some(before), Some(after)) => (before <= after, after <= before),
                (before, after) => (before.is_some(), after.is_some()),
            };
            let end_old = at_old + if takes_old { old.copies(at_old) } else { 0 };
            let end_new = at_new + if takes_new { new.copies(at_new) } else { 0 };
            let (old_rows, new_rows) = (&old.rows[at_old..end_old], &new.rows[at_new..end_new]);
            self.copies((old, old_rows), (new, new_rows));
            (at_old, at_new) = (end_old, end_new);
        }
    }
}

impl Over {
    fn outputs(
        plan: &OverPlan,
        keeps: &Keeps,
        partition: &Partition,
        positions: &[Range<u64>],
    ) -> Result<Outputs, String> {
        let mut found = Outputs::default();
        evaluate(plan, keeps, partition, positions, |entry, outputs| {
            found.push(entry.key().len(), entry.sort(), outputs);
        })?;
        Ok(found)
    }
}

/// Whether so much of a partition changes that looking for what does not is not worth it.
fn is_rewrite(partition: &Partition, changes: &[Change]) -> bool {
    changes.len() as u64 > partition.rows.rows() / 8
}

impl Logic for Over {
    fn receive(&mut self, _port: usize, chunk: Chunk) {
        let mut state = self.state.borrow_mut();
        for (key, message, diff) in chunk.iter() {
            state.receive(key.unwrap_or_default(), message, diff);
        }
    }

    fn close(&mut self, _epoch: Epoch) -> bool {
        let mut state = self.state.borrow_mut();
        let (plan, rows) = (&self.plan, self.rows);
        let mut emit = Emit { rows, root: &mut *self.root, row: Vec::new() };
        let result = state.close(|key, partition, keeps| {
            let fail = |problem| (key.to_vec(), problem);
            let changes =
                partition.take_changes().map_err(|taken| fail(super::too_few(rows, &taken)))?;
            if changes.is_empty() {
                return Ok(());
            }
            let rewrite = is_rewrite(partition, &changes);
            let positions = |partition: &Partition, side| {
                if rewrite {
                    std::iter::once(0..partition.rows.rows()).collect()
                } else {
                    affected(plan, keeps, partition, &changes, side)
                }
            };
            let before = positions(partition, Side::Before);
            let old = Self::outputs(plan, keeps, partition, &before).map_err(fail)?;
            for change in &changes {
                partition.apply(keeps, &change.entry);
            }
            let after = positions(partition, Side::After);
            let new = Self::outputs(plan, keeps, partition, &after).map_err(fail)?;
            emit.difference(&old, &new);
            Ok(())
        });
        if let Err((key, problem)) = result {
            (self.fail)(Some(&key), problem);
        }
        true
    }
}
