//! What a join by time keeps.

use super::as_of::AsOfJoin;
use super::early::{Early, Noting};
use super::interval::{Interval, TooFew};
use super::output::{Direct, Output};
use super::rows::{Rows, Ties};
use super::session::Session;
use super::{Change, LEFT, Meets, Progress, RIGHT, TimeJoinPlan, Wait};
use crate::dataflow::chunk::Chunk;
use crate::dataflow::key_table::KeyTable;
use crate::dataflow::state::{Saved, State, StateSize};
use crate::dataflow::watermark::{END, START};
use crate::dataflow::window::Emission;
use crate::format::display::display;
use crate::persistence::records::{Id, Record};
use crate::schema::{DataType, Schema, put_bytes, put_len, take_len, take_sized};
use crate::stage::{Diff, EncodedStep};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// The rows of a key, by side.
#[derive(Debug, Default)]
struct OfKey {
    rows: [Rows; 2],
    /// What the oldest rows of each side wait for.
    waits: [Option<Wait>; 2],
}

/// How the rows of a key are joined.
#[derive(Clone, Copy, Debug)]
enum Rule {
    Interval(Interval),
    AsOf(AsOfJoin),
    Session(Session),
}

impl Rule {
    fn apply<'a>(
        &self,
        rows: &mut [Rows; 2],
        left: &[Change<'a>],
        right: &[Change<'a>],
        output: &mut impl Output,
    ) -> Result<(), TooFew<'a>> {
        match self {
            Self::Interval(interval) => interval.apply(rows, left, right, output),
            Self::AsOf(as_of) => as_of.apply(rows, left, right, output),
            Self::Session(session) => session.apply(rows, left, right, output),
        }
    }

    fn advance(
        &self,
        rows: &mut [Rows; 2],
        progress: &Progress,
        output: &mut impl Output,
    ) -> [Option<Wait>; 2] {
        match self {
            Self::Interval(interval) => interval.advance(rows, progress, output),
            Self::AsOf(as_of) => as_of.advance(rows, progress, output),
            Self::Session(session) => session.advance(rows, progress, output),
        }
    }

    /// Gives a row whose key is null: it matches nothing.
    fn without_key(&self, side: usize, row: &Change<'_>, output: &mut impl Output) {
        let (time, diff) = (row.time, row.diff);
        match self {
            Self::Session(session) => {
                let row = [&session.bounds((time, time)), row.row].concat();
                output.alone(side, (time, time), &row, diff);
            }
            _ => output.alone(side, (time, time), row.row, diff),
        }
    }
}

/// A row with its key.
type KeyedRow = (Option<Vec<u8>>, Vec<u8>);

/// Rows that wait until they are settled.
type Held = BTreeMap<i128, BTreeMap<KeyedRow, Diff>>;

/// The state of a join by time on one worker.
pub(crate) struct TimeJoinState {
    plan: TimeJoinPlan,
    rule: Rule,
    row_types: [DataType; 2],
    keys: KeyTable,
    of: Vec<OfKey>,
    /// The keys by the watermark of each side that they wait for.
    waiting: [BTreeSet<(i128, u32)>; 2],
    /// Where results come out when they are final, the rows of a side that may be taken away.
    held: [Held; 2],
    /// Where results come out at intervals, those that wait.
    early: Option<Early>,
    progress: Progress,
}

impl TimeJoinState {
    /// A join of rows of those types. `retracts` tells on which sides rows may be taken away.
    pub(crate) fn new(plan: TimeJoinPlan, row_types: [DataType; 2], retracts: [bool; 2]) -> Self {
        let (alone, when_final) = (plan.alone(), plan.when_final());
        let rule = match plan.meets {
            Meets::Interval { lower, upper } => {
                Rule::Interval(Interval { lower, upper, alone, when_final })
            }
            Meets::Window => Rule::Interval(Interval { lower: 0, upper: 0, alone, when_final }),
            Meets::Session { gap } => Rule::Session(Session { gap, alone, when_final }),
            Meets::AsOf(meets) => {
                let ties = Ties::RowOrder(row_types[RIGHT], plan.fronts()[RIGHT]);
                Rule::AsOf(AsOfJoin { meets, ties, alone: plan.left_alone, when_final })
            }
        };
        let pairs = match rule {
            Rule::Interval(interval) => Some(interval),
            _ => None,
        };
        let early = match plan.emission {
            Emission::Early(interval) => Some(Early::new(interval, pairs)),
            Emission::EveryChange | Emission::WhenFinal => None,
        };
        Self {
            plan,
            rule,
            row_types,
            keys: KeyTable::new(0),
            of: Vec::new(),
            waiting: Default::default(),
            held: Default::default(),
            early,
            progress: Progress { at: [START; 2], retracts },
        }
    }

    /// The slot of a key, which is added to `new` if it is.
    fn slot(&mut self, key: &[u8], new: &mut Vec<u32>) -> u32 {
        let found = self.keys.key(key);
        self.keys.find(found).unwrap_or_else(|| {
            let slot = self.keys.insert(found);
            if self.of.len() <= slot as usize {
                self.of.resize_with(slot as usize + 1, OfKey::default);
            }
            new.push(slot);
            slot
        })
    }

    /// How many keys there are.
    #[cfg(test)]
    pub(super) fn keys_len(&self) -> usize {
        self.keys.len()
    }

    /// When an epoch is to be closed even if no row has arrived.
    pub(super) fn due(&self) -> Option<i64> {
        self.early.as_ref().and_then(Early::due)
    }

    /// Ends an epoch: takes its rows, and looks how far both sides have come, and the clock.
    ///
    /// # Errors
    ///
    /// A row that is taken away and is not there.
    pub(super) fn close(
        &mut self,
        chunks: &[Vec<Chunk>; 2],
        at: [i128; 2],
        now: i64,
        root: &mut dyn EncodedStep,
    ) -> Result<(), String> {
        let mut released: [Vec<(i128, KeyedRow, Diff)>; 2] = Default::default();
        let held = self.progress.retracts.map(|retracts| retracts && self.plan.when_final());
        for side in [LEFT, RIGHT] {
            if held[side] {
                self.hold(side, &chunks[side]);
                self.release(side, at[side], &mut released[side])?;
            }
        }
        let (mut changes, mut new): ([Vec<Change<'_>>; 2], _) = (Default::default(), Vec::new());
        for side in [LEFT, RIGHT] {
            let mut null = Vec::new();
            let mut add = |key: Option<&[u8]>, change| match key {
                Some(key) => {
                    let slot = self.slot(key, &mut new);
                    changes[side].push(Change { slot, ..change });
                }
                None => null.push(change),
            };
            let here = if held[side] { &[][..] } else { &chunks[side] };
            for (key, row, diff) in here.iter().flat_map(Chunk::iter) {
                let (time, row) = take_time(row);
                add(key, Change { slot: 0, time, row, diff });
            }
            for (time, (key, row), diff) in &released[side] {
                add(key.as_deref(), Change { slot: 0, time: *time, row, diff: *diff });
            }
            consolidate(&mut null);
            self.without_key(side, &null, root);
        }
        changes.iter_mut().for_each(consolidate);
        let at = [LEFT, RIGHT].map(|side| at[side].max(self.progress.at[side]));
        let has_ended = (0..2).any(|side| at[side] == END && self.progress.at[side] < END);
        let [left, right] = &changes;
        // Of a key that is new, all may have come to nothing.
        let mut touched = new;
        for (slot, left, right) in by_slot(left, right) {
            let rows = &mut self.of[slot as usize].rows;
            let applied = match &mut self.early {
                Some(early) => {
                    let key = Some(key_at(&self.keys, slot));
                    self.rule.apply(rows, left, right, &mut Noting { early, key, root })
                }
                None => self.rule.apply(rows, left, right, &mut Direct(root)),
            };
            applied.map_err(|problem| self.too_few(problem))?;
            touched.push(slot);
        }
        self.progress.at = at;
        if has_ended {
            touched = self.keys.slots().collect();
        }
        touched.sort_unstable();
        touched.dedup();
        for slot in touched {
            self.advance(slot, root);
        }
        for side in [LEFT, RIGHT] {
            while let Some(&(time, slot)) = self.waiting[side].first()
                && time <= at[side]
            {
                self.advance(slot, root);
            }
        }
        if let Some(early) = &mut self.early {
            early.close(&self.progress, now, root);
        }
        Ok(())
    }

    /// Rows whose key is null match nothing.
    fn without_key(&mut self, side: usize, rows: &[Change<'_>], root: &mut dyn EncodedStep) {
        if !self.plan.alone()[side] {
            return;
        }
        for row in rows {
            match &mut self.early {
                Some(early) => {
                    let mut noting = Noting { early, key: None, root };
                    self.rule.without_key(side, row, &mut noting);
                }
                None => self.rule.without_key(side, row, &mut Direct(root)),
            }
        }
    }

    fn hold(&mut self, side: usize, chunks: &[Chunk]) {
        for (key, row, diff) in chunks.iter().flat_map(Chunk::iter) {
            let (time, row) = take_time(row);
            let row = (key.map(<[u8]>::to_vec), row.to_vec());
            *self.held[side].entry(time).or_default().entry(row).or_insert(0) += diff;
        }
    }

    /// Takes out the rows that are settled.
    fn release(
        &mut self,
        side: usize,
        at: i128,
        released: &mut Vec<(i128, KeyedRow, Diff)>,
    ) -> Result<(), String> {
        while let Some(first) = self.held[side].first_entry()
            && *first.key() < at
        {
            let (time, rows) = first.remove_entry();
            for (row, copies) in rows {
                if copies < 0 {
                    return Err(self.too_few((side, &row.1, copies)));
                }
                if copies > 0 {
                    released.push((time, row, copies));
                }
            }
        }
        Ok(())
    }

    fn too_few(&self, (side, row, left): TooFew<'_>) -> String {
        let row = display(self.row_types[side], &row[self.plan.fronts()[side]..]);
        let side = if side == LEFT { "left" } else { "right" };
        format!(
            "there would be {left} copies of {row} on the {side}: more were taken away than had \
             been added"
        )
    }

    /// Lets go of what a key needs no more, and notes when to look again.
    fn advance(&mut self, slot: u32, root: &mut dyn EncodedStep) {
        let of = &mut self.of[slot as usize];
        // What is final has been settled before it came.
        let retracts = self.progress.retracts.map(|retracts| retracts && !self.plan.when_final());
        let progress = Progress { retracts, ..self.progress };
        let waits = match &mut self.early {
            Some(early) => {
                let key = Some(key_at(&self.keys, slot));
                let mut noting = Noting { early, key, root };
                self.rule.advance(&mut of.rows, &progress, &mut noting)
            }
            None => self.rule.advance(&mut of.rows, &progress, &mut Direct(root)),
        };
        if waits != of.waits {
            for wait in of.waits.iter().flatten() {
                self.waiting[wait.side].remove(&(wait.at, slot));
            }
            // At the end of time, all keys are looked at.
            for wait in waits.iter().flatten().filter(|wait| wait.at < END) {
                self.waiting[wait.side].insert((wait.at, slot));
            }
            of.waits = waits;
        }
        if of.rows.iter().all(Rows::is_empty) {
            self.keys.remove(slot);
        } else {
            self.keys.mark(slot);
        }
    }
}

fn key_at(keys: &KeyTable, slot: u32) -> Rc<[u8]> {
    keys.bytes(&keys.key_at(slot)).into()
}

/// Takes the time in front of a row.
fn take_time(row: &[u8]) -> (i128, &[u8]) {
    let (time, row) = row.split_first_chunk().expect("a time is in front of the row");
    (i128::from_le_bytes(*time), row)
}

/// Sorts the updates of an epoch, and sums equal ones.
fn consolidate(changes: &mut Vec<Change<'_>>) {
    changes.sort_unstable_by(|a, b| {
        (a.slot, a.time).cmp(&(b.slot, b.time)).then_with(|| a.row.cmp(b.row))
    });
    changes.dedup_by(|next, kept| {
        let same = (next.slot, next.time, next.row) == (kept.slot, kept.time, kept.row);
        if same {
            kept.diff += next.diff;
        }
        same
    });
    changes.retain(|change| change.diff != 0);
}

/// The changes of each key that has some.
fn by_slot<'a, 'b>(
    mut left: &'b [Change<'a>],
    mut right: &'b [Change<'a>],
) -> impl Iterator<Item = (u32, &'b [Change<'a>], &'b [Change<'a>])> {
    fn take<'a, 'b>(changes: &mut &'b [Change<'a>], slot: u32) -> &'b [Change<'a>] {
        let end = changes.iter().take_while(|change| change.slot == slot).count();
        let (of_slot, rest) = changes.split_at(end);
        *changes = rest;
        of_slot
    }
    std::iter::from_fn(move || {
        let first = |changes: &[Change<'_>]| changes.first().map_or(u32::MAX, |one| one.slot);
        let slot = first(left).min(first(right));
        (slot < u32::MAX).then(|| (slot, take(&mut left, slot), take(&mut right, slot)))
    })
}

impl State for TimeJoinState {
    fn size(&self) -> StateSize {
        let mut size = StateSize { rows: 0, bytes: self.keys.memory() };
        for of in &self.of {
            for (rows, bytes) in of.rows.iter().map(Rows::size) {
                size.rows += rows;
                size.bytes += bytes;
            }
        }
        let waits = self.waiting.iter().map(BTreeSet::len).sum::<usize>();
        size.bytes += self.of.capacity() * size_of::<OfKey>() + waits * size_of::<(i128, u32)>();
        for (key, row) in self.held.iter().flat_map(BTreeMap::values).flat_map(BTreeMap::keys) {
            size.rows += 1;
            let key = key.as_ref().map_or(0, Vec::capacity);
            size.bytes += key + row.capacity() + size_of::<(KeyedRow, Diff)>();
        }
        size.bytes += self.early.as_ref().map_or(0, Early::memory);
        size
    }

    fn save(&mut self, out: &mut Saved) {
        out.small(OVER, |out| {
            self.progress.at.iter().for_each(|at| at.encode(out));
            if let Some(early) = &self.early {
                early.save_due(out);
            }
        });
        if let Some(early) = &self.early {
            early.save(out.part(EARLY, true));
        }
        let changed = self.keys.take_changed();
        changed.save(out, ROWS, &self.keys, |slot, out| {
            for rows in &self.of[slot as usize].rows {
                put_len(rows.size().0, out);
                rows.for_each(|time, moment, row, copies| {
                    time.encode(out);
                    moment.met.encode(out);
                    copies.encode(out);
                    put_bytes(row, out);
                });
            }
        });
        // They come and go with the watermark, so most are others each time.
        let mut place = Vec::new();
        for (held, name) in self.held.iter().zip(HELD) {
            let records = out.part(name, true);
            for (time, rows) in held {
                for ((key, row), copies) in rows {
                    place.clear();
                    time.encode(&mut place);
                    place.extend_from_slice(row);
                    records.add(Id { key: key.as_deref(), place: &place }, *copies);
                }
            }
        }
    }

    fn load(&mut self, part: &[u8], record: Record<'_>) {
        if part == OVER {
            let input = &mut record.bytes();
            self.progress.at = self.progress.at.map(|at| i128::decode(input).max(at));
            if let Some(early) = &mut self.early {
                early.load_due(input);
            }
            return;
        }
        if part == EARLY {
            let early = self.early.as_mut().expect("a state is that of this program");
            return early.load(record);
        }
        if let Some(side) = HELD.iter().position(|name| *name == part) {
            let mut row = record.id.place;
            let time = i128::decode(&mut row);
            let row = (record.id.key.map(<[u8]>::to_vec), row.to_vec());
            self.held[side].entry(time).or_default().insert(row, record.copies());
            return;
        }
        let slot = self.slot(record.key(), &mut Vec::new());
        let input = &mut record.bytes();
        for side in [LEFT, RIGHT] {
            let ties = match &self.rule {
                Rule::AsOf(as_of) if side == RIGHT => as_of.ties,
                _ => Ties::Any,
            };
            for _ in 0..take_len(input) {
                let (time, met) = (i128::decode(input), bool::decode(input));
                let (copies, row) = (i64::decode(input), take_sized(input));
                let rows = &mut self.of[slot as usize].rows[side];
                rows.update(ties, time, row, copies).expect("saved rows are there");
                if met {
                    rows.meet(time..=time);
                }
            }
        }
    }

    fn loaded(&mut self) {
        if let Some(early) = &mut self.early {
            early.loaded(&self.progress);
        }
        // Nothing is let go of: it would have been before it was saved.
        let slots: Vec<u32> = self.keys.slots().collect();
        slots.into_iter().for_each(|slot| self.advance(slot, &mut Silent));
    }

    fn kept(&mut self) {
        self.keys.all_saved();
    }
}

/// The parts of the state: how far both sides have come, the rows by key, and those of each side that wait until they are settled.
const OVER: &[u8] = b"over";
const ROWS: &[u8] = b"rows";
/// What waits to come out early.
const EARLY: &[u8] = b"early";
const HELD: [&[u8]; 2] = [b"left", b"right"];

/// Where nothing is given.
pub(super) struct Silent;

impl EncodedStep for Silent {
    fn push(&mut self, _first: &[u8], _second: &[u8], _diff: Diff) {
        unreachable!("nothing is given while a state is loaded");
    }
}
