//! Left rows that meet one right row each: the last one before, the first one behind, or the
//! nearest. Of several right rows at one time, the greatest in row order counts.
//!
//! Which right row a left row meets depends on nothing but its time, so it is not kept: it is
//! looked up, as it was before an epoch and as it is behind it. An epoch's changes on the right can
//! move the matches of a stretch of left times alone. Say *all right times* for those before the
//! epoch together with those behind it. A left row whose neighbours among all right times have not
//! changed has the match that it had. So a right time at which another row counts than before
//! concerns, looking
//!
//! ```text
//! backward   left times from it up to the next one of all right times
//! forward    left times behind the one before it, up to it
//! nearest    both; up to the middle where that neighbour has not changed itself
//! ```
//!
//! and none that are further from it than the tolerance.
//!
//! **What is forgotten.** A settled left row at `t` is let go of once its match is final: once the
//! right side's watermark is behind every right time that could still make another row its match.
//! Looking backward these are the times up to `t`; forward, up to its match or to the end of the
//! tolerance; nearest, those that are nearer than its match. The later a left row is, the later its
//! match is final.
//!
//! The left rows that may still look for a match are those that are kept and those that may come:
//! none is before `m`, the oldest kept one or the left side's watermark. So, looking backward or
//! for the nearest, the last settled right row at or before `m` can be everybody's match, and those
//! in front of it nobody's; an unsettled one could be taken away, and then the one in front of it
//! would count again. Looking forward, right rows before `m` are nobody's match. Right rows that
//! are further behind `m` than the tolerance are nobody's either way. A version that says that
//! there is nothing is as good as no version, if nothing is in front of it.

use super::interval::{TooFew, update};
use super::output::Output;
use super::rows::{Moment, Row, Rows, Ties};
use super::{AsOf, Change, Direction, LEFT, Progress, RIGHT, Wait, by_time};
use std::ops::RangeInclusive;

#[derive(Clone, Copy, Debug)]
pub(super) struct AsOfJoin {
    pub(super) meets: AsOf,
    /// How right rows of one time are sorted.
    pub(super) ties: Ties,
    /// Whether left rows without a match are given alone.
    pub(super) alone: bool,
    pub(super) when_final: bool,
}

/// A right time at which another row counts than before the epoch.
struct Changed {
    time: i128,
    is_new: bool,
}

/// Whether a version says that from its time on there is nothing.
fn is_end(version: &[u8]) -> bool {
    version[0] != 0
}

/// A left time and the right row that it had as its match.
type Before = (i128, Option<Row>);

impl AsOfJoin {
    /// The moment that a left time would meet, looking one way.
    fn near<'a>(
        &self,
        right: &'a Rows,
        time: i128,
        direction: Direction,
    ) -> Option<(i128, &'a Moment)> {
        let found = match direction {
            Direction::Backward => right.until(time),
            Direction::Forward => right.since(time),
            Direction::Nearest => {
                let (before, behind) = (
                    self.near(right, time, Direction::Backward),
                    self.near(right, time, Direction::Forward),
                );
                match (before, behind) {
                    (Some(before), Some(behind)) => {
                        let is_nearer = behind.0 - time < time - before.0;
                        Some(if is_nearer { behind } else { before })
                    }
                    (before, behind) => before.or(behind),
                }
            }
        };
        let within = self.meets.within;
        found.filter(|(at, _)| {
            within.is_none_or(|within| at.abs_diff(time) <= within.unsigned_abs())
        })
    }

    /// The match of a left time.
    fn find<'a>(&self, right: &'a Rows, time: i128) -> Option<&'a Row> {
        let (_, moment) = self.near(right, time, self.meets.direction)?;
        Some(moment.last()).filter(|row| !self.meets.versions || !is_end(row))
    }

    fn give(
        &self,
        (time, left): (i128, &[u8]),
        right: Option<&Row>,
        diff: i64,
        output: &mut impl Output,
    ) {
        let at = (time, time);
        match right {
            Some(right) => {
                output.pair(at, left, &right[usize::from(self.meets.versions)..], diff);
            }
            None if self.alone => output.alone(LEFT, at, left, diff),
            None => {}
        }
    }

    /// The right times at which another row counts behind the changes.
    fn changed(&self, right: &Rows, changes: &[Change<'_>]) -> Vec<Changed> {
        let moments = by_time(changes).filter_map(|changes| {
            let time = changes[0].time;
            let before = right.moment(time).map(Moment::last);
            let behind = right.last_behind(self.ties, changes);
            (before != behind.as_ref()).then_some(Changed { time, is_new: before.is_none() })
        });
        moments.collect()
    }

    /// The left times that a changed right time concerns.
    fn concerned(&self, right: &Rows, changed: &[Changed]) -> Vec<RangeInclusive<i128>> {
        // The next new time behind each.
        let mut next_new = vec![None; changed.len()];
        for at in (1..changed.len()).rev() {
            let new = changed[at].is_new.then_some(changed[at].time);
            next_new[at - 1] = new.or(next_new[at]);
        }
        let mut last_new: Option<i128> = None;
        let mut ranges = Vec::with_capacity(changed.len());
        for (at, change) in changed.iter().enumerate() {
            let time = change.time;
            let before = right.until(time.saturating_sub(1)).map(|(before, _)| before);
            let before = before.max(last_new);
            let behind = right.since(time.saturating_add(1)).map(|(behind, _)| behind);
            let behind = match (behind, next_new[at]) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
            if change.is_new {
                last_new = Some(time);
            }
            let is_changed = |at: Option<usize>, time| {
                at.and_then(|at| changed.get(at)).is_some_and(|other| other.time == time)
            };
            let middle = |one: i128, other: i128| one + (other - one).div_euclid(2);
            let first = match (self.meets.direction, before) {
                (Direction::Backward, _) => time,
                (_, None) => i128::MIN,
                (Direction::Nearest, Some(before)) if !is_changed(at.checked_sub(1), before) => {
                    middle(before, time) + 1
                }
                (_, Some(before)) => before + 1,
            };
            let last = match (self.meets.direction, behind) {
                (Direction::Forward, _) => time,
                (_, None) => i128::MAX,
                (Direction::Nearest, Some(behind)) if !is_changed(Some(at + 1), behind) => {
                    middle(time, behind)
                }
                (_, Some(behind)) => behind - 1,
            };
            let (first, last) = match self.meets.within {
                Some(within) => {
                    (first.max(time.saturating_sub(within)), last.min(time.saturating_add(within)))
                }
                None => (first, last),
            };
            ranges.push(first..=last);
        }
        ranges
    }

    /// The left times whose match may change, with the one that they have.
    fn before(&self, rows: &[Rows; 2], changes: &[Change<'_>]) -> Vec<Before> {
        let mut before: Vec<Before> = Vec::new();
        if rows[LEFT].is_empty() || changes.is_empty() {
            return before;
        }
        let changed = self.changed(&rows[RIGHT], changes);
        for range in self.concerned(&rows[RIGHT], &changed) {
            let seen = before.last().map_or(i128::MIN, |(time, _)| time.saturating_add(1));
            for (time, _) in rows[LEFT].range(seen.max(*range.start())..=*range.end()) {
                before.push((time, self.find(&rows[RIGHT], time).cloned()));
            }
        }
        before
    }

    /// Applies the changes of an epoch to a key.
    pub(super) fn apply<'a>(
        &self,
        rows: &mut [Rows; 2],
        left: &[Change<'a>],
        right: &[Change<'a>],
        output: &mut impl Output,
    ) -> Result<(), TooFew<'a>> {
        for change in left.iter().filter(|change| change.diff < 0) {
            if !self.when_final {
                let found = self.find(&rows[RIGHT], change.time);
                self.give((change.time, change.row), found, change.diff, output);
            }
            update(rows, LEFT, change)?;
        }
        let before = if self.when_final { Vec::new() } else { self.before(rows, right) };
        for change in right {
            let updated = rows[RIGHT].update(self.ties, change.time, change.row, change.diff);
            updated.map_err(|left| (RIGHT, change.row, left))?;
        }
        for (time, before) in before {
            let behind = self.find(&rows[RIGHT], time);
            if before.as_ref() == behind {
                continue;
            }
            if let Some(moment) = rows[LEFT].moment(time) {
                moment.for_each(|row, copies| {
                    self.give((time, row), before.as_ref(), -copies, output);
                    self.give((time, row), behind, copies, output);
                });
            }
        }
        for change in left.iter().filter(|change| change.diff > 0) {
            if !self.when_final {
                let found = self.find(&rows[RIGHT], change.time);
                self.give((change.time, change.row), found, change.diff, output);
            }
            update(rows, LEFT, change)?;
        }
        Ok(())
    }

    /// The last right time that could still give a left row another match; nothing if all could.
    fn final_behind(&self, right: &Rows, time: i128) -> Option<i128> {
        let found = self.near(right, time, self.meets.direction).map(|(at, _)| at);
        let reach = self.meets.within.map(|within| time.saturating_add(within));
        match (self.meets.direction, found) {
            (Direction::Backward, _) => Some(time),
            (_, None) => reach,
            (_, Some(at)) if at >= time => Some(at),
            // One that is as far behind the row as the match is before it would not count.
            (_, Some(at)) => Some(time.max(time.saturating_add(time - at - 1))),
        }
    }

    /// Lets go of left rows whose match is final, and of right rows that nobody can meet. Answers
    /// what each side waits for.
    pub(super) fn advance(
        &self,
        rows: &mut [Rows; 2],
        progress: &Progress,
        output: &mut impl Output,
    ) -> [Option<Wait>; 2] {
        let mut waits = [None; 2];
        while let Some((time, _)) = rows[LEFT].first() {
            waits[LEFT] = match self.final_behind(&rows[RIGHT], time) {
                Some(last) => progress.past(RIGHT, last),
                None => progress.past(RIGHT, i128::MAX - 1),
            }
            .or_else(|| progress.settled(LEFT, time));
            if waits[LEFT].is_some() {
                break;
            }
            let gone = rows[LEFT].pop();
            if let Some(moment) = gone.filter(|_| self.when_final) {
                let found = self.find(&rows[RIGHT], time);
                moment.for_each(|row, copies| self.give((time, row), found, copies, output));
            }
            output.over(time);
        }
        let oldest = rows[LEFT].first().map_or(i128::MAX, |(time, _)| time);
        while let Some((time, moment)) = rows[RIGHT].first() {
            waits[RIGHT] = self.wait_of_right(&rows[RIGHT], time, moment, oldest, progress);
            if waits[RIGHT].is_some() {
                break;
            }
            rows[RIGHT].pop();
        }
        waits
    }

    /// What the oldest right row waits for; nothing if it can be let go of.
    fn wait_of_right(
        &self,
        right: &Rows,
        time: i128,
        moment: &Moment,
        oldest: i128,
        progress: &Progress,
    ) -> Option<Wait> {
        let reach = self.meets.within.map(|within| time.saturating_add(within).saturating_add(1));
        // Nobody is before `from`, and a row will not be taken away.
        let wait = |from: i128, row: i128| {
            // The left row that is in front goes first, and then this is looked at again.
            let left = (oldest < from).then_some(Wait { side: LEFT, at: i128::MAX });
            left.or_else(|| progress.past(LEFT, from - 1)).or_else(|| progress.settled(RIGHT, row))
        };
        let over = match self.meets.direction {
            Direction::Forward => wait(time.saturating_add(1), time),
            // A version that comes later may still be in front of it.
            _ if self.meets.versions && is_end(moment.last()) => progress.past(RIGHT, time),
            _ => right.second().map_or_else(|| wait(i128::MAX, time), |next| wait(next, next)),
        };
        let reach = match reach {
            Some(reach) => wait(reach, time),
            None => over,
        };
        let (over, reach) = (over?, reach?);
        Some(if over.at < reach.at { over } else { reach })
    }
}
