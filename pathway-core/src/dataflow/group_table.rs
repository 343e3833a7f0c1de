//! The state of a reduction: one table of groups, with the accumulators of all its reducers.
//!
//! The same table serves three ends: it pre-combines rows before an exchange, it is the state
//! behind the exchange, and with a single worker it is both at once.
//!
//! A group's record holds its key, the number of its rows and the state of the reducers that need
//! a few words only. When a group is touched first in an epoch, these words are written aside (or
//! its output so far, where a reducer keeps more); at the close, old and new outputs that differ
//! are emitted. So no output is kept between epochs, and a group without rows leaves nothing
//! behind.
//!
//! Rows come in batches: all groups of a batch are looked up before the first is updated, so that
//! the processor waits for their memory together rather than for one after the other.

use super::fold::{Acc, AnyFold, Count, Fold, IntTotal, KnownFold, WordFold};
use super::key_hash::Key;
use super::key_table::{self, KeyTable};
use super::state::{Saved, State, StateSize};
use crate::persistence::records::Record;
use crate::schema::{RowEncoder, Schema};
use crate::stage::{Batch, ColumnInput, Diff, Inputs, SharedBatch, enter};
use std::fmt;
use std::ops::Range;
use std::rc::Rc;
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
    folds: Arc<[AnyFold]>,
    /// The same, each with the place of its state.
    places: Arc<[Place]>,
    /// The columns that are their arguments, where they are columns.
    arguments: Arc<[Option<ColumnInput>]>,
    /// Those that have an accumulator of their own.
    acc_folds: Arc<[Arc<dyn Fold>]>,
    /// The form of their outputs.
    shape: OutputShape,
    /// What an error about an output says of its reducer.
    origins: Arc<[Option<String>]>,
    pub(super) words: usize,
    /// How many outputs can be null.
    nullable: usize,
}

/// A reducer, and where its state stands among the words or the accumulators of a group.
#[derive(Clone)]
enum Place {
    /// Its state is the number of rows.
    Count,
    Int {
        fold: IntTotal,
        words: Range<usize>,
    },
    Words {
        fold: Arc<dyn WordFold>,
        words: Range<usize>,
    },
    Acc {
        fold: Arc<dyn Fold>,
        acc: usize,
    },
    /// It reads what a reducer in front of it keeps of the same argument.
    Shared {
        fold: Arc<dyn Fold>,
        acc: usize,
    },
}

impl Place {
    #[inline]
    fn finish(
        &self,
        (words, accs): (&[u64], &[Acc]),
        rows: i64,
        row: &mut RowEncoder<'_>,
    ) -> Result<(), String> {
        match self {
            Self::Count => Count.finish(&[], rows, row),
            Self::Int { fold, words: own } => fold.finish(&words[own.clone()], rows, row),
            Self::Words { fold, words: own } => fold.finish(&words[own.clone()], rows, row),
            Self::Acc { fold, acc } | Self::Shared { fold, acc } => {
                fold.finish(&accs[*acc], rows, row)
            }
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Place")
    }
}

/// Where the states of reducers of those arguments are, and the folds that keep accumulators.
fn places(
    folds: &[AnyFold],
    arguments: &[Option<ColumnInput>],
) -> (Arc<[Place]>, Arc<[Arc<dyn Fold>]>) {
    let mut words = 0;
    let mut kept: Vec<(Arc<dyn Fold>, Option<ColumnInput>)> = Vec::new();
    let mut place = |(fold, &argument): (&AnyFold, &Option<ColumnInput>)| match fold {
        AnyFold::Words(fold) => {
            let own = words..words + fold.words();
            words = own.end;
            match fold.known() {
                KnownFold::Count => Place::Count,
                KnownFold::Int(fold) => Place::Int { fold, words: own },
                KnownFold::Other => Place::Words { fold: Arc::clone(fold), words: own },
            }
        }
        AnyFold::Acc(fold) => {
            let fold = Arc::clone(fold);
            let same = |(other, of): &(Arc<dyn Fold>, Option<ColumnInput>)| {
                argument.is_some()
                    && argument == *of
                    && fold.kept().is_some()
                    && fold.kept() == other.kept()
            };
            if let Some(acc) = kept.iter().position(same) {
                return Place::Shared { fold, acc };
            }
            kept.push((Arc::clone(&fold), argument));
            Place::Acc { fold, acc: kept.len() - 1 }
        }
    };
    let places = folds.iter().zip(arguments).map(&mut place).collect();
    (places, kept.into_iter().map(|(fold, _)| fold).collect())
}

impl ReducePlan {
    /// A reduction by those reducers.
    pub fn new(folds: Vec<AnyFold>, shape: OutputShape) -> Self {
        let arguments = vec![None; folds.len()];
        Self::of_columns(folds, arguments, shape)
    }

    /// A reduction by those reducers, of which some take columns. Those that keep the same of the
    /// same column keep it once.
    pub(crate) fn of_columns(
        folds: Vec<AnyFold>,
        arguments: Vec<Option<ColumnInput>>,
        shape: OutputShape,
    ) -> Self {
        let words = |fold: &AnyFold| match fold {
            AnyFold::Words(fold) => fold.words(),
            AnyFold::Acc(_) => 0,
        };
        let (places, acc_folds) = places(&folds, &arguments);
        Self {
            words: folds.iter().map(words).sum(),
            origins: vec![None; folds.len()].into(),
            nullable: folds.iter().filter(|fold| fold.nullable()).count(),
            places,
            acc_folds,
            folds: folds.into(),
            arguments: arguments.into(),
            shape,
        }
    }

    /// The same, with what an error about an output says of its reducer.
    pub fn with_origins(self, origins: Vec<Option<String>>) -> Self {
        Self { origins: origins.into(), ..self }
    }

    /// An error about the output at that position.
    #[cold]
    fn error(&self, at: usize, problem: String) -> String {
        match &self.origins[at] {
            Some(origin) => format!("{problem}\n{origin}"),
            None => problem,
        }
    }

    /// The same reduction for groups from which nothing is taken away.
    pub(super) fn insert_only(&self) -> Self {
        let fold = |fold: &AnyFold| match fold {
            AnyFold::Acc(acc) => acc.insert_only().map_or_else(|| fold.clone(), AnyFold::Acc),
            AnyFold::Words(_) => fold.clone(),
        };
        let folds = self.folds.iter().map(fold).collect();
        let plan = Self::of_columns(folds, self.arguments.to_vec(), self.shape);
        Self { origins: Arc::clone(&self.origins), ..plan }
    }

    /// Whether the state of a group is the number of its rows and at most one sum.
    pub(crate) fn adds_up(&self) -> bool {
        let adds = |fold: &AnyFold| match fold {
            AnyFold::Words(fold) => fold.words() == 0 || fold.is_sum(),
            AnyFold::Acc(_) => false,
        };
        self.words <= 2 && self.folds.iter().all(adds)
    }

    /// The reducers in order.
    pub fn folds(&self) -> &[AnyFold] {
        &self.folds
    }

    #[inline]
    pub(super) fn encode_outputs(
        &self,
        (words, accs): (&[u64], &[Acc]),
        rows: i64,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        let state = (words, accs);
        let mut row = match self.shape {
            OutputShape::Array => return self.encode_array(state, rows, out),
            OutputShape::Single => RowEncoder::standalone(out),
            OutputShape::Tuple => RowEncoder::new(out, self.nullable),
        };
        for (at, place) in self.places.iter().enumerate() {
            let result = place.finish(state, rows, &mut row);
            result.map_err(|problem| self.error(at, problem))?;
        }
        Ok(())
    }

    #[inline(never)]
    fn encode_array(
        &self,
        state: (&[u64], &[Acc]),
        rows: i64,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        let mut places = self.places.iter().enumerate();
        places.try_for_each(|(at, place)| {
            let result = place.finish(state, rows, &mut RowEncoder::standalone(out));
            result.map_err(|problem| self.error(at, problem))
        })
    }

    /// Adds the arguments of one row, those from `first` on, to the state of its group.
    #[inline]
    pub(super) fn update(
        &self,
        (words, accs): (&mut [u64], &mut [Acc]),
        inputs: &Inputs,
        first: usize,
        diff: Diff,
    ) {
        for (at, place) in self.places.iter().enumerate() {
            match place {
                Place::Count | Place::Shared { .. } => {}
                Place::Int { fold, words: own } => {
                    fold.update(&mut words[own.clone()], inputs.get(first + at), diff);
                }
                Place::Words { fold, words: own } => {
                    fold.update(&mut words[own.clone()], inputs.get(first + at), diff);
                }
                Place::Acc { fold, acc } => {
                    fold.update(&mut accs[*acc], inputs.get(first + at), diff);
                }
            }
        }
    }

    /// Appends a state, so that another can merge it.
    pub(super) fn write(&self, (words, accs): (&[u64], &[Acc]), out: &mut Vec<u8>) {
        words.iter().for_each(|word| word.encode(out));
        for (fold, acc) in self.acc_folds().zip(accs) {
            fold.write(acc, out);
        }
    }

    pub(super) fn acc_folds(&self) -> impl Iterator<Item = &Arc<dyn Fold>> + Clone {
        self.acc_folds.iter()
    }

    /// How many accumulators a group has.
    fn accs(&self) -> usize {
        self.acc_folds.len()
    }

    /// The words of a group without rows.
    pub(super) fn zero_words(&self) -> Vec<u64> {
        vec![0; self.words]
    }

    /// The accumulators of a group without rows.
    pub(super) fn zeros(&self) -> Vec<Acc> {
        self.acc_folds().map(|fold| fold.zero()).collect()
    }

    /// Adds a state that was written, and advances past it.
    pub(super) fn merge(&self, (mut words, accs): (&mut [u64], &mut [Acc]), partial: &mut &[u8]) {
        let mut other = Vec::with_capacity(self.words);
        other.extend((0..self.words).map(|_| u64::decode(partial)));
        let mut other = other.as_slice();
        for fold in &*self.folds {
            if let AnyFold::Words(fold) = fold {
                let (own, rest) = words.split_at_mut(fold.words());
                words = rest;
                let (theirs, rest) = other.split_at(fold.words());
                other = rest;
                fold.merge(own, theirs);
            }
        }
        for (fold, acc) in self.acc_folds().zip(accs) {
            fold.merge(acc, partial);
        }
    }
}

/// A group that this epoch has touched.
struct Touched {
    slot: u32,
    /// The end of its part of what was written aside: none if it had no rows.
    old_end: u32,
}

/// How many rows a table takes together.
const BATCH_ROWS: usize = key_table::BATCH;

/// Groups by key.
pub(crate) struct GroupTable {
    /// The number of the plan node.
    node: u32,
    plan: ReducePlan,
    groups: Groups,
    batch: SharedBatch,
}

struct Groups {
    /// The payload: the number of rows, then the words of the reducers.
    keys: KeyTable,
    accs: Vec<Acc>,
    /// The stamp of the groups that this epoch has touched.
    stamp: u32,
    touched: Vec<Touched>,
    /// The payloads of the touched groups at the close of the epoch before, where the plan keeps
    /// words only.
    old_words: Vec<u64>,
    /// Their outputs, where it keeps more.
    old: Vec<u8>,
    failure: Option<String>,
}

/// Where the outputs of a closed epoch go.
pub(crate) trait GroupOutput {
    /// Takes a group whose outputs have changed: its key, what they were and what they are.
    fn emit(&mut self, key: &[u8], old: Option<&[u8]>, new: Option<&[u8]>);
}

fn place(at: usize) -> u32 {
    u32::try_from(at).expect("an epoch touches under 4 GiB of outputs")
}

impl Groups {
    /// The slot of the group with that key, new if need be.
    #[inline]
    fn slot(&mut self, plan: &ReducePlan, key: Key<'_>) -> u32 {
        self.keys.find(key).unwrap_or_else(|| self.insert(plan, key))
    }

    fn insert(&mut self, plan: &ReducePlan, key: Key<'_>) -> u32 {
        let slot = self.keys.insert(key);
        if plan.accs() > 0 && slot as usize * plan.accs() == self.accs.len() {
            self.accs.extend(plan.zeros());
        }
        slot
    }

    fn rows(&self, slot: u32) -> i64 {
        self.keys.payload(slot)[0].cast_signed()
    }

    fn state(&self, plan: &ReducePlan, slot: u32) -> (&[u64], &[Acc]) {
        let first = slot as usize * plan.accs();
        (&self.keys.payload(slot)[1..], &self.accs[first..first + plan.accs()])
    }

    /// Adds rows to a group, and gives its state to change.
    #[inline]
    fn add(&mut self, plan: &ReducePlan, slot: u32, rows: Diff) -> (&mut [u64], &mut [Acc]) {
        let first = slot as usize * plan.accs();
        let payload = self.keys.payload_mut(slot);
        payload[0] = payload[0].wrapping_add_signed(rows);
        (&mut payload[1..], &mut self.accs[first..first + plan.accs()])
    }

    /// Notes that a group changes in this epoch, and writes aside what it was.
    #[inline]
    fn touch(&mut self, plan: &ReducePlan, slot: u32) {
        if self.keys.stamp(slot) == self.stamp {
            return;
        }
        self.keys.set_stamp(slot, self.stamp);
        let payload = self.keys.payload(slot);
        let old_end = if plan.accs() == 0 {
            if payload[0] != 0 {
                // A few words: a call to copy them takes longer.
                payload.iter().for_each(|&word| self.old_words.push(word));
            }
            self.old_words.len()
        } else {
            self.write_old(plan, slot);
            self.old.len()
        };
        self.touched.push(Touched { slot, old_end: place(old_end) });
    }

    fn write_old(&mut self, plan: &ReducePlan, slot: u32) {
        let rows = self.rows(slot);
        if rows != 0 {
            let mut old = std::mem::take(&mut self.old);
            // So that what was there can be told from nothing.
            old.push(0);
            // A failure here was a failure of the epoch before, which ended the run.
            let result = plan.encode_outputs(self.state(plan, slot), rows, &mut old);
            self.old = old;
            self.failure = self.failure.take().or(result.err());
        }
    }

    /// Lets no group be one that this epoch has touched.
    fn next_stamp(&mut self) {
        self.stamp = self.stamp.checked_add(1).unwrap_or_else(|| {
            self.keys.clear_stamps();
            1
        });
    }

    /// Emits what a group has become, in place of what it was.
    #[inline]
    fn close(
        &mut self,
        plan: &ReducePlan,
        slot: u32,
        old: Old<'_>,
        buffers: &mut [Vec<u8>; 2],
        output: &mut impl GroupOutput,
    ) -> Result<(), (Vec<u8>, String)> {
        let payload = self.keys.payload(slot);
        if let Old::Words(words) = old
            && words.iter().eq(payload)
        {
            return Ok(());
        }
        self.keys.mark(slot);
        let payload = self.keys.payload(slot);
        let rows = payload[0].cast_signed();
        let key = self.keys.key_at(slot);
        let key = self.keys.bytes(&key);
        let state = self.state(plan, slot);
        let failed = |problem: String| (key.to_vec(), problem);
        let [new, before] = buffers;
        new.clear();
        if rows < 0 {
            let problem =
                format!("a group has {rows} rows: more were taken away than had been added");
            return Err(failed(problem));
        }
        if rows > 0 {
            plan.encode_outputs(state, rows, new).map_err(failed)?;
        } else if state.0.iter().any(|&word| word != 0) || !state.1.iter().all(Acc::is_empty) {
            let problem = "a group has no rows, but values: others were taken away than had been \
                           added";
            return Err(failed(problem.to_owned()));
        }
        let old = match old {
            Old::Nothing => None,
            Old::Outputs(outputs) => Some(outputs),
            Old::Words(words) => {
                before.clear();
                let rows = words[0].cast_signed();
                plan.encode_outputs((&words[1..], &[]), rows, before).map_err(failed)?;
                Some(before.as_slice())
            }
        };
        let new = (rows != 0).then_some(new.as_slice());
        match (old, new) {
            (Some(old), Some(new)) if old.first() == new.first() && old == new => {}
            (None, None) => {}
            _ => output.emit(key, old, new),
        }
        if rows == 0 {
            self.keys.remove(slot);
            let first = slot as usize * plan.accs();
            for (acc, zero) in self.accs[first..].iter_mut().zip(plan.zeros()) {
                *acc = zero;
            }
        }
        Ok(())
    }
}

/// What a group was at the close of the epoch before.
#[derive(Clone, Copy)]
enum Old<'a> {
    Nothing,
    /// Its payload.
    Words(&'a [u64]),
    Outputs(&'a [u8]),
}

impl GroupTable {
    /// An empty table of that plan node.
    pub(crate) fn new(node: u32, plan: ReducePlan) -> Self {
        let groups = Groups {
            keys: KeyTable::new(1 + plan.words),
            accs: Vec::new(),
            stamp: 1,
            touched: Vec::new(),
            old_words: Vec::new(),
            old: Vec::new(),
            failure: None,
        };
        Self { node, plan, groups, batch: Batch::shared(BATCH_ROWS) }
    }

    /// Where rows are written.
    pub(crate) fn batch(&self) -> SharedBatch {
        Rc::clone(&self.batch)
    }

    /// Adds the rows that wait in the batch to their groups.
    pub(crate) fn settle(&mut self) {
        let Self { node, plan, groups, batch } = self;
        let mut batch = batch.borrow_mut();
        if batch.len() == 0 {
            return;
        }
        // A reducer of the user's own may panic.
        enter(*node);
        let mut keys = [Key::EMPTY; BATCH_ROWS];
        for ((bytes, _), key) in batch.rows().zip(&mut keys) {
            *key = groups.keys.key(bytes);
        }
        let keys = &keys[..batch.len()];
        let mut found = [None; BATCH_ROWS];
        groups.keys.find_all(keys, &mut found);
        let inputs = batch.inputs();
        let rows = batch.rows().zip(keys).zip(found).enumerate();
        for (at, (((_, diff), &key), found)) in rows {
            // A row in front may have made the group.
            let slot = found.unwrap_or_else(|| groups.slot(plan, key));
            groups.touch(plan, slot);
            plan.update(groups.add(plan, slot, diff), inputs, at * plan.folds.len(), diff);
        }
        batch.clear();
    }

    /// Merges a group that another table drained.
    pub(crate) fn merge(&mut self, key: &[u8], mut partial: &[u8], rows: Diff) {
        let Self { plan, groups, .. } = self;
        let slot = groups.slot(plan, groups.keys.key(key));
        groups.touch(plan, slot);
        plan.merge(groups.add(plan, slot, rows), &mut partial);
    }

    /// How many groups there are, at most.
    pub(crate) fn len(&self) -> usize {
        self.groups.keys.len() + self.batch.borrow().len()
    }

    /// Adds a row, whose arguments are those from `first` on.
    pub(crate) fn add(&mut self, key: &[u8], inputs: &Inputs, first: usize, diff: Diff) {
        let Self { node, plan, groups, .. } = self;
        // A reducer of the user's own may panic.
        enter(*node);
        let slot = groups.slot(plan, groups.keys.key(key));
        groups.touch(plan, slot);
        plan.update(groups.add(plan, slot, diff), inputs, first, diff);
    }

    /// Hands out every group as key, partial result and rows, and empties the table.
    pub(crate) fn drain(&mut self, mut f: impl FnMut(&[u8], &[u8], Diff)) {
        self.each(&mut f);
        let groups = &mut self.groups;
        groups.keys.clear();
        groups.accs.clear();
        groups.touched.clear();
        groups.old_words.clear();
        groups.old.clear();
    }

    /// Hands out every group as key, partial result and rows, and keeps them.
    pub(crate) fn each(&mut self, mut f: impl FnMut(&[u8], &[u8], Diff)) {
        self.settle();
        let Self { plan, groups, .. } = self;
        let mut partial = Vec::new();
        for slot in groups.keys.slots() {
            partial.clear();
            plan.write(groups.state(plan, slot), &mut partial);
            f(groups.keys.bytes(&groups.keys.key_at(slot)), &partial, groups.rows(slot));
        }
    }

    /// Emits the outputs of every group of a table that has emitted nothing, and will not again.
    ///
    /// # Errors
    ///
    /// As for [`close`](Self::close).
    pub(crate) fn finish(
        &mut self,
        output: &mut impl GroupOutput,
    ) -> Result<(), (Vec<u8>, String)> {
        self.settle();
        let Self { plan, groups, .. } = self;
        let slots: Vec<u32> = groups.keys.slots().collect();
        let mut buffers = [Vec::new(), Vec::new()];
        let close = |slot| groups.close(plan, slot, Old::Nothing, &mut buffers, output);
        slots.into_iter().try_for_each(close)
    }

    /// Closes an epoch: emits the outputs that have changed, retraction first, and forgets the
    /// groups without rows.
    ///
    /// # Errors
    ///
    /// What is wrong with a group, with its key's compact bytes.
    pub(crate) fn close(&mut self, output: &mut impl GroupOutput) -> Result<(), (Vec<u8>, String)> {
        self.settle();
        let Self { plan, groups, .. } = self;
        if let Some(failure) = groups.failure.take() {
            return Err((Vec::new(), failure));
        }
        let mut touched = std::mem::take(&mut groups.touched);
        let mut old_words = std::mem::take(&mut groups.old_words);
        let mut old = std::mem::take(&mut groups.old);
        let mut buffers = [Vec::new(), Vec::new()];
        let mut start = 0;
        for batch in touched.chunks(BATCH_ROWS) {
            // Their records are fetched together.
            let fetched = batch.iter().fold(0, |all, group| all ^ groups.keys.fetch(group.slot));
            std::hint::black_box(fetched);
            for group in batch {
                let end = group.old_end as usize;
                let old = match end {
                    _ if end == start => Old::Nothing,
                    _ if plan.accs() == 0 => Old::Words(&old_words[start..end]),
                    _ => Old::Outputs(&old[start + 1..end]),
                };
                start = end;
                groups.close(plan, group.slot, old, &mut buffers, output)?;
            }
        }
        // The buffers serve the next epoch; what an unusually large one has grown goes.
        touched.clear();
        touched.shrink_to(TOUCHED_KEPT);
        old_words.clear();
        old_words.shrink_to(TOUCHED_KEPT * 4);
        old.clear();
        old.shrink_to(TOUCHED_KEPT * 16);
        (groups.touched, groups.old_words, groups.old) = (touched, old_words, old);
        groups.next_stamp();
        Ok(())
    }
}

/// Buffers for that many touched groups are kept from epoch to epoch.
const TOUCHED_KEPT: usize = 1 << 16;

impl GroupTable {
    /// Hands over the groups that have changed, as a part of a state.
    pub(crate) fn save_part(&mut self, out: &mut Saved, name: &[u8]) {
        let Self { plan, groups, .. } = self;
        // A table that is never closed notes here what was touched since.
        for group in groups.touched.drain(..) {
            groups.keys.mark(group.slot);
        }
        groups.old_words.clear();
        groups.old.clear();
        groups.next_stamp();
        let changed = groups.keys.take_changed();
        changed.save(out, name, &groups.keys, |slot, out| {
            groups.rows(slot).encode(out);
            plan.write(groups.state(plan, slot), out);
        });
    }
}

impl State for GroupTable {
    fn size(&self) -> StateSize {
        let Self { plan, groups, .. } = self;
        let accs = groups.accs.iter().zip(plan.acc_folds().cycle());
        let bytes = groups.keys.memory()
            + groups.accs.capacity() * size_of::<Acc>()
            + accs.map(|(acc, fold)| fold.memory(acc)).sum::<usize>();
        StateSize { rows: groups.keys.len(), bytes }
    }

    fn save(&mut self, out: &mut Saved) {
        self.save_part(out, &[]);
    }

    fn load(&mut self, _part: &[u8], record: Record<'_>) {
        let Self { plan, groups, .. } = self;
        let mut input = record.bytes();
        let slot = groups.slot(plan, groups.keys.key(record.key()));
        let rows = i64::decode(&mut input);
        plan.merge(groups.add(plan, slot, rows), &mut input);
    }

    fn kept(&mut self) {
        self.groups.keys.all_saved();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataflow::fold::{
        Best, BestKind, Collect, Count, CountDistinct, Number, Total, Values, fold_values,
    };
    use crate::dataflow::state::Stored;
    use crate::schema::DataType;
    use crate::testing::Random;
    use std::collections::{BTreeMap, BTreeSet};

    #[derive(Default)]
    struct Emitted(Vec<(Vec<u8>, Vec<u8>, Diff)>);

    impl GroupOutput for Emitted {
        fn emit(&mut self, key: &[u8], old: Option<&[u8]>, new: Option<&[u8]>) {
            for (outputs, diff) in [(old, -1), (new, 1)] {
                self.0.extend(outputs.map(|outputs| (key.to_vec(), outputs.to_vec(), diff)));
            }
        }
    }

    /// Words only.
    fn sums() -> ReducePlan {
        let folds = vec![
            AnyFold::Words(Arc::new(Count)),
            Number::Int.total(Total::Sum(DataType::I64), false),
            Number::Int.total(Total::Mean, true),
        ];
        ReducePlan::new(folds, OutputShape::Tuple)
    }

    fn plan() -> ReducePlan {
        let best = |kind| Best { kind, output: DataType::I64, nullable: false, append_only: false };
        let folds = vec![
            AnyFold::Words(Arc::new(Count)),
            Number::Int.total(Total::Sum(DataType::I64), false),
            Number::Float.total(Total::Mean, false),
            AnyFold::Acc(Arc::new(best(BestKind::Least))),
            AnyFold::Acc(Arc::new(best(BestKind::Greatest))),
            AnyFold::Acc(Arc::new(CountDistinct)),
            AnyFold::Acc(Arc::new(Values(Collect { element: DataType::I64 }))),
            AnyFold::Acc(Arc::new(Values(fold_values(|values: &[(i64, u64)]| {
                (values.len() > 2).then_some(values[0].0)
            })))),
            Number::Int.total(Total::Mean, true),
        ];
        ReducePlan::new(folds, OutputShape::Tuple)
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
        if value % 2 == 0 {
            inputs.int(value.into());
        } else {
            inputs.null();
        }
        if table.batch().borrow_mut().push(key, &inputs, diff) {
            table.settle();
        }
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
            let mut table = GroupTable::new(0, plan());
            let mut stored = Stored::default();
            let mut rows: Vec<(Vec<u8>, i64)> = Vec::new();
            for _ in 0..8 {
                stored.save(&mut table);
                let mut loaded = GroupTable::new(0, plan());
                stored.load(&mut loaded);
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
            let (mut whole, mut merged) = (GroupTable::new(0, plan()), GroupTable::new(0, plan()));
            let mut parts = [GroupTable::new(0, plan()), GroupTable::new(0, plan())];
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
        let mut table = GroupTable::new(0, plan());
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
    fn words_that_are_written_aside_give_the_old_outputs() {
        for seed in 0..30 {
            let mut random = Random::new(seed);
            let mut table = GroupTable::new(0, sums());
            let mut before: BTreeMap<Vec<u8>, Vec<i64>> = BTreeMap::new();
            for _ in 0..8 {
                let mut now = before.clone();
                for _ in 0..random.below(300) {
                    let key = random.below(200).to_le_bytes().to_vec();
                    let values = now.entry(key.clone()).or_default();
                    let (value, diff) = if random.one_in(2) && !values.is_empty() {
                        (values.swap_remove(random.index(values.len())), -1)
                    } else {
                        values.push(random.value());
                        (values[values.len() - 1], 1)
                    };
                    let mut inputs = Inputs::default();
                    inputs.null();
                    inputs.int(value.into());
                    inputs.int(value.into());
                    if table.batch().borrow_mut().push(&key, &inputs, diff) {
                        table.settle();
                    }
                }
                now.retain(|_, values| !values.is_empty());
                let rows = |groups: &BTreeMap<Vec<u8>, Vec<i64>>, key: &Vec<u8>| {
                    let values = groups.get(key)?;
                    let sum = values.iter().sum::<i64>();
                    let mut row = Vec::new();
                    let count = values.len() as u64;
                    (count, sum, Some(sum as f64 / count as f64)).encode(&mut row);
                    Some(row)
                };
                let mut expected = Vec::new();
                let keys: BTreeSet<_> = before.keys().chain(now.keys()).collect();
                for key in keys {
                    let (old, new) = (rows(&before, key), rows(&now, key));
                    if old != new {
                        expected.extend(old.map(|old| (key.clone(), old, -1)));
                        expected.extend(new.map(|new| (key.clone(), new, 1)));
                    }
                }
                expected.sort();
                assert_eq!(closed(&mut table), expected, "seed {seed}");
                before = now;
            }
        }
    }

    #[test]
    fn what_is_kept_of_one_column_is_kept_once() {
        let best = |kind| {
            let best = Best { kind, output: DataType::I64, nullable: false, append_only: false };
            AnyFold::Acc(Arc::new(best))
        };
        let folds = vec![
            best(BestKind::Greatest),
            AnyFold::Words(Arc::new(Count)),
            Number::Float.total(Total::Mean, false),
            best(BestKind::Least),
            Number::Float.total(Total::Sum(DataType::F64), false),
            best(BestKind::Least),
        ];
        let ordered = |column| Some(ColumnInput::Ordered { column, nulls: false });
        let number = Some(ColumnInput::Number(0));
        let arguments = vec![ordered(0), None, number, ordered(0), number, ordered(1)];
        let shared = ReducePlan::of_columns(folds.clone(), arguments, OutputShape::Tuple);
        assert_eq!(shared.accs(), 3);
        assert_eq!(shared.insert_only().accs(), 4, "then each keeps one value of its own");
        let plan = ReducePlan::new(folds, OutputShape::Tuple);
        assert_eq!(plan.accs(), 5);
        for seed in 0..30 {
            let mut random = Random::new(seed);
            let mut tables = [&plan, &shared].map(|plan| GroupTable::new(0, plan.clone()));
            let mut stored = Stored::default();
            let mut rows: Vec<(u8, i64)> = Vec::new();
            for _ in 0..8 {
                for _ in 0..random.below(200) {
                    let (row, diff) = if random.one_in(3) && !rows.is_empty() {
                        (rows.swap_remove(random.index(rows.len())), -1)
                    } else {
                        rows.push((u8::from(random.one_in(2)), random.value()));
                        (rows[rows.len() - 1], 1)
                    };
                    let mut inputs = Inputs::default();
                    inputs.ordered(&row.1);
                    inputs.null();
                    inputs.float(row.1 as f64);
                    inputs.ordered(&row.1);
                    inputs.float(row.1 as f64);
                    inputs.ordered(&(row.1 / 3));
                    for table in &mut tables {
                        table.add(&[row.0], &inputs, 0, diff);
                    }
                }
                let [expected, found] = tables.each_mut().map(closed);
                assert_eq!(found, expected, "seed {seed}");
                // Through bytes, as it travels and is saved.
                stored.save(&mut tables[1]);
                tables[1] = GroupTable::new(0, shared.clone());
                stored.load(&mut tables[1]);
            }
        }
    }

    #[test]
    fn taking_away_what_is_not_there_is_found_out() {
        let failure = |updates: &[(i64, Diff)]| {
            let mut table = GroupTable::new(0, plan());
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
