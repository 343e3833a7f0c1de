//! The state of windows, and the operator around it.

use super::{Emission, Windows};
use crate::dataflow::ReducePlan;
use crate::dataflow::chunk::Chunk;
use crate::dataflow::epoch_clock::{Alarm, NEVER};
use crate::dataflow::group_table::{GroupOutput, GroupTable};
use crate::dataflow::logic::Fail;
use crate::dataflow::operator::{Epoch, Logic};
use crate::dataflow::out_buffer::SharedBuffer;
use crate::dataflow::state::{State, StateSize};
use crate::dataflow::watermark::{START, Watermark};
use crate::schema::{Schema, put_len, take_bytes, take_len};
use crate::stage::{Diff, EncodedStep, Inputs, InputsCollector};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// What is wrong with a group: its key and the problem.
type Problem = (Vec<u8>, String);

/// The start of a pane in front of a group's key.
pub(crate) const PANE_LEN: usize = 16;

struct Window {
    table: GroupTable,
    /// Rows have changed in this epoch.
    changed: bool,
}

/// Outputs of a group that wait for the next interval.
#[derive(Debug, Default)]
struct Pending {
    /// What came out last.
    emitted: Option<Vec<u8>>,
    latest: Option<Vec<u8>>,
}

/// The windows of one worker.
pub(crate) struct WindowTable {
    plan: ReducePlan,
    windows: Windows,
    emission: Emission,
    /// A time, to a person.
    describe: fn(i128) -> String,
    /// What windows are made of. Where windows come out as they change and a pane is in several,
    /// the changes of this epoch alone.
    panes: BTreeMap<i128, GroupTable>,
    /// By start and end, the windows whose outputs may change.
    open: BTreeMap<(i128, i128), Window>,
    /// Those that this epoch has changed.
    changed: Vec<(i128, i128)>,
    /// Windows that end here or before are over.
    over: i128,
    /// By window and key, the outputs that have changed since the last interval.
    pending: BTreeMap<Vec<u8>, Pending>,
    /// When they are due.
    due: Option<i64>,
}

fn pane_and_key(key: &[u8]) -> (i128, &[u8]) {
    let (pane, key) = key.split_first_chunk::<PANE_LEN>().expect("a pane is in front of the key");
    (i128::from_le_bytes(*pane), key)
}

impl WindowTable {
    pub(crate) fn new(
        plan: ReducePlan,
        windows: Windows,
        emission: Emission,
        describe: fn(i128) -> String,
    ) -> Self {
        Self {
            plan,
            windows,
            emission,
            describe,
            panes: BTreeMap::new(),
            open: BTreeMap::new(),
            changed: Vec::new(),
            over: START,
            pending: BTreeMap::new(),
            due: None,
        }
    }

    /// The table that takes the rows of a pane.
    fn pane(&mut self, pane: i128) -> &mut GroupTable {
        if self.emission == Emission::WhenFinal || !self.windows.panes_are_windows() {
            return self.panes.entry(pane).or_insert_with(|| GroupTable::new(self.plan.clone()));
        }
        let end = self.windows.over(pane);
        self.window((pane, end))
    }

    /// A window that changes in this epoch.
    fn window(&mut self, bounds: (i128, i128)) -> &mut GroupTable {
        let window = self.open.entry(bounds).or_insert_with(|| Window {
            table: GroupTable::new(self.plan.clone()),
            changed: false,
        });
        if !window.changed {
            window.changed = true;
            self.changed.push(bounds);
        }
        &mut window.table
    }

    fn update(&mut self, key: &[u8], inputs: &Inputs, diff: Diff) {
        let (pane, key) = pane_and_key(key);
        self.pane(pane).update(key, inputs, diff);
    }

    fn merge(&mut self, key: &[u8], partial: &[u8], rows: Diff) {
        let (pane, key) = pane_and_key(key);
        self.pane(pane).merge(key, partial, rows);
    }

    /// Merges the changes of panes into the windows that they are in.
    fn spread(&mut self) {
        for (pane, mut changes) in std::mem::take(&mut self.panes) {
            for bounds in self.windows.of_pane(pane) {
                let window = self.window(bounds);
                changes.each(|key, partial, rows| window.merge(key, partial, rows));
            }
        }
    }

    /// Ends an epoch at whose close the watermark is there and, by the clock, it is `now`; nothing
    /// more will come if it `ended`.
    fn close(
        &mut self,
        watermark: i128,
        now: i64,
        ended: bool,
        root: &mut dyn EncodedStep,
    ) -> Result<(), Problem> {
        let over = watermark.max(self.over);
        match self.emission {
            Emission::WhenFinal => self.finish(over, root)?,
            Emission::EveryChange => {
                self.spread();
                self.emit(ToRoot(root))?;
            }
            Emission::Early(interval) => {
                self.spread();
                let mut pending = std::mem::take(&mut self.pending);
                let emitted = self.emit(ToPending(&mut pending));
                self.pending = pending;
                emitted?;
                let is_due = ended || self.due.is_some_and(|due| due <= now);
                self.emit_pending(if is_due { i128::MAX } else { over }, root);
                let due = self.due.filter(|_| !is_due);
                let next = || due.unwrap_or(now.saturating_add(interval));
                self.due = (!self.pending.is_empty()).then(next);
            }
        }
        if over > self.over {
            self.over = over;
            self.open.retain(|(_, end), _| *end > over);
            self.panes.retain(|pane, _| self.windows.over(*pane) > over);
        }
        Ok(())
    }

    /// Emits what this epoch has changed.
    fn emit(&mut self, mut output: impl WindowOutput) -> Result<(), Problem> {
        let mut changed = std::mem::take(&mut self.changed);
        changed.sort_unstable();
        for bounds in changed.drain(..) {
            if let Some(window) = self.open.get_mut(&bounds) {
                window.changed = false;
                let mut output = InWindow::new(bounds, &mut output);
                window
                    .table
                    .close(&mut output)
                    .map_err(|problem| self.in_window(bounds, problem))?;
            }
        }
        self.changed = changed;
        Ok(())
    }

    /// Emits the pending outputs of the windows that end at `last` or before.
    fn emit_pending(&mut self, last: i128, root: &mut dyn EncodedStep) {
        self.pending.retain(|key, outputs| {
            let (end, _) = pane_and_key(&key[PANE_LEN..]);
            if end > last {
                return true;
            }
            if outputs.emitted != outputs.latest {
                if let Some(emitted) = &outputs.emitted {
                    root.push(key, emitted, -1);
                }
                if let Some(latest) = &outputs.latest {
                    root.push(key, latest, 1);
                }
            }
            false
        });
    }

    /// Emits the windows that are over now and were not before.
    fn finish(&mut self, over: i128, root: &mut dyn EncodedStep) -> Result<(), Problem> {
        let due = |bounds: &(i128, i128)| bounds.1 <= over && bounds.1 > self.over;
        let ready = self.panes.range(..over).flat_map(|(pane, _)| self.windows.of_pane(*pane));
        let ready: BTreeSet<(i128, i128)> = ready.filter(due).collect();
        for bounds in ready {
            let mut output = InWindow::new(bounds, ToRoot(root));
            let (start, end) = bounds;
            if self.windows.panes_are_windows() {
                if let Some(mut table) = self.panes.remove(&start) {
                    table.finish(&mut output).map_err(|problem| self.in_window(bounds, problem))?;
                }
                continue;
            }
            let mut table = GroupTable::new(self.plan.clone());
            for (_, pane) in self.panes.range_mut(start..end) {
                pane.each(|key, partial, rows| table.merge(key, partial, rows));
            }
            table.finish(&mut output).map_err(|problem| self.in_window(bounds, problem))?;
        }
        Ok(())
    }

    fn in_window(&self, (start, end): (i128, i128), (key, problem): Problem) -> Problem {
        let (start, end) = ((self.describe)(start), (self.describe)(end));
        (key, format!("{problem}\nin the window from {start} to {end}"))
    }
}

/// Where the outputs of windows go: bounds and key, outputs, diff.
trait WindowOutput {
    fn emit(&mut self, key: &[u8], outputs: &[u8], diff: Diff);
}

impl<O: WindowOutput> WindowOutput for &mut O {
    fn emit(&mut self, key: &[u8], outputs: &[u8], diff: Diff) {
        (**self).emit(key, outputs, diff);
    }
}

struct ToRoot<'a>(&'a mut dyn EncodedStep);

impl WindowOutput for ToRoot<'_> {
    fn emit(&mut self, key: &[u8], outputs: &[u8], diff: Diff) {
        self.0.push(key, outputs, diff);
    }
}

struct ToPending<'a>(&'a mut BTreeMap<Vec<u8>, Pending>);

impl WindowOutput for ToPending<'_> {
    fn emit(&mut self, key: &[u8], outputs: &[u8], diff: Diff) {
        if !self.0.contains_key(key) {
            let emitted = (diff < 0).then(|| outputs.to_vec());
            self.0.insert(key.to_vec(), Pending { emitted, latest: None });
        }
        if let Some(pending) = self.0.get_mut(key) {
            pending.latest = (diff > 0).then(|| outputs.to_vec());
        }
    }
}

/// Puts the bounds of a window in front of the keys of its groups.
struct InWindow<O> {
    output: O,
    key: Vec<u8>,
}

impl<O> InWindow<O> {
    fn new((start, end): (i128, i128), output: O) -> Self {
        Self { output, key: [start.to_le_bytes(), end.to_le_bytes()].concat() }
    }
}

impl<O: WindowOutput> GroupOutput for InWindow<O> {
    fn emit(&mut self, key: &[u8], outputs: &[u8], diff: Diff) {
        self.key.truncate(2 * PANE_LEN);
        self.key.extend_from_slice(key);
        self.output.emit(&self.key, outputs, diff);
    }
}

impl State for WindowTable {
    fn size(&self) -> StateSize {
        let tables = self.panes.values().chain(self.open.values().map(|window| &window.table));
        tables.fold(StateSize::default(), |all, table| {
            let size = table.size();
            let rows = all.rows + size.rows;
            StateSize { rows, bytes: all.bytes + size.bytes + size_of::<Window>() }
        })
    }

    fn save(&self, out: &mut Vec<u8>) {
        self.over.encode(out);
        self.due.encode(out);
        put_len(self.panes.len(), out);
        for (pane, table) in &self.panes {
            pane.encode(out);
            table.save(out);
        }
        put_len(self.open.len(), out);
        for ((start, end), window) in &self.open {
            start.encode(out);
            end.encode(out);
            window.table.save(out);
        }
        put_len(self.pending.len(), out);
        for (key, outputs) in &self.pending {
            for part in [&Some(key.clone()), &outputs.emitted, &outputs.latest] {
                out.push(u8::from(part.is_some()));
                put_bytes(part.as_deref().unwrap_or_default(), out);
            }
        }
    }

    fn load(&mut self, input: &mut &[u8]) {
        self.over = i128::decode(input);
        self.due = Option::decode(input);
        for _ in 0..take_len(input) {
            let pane = i128::decode(input);
            let table =
                self.panes.entry(pane).or_insert_with(|| GroupTable::new(self.plan.clone()));
            table.load(input);
        }
        for _ in 0..take_len(input) {
            let bounds = (i128::decode(input), i128::decode(input));
            let mut table = GroupTable::new(self.plan.clone());
            table.load(input);
            self.open.insert(bounds, Window { table, changed: false });
        }
        for _ in 0..take_len(input) {
            let mut part = || {
                let is_some = bool::decode(input);
                let len = take_len(input);
                Some(take_bytes(input, len).to_vec()).filter(|_| is_some)
            };
            let (key, emitted, latest) = (part(), part(), part());
            self.pending.insert(key.unwrap_or_default(), Pending { emitted, latest });
        }
    }
}

fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    put_len(bytes.len(), out);
    out.extend_from_slice(bytes);
}

/// Writes rows straight into the windows of the operator behind.
pub(crate) struct DirectWindows {
    pub(crate) table: Rc<RefCell<WindowTable>>,
    pub(crate) buffer: SharedBuffer,
}

impl InputsCollector for DirectWindows {
    fn update(&mut self, key: &[u8], inputs: &Inputs, diff: Diff) {
        self.table.borrow_mut().update(key, inputs, diff);
        self.buffer.borrow_mut().mark();
    }
}

/// Reduces windows.
pub(crate) struct RunWindows {
    pub(crate) table: Rc<RefCell<WindowTable>>,
    /// Nothing where windows are never over.
    pub(crate) watermark: Option<Rc<Watermark>>,
    pub(crate) alarm: Alarm,
    pub(crate) root: Box<dyn EncodedStep>,
    pub(crate) fail: Fail,
    pub(crate) ended: bool,
}

impl Logic for RunWindows {
    fn receive(&mut self, port: usize, chunk: Chunk) {
        if port > 0 {
            return;
        }
        let mut table = self.table.borrow_mut();
        for (key, partial, rows) in chunk.iter() {
            table.merge(key.unwrap_or_default(), partial, rows);
        }
    }

    fn close(&mut self, _epoch: Epoch) -> bool {
        let mut table = self.table.borrow_mut();
        let watermark = self.watermark.as_ref().map_or(START, |watermark| watermark.get());
        let now = self.alarm.now();
        if let Err((key, problem)) = table.close(watermark, now, self.ended, &mut *self.root) {
            (self.fail)(Some(&key), problem);
        }
        self.alarm.set(table.due.unwrap_or(NEVER));
        true
    }

    fn sealed(&mut self, port: usize) {
        self.ended |= port == 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataflow::OutputShape;
    use crate::dataflow::fold::{AnyFold, Count};
    use std::sync::Arc;

    fn table(windows: &Windows, emission: Emission) -> WindowTable {
        let plan = ReducePlan::new(vec![AnyFold::Words(Arc::new(Count))], OutputShape::Single);
        WindowTable::new(plan, windows.clone(), emission, |time| time.to_string())
    }

    /// Start, end, key, count, diff.
    type Emitted = Vec<(i128, i128, u8, u64, Diff)>;

    struct Root(Emitted);

    impl EncodedStep for Root {
        fn push(&mut self, mut key: &[u8], mut count: &[u8], diff: Diff) {
            let key = &mut key;
            let (start, end) = (i128::decode(key), i128::decode(key));
            self.0.push((start, end, u8::decode(key), u64::decode(&mut count), diff));
        }
    }

    fn close(table: &mut WindowTable, watermark: i128, now: i64) -> Emitted {
        let mut root = Root(Vec::new());
        table.close(watermark, now, false, &mut root).unwrap();
        root.0.sort_unstable();
        root.0
    }

    fn row(table: &mut WindowTable, windows: &Windows, time: i128, key: u8) {
        let mut pane = windows.pane(time).to_le_bytes().to_vec();
        pane.push(key);
        let mut inputs = Inputs::default();
        inputs.null();
        table.update(&pane, &inputs, 1);
    }

    #[test]
    fn loaded_windows_go_on_as_the_saved_ones() {
        let divisions = [Windows::Tumbling { size: 10, origin: 0 }, Windows::sliding(10, 5, 0)];
        for windows in divisions {
            for emission in [Emission::EveryChange, Emission::WhenFinal, Emission::Early(100)] {
                let mut saved = table(&windows, emission);
                for time in [1, 2, 7, 12] {
                    row(&mut saved, &windows, time, 3);
                }
                close(&mut saved, 5, 0);
                let mut bytes = Vec::new();
                saved.save(&mut bytes);
                let mut loaded = table(&windows, emission);
                let mut input = bytes.as_slice();
                loaded.load(&mut input);
                assert!(input.is_empty());
                for (watermark, now) in [(8, 50), (10, 60), (11, 200), (i128::MAX, 300)] {
                    for table in [&mut saved, &mut loaded] {
                        row(table, &windows, watermark.min(20), 3);
                        row(table, &windows, watermark.min(20), 4);
                    }
                    let expected = close(&mut saved, watermark, now);
                    let emitted = close(&mut loaded, watermark, now);
                    assert_eq!(emitted, expected, "{windows:?} {emission:?} at {watermark}");
                    assert_eq!(loaded.size().rows, saved.size().rows);
                }
                assert_eq!(loaded.size().rows, 0);
            }
        }
    }
}
