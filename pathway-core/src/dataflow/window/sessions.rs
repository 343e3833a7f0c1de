//! Sessions: windows whose bounds follow from their rows.

use super::emit::{Early, InWindow, ToRoot, WindowOutput};
use super::{Emission, Moment, Problem, WindowState, pane_and_key};
use crate::dataflow::ReducePlan;
use crate::dataflow::fold::Acc;
use crate::dataflow::group_table::{GroupOutput, GroupTable};
use crate::dataflow::state::{State, StateSize};
use crate::dataflow::watermark::START;
use crate::schema::{Schema, put_len, take_bytes, take_len};
use crate::stage::{Diff, EncodedStep, SharedBatch};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};
use std::rc::Rc;

/// The rows of a moment or of a session, folded.
struct Part {
    rows: i64,
    words: Vec<u64>,
    accs: Vec<Acc>,
}

impl Part {
    fn new(plan: &ReducePlan) -> Self {
        Self { rows: 0, words: plan.zero_words(), accs: plan.zeros() }
    }

    fn add(&mut self, plan: &ReducePlan, mut partial: &[u8], rows: Diff) {
        self.rows += rows;
        plan.merge((&mut self.words, &mut self.accs), &mut partial);
    }

    fn absorb(&mut self, plan: &ReducePlan, other: &Self) {
        let mut partial = Vec::new();
        plan.write((&other.words, &other.accs), &mut partial);
        self.add(plan, &partial, other.rows);
    }

    fn outputs(&self, plan: &ReducePlan) -> Result<Vec<u8>, String> {
        let mut outputs = Vec::new();
        plan.encode_outputs((&self.words, &self.accs), self.rows, &mut outputs)?;
        Ok(outputs)
    }

    /// Whether rows are left, if what is there makes sense.
    fn has_rows(&self) -> Result<bool, String> {
        let is_empty =
            self.words.iter().all(|&word| word == 0) && self.accs.iter().all(Acc::is_empty);
        match self.rows {
            1.. => Ok(true),
            0 if is_empty => Ok(false),
            _ => Err("more rows, or others, were taken away than had been added".to_owned()),
        }
    }

    fn save(&self, plan: &ReducePlan, out: &mut Vec<u8>) {
        self.rows.encode(out);
        plan.write((&self.words, &self.accs), out);
    }

    fn load(plan: &ReducePlan, input: &mut &[u8]) -> Self {
        let mut part = Self { rows: i64::decode(input), ..Self::new(plan) };
        plan.merge((&mut part.words, &mut part.accs), input);
        part
    }

    fn memory(&self, plan: &ReducePlan) -> usize {
        let accs = plan.acc_folds().zip(&self.accs);
        let of_accs = accs.map(|(fold, acc)| fold.memory(acc) + size_of::<Acc>()).sum::<usize>();
        size_of::<Self>() + self.words.len() * size_of::<u64>() + of_accs
    }
}

struct Session {
    last: i128,
    part: Part,
}

/// The sessions of one key.
#[derive(Default)]
struct OfKey {
    /// Where rows may be taken away, the rows of each moment: a session may fall apart.
    moments: BTreeMap<i128, Part>,
    /// By start.
    sessions: BTreeMap<i128, Session>,
}

/// What an epoch changes in the sessions of one key.
#[derive(Default)]
struct Changed {
    /// The sessions that were there: start, last moment and outputs.
    old: BTreeMap<(i128, i128), Vec<u8>>,
    /// The starts of those that are new.
    new: BTreeSet<i128>,
    /// Stretches in which sessions are to be found again.
    stretches: Vec<(i128, i128)>,
}

/// The sessions of one worker.
pub(crate) struct Sessions {
    plan: ReducePlan,
    gap: i128,
    emission: Emission,
    describe: fn(i128) -> String,
    /// Whether rows may be taken away.
    retracts: bool,
    /// The rows of this epoch, by moment and key.
    changes: GroupTable,
    keys: BTreeMap<Rc<[u8]>, OfKey>,
    /// By end, key and start.
    ends: BTreeSet<(i128, Rc<[u8]>, i128)>,
    /// Sessions that end here or before are over.
    over: i128,
    early: Early,
}

impl Sessions {
    pub(crate) fn new(
        node: u32,
        plan: ReducePlan,
        gap: i128,
        emission: Emission,
        describe: fn(i128) -> String,
        retracts: bool,
    ) -> Self {
        Self {
            changes: GroupTable::new(node, plan.clone()),
            plan,
            gap,
            emission,
            describe,
            retracts,
            keys: BTreeMap::new(),
            ends: BTreeSet::new(),
            over: START,
            early: Early::default(),
        }
    }

    /// Applies the changes of an epoch to a key, and emits what has changed.
    fn apply(
        &mut self,
        key: &Rc<[u8]>,
        changes: Vec<(i128, Vec<u8>, Diff)>,
        output: &mut dyn WindowOutput,
    ) -> Result<(), Problem> {
        let mut of_key = self.keys.remove(key).unwrap_or_default();
        let mut changed = Changed::default();
        for (time, partial, rows) in changes {
            let mut part = Part::new(&self.plan);
            part.add(&self.plan, &partial, rows);
            let mut stretch = (time, time);
            for start in of_key.near(time, self.gap) {
                let Some(session) = of_key.sessions.remove(&start) else { continue };
                self.note(key, start, &session, &mut changed)?;
                stretch = (stretch.0.min(start), stretch.1.max(session.last));
                part.absorb(&self.plan, &session.part);
            }
            if self.retracts {
                let moment = of_key.moments.entry(time).or_insert_with(|| Part::new(&self.plan));
                moment.add(&self.plan, &partial, rows);
                let has_rows = moment.has_rows();
                if !has_rows.map_err(|problem| self.at(key, (time, time), &problem))? {
                    of_key.moments.remove(&time);
                }
                changed.stretches.push(stretch);
            } else {
                changed.new.insert(stretch.0);
                of_key.sessions.insert(stretch.0, Session { last: stretch.1, part });
            }
        }
        self.find_again(&mut of_key, &mut changed);
        let result = self.emit(key, &of_key, changed, output);
        if !of_key.sessions.is_empty() {
            self.keys.insert(Rc::clone(key), of_key);
        }
        result
    }

    /// Notes a session that goes, unless this epoch has made it.
    fn note(
        &mut self,
        key: &Rc<[u8]>,
        start: i128,
        session: &Session,
        changed: &mut Changed,
    ) -> Result<(), Problem> {
        if changed.new.remove(&start) {
            return Ok(());
        }
        let bounds = (start, session.last);
        self.ends.remove(&(self.end(session.last), Rc::clone(key), start));
        let outputs = match self.emission {
            Emission::WhenFinal => Vec::new(),
            _ => session
                .part
                .outputs(&self.plan)
                .map_err(|problem| self.at(key, bounds, &problem))?,
        };
        changed.old.insert(bounds, outputs);
        Ok(())
    }

    /// Finds the sessions of the stretches in which moments have changed. No other session is near
    /// any of them: it would have been taken.
    fn find_again(&self, of_key: &mut OfKey, changed: &mut Changed) {
        changed.stretches.sort_unstable();
        let mut joined: Vec<(i128, i128)> = Vec::new();
        for (from, to) in changed.stretches.drain(..) {
            match joined.last_mut() {
                Some((_, end)) if from.saturating_sub(*end) < self.gap => *end = to.max(*end),
                _ => joined.push((from, to)),
            }
        }
        for (from, to) in joined {
            let mut at: Option<(i128, Session)> = None;
            for (&time, moment) in of_key.moments.range(from..=to) {
                if let Some((start, session)) =
                    at.take_if(|(_, session)| time.saturating_sub(session.last) >= self.gap)
                {
                    changed.new.insert(start);
                    of_key.sessions.insert(start, session);
                }
                let new = || (time, Session { last: time, part: Part::new(&self.plan) });
                let (_, session) = at.get_or_insert_with(new);
                session.last = time;
                session.part.absorb(&self.plan, moment);
            }
            if let Some((start, session)) = at {
                changed.new.insert(start);
                of_key.sessions.insert(start, session);
            }
        }
    }

    fn emit(
        &mut self,
        key: &Rc<[u8]>,
        of_key: &OfKey,
        changed: Changed,
        output: &mut dyn WindowOutput,
    ) -> Result<(), Problem> {
        let mut new = BTreeMap::new();
        for start in changed.new {
            let Some(session) = of_key.sessions.get(&start) else { continue };
            let bounds = (start, session.last);
            self.ends.insert((self.end(session.last), Rc::clone(key), start));
            if self.emission != Emission::WhenFinal {
                let outputs = session.part.outputs(&self.plan);
                new.insert(bounds, outputs.map_err(|problem| self.at(key, bounds, &problem))?);
            }
        }
        if self.emission == Emission::WhenFinal {
            return Ok(());
        }
        for (bounds, outputs) in &changed.old {
            if new.get(bounds) == Some(outputs) {
                new.remove(bounds);
            } else {
                let window = (bounds.0, self.end(bounds.1));
                InWindow::new(window, &mut *output).emit(key, Some(outputs), None);
            }
        }
        for (bounds, outputs) in &new {
            let window = (bounds.0, self.end(bounds.1));
            InWindow::new(window, &mut *output).emit(key, None, Some(outputs));
        }
        Ok(())
    }

    /// Lets go of the sessions that are over.
    fn finish(&mut self, root: &mut dyn EncodedStep) -> Result<(), Problem> {
        while let Some((end, key, start)) = self.ends.pop_first() {
            if end > self.over {
                self.ends.insert((end, key, start));
                break;
            }
            let Some(of_key) = self.keys.get_mut(&key) else { continue };
            let Some(session) = of_key.sessions.remove(&start) else { continue };
            of_key.moments.retain(|time, _| *time < start || *time > session.last);
            if of_key.sessions.is_empty() {
                self.keys.remove(&key);
            }
            if self.emission == Emission::WhenFinal {
                let outputs = session.part.outputs(&self.plan);
                let bounds = (start, session.last);
                let outputs = outputs.map_err(|problem| self.at(&key, bounds, &problem))?;
                InWindow::new((start, end), ToRoot(root)).emit(&key, None, Some(&outputs));
            }
        }
        Ok(())
    }

    fn end(&self, last: i128) -> i128 {
        last.saturating_add(self.gap)
    }

    fn at(&self, key: &[u8], (start, last): (i128, i128), problem: &str) -> Problem {
        let (start, end) = ((self.describe)(start), (self.describe)(self.end(last)));
        (key.to_vec(), format!("{problem}\nin the window from {start} to {end}"))
    }
}

impl OfKey {
    /// The starts of the sessions that a row at that time belongs to: one, or two that it brings
    /// together.
    fn near(&self, time: i128, gap: i128) -> Vec<i128> {
        let before = self.sessions.range(..=time).next_back();
        let before = before.filter(|(_, session)| time.saturating_sub(session.last) < gap);
        let behind = self.sessions.range((Excluded(time), Unbounded)).next();
        let behind = behind.filter(|(start, _)| start.saturating_sub(time) < gap);
        before.into_iter().chain(behind).map(|(start, _)| *start).collect()
    }
}

impl WindowState for Sessions {
    fn batch(&self) -> SharedBatch {
        self.changes.batch()
    }

    fn settle(&mut self) {
        self.changes.settle();
    }

    fn merge(&mut self, key: &[u8], partial: &[u8], rows: Diff) {
        self.changes.merge(key, partial, rows);
    }

    fn close(&mut self, at: &Moment, root: &mut dyn EncodedStep) -> Result<(), Problem> {
        let mut by_key: BTreeMap<Rc<[u8]>, Vec<(i128, Vec<u8>, Diff)>> = BTreeMap::new();
        self.changes.drain(|key, partial, rows| {
            let (time, key) = pane_and_key(key);
            let change = (time, partial.to_vec(), rows);
            match by_key.get_mut(key) {
                Some(changes) => changes.push(change),
                None => drop(by_key.insert(key.into(), vec![change])),
            }
        });
        let mut early = std::mem::take(&mut self.early);
        let is_early = matches!(self.emission, Emission::Early(_));
        let applied = by_key.into_iter().try_for_each(|(key, mut changes)| {
            changes.sort_unstable();
            if is_early {
                self.apply(&key, changes, &mut early)
            } else {
                self.apply(&key, changes, &mut ToRoot(root))
            }
        });
        self.early = early;
        applied?;
        self.over = at.watermark.max(self.over);
        if let Emission::Early(interval) = self.emission {
            self.early.close(interval, self.over, at, root);
        }
        self.finish(root)
    }

    fn due(&self) -> Option<i64> {
        self.early.due()
    }
}

impl State for Sessions {
    fn size(&self) -> StateSize {
        let mut size = StateSize::default();
        for (key, of_key) in &self.keys {
            let sessions = of_key.sessions.values().map(|session| &session.part);
            let parts = sessions.chain(of_key.moments.values());
            size.rows += of_key.sessions.len() + of_key.moments.len();
            size.bytes += key.len() + parts.map(|part| part.memory(&self.plan)).sum::<usize>();
        }
        size.bytes += self.ends.len() * size_of::<(i128, Rc<[u8]>, i128)>() + self.early.memory();
        size
    }

    fn save(&self, out: &mut Vec<u8>) {
        self.over.encode(out);
        self.early.save(out);
        put_len(self.keys.len(), out);
        for (key, of_key) in &self.keys {
            put_len(key.len(), out);
            out.extend_from_slice(key);
            put_len(of_key.moments.len(), out);
            for (time, part) in &of_key.moments {
                time.encode(out);
                part.save(&self.plan, out);
            }
            put_len(of_key.sessions.len(), out);
            for (start, session) in &of_key.sessions {
                start.encode(out);
                session.last.encode(out);
                session.part.save(&self.plan, out);
            }
        }
    }

    fn load(&mut self, input: &mut &[u8]) {
        self.over = i128::decode(input);
        self.early.load(input);
        for _ in 0..take_len(input) {
            let len = take_len(input);
            let key: Rc<[u8]> = take_bytes(input, len).into();
            let mut of_key = OfKey::default();
            for _ in 0..take_len(input) {
                let time = i128::decode(input);
                of_key.moments.insert(time, Part::load(&self.plan, input));
            }
            for _ in 0..take_len(input) {
                let (start, last) = (i128::decode(input), i128::decode(input));
                let part = Part::load(&self.plan, input);
                of_key.sessions.insert(start, Session { last, part });
                self.ends.insert((self.end(last), Rc::clone(&key), start));
            }
            self.keys.insert(key, of_key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataflow::OutputShape;
    use crate::dataflow::fold::{AnyFold, Count};
    use crate::stage::Inputs;
    use std::sync::Arc;

    struct Root(Vec<(i128, i128, u64, Diff)>);

    impl EncodedStep for Root {
        fn push(&mut self, mut key: &[u8], mut count: &[u8], diff: Diff) {
            let key = &mut key;
            let (start, end) = (i128::decode(key), i128::decode(key));
            self.0.push((start, end, u64::decode(&mut count), diff));
        }
    }

    fn new(emission: Emission, retracts: bool) -> Sessions {
        let plan = ReducePlan::new(vec![AnyFold::Words(Arc::new(Count))], OutputShape::Single);
        Sessions::new(0, plan, 10, emission, |time| time.to_string(), retracts)
    }

    #[test]
    fn loaded_sessions_go_on_as_the_saved_ones() {
        for (emission, retracts) in [
            (Emission::EveryChange, false),
            (Emission::EveryChange, true),
            (Emission::WhenFinal, false),
            (Emission::Early(100), true),
        ] {
            let row = |sessions: &mut Sessions, time: i128, diff| {
                let mut inputs = Inputs::default();
                inputs.null();
                let key = [&time.to_le_bytes()[..], &[7]].concat();
                sessions.changes.add(&key, &inputs, 0, diff);
            };
            let close = |sessions: &mut Sessions, watermark, now| {
                let mut root = Root(Vec::new());
                let at = Moment { watermark, now, ended: false };
                sessions.close(&at, &mut root).unwrap();
                root.0
            };
            let mut saved = new(emission, retracts);
            for time in [1, 5, 30, 38, 60] {
                row(&mut saved, time, 1);
            }
            close(&mut saved, 2, 0);
            let mut bytes = Vec::new();
            saved.save(&mut bytes);
            let mut loaded = new(emission, retracts);
            let mut input = bytes.as_slice();
            loaded.load(&mut input);
            assert!(input.is_empty());
            for (watermark, now) in [(15, 50), (47, 60), (48, 200), (i128::MAX, 300)] {
                for sessions in [&mut saved, &mut loaded] {
                    row(sessions, 50, 1);
                    if retracts && watermark < 30 {
                        row(sessions, 38, -1);
                    }
                }
                let expected = close(&mut saved, watermark, now);
                assert_eq!(close(&mut loaded, watermark, now), expected, "{emission:?}");
                assert_eq!(loaded.size().rows, saved.size().rows);
            }
            assert_eq!(loaded.size().rows, 0);
        }
    }
}
