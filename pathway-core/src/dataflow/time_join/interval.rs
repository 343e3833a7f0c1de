//! Rows that meet where the time of one less that of the other is in an interval.
//!
//! With `right - left` in `lower..=upper`, a left row at `t` meets right rows in
//! `t + lower..=t + upper`, and a right row at `s` meets left rows in `s - upper..=s - lower`.
//!
//! **What is forgotten.** A settled left row at `t` is let go of once the right side's watermark is
//! behind `t + upper`: no row that meets it can come. No row that meets it can go either, because
//! all that did are below that watermark. And right rows need it no more to be taken away
//! themselves: one that can be is at or behind the watermark, so it does not meet it. In the same
//! way a settled right row at `s` is let go of once the left side's watermark is behind `s - lower`.
//!
//! A row that stays longer may have met one that is forgotten. Where rows without a match are given
//! alone, it remembers that (`Moment::met`). It has for ever: the one that it met was settled.
//!
//! Rows in a window meet where their times, which are the last one of the window, are equal.

use super::output::Output;
use super::rows::{Rows, Ties};
use super::{Change, LEFT, Progress, RIGHT, Wait, adds_any, by_time};
use crate::dataflow::watermark::START;
use std::ops::RangeInclusive;

/// A row of a side of which more copies would be taken away than there are, and how many there
/// would be.
pub(super) type TooFew<'a> = (usize, &'a [u8], i64);

#[derive(Clone, Copy, Debug)]
pub(super) struct Interval {
    pub(super) lower: i128,
    pub(super) upper: i128,
    /// Which rows without a match are given alone.
    pub(super) alone: [bool; 2],
    /// Whether they are, once they are final.
    pub(super) when_final: bool,
}

impl Interval {
    /// The times on the other side that a row meets.
    pub(super) fn times(&self, side: usize, time: i128) -> RangeInclusive<i128> {
        if side == LEFT {
            time.saturating_add(self.lower)..=time.saturating_add(self.upper)
        } else {
            time.saturating_sub(self.upper)..=time.saturating_sub(self.lower)
        }
    }

    /// Whether the rows of a moment have a match.
    fn has_match(&self, side: usize, rows: &[Rows; 2], time: i128) -> bool {
        rows[side].moment(time).is_some_and(|moment| moment.met)
            || rows[1 - side].has_any(self.times(side, time))
    }

    /// Gives the pairs of a row.
    fn pairs(&self, side: usize, rows: &[Rows; 2], change: &Change<'_>, output: &mut impl Output) {
        for (time, moment) in rows[1 - side].range(self.times(side, change.time)) {
            moment.for_each(|other, copies| {
                let diff = change.diff * copies;
                match side {
                    LEFT => output.pair((change.time, time), change.row, other, diff),
                    _ => output.pair((time, change.time), other, change.row, diff),
                }
            });
        }
    }

    /// The moments of a side that the changes of the other one meet, and whether each has a match.
    fn touched(&self, side: usize, rows: &[Rows; 2], others: &[Change<'_>]) -> Vec<(i128, bool)> {
        let mut touched: Vec<(i128, bool)> = Vec::new();
        for changes in by_time(others) {
            let times = self.times(1 - side, changes[0].time);
            // Later times meet later ones.
            let seen = touched.last().map_or(i128::MIN, |(time, _)| time.saturating_add(1));
            for (time, _) in rows[side].range(seen.max(*times.start())..=*times.end()) {
                touched.push((time, self.has_match(side, rows, time)));
            }
        }
        touched
    }

    /// Applies the changes of an epoch to a key.
    pub(super) fn apply<'a>(
        &self,
        rows: &mut [Rows; 2],
        left: &[Change<'a>],
        right: &[Change<'a>],
        output: &mut impl Output,
    ) -> Result<(), TooFew<'a>> {
        let alone = self.alone.map(|alone| alone && !self.when_final);
        let touched = |side: usize, others| {
            if alone[side] { self.touched(side, rows, others) } else { Vec::new() }
        };
        let (touched_left, touched_right) = (touched(LEFT, right), touched(RIGHT, left));
        let (added, removed) = (|c: &&Change<'_>| c.diff > 0, |c: &&Change<'_>| c.diff < 0);
        for change in left.iter().filter(removed) {
            self.pairs(LEFT, rows, change, output);
            if alone[LEFT] && !self.has_match(LEFT, rows, change.time) {
                output.alone(LEFT, (change.time, START), change.row, change.diff);
            }
        }
        for change in right.iter().filter(removed) {
            if alone[RIGHT] && !self.has_match(RIGHT, rows, change.time) {
                output.alone(RIGHT, (START, change.time), change.row, change.diff);
            }
        }
        left.iter().filter(removed).try_for_each(|change| update(rows, LEFT, change))?;
        for change in right.iter().filter(removed) {
            self.pairs(RIGHT, rows, change, output);
            update(rows, RIGHT, change)?;
        }
        // Right rows that stay and gain their first match, or lose their last.
        for (time, before) in touched_right {
            let after =
                self.has_match(RIGHT, rows, time) || adds_any(left, &self.times(RIGHT, time));
            if let Some(moment) = rows[RIGHT].moment(time).filter(|_| before != after) {
                let sign = if before { 1 } else { -1 };
                let at = (START, time);
                moment.for_each(|row, copies| output.alone(RIGHT, at, row, copies * sign));
            }
        }
        for change in right.iter().filter(added) {
            self.pairs(RIGHT, rows, change, output);
            update(rows, RIGHT, change)?;
        }
        for (time, before) in touched_left {
            let after = self.has_match(LEFT, rows, time);
            if let Some(moment) = rows[LEFT].moment(time).filter(|_| before != after) {
                let sign = if before { 1 } else { -1 };
                let at = (time, START);
                moment.for_each(|row, copies| output.alone(LEFT, at, row, copies * sign));
            }
        }
        for change in left.iter().filter(added) {
            self.pairs(LEFT, rows, change, output);
            if alone[LEFT] && !self.has_match(LEFT, rows, change.time) {
                output.alone(LEFT, (change.time, START), change.row, change.diff);
            }
        }
        left.iter().filter(added).try_for_each(|change| update(rows, LEFT, change))?;
        for change in right.iter().filter(added) {
            if alone[RIGHT] && !self.has_match(RIGHT, rows, change.time) {
                output.alone(RIGHT, (START, change.time), change.row, change.diff);
            }
        }
        Ok(())
    }

    /// What the oldest rows of a side wait for; nothing if they can be let go of.
    pub(super) fn wait(&self, side: usize, time: i128, progress: &Progress) -> Option<Wait> {
        let last = *self.times(side, time).end();
        progress.past(1 - side, last).or_else(|| progress.settled(side, time))
    }

    /// Lets go of what is met no more. Answers what each side waits for.
    pub(super) fn advance(
        &self,
        rows: &mut [Rows; 2],
        progress: &Progress,
        output: &mut impl Output,
    ) -> [Option<Wait>; 2] {
        let mut waits = [None; 2];
        for side in [LEFT, RIGHT] {
            while let Some((time, _)) = rows[side].first() {
                waits[side] = self.wait(side, time, progress);
                if waits[side].is_some() {
                    break;
                }
                let is_alone =
                    self.alone[side] && self.when_final && !self.has_match(side, rows, time);
                let gone = rows[side].pop();
                if let Some(moment) = gone.filter(|_| is_alone) {
                    let at = if side == LEFT { (time, START) } else { (START, time) };
                    moment.for_each(|row, copies| output.alone(side, at, row, copies));
                }
                if self.alone[1 - side] {
                    rows[1 - side].meet(self.times(side, time));
                }
            }
        }
        waits
    }
}

/// Changes the rows of a side.
pub(super) fn update<'a>(
    rows: &mut [Rows; 2],
    side: usize,
    change: &Change<'a>,
) -> Result<(), TooFew<'a>> {
    let updated = rows[side].update(Ties::Any, change.time, change.row, change.diff);
    updated.map_err(|left| (side, change.row, left))
}
