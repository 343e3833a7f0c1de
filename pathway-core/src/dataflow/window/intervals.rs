//! Intervals around the rows of another table.
//!
//! What an interval comes to is kept for each key and time that the other table has rows at: a row
//! that comes or goes is merged into the intervals that it is in, and into its moment, from which
//! those of later rows of the other table are put together.

use super::emit::{Early, InWindow, ToRoot, WindowOutput, end_of};
use super::part::Part;
use super::{Around, Emission, Moment, Problem, Results, WindowState, pane_and_key};
use crate::dataflow::ReducePlan;
use crate::dataflow::group_table::{GroupOutput, GroupTable};
use crate::dataflow::state::{ChangedKeys, Saved, State, StateSize};
use crate::dataflow::watermark::{END, START};
use crate::persistence::records::Record;
use crate::schema::{Schema, put_bytes, put_len, take_len, take_sized};
use crate::stage::{Diff, EncodedStep, SharedBatch};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// A null key has no rows.
type Key = Option<Rc<[u8]>>;

/// The interval around a time.
struct Interval {
    part: Part,
    /// The rows of the other table, with their copies.
    rows: BTreeMap<Vec<u8>, Diff>,
}

#[derive(Default)]
struct OfKey {
    moments: BTreeMap<i128, Part>,
    /// By the time of the rows that they are around.
    intervals: BTreeMap<i128, Interval>,
}

impl OfKey {
    fn is_empty(&self) -> bool {
        self.moments.is_empty() && self.intervals.is_empty()
    }
}

/// What an epoch changes for one key.
#[derive(Default)]
struct Changes {
    /// Time, what the rows come to, and how many more there are.
    rows: Vec<(i128, Vec<u8>, Diff)>,
    /// Time, row, copies.
    others: Vec<(i128, Vec<u8>, Diff)>,
}

/// What an interval was before an epoch.
struct Old {
    /// Its outputs, where it had some.
    outputs: Option<Vec<u8>>,
    /// Copies of the rows that change.
    rows: BTreeMap<Vec<u8>, Diff>,
}

/// The intervals of one worker.
pub(crate) struct Intervals {
    plan: ReducePlan,
    around: Around,
    results: Results,
    describe: fn(i128) -> String,
    /// The rows of this epoch, by moment and key.
    rows: GroupTable,
    /// The rows of the other table in this epoch.
    others: BTreeMap<Key, Vec<(i128, Vec<u8>, Diff)>>,
    keys: BTreeMap<Key, OfKey>,
    saved: ChangedKeys<Key>,
    /// By end, key and time.
    ends: BTreeSet<(i128, Key, i128)>,
    /// By time and key.
    moments: BTreeSet<(i128, Key)>,
    /// Intervals that end here or before are over.
    over: i128,
    /// Moments before this one are in no interval to come.
    needed: i128,
    early: Early,
}

impl Intervals {
    pub(crate) fn new(
        node: u32,
        plan: ReducePlan,
        around: Around,
        results: Results,
        describe: fn(i128) -> String,
    ) -> Self {
        Self {
            rows: GroupTable::new(node, plan.clone()),
            plan,
            around,
            results,
            describe,
            others: BTreeMap::new(),
            keys: BTreeMap::new(),
            saved: ChangedKeys::default(),
            ends: BTreeSet::new(),
            moments: BTreeSet::new(),
            over: START,
            needed: START,
            early: Early::default(),
        }
    }

    /// The bounds of the interval around a time: its end is behind its last time.
    fn bounds(&self, time: i128) -> (i128, i128) {
        let Around { lower, upper, .. } = self.around;
        (time.saturating_add(lower), time.saturating_add(upper).saturating_add(1))
    }

    fn take_changes(&mut self) -> BTreeMap<Key, Changes> {
        let mut by_key: BTreeMap<Key, Changes> = BTreeMap::new();
        for (key, others) in std::mem::take(&mut self.others) {
            by_key.insert(key, Changes { rows: Vec::new(), others });
        }
        self.rows.drain(|key, partial, rows| {
            let (time, key) = pane_and_key(key);
            let changes = by_key.entry(Some(key.into())).or_default();
            changes.rows.push((time, partial.to_vec(), rows));
        });
        by_key
    }

    fn apply(
        &mut self,
        key: &Key,
        changes: Changes,
        output: &mut dyn WindowOutput,
    ) -> Result<(), Problem> {
        self.saved.note(key);
        let mut of_key = self.keys.remove(key).unwrap_or_default();
        let mut old: BTreeMap<i128, Old> = BTreeMap::new();
        let Around { lower, upper, .. } = self.around;
        for (time, partial, rows) in &changes.rows {
            let times = time.saturating_sub(upper)..=time.saturating_sub(lower);
            for (&at, interval) in of_key.intervals.range_mut(times) {
                if let Entry::Vacant(old) = old.entry(at) {
                    let outputs = self.outputs(key, at, interval)?;
                    old.insert(Old { outputs, rows: BTreeMap::new() });
                }
                interval.part.add(&self.plan, partial, *rows);
            }
            if *time >= self.needed {
                let new = || Part::new(&self.plan);
                let moment = of_key.moments.entry(*time).or_insert_with(new);
                moment.add(&self.plan, partial, *rows);
                let has_rows = moment.has_rows();
                if has_rows.map_err(|problem| self.at(key, *time, &problem))? {
                    self.moments.insert((*time, key.clone()));
                } else {
                    of_key.moments.remove(time);
                    self.moments.remove(&(*time, key.clone()));
                }
            }
        }
        for (time, row, diff) in changes.others {
            self.other(key, &mut of_key, &mut old, time, row, diff)?;
        }
        for (time, old) in old {
            self.emit(key, &mut of_key, time, &old, output)?;
        }
        if !of_key.is_empty() {
            self.keys.insert(key.clone(), of_key);
        }
        Ok(())
    }

    /// Applies a change of a row of the other table.
    fn other(
        &mut self,
        key: &Key,
        of_key: &mut OfKey,
        old: &mut BTreeMap<i128, Old>,
        time: i128,
        row: Vec<u8>,
        diff: Diff,
    ) -> Result<(), Problem> {
        let (start, end) = self.bounds(time);
        let OfKey { moments, intervals } = of_key;
        let interval = intervals.entry(time).or_insert_with(|| {
            let mut part = Part::new(&self.plan);
            for moment in moments.range(start..end).map(|(_, moment)| moment) {
                part.absorb(&self.plan, moment);
            }
            self.ends.insert((end, key.clone(), time));
            Interval { part, rows: BTreeMap::new() }
        });
        let old = match old.entry(time) {
            Entry::Occupied(old) => old.into_mut(),
            Entry::Vacant(old) => {
                let outputs = self.outputs(key, time, interval)?;
                old.insert(Old { outputs, rows: BTreeMap::new() })
            }
        };
        let copies = interval.rows.get(&row).copied().unwrap_or(0);
        old.rows.entry(row.clone()).or_insert(copies);
        match copies + diff {
            0 => drop(interval.rows.remove(&row)),
            copies => drop(interval.rows.insert(row, copies)),
        }
        Ok(())
    }

    /// What an interval comes to, if it has outputs that have come out.
    fn outputs(
        &self,
        key: &Key,
        time: i128,
        interval: &Interval,
    ) -> Result<Option<Vec<u8>>, Problem> {
        if self.results.emission == Emission::WhenFinal {
            return Ok(None);
        }
        self.results_of(key, time, interval)
    }

    fn results_of(
        &self,
        key: &Key,
        time: i128,
        interval: &Interval,
    ) -> Result<Option<Vec<u8>>, Problem> {
        let at = |problem: String| self.at(key, time, &problem);
        if !interval.part.has_rows().map_err(at)? && !self.around.outer {
            return Ok(None);
        }
        interval.part.outputs(&self.plan).map(Some).map_err(at)
    }

    /// Emits what has become of an interval.
    fn emit(
        &mut self,
        key: &Key,
        of_key: &mut OfKey,
        time: i128,
        old: &Old,
        output: &mut dyn WindowOutput,
    ) -> Result<(), Problem> {
        let bounds = self.bounds(time);
        let Some(interval) = of_key.intervals.get(&time) else { return Ok(()) };
        let new = self.outputs(key, time, interval)?;
        let same = new == old.outputs;
        let mut rows: BTreeSet<&Vec<u8>> = old.rows.keys().collect();
        if !same {
            rows.extend(interval.rows.keys());
        }
        let mut window = InWindow::new(bounds, output);
        for row in rows {
            let after = interval.rows.get(row).copied().unwrap_or(0);
            // A row that is not among those that change has as many copies as before.
            let before = old.rows.get(row).copied().unwrap_or(after);
            if after < 0 {
                let problem = "a row of the other table was taken away that had not been added";
                return Err(self.at(key, time, problem));
            }
            if same && before == after {
                continue;
            }
            let old = with_copies(before, old.outputs.as_deref());
            let new = with_copies(after, new.as_deref());
            if old.is_some() || new.is_some() {
                window.emit(row, old.as_deref(), new.as_deref());
            }
        }
        if interval.rows.is_empty() {
            of_key.intervals.remove(&time);
            self.ends.remove(&(bounds.1, key.clone(), time));
        }
        Ok(())
    }

    /// Lets go of the intervals that are over, and of the moments that none to come needs.
    fn finish(&mut self, output: &mut dyn WindowOutput) -> Result<(), Problem> {
        while let Some((end, key, time)) = self.ends.pop_first() {
            if end > self.over {
                self.ends.insert((end, key, time));
                break;
            }
            let Some(of_key) = self.keys.get_mut(&key) else { continue };
            let Some(interval) = of_key.intervals.remove(&time) else { continue };
            self.saved.note(&key);
            if of_key.is_empty() {
                self.keys.remove(&key);
            }
            let Results { emission, forgets } = self.results;
            if emission != Emission::WhenFinal && !forgets {
                continue;
            }
            let outputs = self.results_of(&key, time, &interval)?;
            let mut window = InWindow::new(self.bounds(time), &mut *output);
            for (row, &copies) in &interval.rows {
                let Some(outputs) = with_copies(copies, outputs.as_deref()) else { continue };
                if emission == Emission::WhenFinal {
                    window.emit(row, None, Some(&outputs));
                } else {
                    window.emit(row, Some(&outputs), None);
                }
            }
        }
        while let Some((time, key)) = self.moments.pop_first() {
            if time >= self.needed {
                self.moments.insert((time, key));
                break;
            }
            let Some(of_key) = self.keys.get_mut(&key) else { continue };
            of_key.moments.remove(&time);
            self.saved.note(&key);
            if of_key.is_empty() {
                self.keys.remove(&key);
            }
        }
        Ok(())
    }

    fn at(&self, key: &Key, time: i128, problem: &str) -> Problem {
        let (start, end) = self.bounds(time);
        let (start, last) = ((self.describe)(start), (self.describe)(end.saturating_sub(1)));
        let key = key.as_deref().unwrap_or_default().to_vec();
        (key, format!("{problem}\nin the interval from {start} to {last}"))
    }
}

/// Outputs with the copies of the row in front; nothing where there is none of one of them.
fn with_copies(copies: Diff, outputs: Option<&[u8]>) -> Option<Vec<u8>> {
    let outputs = outputs.filter(|_| copies > 0)?;
    Some([copies.to_le_bytes().as_slice(), outputs].concat())
}

impl WindowState for Intervals {
    fn batch(&self) -> SharedBatch {
        self.rows.batch()
    }

    fn settle(&mut self) {
        self.rows.settle();
    }

    fn merge(&mut self, key: &[u8], partial: &[u8], rows: Diff) {
        self.rows.merge(key, partial, rows);
    }

    fn around(&mut self, key: Option<&[u8]>, row: &[u8], diff: Diff) {
        let (time, row) = pane_and_key(row);
        self.others.entry(key.map(Into::into)).or_default().push((time, row.to_vec(), diff));
    }

    fn close(&mut self, at: &Moment, root: &mut dyn EncodedStep) -> Result<(), Problem> {
        let changes = self.take_changes();
        let mut early = std::mem::take(&mut self.early);
        let mut direct = ToRoot(root);
        let is_early = matches!(self.results.emission, Emission::Early(_));
        let output: &mut dyn WindowOutput = if is_early { &mut early } else { &mut direct };
        for (key, changes) in changes {
            self.apply(&key, changes, output)?;
        }
        let Around { lower, upper, append_only, .. } = self.around;
        // Rows that are never taken away need not be waited for.
        let others = if append_only { END } else { reached(at.other, upper) };
        self.over = at.watermark.min(others).max(self.over);
        self.needed = reached(at.other, lower).max(self.needed);
        self.finish(output)?;
        if let Emission::Early(interval) = self.results.emission {
            let over = self.over;
            early.close(interval, |key| end_of(key) <= over, at, root);
        }
        self.early = early;
        Ok(())
    }

    fn due(&self) -> Option<i64> {
        self.early.due()
    }
}

/// A time moved, but neither of the ends of time.
fn reached(time: i128, by: i128) -> i128 {
    if time == START || time == END { time } else { time.saturating_add(by) }
}

impl State for Intervals {
    fn size(&self) -> StateSize {
        let mut size = StateSize::default();
        for (key, of_key) in &self.keys {
            let parts = of_key.intervals.values().map(|interval| &interval.part);
            let parts = parts.chain(of_key.moments.values());
            let rows = of_key.intervals.values().flat_map(|interval| interval.rows.keys());
            size.rows += of_key.moments.len();
            for row in rows {
                size.rows += 1;
                size.bytes += row.capacity() + size_of::<(Vec<u8>, Diff)>();
            }
            size.bytes += key.as_ref().map_or(0, |key| key.len());
            size.bytes += parts.map(|part| part.memory(&self.plan)).sum::<usize>();
        }
        size.bytes += self.ends.len() * size_of::<(i128, Key, i128)>()
            + self.moments.len() * size_of::<(i128, Key)>()
            + self.early.memory();
        size
    }

    fn save(&mut self, out: &mut Saved) {
        self.early.save(out, &[self.over, self.needed], None);
        let plan = &self.plan;
        self.saved.save(out, &self.keys, |of_key, out| {
            put_len(of_key.moments.len(), out);
            for (time, part) in &of_key.moments {
                time.encode(out);
                part.save(plan, out);
            }
            put_len(of_key.intervals.len(), out);
            for (time, interval) in &of_key.intervals {
                time.encode(out);
                interval.part.save(plan, out);
                put_len(interval.rows.len(), out);
                for (row, copies) in &interval.rows {
                    put_bytes(row, out);
                    copies.encode(out);
                }
            }
        });
    }

    fn load(&mut self, part: &[u8], record: Record<'_>) {
        if self.early.load(part, &record, [&mut self.over, &mut self.needed]) {
            return;
        }
        let input = &mut record.bytes();
        let key: Key = record.id.key.map(Into::into);
        let mut of_key = OfKey::default();
        for _ in 0..take_len(input) {
            let time = i128::decode(input);
            of_key.moments.insert(time, Part::load(&self.plan, input));
            self.moments.insert((time, key.clone()));
        }
        for _ in 0..take_len(input) {
            let time = i128::decode(input);
            let part = Part::load(&self.plan, input);
            let rows = (0..take_len(input)).map(|_| {
                let row = take_sized(input).to_vec();
                (row, Diff::decode(input))
            });
            of_key.intervals.insert(time, Interval { part, rows: rows.collect() });
            self.ends.insert((self.bounds(time).1, key.clone(), time));
        }
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
    use crate::stage::Inputs;
    use std::sync::Arc;

    /// The time of the other row, its copies, the count, diff.
    struct Root(Vec<(i128, i64, u64, Diff)>);

    impl EncodedStep for Root {
        fn push(&mut self, mut key: &[u8], mut count: &[u8], diff: Diff) {
            let time = i128::decode(&mut key) + 5;
            let copies = i64::decode(&mut count);
            self.0.push((time, copies, u64::decode(&mut count), diff));
        }
    }

    fn new(emission: Emission, append_only: bool) -> Intervals {
        let plan = ReducePlan::new(vec![AnyFold::Words(Arc::new(Count))], OutputShape::Single);
        let around = Around { lower: -5, upper: 3, outer: true, append_only };
        let results = Results { emission, forgets: false };
        Intervals::new(0, plan, around, results, |time| time.to_string())
    }

    fn row(intervals: &mut Intervals, time: i128, diff: Diff) {
        let mut inputs = Inputs::default();
        inputs.null();
        let key = [&time.to_le_bytes()[..], &[7]].concat();
        intervals.rows.add(&key, &inputs, 0, diff);
    }

    fn other(intervals: &mut Intervals, time: i128, diff: Diff) {
        let row = [&time.to_le_bytes()[..], b"row"].concat();
        intervals.around(Some(&[7]), &row, diff);
    }

    fn close(intervals: &mut Intervals, watermark: i128, now: i64) -> Vec<(i128, i64, u64, Diff)> {
        let mut root = Root(Vec::new());
        let at = Moment { watermark, other: watermark, now, ended: false };
        intervals.close(&at, &mut root).unwrap();
        root.0
    }

    #[test]
    fn loaded_intervals_go_on_as_the_saved_ones() {
        for (emission, append_only) in [
            (Emission::EveryChange, false),
            (Emission::EveryChange, true),
            (Emission::WhenFinal, true),
            (Emission::Early(100), false),
        ] {
            let mut saved = new(emission, append_only);
            for time in [1, 2, 9, 14] {
                row(&mut saved, time, 1);
                other(&mut saved, time + 1, 1);
            }
            close(&mut saved, 2, 0);
            let mut stored = Stored::default();
            stored.save(&mut saved);
            let mut loaded = new(emission, append_only);
            stored.load(&mut loaded);
            for (watermark, now) in [(4, 50), (10, 60), (11, 200), (END, 300)] {
                for intervals in [&mut saved, &mut loaded] {
                    row(intervals, watermark.min(20), 1);
                    other(intervals, watermark.min(20), 1);
                    if !append_only && watermark < 9 {
                        row(intervals, 9, -1);
                        other(intervals, 15, -1);
                    }
                }
                let expected = close(&mut saved, watermark, now);
                assert_eq!(close(&mut loaded, watermark, now), expected, "{emission:?}");
                assert_eq!(loaded.size().rows, saved.size().rows);
                stored.save(&mut saved);
                loaded = new(emission, append_only);
                stored.load(&mut loaded);
            }
            assert_eq!(loaded.size().rows, 0);
        }
    }

    #[test]
    fn what_none_to_come_needs_goes() {
        let mut intervals = new(Emission::EveryChange, false);
        for time in 0..100 {
            row(&mut intervals, time, 1);
            other(&mut intervals, time, 1);
            close(&mut intervals, time, 0);
            // Three intervals reach behind the watermark, and five moments in front of it.
            assert!(intervals.size().rows <= 4 + 6, "{:?}", intervals.size());
        }
    }
}
