//! Operators whose rows are the results of calls made outside of the worker.
//!
//! A call takes a row away and brings an [`Outcome`] back at some later time, in no order. Who
//! makes it, and with how many others at once, is behind [`Calls`]; here is when calls begin, what
//! their results are kept for, and which epoch they belong to.
//!
//! - [`Held`]: a stream's rows. A call begins as soon as its row is there; the epoch stays open
//!   until all calls of it have come back.
//! - [`Pairs`]: a table's rows, each kept with what its call gave, so that what is taken back is
//!   what was given. Calls begin when the epoch's updates are known.
//! - [`Detached`]: a stream's rows whose results join a later epoch.

mod detached;
mod held;
mod pairs;
#[cfg(test)]
mod tests;

pub(crate) use detached::{Detached, Waiting};
pub(crate) use held::Held;
pub(crate) use pairs::{Pairs, PairsLogic};

use super::chunk::Origin;
use super::operator::Epoch;
use super::out_buffer::SharedBuffer;
use crate::stage::{Diff, EncodedStep};
use std::any::Any;
use std::cell::RefCell;
use std::rc::Rc;

/// What a call has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A row.
    Row(Vec<u8>),
    /// No row.
    Nothing,
    /// A row of the error stream.
    Failed(Vec<u8>),
}

/// A call that has come back.
pub(crate) struct Done {
    /// The number that it was begun with.
    pub(crate) ticket: u64,
    pub(crate) outcome: Outcome,
    /// Counts as a call that is under way until it is dropped.
    pub(crate) counted: Box<dyn Any + Send>,
}

/// Keeps a call going: once it is dropped, nobody waits for the result.
pub(crate) type Interest = Box<dyn Any + Send>;

/// Makes the calls of one operator on one worker.
pub(crate) trait Calls {
    /// Begins a call for a row of that epoch, as soon as there is room.
    fn begin(&self, ticket: u64, epoch: Epoch, row: &[u8]) -> Interest;

    /// Takes the calls that have come back.
    fn take(&self, done: &mut Vec<Done>);

    /// Names what is to be called when some have.
    fn wake_by(&self, wake: Box<dyn Fn() + Send>);
}

/// Where results go: rows, and what failed, if the program takes it.
pub(crate) struct Outputs {
    pub(crate) rows: Box<dyn EncodedStep>,
    pub(crate) errors: Option<Box<dyn EncodedStep>>,
    /// The buffers behind, which keep the order of the rows' source.
    pub(crate) buffers: Vec<SharedBuffer>,
}

impl Outputs {
    fn push(&mut self, outcome: &Outcome, diff: Diff) {
        match (outcome, &mut self.errors) {
            (Outcome::Row(row), _) => self.rows.push(row, &[], diff),
            (Outcome::Failed(row), Some(errors)) => errors.push(row, &[], diff),
            (Outcome::Nothing, _) => {}
            (Outcome::Failed(_), None) => {
                unreachable!("a failure that the program does not take ends the run")
            }
        }
    }

    fn set_origin(&self, origin: Origin) {
        for buffer in &self.buffers {
            buffer.borrow_mut().set_origin(origin);
        }
    }
}

/// What the source of a detached operator's results shares with the operator.
#[derive(Default)]
pub(crate) struct Inbox {
    /// Results of the open epoch.
    pub(crate) done: Vec<(u64, Outcome)>,
    /// How many calls the operator waits for.
    pub(crate) waiting: usize,
    /// Whether no more rows will come.
    pub(crate) sealed: bool,
}

impl Inbox {
    /// Whether nothing will come any more.
    pub(crate) fn is_finished(&self) -> bool {
        self.sealed && self.waiting == 0 && self.done.is_empty()
    }
}

pub(crate) type SharedInbox = Rc<RefCell<Inbox>>;
