//! Sorted partitions: the first rows of each, and windows over them.
//!
//! The state of a partition is a `Tree`, in which a row is found by what it sorts
//! by and by its position in O(log n). An epoch is one batch for each partition that it touches:
//! its updates are consolidated, then the rows whose output can differ are found, as ranges of
//! positions before the updates and after them (`affected`); their outputs are evaluated on
//! both sides, in one pass for all parts of the window (`evaluate`), and the difference is
//! emitted. An update so costs O(log n) and the outputs that it changes, never the partition.
//!
//! Where rows are never taken away and few are shown, a partition is a short chain instead
//! (`first`).
//!
//! A range must cover the same remaining rows on both sides: an output that is taken back before
//! and not given again after would be lost. Each rule in `affected` says why it does.

mod affected;
mod entry;
mod evaluate;
mod first;
mod limit;
mod over;
mod partition;
mod plan;
#[cfg(test)]
mod tests;
mod tree;
mod whole;

pub(crate) use entry::Entry;
pub(crate) use first::{FIRST_MAX, First, FirstRows};
pub(crate) use limit::Limit;
pub(crate) use over::Over;
pub(crate) use partition::Partitions;
pub(crate) use plan::Keeps;
pub use plan::{Edge, OverPart, OverPlan, RunningKind};
pub(crate) use tree::Tree;
pub(crate) use whole::WholePartition;

use crate::format;
use crate::schema::{DataType, ordered};
use crate::stage::Diff;

/// What is wrong where more copies of a row were taken away than there were.
pub(crate) fn too_few(rows: DataType, (entry, left): &(Entry, Diff)) -> String {
    let mut compact = Vec::new();
    ordered::to_compact(rows, &mut entry.row(), &mut compact);
    let row = format::display::display(rows, &compact);
    format!("there would be {left} copies of {row}: more were taken away than had been added")
}
