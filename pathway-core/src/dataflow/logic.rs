//! The operators behind [`Logic`]: each holds its state and the stage that its output feeds.

use super::chunk::Chunk;
use super::group_table::{GroupOutput, GroupTable};
use super::index::{Index, Version};
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
    #[inline]
    fn emit(&mut self, key: &[u8], old: Option<&[u8]>, new: Option<&[u8]>) {
        if let Some(old) = old {
            self.0.push(key, old, -1);
        }
        if let Some(new) = new {
            self.0.push(key, new, 1);
        }
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
    /// A row that one side has taken away more often than it had been added.
    taken_away: Option<Vec<u8>>,
}

impl GroupOutput for ToCopies<'_> {
    fn emit(&mut self, row: &[u8], old: Option<&[u8]>, new: Option<&[u8]>) {
        let copies = |counts: Option<&[u8]>| counts.map_or(Some(0), |c| self.operation.copies(c));
        let (Some(before), Some(copies)) = (copies(old), copies(new)) else {
            self.taken_away = Some(row.to_vec());
            return;
        };
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
        let mut output =
            ToCopies { operation: self.operation, root: &mut *self.root, taken_away: None };
        let mut result = self.table.borrow_mut().close(&mut output);
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
    /// Ends the run where two rows have one key, if that is not allowed.
    pub(crate) unique: Option<Unique>,
}

/// What a violated key is reported with.
pub(crate) struct Unique {
    pub(crate) describe: Box<dyn Fn(&[u8]) -> String>,
    pub(crate) fail: Fail,
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
        if let Some(Unique { describe, fail }) = &self.unique
            && let Some((first, second)) = self.index.borrow_mut().twins()
        {
            let (first, second) = (describe(&first), describe(&second));
            fail(None, format!("two rows have the same key: {first} and {second}"));
        }
        true
    }

    fn sealed(&mut self, _port: usize) {
        self.index.borrow_mut().end();
    }
}

/// Hands on the rows of an index whose keys are unique.
pub(crate) struct Rows {
    pub(crate) index: Rc<RefCell<Index>>,
    pub(crate) reader: usize,
    pub(crate) root: Box<dyn EncodedStep>,
}

impl Logic for Rows {
    fn receive(&mut self, _port: usize, _chunk: Chunk) {}

    fn close(&mut self, _epoch: Epoch) -> bool {
        for (row, diff) in self.index.borrow().fresh_rows() {
            self.root.push(row, &[], diff);
        }
        self.index.borrow_mut().release(self.reader);
        true
    }
}

/// What a join makes of the rows of one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alone {
    /// Nothing: only pairs count.
    No,
    /// A row for each that has no match.
    Unmatched,
    /// A row for each that has a match.
    Matched,
}

/// What a join gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JoinKind {
    /// Whether it gives the pairs of rows whose keys are equal.
    pub pairs: bool,
    /// Which rows of the left side it gives alone.
    pub left: Alone,
    /// Which rows of the right side it gives alone.
    pub right: Alone,
    /// Whether a left row meets the right side as it is in the row's epoch, and never again.
    pub as_of_now: bool,
}

/// An index as one side of a join.
pub(crate) struct JoinSide {
    pub(crate) index: Rc<RefCell<Index>>,
    /// The number that the index knows the join by.
    pub(crate) reader: usize,
    /// Whether the join has told the index that it needs rows of the past no more.
    pub(crate) forgets: bool,
}

/// Joins two indexes.
pub(crate) struct Join {
    pub(crate) kind: JoinKind,
    pub(crate) left: JoinSide,
    pub(crate) right: JoinSide,
    pub(crate) root: Box<dyn EncodedStep>,
}

impl JoinKind {
    /// Pairs alone.
    pub const INNER: Self =
        Self { pairs: true, left: Alone::No, right: Alone::No, as_of_now: false };
    /// Pairs, and left rows without a match.
    pub const LEFT: Self = Self { left: Alone::Unmatched, ..Self::INNER };
    /// Pairs, and right rows without a match.
    pub const RIGHT: Self = Self { right: Alone::Unmatched, ..Self::INNER };
    /// Pairs, and the rows of both sides without a match.
    pub const FULL: Self = Self { right: Alone::Unmatched, ..Self::LEFT };
    /// Left rows with a match.
    pub const SEMI: Self = Self { pairs: false, left: Alone::Matched, ..Self::INNER };
    /// Left rows without a match.
    pub const ANTI: Self = Self { pairs: false, left: Alone::Unmatched, ..Self::INNER };
}

impl Alone {
    /// How often a row counts whose key has that many rows on the other side.
    fn times(self, matches: Diff) -> Diff {
        Diff::from(match self {
            Self::No => false,
            Self::Unmatched => matches == 0,
            Self::Matched => matches != 0,
        })
    }
}

/// What the updates of one side give: see [`Index`] for which rows of the other side they meet.
fn updates_of(side: Side, kind: JoinKind, own: &Index, other: &Index, root: &mut dyn EncodedStep) {
    let (own_alone, other_alone) = match side {
        Side::Left => (kind.left, kind.right),
        Side::Right => (kind.right, kind.left),
    };
    own.probe(other, |row, diff, matches| {
        let at = Version::of(diff);
        if own_alone != Alone::No && own_alone.times(matches.count(at)) != 0 {
            side.push_alone(root, row, diff);
        }
        if kind.pairs {
            let met = if side == Side::Left { at } else { Version::Kept };
            matches.for_each(met, |other, count| side.push_pair(root, row, other, diff * count));
        }
    });
    if other_alone == Alone::No {
        return;
    }
    // Rows of the other side that gain their first match, or lose their last.
    for key in own.touched() {
        let times = |count| other_alone.times(count);
        let change = times(key.current_count()) - times(key.sealed_count());
        if change != 0 {
            key.matches_in(other).for_each(Version::Kept, |row, count| {
                side.other().push_alone(root, row, count * change);
            });
        }
    }
}

/// A side of a join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

impl Side {
    fn other(self) -> Self {
        match self {
            Self::Left => Self::Right,
            Self::Right => Self::Left,
        }
    }

    fn push_alone(self, root: &mut dyn EncodedStep, row: &[u8], diff: Diff) {
        match self {
            Self::Left => root.push_left(row, diff),
            Self::Right => root.push_right(row, diff),
        }
    }

    fn push_pair(self, root: &mut dyn EncodedStep, own: &[u8], other: &[u8], diff: Diff) {
        match self {
            Self::Left => root.push(own, other, diff),
            Self::Right => root.push(other, own, diff),
        }
    }
}

impl Join {
    /// Joins what has come so far.
    fn advance(&mut self) {
        let Self { kind, left, right, root } = self;
        left.index.borrow_mut().settle();
        right.index.borrow_mut().settle();
        {
            let (left, right) = (&*left.index.borrow(), &*right.index.borrow());
            root.hold(true);
            updates_of(Side::Left, *kind, left, right, &mut **root);
            if !kind.as_of_now {
                updates_of(Side::Right, *kind, right, left, &mut **root);
            }
            root.hold(false);
        }
        left.index.borrow_mut().release(left.reader);
        right.index.borrow_mut().release(right.reader);
    }
}

/// So many rows of a side that is not kept are joined at once, before the epoch closes.
const EAGER_ROWS: usize = 1 << 12;

impl JoinSide {
    /// Whether its rows can be joined and forgotten before the epoch closes.
    fn is_eager(&self) -> bool {
        let index = self.index.borrow();
        self.forgets && index.has_one_reader() && index.fresh_len() >= EAGER_ROWS
    }

    /// Whether the index may forget: the other side has ended and does not ask which of its rows
    /// have met nobody.
    fn may_forget(&self, other: &Self, other_alone: Alone) -> bool {
        !self.forgets && other_alone == Alone::No && other.index.borrow().has_ended()
    }

    fn forget(&mut self) {
        self.forgets = true;
        self.index.borrow_mut().stop_keeping();
    }
}

impl Logic for Join {
    fn receive(&mut self, _port: usize, _chunk: Chunk) {
        // The rows are in the indexes; chunks only tell that there are some.
        let Self { kind, left, right, .. } = self;
        let forgets_left = left.may_forget(right, kind.right);
        let forgets_right = right.may_forget(left, kind.left);
        // The last rows of a side that has ended may have met nobody yet.
        let unread = |side: &JoinSide| side.index.borrow().fresh_len() > 0;
        let is_unread = (forgets_left && unread(right)) || (forgets_right && unread(left));
        // A row that meets the other side as of now waits until that is complete.
        let waits = kind.as_of_now;
        if is_unread && !waits {
            self.advance();
        }
        if forgets_left && !(is_unread && waits) {
            self.left.forget();
        }
        if forgets_right && !(is_unread && waits) {
            self.right.forget();
        }
        if !waits && (self.left.is_eager() || self.right.is_eager()) {
            self.advance();
        }
    }

    fn close(&mut self, _epoch: Epoch) -> bool {
        self.advance();
        true
    }
}
