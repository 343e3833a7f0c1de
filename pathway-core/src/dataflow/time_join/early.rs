//! Results that come out at intervals, and when they are final.
//!
//! What an epoch changes is noted, and summed until the interval is over. A result that is there
//! and final does not wait. It must not stand beside one that cannot be there with it, so what
//! contradicts it comes out together with it:
//!
//! * A pair of an interval or of a window is final when both of its rows are settled; then neither
//!   has been without a match. A row without a match is final when no match can come; then its
//!   former pairs are gone.
//! * A left row of an as-of join has one result at a time, and all of them come out when its match
//!   is final.
//! * A session comes out as a whole, with what came out before of sessions that reach into it.
//!
//! What is gone for good waits for the interval, unless it contradicts a final result.

use super::interval::Interval;
use super::output::{At, Direct, Output};
use super::rows::Row;
use super::{LEFT, Progress, RIGHT, Wait};
use crate::dataflow::watermark::{END, START};
use crate::persistence::records::{Id, Record, Records};
use crate::schema::{Schema, put_len, take_bytes, take_len};
use crate::stage::{Diff, EncodedStep};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// A key, or null.
pub(super) type Key = Option<Rc<[u8]>>;

/// A result of a key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Result {
    at: At,
    left: Option<Row>,
    right: Option<Row>,
}

/// What waits of a result.
#[derive(Debug, Default)]
struct Pending {
    /// By how many copies what came out differs from what is there.
    diff: Diff,
    /// What it waits for besides the interval.
    wait: Option<Wait>,
}

/// The results that wait.
#[derive(Debug)]
pub(super) struct Early {
    /// In nanoseconds.
    interval: i64,
    /// The rule of joins whose results are final by the times of their rows.
    pairs: Option<Interval>,
    pending: BTreeMap<Key, BTreeMap<Result, Pending>>,
    /// By the watermark of each side that they wait for.
    waiting: [BTreeSet<(i128, Key, Result)>; 2],
    /// Those of this epoch that may be final.
    noted: Vec<(Key, Result)>,
    /// When the interval is over.
    due: Option<i64>,
}

/// Gives a result.
fn emit(result: &Result, diff: Diff, root: &mut dyn EncodedStep) {
    let mut output = Direct(root);
    match (&result.left, &result.right) {
        (Some(left), Some(right)) => output.pair(result.at, left, right, diff),
        (Some(row), None) => output.alone(LEFT, result.at, row, diff),
        (None, Some(row)) => output.alone(RIGHT, result.at, row, diff),
        (None, None) => {}
    }
}

impl Early {
    pub(super) fn new(interval: i64, pairs: Option<Interval>) -> Self {
        let (pending, waiting) = (BTreeMap::new(), Default::default());
        Self { interval, pairs, pending, waiting, noted: Vec::new(), due: None }
    }

    /// When results are due.
    pub(super) fn due(&self) -> Option<i64> {
        self.due
    }

    fn note(&mut self, key: &Key, result: Result, diff: Diff) {
        let of_key = self.pending.entry(key.clone()).or_default();
        let pending = of_key.entry(result.clone()).or_default();
        pending.diff += diff;
        if pending.diff == 0 {
            self.take(key, &result);
        } else if self.pairs.is_some() || key.is_none() {
            self.noted.push((key.clone(), result));
        }
    }

    /// Takes a result out, if it waits. Answers its diff.
    fn take(&mut self, key: &Key, result: &Result) -> Option<Diff> {
        let of_key = self.pending.get_mut(key)?;
        let Pending { diff, wait } = of_key.remove(result)?;
        if of_key.is_empty() {
            self.pending.remove(key);
        }
        if let Some(wait) = wait {
            self.waiting[wait.side].remove(&(wait.at, key.clone(), result.clone()));
        }
        Some(diff)
    }

    /// What a result that is there waits for; nothing if it is final.
    fn wait(&self, key: &Key, result: &Result, progress: &Progress) -> Option<Wait> {
        let (left, right) = result.at;
        match (&result.left, &result.right, &self.pairs) {
            (Some(_), Some(_), _) => {
                progress.settled(LEFT, left).or_else(|| progress.settled(RIGHT, right))
            }
            (Some(_), None, Some(rule)) if key.is_some() => rule.wait(LEFT, left, progress),
            (_, None, _) => progress.settled(LEFT, left),
            (None, _, Some(rule)) if key.is_some() => rule.wait(RIGHT, right, progress),
            (None, _, _) => progress.settled(RIGHT, right),
        }
    }

    /// Gives a result if it is final, with what contradicts it.
    fn look(
        &mut self,
        (key, result): (&Key, &Result),
        progress: &Progress,
        root: &mut dyn EncodedStep,
    ) {
        let wait = self.wait(key, result, progress);
        let pending = self.pending.get_mut(key).and_then(|of_key| of_key.get_mut(result));
        let Some(pending) = pending else { return };
        if let Some(before) = pending.wait.take() {
            self.waiting[before.side].remove(&(before.at, key.clone(), result.clone()));
        }
        if pending.diff < 0 {
            return;
        }
        match wait {
            // At the end of time, all come out.
            Some(wait) if wait.at < END => {
                pending.wait = Some(wait);
                self.waiting[wait.side].insert((wait.at, key.clone(), result.clone()));
            }
            Some(_) => {}
            None => {
                self.give(key, result, root);
                for other in self.contradictions(key, result) {
                    self.give(key, &other, root);
                }
            }
        }
    }

    fn give(&mut self, key: &Key, result: &Result, root: &mut dyn EncodedStep) {
        if let Some(diff) = self.take(key, result) {
            emit(result, diff, root);
        }
    }

    /// What cannot be there together with a result, of intervals and windows.
    fn contradictions(&self, key: &Key, result: &Result) -> Vec<Result> {
        let (Some(rule), Some(of_key)) = (&self.pairs, self.pending.get(key)) else {
            return Vec::new();
        };
        let (left, right) = result.at;
        let pairs = |side: usize, from: i128, to: i128| {
            let at = |at| Result { at, left: None, right: None };
            let near = of_key.range(at((from, START))..=at((to, END)));
            let row_of = move |other: &Result| match side {
                LEFT => other.left.clone(),
                _ => other.right.clone(),
            };
            let row = row_of(result);
            let gone = near.filter(move |(other, pending)| {
                pending.diff < 0
                    && other.left.is_some()
                    && other.right.is_some()
                    && row_of(other) == row
            });
            gone.map(|(other, _)| other.clone()).collect()
        };
        match (&result.left, &result.right) {
            (Some(_), Some(_)) => {
                let alone_left = Result { at: (left, START), right: None, ..result.clone() };
                let alone_right = Result { at: (START, right), left: None, ..result.clone() };
                vec![alone_left, alone_right]
            }
            (Some(_), None) => pairs(LEFT, left, left),
            _ => {
                let times = rule.times(RIGHT, right);
                pairs(RIGHT, *times.start(), *times.end())
            }
        }
    }

    /// Ends an epoch whose results are here.
    pub(super) fn close(&mut self, progress: &Progress, now: i64, root: &mut dyn EncodedStep) {
        for (key, result) in std::mem::take(&mut self.noted) {
            self.look((&key, &result), progress, root);
        }
        for side in [LEFT, RIGHT] {
            while let Some((at, _, _)) = self.waiting[side].first()
                && *at <= progress.at[side]
                && let Some((_, key, result)) = self.waiting[side].pop_first()
            {
                self.look((&key, &result), progress, root);
            }
        }
        let ended = progress.at == [END; 2];
        if ended || self.due.is_some_and(|due| due <= now) {
            self.waiting.iter_mut().for_each(BTreeSet::clear);
            for (result, pending) in std::mem::take(&mut self.pending).values().flatten() {
                emit(result, pending.diff, root);
            }
            self.due = None;
        }
        let next = || self.due.unwrap_or(now.saturating_add(self.interval));
        self.due = (!self.pending.is_empty()).then(next);
    }

    /// The memory of what waits, in bytes.
    pub(super) fn memory(&self) -> usize {
        let row = |row: &Option<Row>| row.as_ref().map_or(0, |row| row.len());
        let of_result = |result: &Result| {
            size_of::<(Result, Pending)>() + row(&result.left) + row(&result.right)
        };
        let results: usize = self.pending.values().flat_map(BTreeMap::keys).map(of_result).sum();
        let keys: usize = self.pending.keys().flatten().map(|key| key.len()).sum();
        let waiting: usize = self.waiting.iter().map(BTreeSet::len).sum();
        results + keys + waiting * size_of::<(i128, Key, Result)>()
    }

    pub(super) fn save_due(&self, out: &mut Vec<u8>) {
        self.due.encode(out);
    }

    /// Takes back when results are due: on several workers at the same time.
    pub(super) fn load_due(&mut self, input: &mut &[u8]) {
        let due = Option::<i64>::decode(input);
        self.due = self.due.into_iter().chain(due).min();
    }

    /// Hands over what waits.
    pub(super) fn save(&self, records: &mut Records) {
        let mut place = Vec::new();
        for (key, of_key) in &self.pending {
            for (result, pending) in of_key {
                place.clear();
                result.at.0.encode(&mut place);
                result.at.1.encode(&mut place);
                put_part(result.left.as_deref(), &mut place);
                put_part(result.right.as_deref(), &mut place);
                records.add(Id { key: key.as_deref(), place: &place }, pending.diff);
            }
        }
    }

    /// Takes back a record of what waits.
    pub(super) fn load(&mut self, record: Record<'_>) {
        let mut input = record.id.place;
        let input = &mut input;
        let at = (i128::decode(input), i128::decode(input));
        let (left, right) = (take_part(input), take_part(input));
        self.note(&record.id.key.map(Into::into), Result { at, left, right }, record.copies());
    }

    /// Notes that all has been taken back.
    pub(super) fn loaded(&mut self, progress: &Progress) {
        for (key, result) in std::mem::take(&mut self.noted) {
            // Nothing is final: it would have come out before it was saved.
            self.look((&key, &result), progress, &mut super::state::Silent);
        }
    }
}

fn put_part(part: Option<&[u8]>, out: &mut Vec<u8>) {
    out.push(u8::from(part.is_some()));
    if let Some(part) = part {
        put_len(part.len(), out);
        out.extend_from_slice(part);
    }
}

fn take_part(input: &mut &[u8]) -> Option<Rc<[u8]>> {
    bool::decode(input).then(|| {
        let len = take_len(input);
        take_bytes(input, len).into()
    })
}

/// Notes the results of a key.
pub(super) struct Noting<'a> {
    pub(super) early: &'a mut Early,
    pub(super) key: Key,
    pub(super) root: &'a mut dyn EncodedStep,
}

impl Output for Noting<'_> {
    fn pair(&mut self, at: At, left: &[u8], right: &[u8], diff: Diff) {
        let result = Result { at, left: Some(left.into()), right: Some(right.into()) };
        self.early.note(&self.key, result, diff);
    }

    fn alone(&mut self, side: usize, at: At, row: &[u8], diff: Diff) {
        let row = Some(Row::from(row));
        let (left, right) = if side == LEFT { (row, None) } else { (None, row) };
        self.early.note(&self.key, Result { at, left, right }, diff);
    }

    fn over(&mut self, mut last: i128) {
        let Some(mut of_key) = self.early.pending.remove(&self.key) else { return };
        while let Some(first) = of_key.first_entry()
            && first.key().at.0 <= last
        {
            let (result, pending) = first.remove_entry();
            // What reaches further is gone, and what is there instead comes out with it.
            last = last.max(result.at.1);
            emit(&result, pending.diff, self.root);
        }
        if !of_key.is_empty() {
            self.early.pending.insert(self.key.clone(), of_key);
        }
    }
}
