//! Windows of fixed bounds.

use super::emit::{Early, InWindow, Taken, ToRoot, WindowOutput, end_of};
use super::{Division, Emission, Moment, PANE_LEN, Problem, Results, WindowState, pane_and_key};
use crate::dataflow::ReducePlan;
use crate::dataflow::group_table::GroupTable;
use crate::dataflow::state::{Saved, State, StateSize};
use crate::dataflow::watermark::START;
use crate::persistence::records::Record;
use crate::stage::{Batch, Diff, EncodedStep, SharedBatch};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Rows that are added at once.
const BATCH_ROWS: usize = 64;

struct Window {
    table: GroupTable,
    /// Rows have changed in this epoch.
    changed: bool,
}

/// The windows of fixed bounds of one worker.
pub(crate) struct WindowTable {
    /// The number of the plan node.
    node: u32,
    /// Rows that wait for others.
    batch: SharedBatch,
    plan: ReducePlan,
    windows: Division,
    results: Results,
    /// A time, to a person.
    describe: fn(i128) -> String,
    /// What windows are made of. Where windows come out as they change and a pane is in several,
    /// the changes of this epoch alone.
    panes: BTreeMap<i128, GroupTable>,
    /// By start and end, the windows whose outputs may change.
    open: BTreeMap<(i128, i128), Window>,
    /// Those that this epoch has changed.
    changed: Vec<(i128, i128)>,
    /// Division that end here or before are over.
    over: i128,
    /// Outputs that wait for an interval to be over.
    early: Early,
}

impl WindowTable {
    pub(crate) fn new(
        node: u32,
        plan: ReducePlan,
        windows: Division,
        results: Results,
        describe: fn(i128) -> String,
    ) -> Self {
        Self {
            node,
            batch: Batch::shared(BATCH_ROWS),
            plan,
            windows,
            results,
            describe,
            panes: BTreeMap::new(),
            open: BTreeMap::new(),
            changed: Vec::new(),
            over: START,
            early: Early::default(),
        }
    }

    /// The table that takes the rows with that pane and key, and the key behind the pane.
    fn table_of<'k>(&mut self, key: &'k [u8]) -> (&mut GroupTable, &'k [u8]) {
        let (pane, key) = pane_and_key(key);
        if matches!(self.windows, Division::Own) {
            let (end, key) = pane_and_key(key);
            return (self.window((pane, end)), key);
        }
        if self.results.emission == Emission::WhenFinal || !self.windows.panes_are_windows() {
            let new = || GroupTable::new(self.node, self.plan.clone());
            return (self.panes.entry(pane).or_insert_with(new), key);
        }
        let end = self.windows.over(pane);
        (self.window((pane, end)), key)
    }

    /// A window that changes in this epoch.
    fn window(&mut self, bounds: (i128, i128)) -> &mut GroupTable {
        let window = self.open.entry(bounds).or_insert_with(|| Window {
            table: GroupTable::new(self.node, self.plan.clone()),
            changed: false,
        });
        if !window.changed && self.results.emission != Emission::WhenFinal {
            window.changed = true;
            self.changed.push(bounds);
        }
        &mut window.table
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
                    .map_err(|problem| in_window(self.describe, bounds, problem))?;
            }
        }
        self.changed = changed;
        Ok(())
    }

    /// Emits the windows that are over now and were not before.
    fn finish(&mut self, over: i128, root: &mut dyn EncodedStep) -> Result<(), Problem> {
        if over <= self.over {
            return Ok(());
        }
        for (bounds, mut window) in self.open.extract_if(.., |(_, end), _| *end <= over) {
            let mut output = InWindow::new(bounds, ToRoot(root));
            window
                .table
                .finish(&mut output)
                .map_err(|problem| in_window(self.describe, bounds, problem))?;
        }
        let due = |bounds: &(i128, i128)| bounds.1 <= over && bounds.1 > self.over;
        let ready = self.panes.range(..over).flat_map(|(pane, _)| self.windows.of_pane(*pane));
        let ready: BTreeSet<(i128, i128)> = ready.filter(due).collect();
        for bounds in ready {
            let mut output = InWindow::new(bounds, ToRoot(root));
            let (start, end) = bounds;
            if self.windows.panes_are_windows() {
                if let Some(mut table) = self.panes.remove(&start) {
                    table
                        .finish(&mut output)
                        .map_err(|problem| in_window(self.describe, bounds, problem))?;
                }
                continue;
            }
            let mut table = GroupTable::new(self.node, self.plan.clone());
            for (_, pane) in self.panes.range_mut(start..end) {
                pane.each(|key, partial, rows| table.merge(key, partial, rows));
            }
            table
                .finish(&mut output)
                .map_err(|problem| in_window(self.describe, bounds, problem))?;
        }
        Ok(())
    }

    /// Takes the results of the windows back that are over.
    fn forget(&mut self, over: i128, mut output: impl WindowOutput) -> Result<(), Problem> {
        for (bounds, mut window) in self.open.extract_if(.., |(_, end), _| *end <= over) {
            let mut output = Taken(InWindow::new(bounds, &mut output));
            window
                .table
                .finish(&mut output)
                .map_err(|problem| in_window(self.describe, bounds, problem))?;
        }
        Ok(())
    }
}

fn in_window(
    describe: fn(i128) -> String,
    (start, end): (i128, i128),
    (key, problem): Problem,
) -> Problem {
    let (start, end) = (describe(start), describe(end));
    (key, format!("{problem}\nin the window from {start} to {end}"))
}

impl WindowState for WindowTable {
    fn batch(&self) -> SharedBatch {
        Rc::clone(&self.batch)
    }

    fn settle(&mut self) {
        let batch = Rc::clone(&self.batch);
        let mut batch = batch.borrow_mut();
        let arguments = self.plan.folds().len();
        for (at, (key, diff)) in batch.rows().enumerate() {
            let (table, key) = self.table_of(key);
            table.add(key, batch.inputs(), at * arguments, diff);
        }
        batch.clear();
    }

    fn merge(&mut self, key: &[u8], partial: &[u8], rows: Diff) {
        let (table, key) = self.table_of(key);
        table.merge(key, partial, rows);
    }

    fn close(&mut self, at: &Moment, root: &mut dyn EncodedStep) -> Result<(), Problem> {
        self.settle();
        let over = at.watermark.max(self.over);
        let forgets = self.results.forgets && over > self.over;
        match self.results.emission {
            Emission::WhenFinal => self.finish(over, root)?,
            Emission::EveryChange => {
                self.spread();
                self.emit(ToRoot(root))?;
                if forgets {
                    self.forget(over, ToRoot(root))?;
                }
            }
            Emission::Early(interval) => {
                self.spread();
                let mut early = std::mem::take(&mut self.early);
                self.emit(&mut early)?;
                if forgets {
                    self.forget(over, &mut early)?;
                }
                early.close(interval, |key| end_of(key) <= over, at, root);
                self.early = early;
            }
        }
        if over > self.over {
            self.over = over;
            self.open.retain(|(_, end), _| *end > over);
            self.panes.retain(|pane, _| self.windows.over(*pane) > over);
        }
        Ok(())
    }

    fn due(&self) -> Option<i64> {
        self.early.due()
    }
}

impl State for WindowTable {
    fn size(&self) -> StateSize {
        let tables = self.panes.values().chain(self.open.values().map(|window| &window.table));
        let early = StateSize { rows: 0, bytes: self.early.memory() };
        tables.fold(early, |all, table| {
            let size = table.size();
            let rows = all.rows + size.rows;
            StateSize { rows, bytes: all.bytes + size.bytes + size_of::<Window>() }
        })
    }

    fn save(&mut self, out: &mut Saved) {
        self.early.save(out, &[self.over], Some(2 * PANE_LEN));
        // Each pane is a part, so that what is over goes as a whole.
        for (pane, table) in &mut self.panes {
            table.save_part(out, &[PANE, &pane.to_be_bytes()].concat());
        }
        for ((start, end), window) in &mut self.open {
            let name = [OPEN, &start.to_be_bytes(), &end.to_be_bytes()].concat();
            window.table.save_part(out, &name);
        }
    }

    fn load(&mut self, part: &[u8], record: Record<'_>) {
        if self.early.load(part, &record, [&mut self.over]) {
            return;
        }
        let time = |at: usize| {
            let bytes = part[at..at + PANE_LEN].try_into();
            i128::from_be_bytes(bytes.expect("a part is named with its times"))
        };
        let new = || GroupTable::new(self.node, self.plan.clone());
        let table = if part.starts_with(PANE) {
            self.panes.entry(time(PANE.len())).or_insert_with(new)
        } else {
            let bounds = (time(OPEN.len()), time(OPEN.len() + PANE_LEN));
            let new = || Window { table: new(), changed: false };
            &mut self.open.entry(bounds).or_insert_with(new).table
        };
        table.load(&[], record);
    }

    fn kept(&mut self) {
        let tables = self.panes.values_mut().chain(self.open.values_mut().map(|of| &mut of.table));
        tables.for_each(GroupTable::kept);
    }
}

/// What the names of parts begin with: of a pane, and of a window whose outputs may change.
const PANE: &[u8] = b"pane";
const OPEN: &[u8] = b"open";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataflow::OutputShape;
    use crate::dataflow::fold::{AnyFold, Count};
    use crate::dataflow::state::Stored;
    use crate::schema::Schema;
    use crate::stage::Inputs;
    use std::sync::Arc;

    fn table(windows: &Division, emission: Emission) -> WindowTable {
        let plan = ReducePlan::new(vec![AnyFold::Words(Arc::new(Count))], OutputShape::Single);
        let results = Results { emission, forgets: false };
        WindowTable::new(0, plan, windows.clone(), results, |time| time.to_string())
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
        let at = Moment { watermark, other: watermark, now, ended: false };
        table.close(&at, &mut root).unwrap();
        root.0.sort_unstable();
        root.0
    }

    fn row(table: &mut WindowTable, windows: &Division, time: i128, key: u8) {
        let mut pane = windows.pane(time).to_le_bytes().to_vec();
        if matches!(windows, Division::Own) {
            pane.extend_from_slice(&(time + 5).to_le_bytes());
        }
        pane.push(key);
        let mut inputs = Inputs::default();
        inputs.null();
        table.batch.borrow_mut().push(&pane, &inputs, 1);
        table.settle();
    }

    #[test]
    fn loaded_windows_go_on_as_the_saved_ones() {
        let divisions = [
            Division::Tumbling { size: 10, origin: 0 },
            Division::sliding(10, 5, 0),
            Division::Global,
            Division::Own,
        ];
        for windows in divisions {
            for emission in [Emission::EveryChange, Emission::WhenFinal, Emission::Early(100)] {
                let mut saved = table(&windows, emission);
                for time in [1, 2, 7, 12] {
                    row(&mut saved, &windows, time, 3);
                }
                close(&mut saved, 5, 0);
                let mut stored = Stored::default();
                stored.save(&mut saved);
                let mut loaded = table(&windows, emission);
                stored.load(&mut loaded);
                for (watermark, now) in [(8, 50), (10, 60), (11, 200), (i128::MAX, 300)] {
                    for table in [&mut saved, &mut loaded] {
                        row(table, &windows, watermark.min(20), 3);
                        row(table, &windows, watermark.min(20), 4);
                    }
                    let expected = close(&mut saved, watermark, now);
                    let emitted = close(&mut loaded, watermark, now);
                    assert_eq!(emitted, expected, "{windows:?} {emission:?} at {watermark}");
                    assert_eq!(loaded.size().rows, saved.size().rows);
                    stored.save(&mut saved);
                    loaded = table(&windows, emission);
                    stored.load(&mut loaded);
                }
                assert_eq!(loaded.size().rows, 0);
            }
        }
    }
}
