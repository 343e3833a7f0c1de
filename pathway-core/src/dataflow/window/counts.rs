//! Windows of so many rows of a key, in the order of their times.
//!
//! A key's rows are sorted by time, then by row, in a tree that knows positions. A row that comes
//! or goes shifts those behind it, so all windows from its position on change; where as many come
//! as go, those behind the last of them do not. Rows behind the watermark have their positions for
//! good: windows of such rows alone are final, and rows that only such windows have go.

use super::emit::{Early, InWindow, ToRoot, WindowOutput};
use super::part::Part;
use super::{Emission, Moment, PANE_LEN, Problem, Results, WindowState};
use crate::dataflow::ReducePlan;
use crate::dataflow::group_table::GroupOutput;
use crate::dataflow::ordered::{Entry, Tree, too_few};
use crate::dataflow::state::{ChangedKeys, Saved, State, StateSize};
use crate::dataflow::watermark::{END, START};
use crate::persistence::records::Record;
use crate::schema::{DataType, Schema, put_bytes, put_len, take_len, take_sized};
use crate::stage::{Batch, Diff, EncodedStep, Inputs, SharedBatch, enter};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::rc::Rc;

/// The rows of one key.
struct OfKey {
    rows: Tree,
    /// How many rows in front of these have gone.
    gone: u64,
    /// The number of the first window that is not final.
    first: u64,
    /// The time of the row that is the last of that window, if it is there.
    full_at: Option<i128>,
}

impl OfKey {
    fn new() -> Self {
        Self { rows: Tree::new(), gone: 0, first: 0, full_at: None }
    }

    /// How many rows there have been.
    fn len(&self) -> u64 {
        self.gone + self.rows.rows()
    }
}

/// The windows of one worker.
pub(crate) struct Counts {
    /// The number of the plan node.
    node: u32,
    plan: ReducePlan,
    size: u64,
    hop: u64,
    results: Results,
    /// The type of the rows.
    rows: fn() -> DataType,
    /// Nobody writes into it: whole rows come, which are sorted.
    batch: SharedBatch,
    /// The updates of this epoch, by what the rows sort by.
    pending: BTreeMap<Rc<[u8]>, BTreeMap<Vec<u8>, Entry>>,
    keys: BTreeMap<Rc<[u8]>, OfKey>,
    saved: ChangedKeys<Rc<[u8]>>,
    /// By the time of the last row of the first window that is not final.
    full: BTreeSet<(i128, Rc<[u8]>)>,
    over: i128,
    early: Early,
}

/// The time that a row sorts by.
fn time_of(entry: &Entry) -> i128 {
    let bytes: [u8; 16] = entry.key().try_into().expect("a row sorts by its time");
    (u128::from_be_bytes(bytes) ^ (1 << 127)).cast_signed()
}

impl Counts {
    pub(crate) fn new(
        node: u32,
        plan: ReducePlan,
        (size, hop): (u64, u64),
        results: Results,
        rows: fn() -> DataType,
    ) -> Self {
        Self {
            node,
            plan,
            size,
            hop,
            results,
            rows,
            batch: Batch::shared(1),
            pending: BTreeMap::new(),
            keys: BTreeMap::new(),
            saved: ChangedKeys::default(),
            full: BTreeSet::new(),
            over: START,
            early: Early::default(),
        }
    }

    /// The first window that has that position or one behind it.
    fn first_with(&self, position: u64) -> u64 {
        (position + 1).saturating_sub(self.size).div_ceil(self.hop)
    }

    /// The windows that have positions of that range, or some behind it, up to `end`.
    fn windows(&self, from: u64, end: u64) -> Range<u64> {
        self.first_with(from)..end.div_ceil(self.hop)
    }

    fn bounds(&self, window: u64) -> (i128, i128) {
        let start = window * self.hop;
        (start.into(), (start + self.size).into())
    }

    /// What a window comes to; nothing where it has no rows.
    fn outputs(&self, of_key: &OfKey, window: u64) -> Result<Option<Vec<u8>>, String> {
        let start = window * self.hop;
        if start >= of_key.len() {
            return Ok(None);
        }
        let mut cursor = of_key.rows.cursor(start - of_key.gone);
        let (mut part, mut inputs) = (Part::new(&self.plan), Inputs::default());
        for _ in 0..self.size {
            let Some(entry) = of_key.rows.get(cursor) else { break };
            inputs.read(entry.arguments());
            part.add_rows(&self.plan, &inputs, 1);
            of_key.rows.step(&mut cursor);
        }
        part.outputs(&self.plan).map(Some)
    }

    fn all_outputs(
        &self,
        key: &[u8],
        of_key: &OfKey,
        windows: Range<u64>,
    ) -> Result<BTreeMap<u64, Vec<u8>>, Problem> {
        let mut all = BTreeMap::new();
        for window in windows {
            let outputs = self.outputs(of_key, window);
            let outputs = outputs.map_err(|problem| self.at(key, window, &problem))?;
            all.extend(outputs.map(|outputs| (window, outputs)));
        }
        Ok(all)
    }

    /// Applies the updates of an epoch to a key, and emits what has changed.
    fn apply(
        &mut self,
        key: &Rc<[u8]>,
        changes: BTreeMap<Vec<u8>, Entry>,
        output: &mut dyn WindowOutput,
    ) -> Result<(), Problem> {
        self.saved.note(key);
        let mut of_key = self.keys.remove(key).unwrap_or_else(OfKey::new);
        let changes: Vec<Entry> = changes.into_values().filter(|row| row.copies != 0).collect();
        let (Some(first), Some(last)) = (changes.first(), changes.last()) else {
            if of_key.len() > 0 {
                self.keys.insert(Rc::clone(key), of_key);
            }
            return Ok(());
        };
        let shift: Diff = changes.iter().map(|row| row.copies).sum();
        let from = of_key.gone + of_key.rows.rank(first.sort());
        let behind = |of_key: &OfKey| {
            of_key.gone + of_key.rows.rank(last.sort()) + of_key.rows.copies(last.sort())
        };
        let shows = self.results.emission != Emission::WhenFinal;
        let before = behind(&of_key);
        let old = if shows {
            let end = if shift == 0 { before } else { of_key.len() };
            self.all_outputs(key, &of_key, self.windows(from, end))?
        } else {
            BTreeMap::new()
        };
        for change in &changes {
            let left = of_key.rows.copies(change.sort()).cast_signed() + change.copies;
            if left < 0 {
                let problem = too_few((self.rows)(), &(change.clone(), left));
                return Err((key.to_vec(), problem));
            }
            of_key.rows.update(&[], change);
        }
        if shows {
            // The same windows on both sides: those that the changes reach before or after.
            let end = if shift == 0 { before.max(behind(&of_key)) } else { of_key.len() };
            let mut new = self.all_outputs(key, &of_key, self.windows(from, end))?;
            for (window, old) in old {
                let new = new.remove(&window);
                if new.as_ref() != Some(&old) {
                    let mut output = InWindow::new(self.bounds(window), &mut *output);
                    output.emit(key, Some(&old), new.as_deref());
                }
            }
            for (window, new) in new {
                InWindow::new(self.bounds(window), &mut *output).emit(key, None, Some(&new));
            }
        }
        self.note(key, &mut of_key);
        if of_key.len() > 0 {
            self.keys.insert(Rc::clone(key), of_key);
        }
        Ok(())
    }

    /// Notes when the first window that is not final has all of its rows.
    fn note(&mut self, key: &Rc<[u8]>, of_key: &mut OfKey) {
        let last = of_key.first * self.hop + self.size - 1;
        let full_at = of_key.rows.at(last - of_key.gone).map(time_of);
        if full_at != of_key.full_at {
            if let Some(time) = of_key.full_at {
                self.full.remove(&(time, Rc::clone(key)));
            }
            self.full.extend(full_at.map(|time| (time, Rc::clone(key))));
            of_key.full_at = full_at;
        }
    }

    /// Emits the windows that are final now, and forgets the rows that they alone have. Answers
    /// which they are: their bounds and key.
    fn finish(&mut self, output: &mut dyn WindowOutput) -> Result<BTreeSet<Vec<u8>>, Problem> {
        let mut over = BTreeSet::new();
        if self.over == END {
            self.saved.note_all();
            for (key, of_key) in std::mem::take(&mut self.keys) {
                let windows = of_key.first..of_key.len().div_ceil(self.hop);
                self.finish_windows(&key, &of_key, windows, output, &mut over)?;
            }
            self.full.clear();
            return Ok(over);
        }
        while let Some((time, key)) = self.full.pop_first() {
            if time >= self.over {
                self.full.insert((time, key));
                break;
            }
            let Some(mut of_key) = self.keys.remove(&key) else { continue };
            self.saved.note(&key);
            of_key.full_at = None;
            let limit = time_bytes(self.over);
            let settled = of_key.gone + of_key.rows.rank_where(|sort| sort < limit.as_slice());
            // A window whose end is settled is final.
            let final_ones =
                of_key.first..(settled + self.hop).saturating_sub(self.size) / self.hop;
            let next = final_ones.end;
            self.finish_windows(&key, &of_key, final_ones, output, &mut over)?;
            of_key.first = next;
            while of_key.gone < next * self.hop {
                let Some(entry) = of_key.rows.at(0) else { break };
                let mut row = entry.clone();
                let most = (next * self.hop - of_key.gone).cast_signed();
                let copies = row.copies.min(most);
                row.copies = -copies;
                of_key.rows.update(&[], &row);
                of_key.gone += copies.unsigned_abs();
            }
            self.note(&key, &mut of_key);
            self.keys.insert(key, of_key);
        }
        Ok(over)
    }

    fn finish_windows(
        &self,
        key: &Rc<[u8]>,
        of_key: &OfKey,
        windows: Range<u64>,
        output: &mut dyn WindowOutput,
        over: &mut BTreeSet<Vec<u8>>,
    ) -> Result<(), Problem> {
        let Results { emission, forgets } = self.results;
        for window in windows {
            let (start, end) = self.bounds(window);
            if matches!(emission, Emission::Early(_)) {
                over.insert([&start.to_le_bytes()[..], &end.to_le_bytes(), key].concat());
            }
            if emission != Emission::WhenFinal && !forgets {
                continue;
            }
            let outputs = self.outputs(of_key, window);
            let outputs = outputs.map_err(|problem| self.at(key, window, &problem))?;
            let mut output = InWindow::new((start, end), &mut *output);
            if emission == Emission::WhenFinal {
                output.emit(key, None, outputs.as_deref());
            } else {
                output.emit(key, outputs.as_deref(), None);
            }
        }
        Ok(())
    }

    fn at(&self, key: &[u8], window: u64, problem: &str) -> Problem {
        let (start, end) = self.bounds(window);
        (key.to_vec(), format!("{problem}\nin the window of the rows from {start} to {end}"))
    }
}

/// A time as rows sort by it: a terminal writes it so.
pub(crate) fn time_bytes(time: i128) -> [u8; 16] {
    (time.cast_unsigned() ^ (1 << 127)).to_be_bytes()
}

impl WindowState for Counts {
    fn batch(&self) -> SharedBatch {
        Rc::clone(&self.batch)
    }

    fn settle(&mut self) {}

    fn merge(&mut self, key: &[u8], message: &[u8], diff: Diff) {
        let entry = Entry::read(message, diff);
        let rows = match self.pending.get_mut(key) {
            Some(rows) => rows,
            None => self.pending.entry(key.into()).or_default(),
        };
        match rows.get_mut(entry.sort()) {
            Some(known) => known.copies += diff,
            None => drop(rows.insert(entry.sort().to_vec(), entry)),
        }
    }

    fn close(&mut self, at: &Moment, root: &mut dyn EncodedStep) -> Result<(), Problem> {
        // A reducer of the user's own may panic.
        enter(self.node);
        let mut early = std::mem::take(&mut self.early);
        let mut direct = ToRoot(root);
        let is_early = matches!(self.results.emission, Emission::Early(_));
        let output: &mut dyn WindowOutput = if is_early { &mut early } else { &mut direct };
        for (key, changes) in std::mem::take(&mut self.pending) {
            self.apply(&key, changes, output)?;
        }
        self.over = at.watermark.max(self.over);
        let over = self.finish(output)?;
        if let Emission::Early(interval) = self.results.emission {
            early.close(interval, |key| over.contains(key), at, root);
        }
        self.early = early;
        Ok(())
    }

    fn due(&self) -> Option<i64> {
        self.early.due()
    }
}

impl State for Counts {
    fn size(&self) -> StateSize {
        let mut size = StateSize { rows: self.keys.len(), bytes: self.early.memory() };
        for (key, of_key) in &self.keys {
            size.rows += usize::try_from(of_key.rows.rows()).unwrap_or(usize::MAX);
            size.bytes += key.len() + size_of::<OfKey>() + of_key.rows.memory();
        }
        size.bytes += self.full.len() * size_of::<(i128, Rc<[u8]>)>();
        size
    }

    fn save(&mut self, out: &mut Saved) {
        self.early.save(out, &[self.over], Some(2 * PANE_LEN));
        let mut message = Vec::new();
        self.saved.save(out, &self.keys, |of_key, out| {
            of_key.gone.encode(out);
            of_key.first.encode(out);
            put_len(of_key.rows.entries().count(), out);
            for entry in of_key.rows.entries() {
                message.clear();
                entry.write(&mut message);
                put_bytes(&message, out);
                entry.copies.encode(out);
            }
        });
    }

    fn load(&mut self, part: &[u8], record: Record<'_>) {
        if self.early.load(part, &record, [&mut self.over]) {
            return;
        }
        let input = &mut record.bytes();
        let key: Rc<[u8]> = record.key().into();
        let (gone, first) = (u64::decode(input), u64::decode(input));
        let mut of_key = OfKey { gone, first, ..OfKey::new() };
        for _ in 0..take_len(input) {
            let message = take_sized(input);
            let entry = Entry::read(message, Diff::decode(input));
            of_key.rows.update(&[], &entry);
        }
        self.note(&key, &mut of_key);
        self.keys.insert(key, of_key);
    }

    fn kept(&mut self) {
        self.saved.all_saved();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataflow::OutputShape;
    use crate::dataflow::fold::{AnyFold, Count};
    use crate::dataflow::state::Stored;
    use crate::stage::put_sort_header;
    use std::sync::Arc;

    struct Root(Vec<(i128, i128, u64, Diff)>);

    impl EncodedStep for Root {
        fn push(&mut self, mut key: &[u8], mut count: &[u8], diff: Diff) {
            let key = &mut key;
            let (start, end) = (i128::decode(key), i128::decode(key));
            self.0.push((start, end, u64::decode(&mut count), diff));
        }
    }

    fn new((size, hop): (u64, u64), emission: Emission) -> Counts {
        let plan = ReducePlan::new(vec![AnyFold::Words(Arc::new(Count))], OutputShape::Single);
        let results = Results { emission, forgets: false };
        Counts::new(0, plan, (size, hop), results, u8::data_type)
    }

    fn row(counts: &mut Counts, time: i128, diff: Diff) {
        let mut inputs = Inputs::default();
        inputs.null();
        let mut message = Vec::new();
        put_sort_header(16, 17, &mut message);
        message.extend_from_slice(&time_bytes(time));
        message.push(9);
        inputs.write(&mut message);
        counts.merge(&[7], &message, diff);
    }

    fn close(counts: &mut Counts, watermark: i128, now: i64) -> Vec<(i128, i128, u64, Diff)> {
        let mut root = Root(Vec::new());
        let at = Moment { watermark, other: START, now, ended: false };
        counts.close(&at, &mut root).unwrap();
        root.0
    }

    #[test]
    fn loaded_windows_go_on_as_the_saved_ones() {
        for windows in [(3, 3), (4, 1), (5, 2)] {
            for emission in [Emission::EveryChange, Emission::WhenFinal, Emission::Early(100)] {
                let mut saved = new(windows, emission);
                for time in [-1, 2, 2, 3, 5, 8, 11] {
                    row(&mut saved, time, 1);
                }
                close(&mut saved, 3, 0);
                let mut stored = Stored::default();
                stored.save(&mut saved);
                let mut loaded = new(windows, emission);
                stored.load(&mut loaded);
                for (watermark, now) in [(4, 50), (10, 60), (12, 200), (END, 300)] {
                    for counts in [&mut saved, &mut loaded] {
                        row(counts, watermark.min(20), 1);
                        if watermark < 8 {
                            row(counts, 8, -1);
                        }
                    }
                    let expected = close(&mut saved, watermark, now);
                    assert_eq!(close(&mut loaded, watermark, now), expected, "{emission:?}");
                    assert_eq!(loaded.size().rows, saved.size().rows);
                    stored.save(&mut saved);
                    loaded = new(windows, emission);
                    stored.load(&mut loaded);
                }
                assert_eq!(loaded.size().rows, 0);
            }
        }
    }

    #[test]
    fn rows_of_final_windows_go() {
        for windows in [(3, 3), (4, 1), (5, 2)] {
            let mut counts = new(windows, Emission::EveryChange);
            for time in 0..200 {
                row(&mut counts, time, 1);
                close(&mut counts, time - 4, 0);
                // Those of one window, those that are not settled, and the key.
                assert!(counts.size().rows <= 5 + 5 + 1, "{:?}", counts.size());
            }
        }
    }
}
