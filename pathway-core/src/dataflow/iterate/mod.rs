//! Loops: differential dataflow over encoded rows.
//!
//! Inside a loop time is partially ordered: the epoch, and for each loop that the operator stands
//! in a round. All loops, nested or not, have one type of time and one type of row, so these
//! operators are compiled once. A loop and all loops within it are one scope; chunks are taken
//! apart at its entries and put together where it is left, so that the operators behind it see
//! an epoch like any other.
//!
//! ```text
//!   chunks of an epoch ──▶ enter ──▶ updates (key, value) at (epoch, rounds) ──▶ leave ──▶ chunks
//!                                      ▲                         │
//!                                      └──────── feedback ◀──────┘
//! ```

mod blocks;
mod combine;
mod edges;
mod entered;
mod feedback;
mod group;
mod keyed;
mod rounds;
mod row;
mod state;
mod steps;
mod tables;
mod time;
mod weights;

pub(crate) use edges::{Left, NotSettled, enter, leave};
pub(crate) use entered::Entered;
pub use feedback::Limit;
pub(crate) use feedback::{Feedback, leave_inner};
pub(crate) use group::WholeGroup;
pub(crate) use keyed::{Index, index, join};
pub(crate) use rounds::Rounds;
pub(crate) use row::{Buffer, Row};
pub(crate) use state::Kept;
pub(crate) use steps::{AnyFeed, AnyFlow, InputsFeed, SharedFeed, steps};
pub(crate) use tables::{
    check_keys, consolidate, matched_keys, reduce, reduce_table, rows_of, threshold,
};
pub(crate) use time::{LEVELS_MAX, LoopTime};
pub(crate) use weights::{WeightsFeed, reduce_weights};

use crate::stage::Diff;
use differential_dataflow::VecCollection;

/// A key and a value, or a row and nothing.
pub(crate) type Pair = (Row, Row);

/// What flows in a loop.
pub(crate) type Flow<'scope> = VecCollection<'scope, LoopTime, Pair, Diff>;

/// One change of it.
pub(crate) type Update = (Pair, LoopTime, Diff);
