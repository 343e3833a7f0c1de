//! The operators behind [`Logic`]: each holds its state and the stage that its output feeds.

use super::chunk::Chunk;
use super::group_table::{GroupOutput, GroupTable};
use super::index::{Index, Rows};
use super::operator::{Epoch, Logic};
use crate::stage::{Diff, EncodedStep};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// Ends the run: the node, an encoded key if there is one, and what is wrong.
pub(crate) type Fail = Arc<dyn Fn(Option<&[u8]>, String) + Send + Sync>;

/// Feeds a stage from whole rows: behind a concatenation.
pub(crate) struct Forward {
    /// The number of the plan node.
    pub(crate) node: u32,
    pub(crate) root: Box<dyn EncodedStep>,
    /// The buffers behind, which keep the order of the rows' source.
    pub(crate) buffers: Vec<super::out_buffer::SharedBuffer>,
}

impl Logic for Forward {
    fn receive(&mut self, port: usize, chunk: Chunk) {
        // Rows of one partition that come by two ways have no order among each other.
        let origin = chunk.origin.by_way(self.node, port);
        for buffer in &self.buffers {
            buffer.borrow_mut().set_origin(origin);
        }
        for (key, _, diff) in chunk.iter() {
            self.root.push(key.unwrap_or_default(), &[], diff);
        }
    }

    fn close(&mut self, _epoch: Epoch) -> bool {
        true
    }
}

/// Makes rows of updates: the row and its diff.
pub(crate) struct Changes {
    pub(crate) root: Box<dyn EncodedStep>,
    pub(crate) chunks: Vec<Chunk>,
}

impl Logic for Changes {
    fn receive(&mut self, _port: usize, chunk: Chunk) {
        self.chunks.push(chunk);
    }

    fn close(&mut self, _epoch: Epoch) -> bool {
        let chunks = std::mem::take(&mut self.chunks);
        for (row, diff) in super::sink::consolidated(&chunks).iter() {
            self.root.push(row, &diff.to_le_bytes(), 1);
        }
        true
    }
}

/// Groups and reduces; also distinct, whose groups have no reducers.
pub(crate) struct Reduce {
    pub(crate) table: Rc<RefCell<GroupTable>>,
    pub(crate) root: Box<dyn EncodedStep>,
    pub(crate) fail: Fail,
}

struct ToRoot<'a>(&'a mut dyn EncodedStep);

impl GroupOutput for ToRoot<'_> {
    fn emit(&mut self, key: &[u8], outputs: &[u8], diff: Diff) {
        self.0.push(key, outputs, diff);
    }
}

impl Logic for Reduce {
    fn receive(&mut self, _port: usize, chunk: Chunk) {
        let mut table = self.table.borrow_mut();
        for (key, partial, rows) in chunk.iter() {
            table.merge(key.unwrap_or_default(), partial, rows);
        }
    }

    fn close(&mut self, _epoch: Epoch) -> bool {
        let mut table = self.table.borrow_mut();
        if let Err((key, problem)) = table.close(&mut ToRoot(&mut *self.root)) {
            (self.fail)(Some(&key), problem);
        }
        true
    }
}

/// How many copies of a row a set operation keeps, of those on its left and on its right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SetOperation {
    /// The left copies less the right ones.
    Difference,
    /// The copies that both have.
    Intersection,
}

impl SetOperation {
    /// The copies kept, from the two counts as a reduction encodes them; nothing if there are
    /// fewer than no copies on one side.
    fn copies(self, counts: &[u8]) -> Option<i64> {
        let count = |at: usize| {
            i64::from_le_bytes(counts[at..at + 8].try_into().expect("two counts of eight bytes"))
        };
        let (left, right) = (count(0), count(8));
        if left < 0 || right < 0 {
            return None;
        }
        Some(match self {
            Self::Difference => (left - right).max(0),
            Self::Intersection => left.min(right),
        })
    }
}

/// Compares the copies of rows on two sides.
pub(crate) struct Set {
    pub(crate) operation: SetOperation,
    pub(crate) table: Rc<RefCell<GroupTable>>,
    pub(crate) root: Box<dyn EncodedStep>,
    pub(crate) fail: Fail,
}

struct ToCopies<'a> {
    operation: SetOperation,
    root: &'a mut dyn EncodedStep,
    /// The row whose old count was given last, and the copies to take away.
    old: Option<(Vec<u8>, i64)>,
    /// A row that one side has taken away more often than it had been added.
    taken_away: Option<Vec<u8>>,
}

impl ToCopies<'_> {
    fn finish(&mut self) {
        if let Some((row, copies)) = self.old.take()
            && copies != 0
        {
            self.root.push(&row, &[], -copies);
        }
    }
}

impl GroupOutput for ToCopies<'_> {
    fn emit(&mut self, row: &[u8], counts: &[u8], diff: Diff) {
        let Some(copies) = self.operation.copies(counts) else {
            self.taken_away = Some(row.to_vec());
            return;
        };
        if diff < 0 {
            self.finish();
            self.old = Some((row.to_vec(), copies));
            return;
        }
        let before = match &self.old {
            Some((old, copies)) if old == row => *copies,
            _ => {
                self.finish();
                0
            }
        };
        self.old = None;
        if copies != before {
            self.root.push(row, &[], copies - before);
        }
    }
}

impl Logic for Set {
    fn receive(&mut self, _port: usize, chunk: Chunk) {
        let mut table = self.table.borrow_mut();
        for (key, partial, rows) in chunk.iter() {
            table.merge(key.unwrap_or_default(), partial, rows);
        }
    }

    fn close(&mut self, _epoch: Epoch) -> bool {
        let mut output = ToCopies {
            operation: self.operation,
            root: &mut *self.root,
            old: None,
            taken_away: None,
        };
        let mut result = self.table.borrow_mut().close(&mut output);
        output.finish();
        if let Some(row) = output.taken_away {
            let problem = "one side has a row fewer than no times: more copies were taken away \
                           than had been added";
            result = result.and(Err((row, problem.to_owned())));
        }
        if let Err((key, problem)) = result {
            (self.fail)(Some(&key), problem);
        }
        true
    }
}

/// Keeps an index, and lets the joins behind it know which epochs touch it.
pub(crate) struct Arrange {
    pub(crate) index: Rc<RefCell<Index>>,
    pub(crate) mark: super::out_buffer::SharedBuffer,
}

impl Logic for Arrange {
    fn receive(&mut self, _port: usize, chunk: Chunk) {
        let mut index = self.index.borrow_mut();
        for (key, row, diff) in chunk.iter() {
            index.update(key, row, diff);
        }
        self.mark.borrow_mut().mark();
    }

    fn close(&mut self, _epoch: Epoch) -> bool {
        true
    }
}

/// Which left rows a join keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JoinKind {
    /// Those with a match.
    Inner,
    /// All; once without a right row where there is no match.
    Left,
}

/// Joins two indexes.
pub(crate) struct Join {
    pub(crate) kind: JoinKind,
    pub(crate) left: Rc<RefCell<Index>>,
    pub(crate) right: Rc<RefCell<Index>>,
    pub(crate) root: Box<dyn EncodedStep>,
}

fn pairs(root: &mut dyn EncodedStep, left: Rows<'_>, right: Rows<'_>) {
    for (left, left_diff) in left.iter() {
        for (right, right_diff) in right.iter() {
            root.push(left, right, left_diff * right_diff);
        }
    }
}

impl Logic for Join {
    // The rows are in the indexes; chunks only tell that there are some.
    fn receive(&mut self, _port: usize, _chunk: Chunk) {}

    fn close(&mut self, _epoch: Epoch) -> bool {
        {
            let (left, right) = (self.left.borrow(), self.right.borrow());
            let root = &mut *self.root;
            for key in left.touched() {
                let matches = right.sealed_of(&key);
                pairs(root, key.fresh, matches);
                if self.kind == JoinKind::Left && matches.count() == 0 {
                    for (row, diff) in key.fresh.iter() {
                        root.push_left(row, diff);
                    }
                }
            }
            for key in right.touched() {
                let rows = left.current_of(&key);
                pairs(root, rows, key.fresh);
                if self.kind == JoinKind::Left {
                    let unmatched = |matches: Rows<'_>| i64::from(matches.count() == 0);
                    let diff = unmatched(key.current) - unmatched(key.sealed);
                    if diff != 0 {
                        for (row, count) in rows.iter() {
                            root.push_left(row, count * diff);
                        }
                    }
                }
            }
        }
        self.left.borrow_mut().release();
        self.right.borrow_mut().release();
        true
    }
}
