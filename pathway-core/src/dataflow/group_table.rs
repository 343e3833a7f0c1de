//! The state of a reduction: one table of groups, with the accumulators of all its reducers.
//!
//! The same table serves three ends: it pre-combines rows before an exchange, it is the state
//! behind the exchange, and with a single worker it is both at once.
//!
//! A group's slot holds its key (inline if short), the number of its rows and its place in the
//! list of groups that this epoch has touched. When a group is touched first in an epoch, its
//! output so far is written aside; at the close, old and new outputs that differ are emitted. So
//! no output is kept between epochs, and a group without rows leaves nothing behind.

use super::fold::{Acc, Fold};
use super::key_hash::{KeyHash, spread};
use super::small_bytes::{Arena, SmallBytes};
use super::state::{State, StateSize};
use crate::schema::{RowEncoder, Schema, put_len, take_bytes, take_len};
use crate::stage::{Diff, Inputs};
use hashbrown::HashTable;
use std::sync::Arc;

/// Whether the outputs of a reduction are one value or a tuple of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputShape {
    /// One value.
    Single,
    /// A tuple.
    Tuple,
    /// An array.
    Array,
}

/// What a reduction computes: plain data and functions, shared by all workers.
#[derive(Clone, Debug)]
pub struct ReducePlan {
    /// The reducers in order.
    pub folds: Arc<[Arc<dyn Fold>]>,
    /// The form of their outputs.
    pub shape: OutputShape,
}

impl ReducePlan {
    pub(in crate::dataflow) fn encode_outputs(
        &self,
        accs: &[Acc],
        rows: i64,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        let mut row = match self.shape {
            OutputShape::Array => {
                for (fold, acc) in self.folds.iter().zip(accs) {
                    fold.finish(acc, rows, &mut RowEncoder::standalone(out))?;
                }
                return Ok(());
            }
            OutputShape::Single => RowEncoder::standalone(out),
            OutputShape::Tuple => {
                let nullable = self.folds.iter().filter(|fold| fold.nullable()).count();
                RowEncoder::new(out, nullable)
            }
        };
        for (fold, acc) in self.folds.iter().zip(accs) {
            fold.finish(acc, rows, &mut row)?;
        }
        Ok(())
    }
}

struct Slot {
    key: SmallBytes,
    rows: i64,
    hash: u32,
    /// The position in the list of touched groups, or `UNTOUCHED`.
    touched: u32,
}

const UNTOUCHED: u32 = u32::MAX;

struct Touched {
    slot: u32,
    /// Where the output at the close of the epoch before ends in `old`; nothing if there was none.
    old: Option<(u32, u32)>,
}

/// Groups by key.
pub(crate) struct GroupTable {
    plan: ReducePlan,
    hasher: KeyHash,
    index: HashTable<u32>,
    slots: Vec<Slot>,
    accs: Vec<Acc>,
    free: Vec<u32>,
    arena: Arena,
    touched: Vec<Touched>,
    old: Vec<u8>,
    failure: Option<String>,
}

/// Where a closed epoch's outputs go: key, outputs, diff.
pub(crate) trait GroupOutput {
    fn emit(&mut self, key: &[u8], outputs: &[u8], diff: Diff);
}

impl GroupTable {
    pub(crate) fn new(plan: ReducePlan) -> Self {
        Self {
            plan,
            hasher: KeyHash::default(),
            index: HashTable::new(),
            slots: Vec::new(),
            accs: Vec::new(),
            free: Vec::new(),
            arena: Arena::default(),
            touched: Vec::new(),
            old: Vec::new(),
            failure: None,
        }
    }

    /// The slot of the group with that key, new if need be.
    fn slot(&mut self, key: &[u8]) -> usize {
        let inline = SmallBytes::inline(key);
        let hash = self.hasher.hash(key, inline);
        let (slots, arena) = (&self.slots, &self.arena);
        let found = self.index.find(spread(hash), |&slot| {
            let slot = &slots[slot as usize];
            slot.hash == hash && slot.key.is(key, inline, arena)
        });
        if let Some(&slot) = found {
            return slot as usize;
        }
        let small = inline.unwrap_or_else(|| SmallBytes::new(key, &mut self.arena));
        let new = Slot { key: small, rows: 0, hash, touched: UNTOUCHED };
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = new;
                slot
            }
            None => {
                let slot = u32::try_from(self.slots.len())
                    .expect("a worker's table holds under four billion groups");
                self.slots.push(new);
                self.accs.extend(self.plan.folds.iter().map(|fold| fold.zero()));
                slot
            }
        };
        let slots = &self.slots;
        self.index.insert_unique(spread(hash), slot, |&slot| spread(slots[slot as usize].hash));
        slot as usize
    }

    /// Notes that a group changes in this epoch, and writes its output so far aside.
    fn touch(&mut self, slot: usize) {
        if self.slots[slot].touched != UNTOUCHED {
            return;
        }
        let place = |at: usize| u32::try_from(at).expect("an epoch touches under 4 GiB of outputs");
        let old = (self.slots[slot].rows != 0).then(|| {
            let start = self.old.len();
            let stride = self.plan.folds.len();
            let accs = &self.accs[slot * stride..(slot + 1) * stride];
            // A failure here was a failure of the epoch before, which ended the run.
            let result = self.plan.encode_outputs(accs, self.slots[slot].rows, &mut self.old);
            self.failure = self.failure.take().or(result.err());
            (place(start), place(self.old.len()))
        });
        self.slots[slot].touched = place(self.touched.len());
        self.touched.push(Touched { slot: place(slot), old });
    }

    /// Adds a row's arguments to its group.
    pub(crate) fn update(&mut self, key: &[u8], inputs: &Inputs, diff: Diff) {
        let slot = self.slot(key);
        self.touch(slot);
        self.slots[slot].rows += diff;
        let stride = self.plan.folds.len();
        let accs = &mut self.accs[slot * stride..(slot + 1) * stride];
        for (at, (fold, acc)) in self.plan.folds.iter().zip(accs).enumerate() {
            fold.update(acc, inputs.get(at), diff);
        }
    }

    /// Merges a group that another table drained.
    pub(crate) fn merge(&mut self, key: &[u8], mut partial: &[u8], rows: Diff) {
        let slot = self.slot(key);
        self.touch(slot);
        self.slots[slot].rows += rows;
        let stride = self.plan.folds.len();
        let accs = &mut self.accs[slot * stride..(slot + 1) * stride];
        for (fold, acc) in self.plan.folds.iter().zip(accs) {
            fold.merge(acc, &mut partial);
        }
    }

    /// How many groups there are.
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Hands out every group as key, partial result and rows, and empties the table.
    pub(crate) fn drain(&mut self, mut f: impl FnMut(&[u8], &[u8], Diff)) {
        let stride = self.plan.folds.len();
        let mut partial = Vec::new();
        for (at, slot) in self.slots.iter().enumerate() {
            partial.clear();
            for (fold, acc) in self.plan.folds.iter().zip(&self.accs[at * stride..]) {
                fold.write(acc, &mut partial);
            }
            f(slot.key.get(&self.arena), &partial, slot.rows);
        }
        let plan = self.plan.clone();
        let hasher = self.hasher.clone();
        // The allocation of the index is kept: the next rows are likely to be as many.
        let mut index = std::mem::take(&mut self.index);
        index.clear();
        *self = Self { hasher, index, ..Self::new(plan) };
    }

    /// Closes an epoch: emits the outputs that have changed, retraction first, and forgets the
    /// groups without rows.
    ///
    /// # Errors
    ///
    /// What is wrong with a group, with its key's compact bytes.
    pub(crate) fn close(&mut self, output: &mut dyn GroupOutput) -> Result<(), (Vec<u8>, String)> {
        let stride = self.plan.folds.len();
        let touched = std::mem::take(&mut self.touched);
        let old = std::mem::take(&mut self.old);
        let mut new = Vec::new();
        if let Some(failure) = self.failure.take() {
            return Err((Vec::new(), failure));
        }
        for Touched { slot: at, old: range } in &touched {
            let at = *at as usize;
            let slot = &mut self.slots[at];
            slot.touched = UNTOUCHED;
            let rows = slot.rows;
            new.clear();
            let slot = &self.slots[at];
            let key = slot.key.get(&self.arena);
            if rows == 0 {
                let accs = &self.accs[at * stride..(at + 1) * stride];
                if !accs.iter().all(Acc::is_empty) {
                    let problem = "a group has no rows, but values: others were taken away than \
                                   had been added";
                    return Err((key.to_vec(), problem.to_owned()));
                }
            } else {
                if rows < 0 {
                    let problem = format!(
                        "a group has {rows} rows: more were taken away than had been added"
                    );
                    return Err((key.to_vec(), problem));
                }
                let accs = &self.accs[at * stride..(at + 1) * stride];
                self.plan
                    .encode_outputs(accs, rows, &mut new)
                    .map_err(|problem| (key.to_vec(), problem))?;
            }
            let old = range.map(|(start, end)| &old[start as usize..end as usize]);
            let new = (rows != 0).then_some(new.as_slice());
            if old != new {
                if let Some(old) = old {
                    output.emit(key, old, -1);
                }
                if let Some(new) = new {
                    output.emit(key, new, 1);
                }
            }
            if rows == 0 {
                self.remove(at);
            }
        }
        // Keep the buffers for the next epoch, unless this one was unusually large.
        self.touched = touched;
        self.touched.clear();
        self.old = old;
        self.old.clear();
        if self.touched.capacity() > 1 << 16 {
            self.touched = Vec::new();
            self.old = Vec::new();
        }
        if self.arena.is_wasteful() {
            self.rebuild_arena();
        }
        Ok(())
    }

    fn remove(&mut self, at: usize) {
        let hash = self.slots[at].hash;
        let entry = self.index.find_entry(spread(hash), |&slot| slot as usize == at);
        if let Ok(entry) = entry {
            entry.remove();
        }
        self.arena.release(self.slots[at].key);
        self.slots[at].key = SmallBytes::ABSENT;
        let stride = self.plan.folds.len();
        for (fold, acc) in self.plan.folds.iter().zip(&mut self.accs[at * stride..]) {
            *acc = fold.zero();
        }
        self.free.push(u32::try_from(at).expect("slots are numbered in 32 bits"));
    }

    fn rebuild_arena(&mut self) {
        let mut arena = Arena::default();
        for slot in self.slots.iter_mut().filter(|slot| !slot.key.is_absent()) {
            slot.key = SmallBytes::new(slot.key.get(&self.arena), &mut arena);
        }
        self.arena = arena;
    }
}

impl State for GroupTable {
    fn size(&self) -> StateSize {
        let accs = self.accs.iter().zip(self.plan.folds.iter().cycle());
        let bytes = self.arena.memory()
            + self.index.capacity() * size_of::<u32>()
            + self.slots.capacity() * size_of::<Slot>()
            + self.accs.capacity() * size_of::<Acc>()
            + accs.map(|(acc, fold)| fold.memory(acc)).sum::<usize>();
        StateSize { rows: self.len(), bytes }
    }

    fn save(&self, out: &mut Vec<u8>) {
        let stride = self.plan.folds.len();
        put_len(self.len(), out);
        for (at, slot) in self.slots.iter().enumerate() {
            if slot.key.is_absent() {
                continue;
            }
            let key = slot.key.get(&self.arena);
            put_len(key.len(), out);
            out.extend_from_slice(key);
            slot.rows.encode(out);
            for (fold, acc) in self.plan.folds.iter().zip(&self.accs[at * stride..]) {
                fold.write(acc, out);
            }
        }
    }

    fn load(&mut self, input: &mut &[u8]) {
        for _ in 0..take_len(input) {
            let len = take_len(input);
            let slot = self.slot(take_bytes(input, len));
            self.slots[slot].rows = i64::decode(input);
            let stride = self.plan.folds.len();
            let accs = &mut self.accs[slot * stride..(slot + 1) * stride];
            for (fold, acc) in self.plan.folds.iter().zip(accs) {
                fold.merge(acc, input);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataflow::fold::{
        Best, BestKind, Collect, Count, CountDistinct, Mean, Number, Sum, Values, fold_values,
    };
    use crate::schema::DataType;
    use crate::testing::Random;

    #[derive(Default)]
    struct Emitted(Vec<(Vec<u8>, Vec<u8>, Diff)>);

    impl GroupOutput for Emitted {
        fn emit(&mut self, key: &[u8], outputs: &[u8], diff: Diff) {
            self.0.push((key.to_vec(), outputs.to_vec(), diff));
        }
    }

    fn plan() -> ReducePlan {
        let best = |kind| Best { kind, output: DataType::I64, nullable: false, append_only: false };
        let folds: Vec<Arc<dyn Fold>> = vec![
            Arc::new(Count),
            Arc::new(Sum { number: Number::Int, output: DataType::I64, nullable: false }),
            Arc::new(Mean { number: Number::Float, nullable: false }),
            Arc::new(best(BestKind::Least)),
            Arc::new(best(BestKind::Greatest)),
            Arc::new(CountDistinct),
            Arc::new(Values(Collect { element: DataType::I64 })),
            Arc::new(Values(fold_values(|values: &[(i64, u64)]| {
                (values.len() > 2).then_some(values[0].0)
            }))),
        ];
        ReducePlan { folds: folds.into(), shape: OutputShape::Tuple }
    }

    fn update(table: &mut GroupTable, key: &[u8], value: i64, diff: Diff) {
        let mut inputs = Inputs::default();
        inputs.null();
        inputs.int(value.into());
        inputs.float(value as f64 / 10.0);
        inputs.ordered(&value);
        inputs.ordered(&value);
        inputs.compact(&value);
        inputs.ordered_or_null(&value);
        inputs.ordered_or_null(&value);
        table.update(key, &inputs, diff);
    }

    fn closed(table: &mut GroupTable) -> Vec<(Vec<u8>, Vec<u8>, Diff)> {
        let mut emitted = Emitted::default();
        table.close(&mut emitted).unwrap();
        emitted.0.sort();
        emitted.0
    }

    fn key(random: &mut Random) -> Vec<u8> {
        let len = *random.pick(&[0, 3, 14, 15, 16, 60]);
        let mut key = vec![b'k'; len];
        key.extend(random.below(3).to_le_bytes().first());
        key
    }

    #[test]
    fn a_loaded_table_goes_on_as_the_saved_one() {
        for seed in 0..30 {
            let mut random = Random::new(seed);
            let mut table = GroupTable::new(plan());
            let mut rows: Vec<(Vec<u8>, i64)> = Vec::new();
            for _ in 0..8 {
                let mut saved = Vec::new();
                table.save(&mut saved);
                let mut loaded = GroupTable::new(plan());
                let mut input = saved.as_slice();
                loaded.load(&mut input);
                assert!(input.is_empty());
                assert_eq!(loaded.len(), table.len());
                for _ in 0..random.below(20) {
                    let (row, diff) = if random.one_in(2) && !rows.is_empty() {
                        let at = usize::try_from(random.below(rows.len() as u64)).unwrap();
                        (rows.swap_remove(at), -1)
                    } else {
                        let row = (key(&mut random), random.value::<i64>());
                        rows.push(row.clone());
                        (row, 1)
                    };
                    update(&mut table, &row.0, row.1, diff);
                    update(&mut loaded, &row.0, row.1, diff);
                }
                let expected = closed(&mut table);
                assert_eq!(closed(&mut loaded), expected, "seed {seed}");
                // The run goes on with what was loaded.
                table = loaded;
            }
        }
    }

    #[test]
    fn drained_parts_add_up_to_the_whole() {
        for seed in 0..30 {
            let mut random = Random::new(seed);
            let (mut whole, mut merged) = (GroupTable::new(plan()), GroupTable::new(plan()));
            let mut parts = [GroupTable::new(plan()), GroupTable::new(plan())];
            for _ in 0..6 {
                for _ in 0..random.below(30) {
                    let (key, value) = (key(&mut random), random.value::<i64>());
                    update(&mut whole, &key, value, 1);
                    let part = &mut parts[usize::from(random.one_in(2))];
                    update(part, &key, value, 1);
                    if random.one_in(5) {
                        part.drain(|key, partial, rows| merged.merge(key, partial, rows));
                    }
                }
                for part in &mut parts {
                    part.drain(|key, partial, rows| merged.merge(key, partial, rows));
                    assert_eq!(part.len(), 0);
                }
                assert_eq!(closed(&mut merged), closed(&mut whole), "seed {seed}");
            }
        }
    }

    #[test]
    fn a_group_without_rows_leaves_nothing_behind() {
        let mut table = GroupTable::new(plan());
        let long = |n: u32| [&[b'k'; 5_000], &n.to_le_bytes()[..]].concat();
        (0..1_000).for_each(|n| update(&mut table, &long(n), n.into(), 1));
        assert_eq!(closed(&mut table).len(), 1_000);
        let full = table.size().bytes;
        (0..1_000).for_each(|n| update(&mut table, &long(n), n.into(), -1));
        assert_eq!(closed(&mut table).len(), 1_000);
        assert_eq!(table.len(), 0);
        assert!(table.size().bytes < full / 4, "{} of {full}", table.size().bytes);
        // What came and went within one epoch was never there.
        update(&mut table, b"key", 1, 1);
        update(&mut table, b"key", 1, -1);
        assert_eq!(closed(&mut table), []);
    }

    #[test]
    fn taking_away_what_is_not_there_is_found_out() {
        let failure = |updates: &[(i64, Diff)]| {
            let mut table = GroupTable::new(plan());
            updates.iter().for_each(|(value, diff)| update(&mut table, b"key", *value, *diff));
            table.close(&mut Emitted::default()).unwrap_err()
        };
        let (key, problem) = failure(&[(1, -1)]);
        assert_eq!(key, b"key");
        assert!(problem.contains("-1 rows"), "{problem}");
        let (_, problem) = failure(&[(1, 1), (2, -1)]);
        assert!(problem.contains("no rows, but values"), "{problem}");
        let (_, problem) = failure(&[(1, 2), (2, -1)]);
        assert!(problem.contains("more often than it had been added"), "{problem}");
    }
}
