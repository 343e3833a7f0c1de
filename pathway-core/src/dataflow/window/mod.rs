//! Windows: reductions of the rows of a stretch of time.
//!
//! Windows of fixed bounds are put together from *panes*, the longest stretches that none of them
//! divides. So a row is reduced once, however many windows it is in: where windows slide, the
//! change of a pane is merged into each window that has it once an epoch, and where windows come
//! out when they are final, panes alone are kept and merged once for each window. Each pane and
//! each window has a table of groups of its own, so one that is over goes as a whole.
//!
//! Sessions have bounds that follow from their rows: a key's rows of one moment are a pane, and
//! sessions are merged and split as moments come and go.

mod assign;
mod emit;
mod run;
mod sessions;
mod table;

pub use assign::{Calendar, Division};
pub(crate) use run::{DirectWindows, RunWindows};
pub(crate) use sessions::Sessions;
pub(crate) use table::WindowTable;

use super::state::State;
use crate::stage::{Diff, EncodedStep, SharedBatch};
use std::fmt;

/// Which windows there are.
#[derive(Clone, Debug)]
pub enum Windows {
    /// Those of fixed bounds.
    Fixed(Division),
    /// Rows of a key of which none is `gap` or more behind the one before.
    Sessions {
        /// The length of silence that ends a session, in steps.
        gap: i128,
    },
}

impl Windows {
    /// The pane that a time is in: its start, and the start of the next.
    pub(crate) fn pane_bounds(&self, time: i128) -> (i128, i128) {
        match self {
            Self::Fixed(division) => division.pane_bounds(time),
            Self::Sessions { .. } => (time, time.saturating_add(1)),
        }
    }
}

impl fmt::Display for Windows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(division) => division.fmt(f),
            Self::Sessions { .. } => f.write_str("session windows"),
        }
    }
}

/// When the rows of a window come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emission {
    /// In every epoch that changes them.
    EveryChange,
    /// Once, when the watermark has passed the window.
    WhenFinal,
    /// At intervals of the clock, in nanoseconds, and when the window is final.
    Early(i64),
}

/// What is wrong with a group: its key and the problem.
type Problem = (Vec<u8>, String);

/// The length of a pane's start, which is in front of a group's key.
pub(crate) const PANE_LEN: usize = 16;

fn pane_and_key(key: &[u8]) -> (i128, &[u8]) {
    let (pane, key) = key.split_first_chunk::<PANE_LEN>().expect("a pane is in front of the key");
    (i128::from_le_bytes(*pane), key)
}

/// The close of an epoch.
pub(crate) struct Moment {
    /// No window that ends here or before changes any more.
    pub(crate) watermark: i128,
    /// The time by the clock.
    pub(crate) now: i64,
    /// Nothing more will come.
    pub(crate) ended: bool,
}

/// The windows of one worker.
pub(crate) trait WindowState: State {
    /// Where rows are written: pane and key, and the arguments.
    fn batch(&self) -> SharedBatch;

    /// Adds the rows that wait in the batch.
    fn settle(&mut self);

    /// Merges a group that another worker has combined.
    fn merge(&mut self, key: &[u8], partial: &[u8], rows: Diff);

    /// Ends an epoch.
    ///
    /// # Errors
    ///
    /// What is wrong with a group, with its key's compact bytes.
    fn close(&mut self, at: &Moment, root: &mut dyn EncodedStep) -> Result<(), Problem>;

    /// When an epoch is to be closed even if no row has arrived.
    fn due(&self) -> Option<i64>;
}
