//! Joins by time: rows of one key whose times are near each other.
//!
//! The rows of a key are kept by time on both sides. An epoch is applied key by key, in an order
//! in which every pair is met that is there before the epoch and not behind it, or the other way
//! round, and no other one (decision 10):
//!
//! ```text
//! rows taken away from the left    meet the right side as it was
//! rows taken away from the right   meet the left rows that stay
//! rows added on the right          meet the left rows that stay
//! rows added on the left           meet the right side as it is now
//! ```
//!
//! # What is forgotten
//!
//! A side's watermark says that no row below it will be added, nor, because an edge refuses late
//! retractions as well, be taken away. A row of a side that is append-only is never taken away.
//! Call a row *settled* when it can no longer be taken away.
//!
//! A row is let go of when it is settled, no row that may still come can meet it, and no change
//! that may still come needs it. The argument for each kind stands beside its rule: in
//! `interval`, in `as_of` and in `session`. What is common:
//!
//! * Each rule is monotone in time: of the rows of one key on one side, the oldest is let go of
//!   first. So the operator looks at the oldest rows of a key alone, and remembers at which
//!   watermark it has to look again (`Wait`); no pass over the keys is needed.
//! * A side without a watermark is as one whose watermark stays in front of all times, until the
//!   side has ended; then it is behind them.
//! * Where results come out once, when they are final, rows that may be taken away wait until they
//!   are settled before they take part. So behind that, rows only come.

mod as_of;
mod early;
mod interval;
mod output;
mod rows;
mod run;
mod session;
mod state;
#[cfg(test)]
mod tests;

pub(crate) use run::RunTimeJoin;
pub(crate) use state::TimeJoinState;

use super::window::Emission;
use std::ops::RangeInclusive;

/// A join by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeJoinPlan {
    /// Which rows meet.
    pub meets: Meets,
    /// Whether left rows without a match are given alone.
    pub left_alone: bool,
    /// Whether right rows without a match are given alone.
    pub right_alone: bool,
    /// When results come out.
    pub emission: Emission,
}

/// Which rows of a key meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meets {
    /// Those of which the right time less the left time is in an interval, ends included.
    Interval {
        /// The least difference, in steps.
        lower: i128,
        /// The greatest.
        upper: i128,
    },
    /// A left row meets one right row.
    AsOf(AsOf),
    /// Those of one session of both sides. They come out with the session's bounds in front of them.
    Session {
        /// The length of silence that ends a session, in steps.
        gap: i128,
    },
    /// Those of one window: a row is there once for each of its windows, at the window's last
    /// time, with the window's bounds in front of it.
    Window,
}

/// Which right row a left row meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AsOf {
    /// Where it is looked for.
    pub direction: Direction,
    /// How far away it may be, in steps.
    pub within: Option<i128>,
    /// Whether right rows are versions, each with a byte in front: one, where it says that from
    /// its time on there is nothing.
    pub versions: bool,
}

/// Where the match of a row is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The last one that is not after the row.
    Backward,
    /// The first one that is not before it.
    Forward,
    /// The nearest of the two; the earlier one, where both are as near.
    Nearest,
}

/// The bytes of a window's bounds, in front of a row.
pub(crate) const BOUNDS_LEN: usize = 32;

impl TimeJoinPlan {
    /// Whether each result comes out once, when it is final.
    fn when_final(&self) -> bool {
        self.emission == Emission::WhenFinal
    }

    /// Which rows without a match are given alone, by side.
    fn alone(&self) -> [bool; 2] {
        [self.left_alone, self.right_alone]
    }

    /// How many bytes stand in front of a row, on the left and on the right.
    fn fronts(&self) -> [usize; 2] {
        match self.meets {
            Meets::Interval { .. } | Meets::Session { .. } => [0, 0],
            Meets::AsOf(as_of) => [0, usize::from(as_of.versions)],
            Meets::Window => [BOUNDS_LEN, BOUNDS_LEN],
        }
    }
}

/// The left side, in arrays of both.
const LEFT: usize = 0;
/// The right side.
const RIGHT: usize = 1;

/// A change of one row in an epoch, consolidated.
#[derive(Clone, Copy, Debug)]
struct Change<'a> {
    slot: u32,
    time: i128,
    row: &'a [u8],
    diff: i64,
}

/// A side's watermark that something waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wait {
    side: usize,
    at: i128,
}

impl Wait {
    /// Until the times up to that one are over on a side.
    fn past(side: usize, time: i128) -> Self {
        Self { side, at: time.saturating_add(1) }
    }
}

/// How far both sides have come.
#[derive(Clone, Copy, Debug)]
struct Progress {
    /// No row before these times will come.
    at: [i128; 2],
    /// Whether rows may be taken away.
    retracts: [bool; 2],
}

impl Progress {
    /// Nothing if no row of a side can come or go up to that time; otherwise what to wait for.
    fn past(&self, side: usize, time: i128) -> Option<Wait> {
        (self.at[side] <= time).then(|| Wait::past(side, time))
    }

    /// Nothing if a row can no longer be taken away; otherwise what to wait for.
    fn settled(&self, side: usize, time: i128) -> Option<Wait> {
        self.past(side, time).filter(|_| self.retracts[side])
    }
}

/// The changes of one moment after the other.
fn by_time<'a, 'b>(changes: &'b [Change<'a>]) -> impl Iterator<Item = &'b [Change<'a>]> {
    changes.chunk_by(|one, next| one.time == next.time)
}

/// Whether one of the rows that are added has its time there.
fn adds_any(changes: &[Change<'_>], times: &RangeInclusive<i128>) -> bool {
    let first = changes.partition_point(|change| change.time < *times.start());
    changes[first..]
        .iter()
        .take_while(|change| change.time <= *times.end())
        .any(|change| change.diff > 0)
}
