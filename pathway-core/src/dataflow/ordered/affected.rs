//! Which rows' outputs can differ after an epoch: ranges of positions before it, and after it.
//!
//! Both sides are asked separately, and must answer with the same remaining rows. Each rule is
//! therefore one about what both sides know alike: the changes, the rows that do not change, and
//! the order of both. Of a rule by distance, for example: a row is within reach of some change
//! exactly if it is within reach of the change next to it, and between the two nothing changes,
//! so both sides count the same distance.

use super::partition::{Change, Partition, Side, is_anchor, starts_within};
use super::plan::{Keeps, OverPart, OverPlan, RunningKind};
use super::tree::Tree;
use crate::dataflow::fold::{Acc, Fold};
use crate::stage::{Diff, Input};
use std::ops::Range;

/// The places of the changed rows on one side.
struct Sided<'a> {
    partition: &'a Partition,
    rows: &'a Tree,
    changes: &'a [Change],
    /// The positions of the changed rows; empty ranges where they are not on this side.
    at: Vec<Range<u64>>,
}

/// The positions of the rows whose outputs can differ, in order.
pub(super) fn affected(
    plan: &OverPlan,
    keeps: &Keeps,
    partition: &Partition,
    changes: &[Change],
    side: Side,
) -> Vec<Range<u64>> {
    let rows = &partition.rows;
    let place = |change: &Change| {
        let start = rows.rank(change.entry.sort());
        start..start + change.copies(side)
    };
    let at: Vec<Range<u64>> = changes.iter().map(place).collect();
    let sided = Sided { partition, rows, changes, at };
    let mut found = sided.at.clone();
    let (mut front, mut behind) = (0, 0);
    let mut anchors = 0;
    for (index, part) in plan.parts.iter().enumerate() {
        match part {
            OverPart::RowNumber => sided.behind_by(&mut found, 0, |count, change| {
                *count += change.entry.copies;
                *count != 0
            }),
            OverPart::Rank => sided.behind_keys(&mut found, |group, _| {
                group.iter().map(|change| change.entry.copies).sum()
            }),
            OverPart::DenseRank => sided.behind_keys(&mut found, |group, copies| {
                let diff: Diff = group.iter().map(|change| change.entry.copies).sum();
                let (old, new) = match side {
                    Side::Before => (copies, copies + diff),
                    Side::After => (copies - diff, copies),
                };
                i64::from(new > 0) - i64::from(old > 0)
            }),
            OverPart::Shifted { by, .. } if *by < 0 => behind = behind.max(by.unsigned_abs()),
            OverPart::Shifted { by, .. } => front = front.max(by.unsigned_abs()),
            OverPart::Difference { .. } => behind = behind.max(1),
            OverPart::Moving { preceding, following, .. } => {
                behind = behind.max(*preceding);
                front = front.max(*following);
            }
            OverPart::First(_) => sided.edge(&mut found, |at| at.start == 0),
            OverPart::Last(_) => sided.edge(&mut found, |at| at.end == sided.rows.rows()),
            OverPart::Running { fold, kind: RunningKind::Sum, argument } => {
                sided.behind_by(&mut found, fold.zero(), |sum, change| {
                    fold.update(sum, change.entry.argument(*argument), change.entry.copies);
                    !sum.is_empty()
                });
            }
            OverPart::Running { fold, kind, argument } => {
                let which = keeps.aggregate_of[index].expect("a running part has an aggregate");
                let best = Best { kind: *kind, fold: &**fold, argument: *argument, which, keeps };
                sided.behind_best(&mut found, &best);
            }
            OverPart::Interpolate { argument } => {
                sided.between_anchors(&mut found, anchors, *argument);
                anchors += 1;
            }
        }
    }
    sided.around(&mut found, front, behind);
    merged(found, rows.rows())
}

/// A running minimum or maximum.
struct Best<'a> {
    kind: RunningKind,
    fold: &'a dyn Fold,
    argument: usize,
    which: usize,
    keeps: &'a Keeps,
}

impl Sided<'_> {
    /// The end of the stretch behind a change that has no other one in it.
    fn until_next(&self, index: usize) -> u64 {
        self.at.get(index + 1).map_or(self.rows.rows(), |next| next.start)
    }

    /// Rows within some distance of a change.
    fn around(&self, found: &mut Vec<Range<u64>>, front: u64, behind: u64) {
        if (front, behind) != (0, 0) {
            let reach =
                |at: &Range<u64>| at.start.saturating_sub(front)..at.end.saturating_add(behind);
            found.extend(self.at.iter().map(reach));
        }
    }

    /// Rows behind changes that do not cancel out. `add` answers whether something is left of the
    /// changes so far.
    fn behind_by<S>(
        &self,
        found: &mut Vec<Range<u64>>,
        mut sum: S,
        mut add: impl FnMut(&mut S, &Change) -> bool,
    ) {
        for (index, change) in self.changes.iter().enumerate() {
            if add(&mut sum, change) {
                found.push(self.at[index].end..self.until_next(index));
            }
        }
    }

    /// Rows with greater sort keys than changes that do not cancel out. `count` is given the
    /// changes of one sort key and how many rows this side has of it.
    fn behind_keys(&self, found: &mut Vec<Range<u64>>, count: impl Fn(&[Change], i64) -> i64) {
        let (mut sum, mut from) = (0, 0);
        for group in self.changes.chunk_by(|a, b| a.entry.key() == b.entry.key()) {
            let key = group[0].entry.key();
            let start = self.rows.rank(key);
            let end = self.rows.rank_where(|sort| starts_within(sort, key));
            if sum != 0 {
                // The rows of this key too: their rank counts the rows in front of all of them.
                found.push(from..end);
            }
            sum += count(group, (end - start).cast_signed());
            from = end;
        }
        if sum != 0 {
            found.push(from..self.rows.rows());
        }
    }

    /// All rows, if a row comes or goes that `is_edge`. Of rows that do not change, the first one
    /// is the same on both sides as long as none comes or goes in front of it.
    fn edge(&self, found: &mut Vec<Range<u64>>, is_edge: impl Fn(&Range<u64>) -> bool) {
        let mut changes = self.changes.iter().zip(&self.at);
        if changes.any(|(change, at)| change.comes_or_goes() && is_edge(at)) {
            found.push(0..self.rows.rows());
        }
    }

    /// Rows up to which no remaining row is at least as good as the best one that comes or goes.
    fn behind_best(&self, found: &mut Vec<Range<u64>>, part: &Best<'_>) {
        // The best of the rows that stay, and of those that come or go, up to here.
        let (mut stays, mut changed) = (part.fold.zero(), part.fold.zero());
        let mut from = 0;
        for (index, (change, at)) in self.changes.iter().zip(&self.at).enumerate() {
            self.rows.fold(&part.keeps.aggregates, part.which, from, at.start, &mut stays);
            from = at.end;
            let input = change.entry.argument(part.argument);
            let acc = if change.comes_or_goes() { &mut changed } else { &mut stays };
            part.fold.update(acc, input, 1);
            let Acc::Best(best) = &changed else { continue };
            let covers = |value: &[u8]| part.kind.stays(value, best);
            if matches!(&stays, Acc::Best(known) if covers(known)) {
                continue;
            }
            let (start, mut end) = (at.end, at.end);
            let last = self.until_next(index);
            let mut cursor = self.rows.cursor(start);
            while end < last
                && let Some(entry) = self.rows.get(cursor)
            {
                if matches!(entry.argument(part.argument), Input::Bytes(value) if covers(value)) {
                    break;
                }
                end += 1;
                self.rows.step(&mut cursor);
            }
            found.push(start..end);
        }
    }

    /// Rows between the rows with a value around one that comes or goes.
    fn between_anchors(&self, found: &mut Vec<Range<u64>>, which: usize, argument: usize) {
        let anchors = &self.partition.anchors[which];
        for change in self.changes {
            let entry = &change.entry;
            if !change.comes_or_goes() || !is_anchor(entry, argument) {
                continue;
            }
            let sort = entry.sort();
            let (front, behind) = (anchors.rank(sort), anchors.rank_where(|other| other <= sort));
            let start = front.checked_sub(1).and_then(|front| anchors.at(front));
            let end = anchors.at(behind);
            let start = start.map_or(0, |anchor| self.rows.rank(anchor.sort()) + 1);
            let end = end.map_or(self.rows.rows(), |anchor| self.rows.rank(anchor.sort()));
            found.push(start..end);
        }
    }
}

/// The same positions in order, each in one range.
fn merged(mut found: Vec<Range<u64>>, rows: u64) -> Vec<Range<u64>> {
    found.retain(|range| range.start < range.end);
    found.sort_unstable_by_key(|range| range.start);
    let mut merged: Vec<Range<u64>> = Vec::new();
    for range in found {
        let end = range.end.min(rows);
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(end),
            _ if range.start < end => merged.push(range.start..end),
            _ => {}
        }
    }
    merged
}
