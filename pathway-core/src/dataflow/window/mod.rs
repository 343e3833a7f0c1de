//! Windows: reductions of the rows of a stretch of time.
//!
//! Windows of fixed bounds are put together from *panes*, the longest stretches that none of them
//! divides. So a row is reduced once, however many windows it is in: where windows slide, the
//! change of a pane is merged into each window that has it once an epoch, and where windows come
//! out when they are final, panes alone are kept and merged once for each window. Each pane and
//! each window has a table of groups of its own, so one that is over goes as a whole.
//!
//! Sessions have bounds that follow from their rows: a key's rows of one moment are a pane, and
//! sessions are merged and split as moments come and go. Sessions by a predicate on neighbouring
//! rows, and windows of so many rows, follow from their order: a key's rows are sorted, and those
//! that are final go. Intervals around the rows of
//! another table keep what each comes to, and the moments that those to come may need.

mod assign;
mod counts;
mod emit;
mod intervals;
mod joins;
mod neighbours;
mod part;
mod run;
mod sessions;
mod table;

pub use assign::{Calendar, Division};
pub(crate) use counts::{Counts, time_bytes};
pub(crate) use intervals::Intervals;
pub use joins::Joins;
pub(crate) use neighbours::NeighbourSessions;
pub use neighbours::Neighbours;
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
    /// Rows of a key that follow each other.
    Sessions(Joins),
    /// Rows of a key of which a predicate holds of each and the one before it.
    Neighbours(Neighbours),
    /// So many rows of a key, in the order of their times.
    Counted {
        /// How many rows each has.
        size: u64,
        /// From the first row of one to the first row of the next.
        hop: u64,
    },
    /// One around the time of each row of another table.
    Around(Around),
}

/// Intervals around the rows of another table, in steps. Both ends are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Around {
    /// From the time of the other row to the first time in the interval.
    pub lower: i128,
    /// From the time of the other row to the last time in the interval.
    pub upper: i128,
    /// Whether an interval without rows has outputs.
    pub outer: bool,
    /// Whether rows of the other table are never taken away.
    pub append_only: bool,
}

impl Windows {
    /// The pane that a time is in: its start, and the start of the next.
    pub(crate) fn pane_bounds(&self, time: i128) -> (i128, i128) {
        match self {
            Self::Fixed(division) => division.pane_bounds(time),
            _ => (time, time.saturating_add(1)),
        }
    }

    /// How many bytes stand in front of a group's key.
    pub(crate) fn front(&self) -> usize {
        match self {
            Self::Fixed(Division::Own) | Self::Sessions(Joins::ByRow) => 2 * PANE_LEN,
            Self::Fixed(_) | Self::Sessions(_) | Self::Around(_) => PANE_LEN,
            Self::Counted { .. } | Self::Neighbours(_) => 0,
        }
    }
}

impl fmt::Display for Windows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(division) => division.fmt(f),
            Self::Sessions(Joins::Gap(_)) => f.write_str("session windows"),
            Self::Sessions(_) => f.write_str("session windows by closure"),
            Self::Neighbours(neighbours) if neighbours.within.is_none() => {
                f.write_str("session windows of neighbouring rows")
            }
            Self::Neighbours(neighbours) => {
                write!(f, "session windows of neighbouring rows within {}", neighbours.described)
            }
            Self::Counted { size, hop } if size == hop => write!(f, "windows of {size} rows"),
            Self::Counted { size, hop } => write!(f, "windows of {size} rows every {hop}"),
            Self::Around(around) if around.outer => f.write_str("intervals over another table"),
            Self::Around(_) => f.write_str("intervals over another table, those with rows"),
        }
    }
}

/// When results come out, of windows and of joins by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emission {
    /// In every epoch that changes them.
    EveryChange,
    /// Once, when the watermark says that they are final.
    WhenFinal,
    /// At intervals of the clock, in nanoseconds, and when they are final.
    Early(i64),
}

/// What comes out of windows, and what becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Results {
    /// When it comes out.
    pub emission: Emission,
    /// Whether it is taken back when its window is over.
    pub forgets: bool,
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
    /// No row of the other table below this time will come, or go.
    pub(crate) other: i128,
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

    /// Takes a row of the other table, with its time in front.
    fn around(&mut self, _key: Option<&[u8]>, _row: &[u8], _diff: Diff) {
        unreachable!("only intervals have another table");
    }

    /// Ends an epoch.
    ///
    /// # Errors
    ///
    /// What is wrong with a group, with its key's compact bytes.
    fn close(&mut self, at: &Moment, root: &mut dyn EncodedStep) -> Result<(), Problem>;

    /// When an epoch is to be closed even if no row has arrived.
    fn due(&self) -> Option<i64>;
}
