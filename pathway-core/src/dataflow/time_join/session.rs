//! Rows that meet in one session of both sides: a stretch of time in which no row, of whichever
//! side, is `gap` or more behind the one before.
//!
//! A row that comes or goes can bring sessions together, take them apart, or move their bounds, and
//! with the bounds all results of the session. So the sessions near a change are evaluated before it
//! and behind it, and the difference is given.
//!
//! **What is forgotten.** A session is over once the watermarks of both sides have reached its end,
//! which is `gap` behind its last row: no row can be added to it, none can be taken away, and none
//! that comes is near it. Then it goes as a whole.

use super::interval::{TooFew, update};
use super::output::Output;
use super::rows::{Row, Rows};
use super::{Change, LEFT, Progress, RIGHT, Wait};
use crate::stage::Diff;
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug)]
pub(super) struct Session {
    pub(super) gap: i128,
    /// Which rows without a match are given alone.
    pub(super) alone: [bool; 2],
    pub(super) when_final: bool,
}

/// The first and the last time of a session.
type Stretch = (i128, i128);

/// Results: the bounds of their session, and the rows of both sides.
type Results = BTreeMap<(Stretch, Option<Row>, Option<Row>), Diff>;

impl Session {
    /// The bounds of a session, as they stand in front of a row.
    pub(super) fn bounds(&self, (start, last): Stretch) -> [u8; 32] {
        let mut bounds = [0; 32];
        bounds[..16].copy_from_slice(&start.to_le_bytes());
        bounds[16..].copy_from_slice(&last.saturating_add(self.gap).to_le_bytes());
        bounds
    }

    fn is_near(&self, one: i128, next: i128) -> bool {
        next.saturating_sub(one) < self.gap
    }

    /// The session of a time at which there is a row.
    fn stretch(&self, rows: &[Rows; 2], time: i128) -> Stretch {
        let (mut start, mut last) = (time, time);
        while let Some(before) = latest(rows, start.saturating_sub(1))
            && self.is_near(before, start)
        {
            start = before;
        }
        while let Some(behind) = earliest(rows, last.saturating_add(1))
            && self.is_near(last, behind)
        {
            last = behind;
        }
        (start, last)
    }

    /// The sessions near some times.
    fn near(&self, rows: &[Rows; 2], times: &[i128]) -> Vec<Stretch> {
        let mut sessions: Vec<Stretch> = Vec::new();
        for &time in times {
            let before = latest(rows, time).filter(|&before| self.is_near(before, time));
            let behind = earliest(rows, time).filter(|&behind| self.is_near(time, behind));
            for found in before.into_iter().chain(behind) {
                if sessions.last().is_none_or(|&(_, last)| last < found) {
                    sessions.push(self.stretch(rows, found));
                }
            }
        }
        sessions
    }

    /// Adds what a session comes to.
    fn add(&self, rows: &[Rows; 2], session: Stretch, sign: Diff, results: &mut Results) {
        let of_side = |side: usize| {
            let mut of_side: Vec<(Row, i64)> = Vec::new();
            for (_, moment) in rows[side].range(session.0..=session.1) {
                moment.for_each(|row, copies| of_side.push((Row::clone(row), copies)));
            }
            of_side
        };
        let (left, right) = (of_side(LEFT), of_side(RIGHT));
        let mut add = |left: Option<&Row>, right: Option<&Row>, diff: Diff| {
            let result = (session, left.cloned(), right.cloned());
            *results.entry(result).or_insert(0) += diff * sign;
        };
        for (row, copies) in &left {
            right.iter().for_each(|(other, n)| add(Some(row), Some(other), copies * n));
            if right.is_empty() && self.alone[LEFT] {
                add(Some(row), None, *copies);
            }
        }
        if left.is_empty() && self.alone[RIGHT] {
            right.iter().for_each(|(row, copies)| add(None, Some(row), *copies));
        }
    }

    fn give(&self, results: Results, output: &mut impl Output) {
        for ((session, left, right), diff) in results.into_iter().filter(|(_, diff)| *diff != 0) {
            let bounds = self.bounds(session);
            let [left, right] = [left, right].map(|row| row.map(|row| [&bounds, &*row].concat()));
            match (left, right) {
                (Some(left), Some(right)) => output.pair(session, &left, &right, diff),
                (Some(left), None) => output.alone(LEFT, session, &left, diff),
                (None, Some(right)) => output.alone(RIGHT, session, &right, diff),
                (None, None) => {}
            }
        }
    }

    /// Applies the changes of an epoch to a key.
    pub(super) fn apply<'a>(
        &self,
        rows: &mut [Rows; 2],
        left: &[Change<'a>],
        right: &[Change<'a>],
        output: &mut impl Output,
    ) -> Result<(), TooFew<'a>> {
        let mut times: Vec<i128> = left.iter().chain(right).map(|change| change.time).collect();
        times.sort_unstable();
        let mut results = Results::new();
        let mut add = |rows: &[Rows; 2], sign| {
            if !self.when_final {
                let sessions = self.near(rows, &times);
                sessions.into_iter().for_each(|of| self.add(rows, of, sign, &mut results));
            }
        };
        add(rows, -1);
        left.iter().try_for_each(|change| update(rows, LEFT, change))?;
        right.iter().try_for_each(|change| update(rows, RIGHT, change))?;
        add(rows, 1);
        self.give(results, output);
        Ok(())
    }

    /// Lets go of sessions that are over. Answers what the oldest one waits for.
    pub(super) fn advance(
        &self,
        rows: &mut [Rows; 2],
        progress: &Progress,
        output: &mut impl Output,
    ) -> [Option<Wait>; 2] {
        while let Some(first) = earliest(rows, i128::MIN) {
            let session = self.stretch(rows, first);
            let end = session.1.saturating_add(self.gap);
            let wait = progress.past(LEFT, end - 1).or_else(|| progress.past(RIGHT, end - 1));
            if wait.is_some() {
                return [wait, None];
            }
            if self.when_final {
                let mut results = Results::new();
                self.add(rows, session, 1, &mut results);
                self.give(results, output);
            }
            output.over(session.1);
            for of_side in &mut *rows {
                while of_side.first().is_some_and(|(time, _)| time <= session.1) {
                    of_side.pop();
                }
            }
        }
        [None, None]
    }
}

/// The last time at which there is a row, up to that one.
fn latest(rows: &[Rows; 2], time: i128) -> Option<i128> {
    rows.iter().filter_map(|rows| rows.until(time)).map(|(time, _)| time).max()
}

/// The first time at which there is a row, from that one on.
fn earliest(rows: &[Rows; 2], time: i128) -> Option<i128> {
    rows.iter().filter_map(|rows| rows.since(time)).map(|(time, _)| time).min()
}
