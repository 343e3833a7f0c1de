//! Sessions: windows whose bounds follow from their rows.

use super::emit::{Early, InWindow, ToRoot, WindowOutput, end_of};
use super::part::Part;
use super::{Emission, Joins, Moment, PANE_LEN, Problem, Results, WindowState, pane_and_key};
use crate::dataflow::ReducePlan;
use crate::dataflow::group_table::{GroupOutput, GroupTable};
use crate::dataflow::state::{ChangedKeys, Saved, State, StateSize};
use crate::dataflow::watermark::START;
use crate::persistence::records::Record;
use crate::schema::{Schema, put_len, take_len};
use crate::stage::{Diff, EncodedStep, SharedBatch, enter};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};
use std::rc::Rc;

struct Session {
    reach: i128,
    part: Part,
}

/// The sessions of one key.
#[derive(Default)]
struct OfKey {
    /// Where rows may be taken away, the rows of each moment, by time and reach: a session may
    /// fall apart.
    moments: BTreeMap<(i128, i128), Part>,
    /// By start.
    sessions: BTreeMap<i128, Session>,
}

/// Rows of a moment that an epoch adds or takes away.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Change {
    time: i128,
    reach: i128,
    partial: Vec<u8>,
    rows: Diff,
}

/// What an epoch changes in the sessions of one key.
#[derive(Default)]
struct Changed {
    /// The sessions that were there: start, reach and outputs.
    old: BTreeMap<(i128, i128), Vec<u8>>,
    /// The starts of those that are new.
    new: BTreeSet<i128>,
    /// Stretches in which sessions are to be found again: from, and reach.
    stretches: Vec<(i128, i128)>,
}

/// The sessions of one worker.
pub(crate) struct Sessions {
    /// The number of the plan node.
    node: u32,
    plan: ReducePlan,
    joins: Joins,
    results: Results,
    describe: fn(i128) -> String,
    /// Whether rows may be taken away.
    retracts: bool,
    /// The rows of this epoch, by moment and key.
    changes: GroupTable,
    keys: BTreeMap<Rc<[u8]>, OfKey>,
    saved: ChangedKeys<Rc<[u8]>>,
    /// By reach, key and start.
    ends: BTreeSet<(i128, Rc<[u8]>, i128)>,
    /// No row before this time comes any more.
    over: i128,
    early: Early,
}

impl Sessions {
    pub(crate) fn new(
        node: u32,
        plan: ReducePlan,
        joins: Joins,
        results: Results,
        describe: fn(i128) -> String,
        retracts: bool,
    ) -> Self {
        Self {
            node,
            changes: GroupTable::new(node, plan.clone()),
            plan,
            joins,
            results,
            describe,
            retracts,
            keys: BTreeMap::new(),
            saved: ChangedKeys::default(),
            ends: BTreeSet::new(),
            over: START,
            early: Early::default(),
        }
    }

    /// The changes of this epoch by key, in order.
    fn take_changes(&mut self) -> BTreeMap<Rc<[u8]>, Vec<Change>> {
        let mut by_key: BTreeMap<Rc<[u8]>, Vec<Change>> = BTreeMap::new();
        let joins = &self.joins;
        self.changes.drain(|key, partial, rows| {
            let (time, mut key) = pane_and_key(key);
            let mut reach = joins.reach(time);
            if matches!(joins, Joins::ByRow) {
                (reach, key) = pane_and_key(key);
            }
            let change = Change { time, reach, partial: partial.to_vec(), rows };
            match by_key.get_mut(key) {
                Some(changes) => changes.push(change),
                None => drop(by_key.insert(key.into(), vec![change])),
            }
        });
        by_key.values_mut().for_each(|changes| changes.sort_unstable());
        by_key
    }

    /// Applies the changes of an epoch to a key, and emits what has changed.
    fn apply(
        &mut self,
        key: &Rc<[u8]>,
        changes: Vec<Change>,
        output: &mut dyn WindowOutput,
    ) -> Result<(), Problem> {
        self.saved.note(key);
        let mut of_key = self.keys.remove(key).unwrap_or_default();
        let mut changed = Changed::default();
        for Change { time, reach, partial, rows } in changes {
            let mut part = Part::new(&self.plan);
            part.add(&self.plan, &partial, rows);
            let mut stretch = (time, reach);
            for start in of_key.near(&self.joins, time, reach) {
                let Some(session) = of_key.sessions.remove(&start) else { continue };
                self.note(key, start, &session, &mut changed)?;
                stretch = (stretch.0.min(start), stretch.1.max(session.reach));
                if !self.retracts {
                    part.absorb(&self.plan, &session.part);
                }
            }
            if self.retracts {
                let new = || Part::new(&self.plan);
                let moment = of_key.moments.entry((time, reach)).or_insert_with(new);
                moment.add(&self.plan, &partial, rows);
                let has_rows = moment.has_rows();
                if !has_rows.map_err(|problem| self.at(key, (time, reach), &problem))? {
                    of_key.moments.remove(&(time, reach));
                }
                changed.stretches.push(stretch);
            } else {
                changed.new.insert(stretch.0);
                of_key.sessions.insert(stretch.0, Session { reach: stretch.1, part });
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
        let bounds = (start, session.reach);
        self.ends.remove(&(session.reach, Rc::clone(key), start));
        let outputs = match self.results.emission {
            Emission::WhenFinal => Vec::new(),
            _ => self.outputs(key, start, session)?,
        };
        changed.old.insert(bounds, outputs);
        Ok(())
    }

    /// Finds the sessions of the stretches in which moments have changed. No other session is near
    /// any of them: it would have been taken.
    fn find_again(&self, of_key: &mut OfKey, changed: &mut Changed) {
        let joins = &self.joins;
        changed.stretches.sort_unstable();
        let mut joined: Vec<(i128, i128)> = Vec::new();
        for (from, reach) in changed.stretches.drain(..) {
            match joined.last_mut() {
                Some((_, far)) if joins.touches(*far, from) => *far = reach.max(*far),
                _ => joined.push((from, reach)),
            }
        }
        for (from, reach) in joined {
            let mut at: Option<(i128, Session)> = None;
            let behind = joins.end(reach);
            for (&(time, reach), moment) in of_key.moments.range((from, START)..(behind, START)) {
                let apart = |(_, session): &mut (_, Session)| !joins.touches(session.reach, time);
                if let Some((start, session)) = at.take_if(apart) {
                    changed.new.insert(start);
                    of_key.sessions.insert(start, session);
                }
                let new = || (time, Session { reach, part: Part::new(&self.plan) });
                let (_, session) = at.get_or_insert_with(new);
                session.reach = reach.max(session.reach);
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
            self.ends.insert((session.reach, Rc::clone(key), start));
            if self.results.emission != Emission::WhenFinal {
                new.insert((start, session.reach), self.outputs(key, start, session)?);
            }
        }
        if self.results.emission == Emission::WhenFinal {
            return Ok(());
        }
        for (bounds, outputs) in &changed.old {
            if new.get(bounds) == Some(outputs) {
                new.remove(bounds);
            } else {
                let window = (bounds.0, self.joins.end(bounds.1));
                InWindow::new(window, &mut *output).emit(key, Some(outputs), None);
            }
        }
        for (bounds, outputs) in &new {
            let window = (bounds.0, self.joins.end(bounds.1));
            InWindow::new(window, &mut *output).emit(key, None, Some(outputs));
        }
        Ok(())
    }

    /// Lets go of the sessions that are over.
    fn finish(&mut self, output: &mut dyn WindowOutput) -> Result<(), Problem> {
        while let Some((reach, key, start)) = self.ends.pop_first() {
            if !self.joins.is_over(reach, self.over) {
                self.ends.insert((reach, key, start));
                break;
            }
            let Some(of_key) = self.keys.get_mut(&key) else { continue };
            let Some(session) = of_key.sessions.remove(&start) else { continue };
            self.saved.note(&key);
            let end = self.joins.end(reach);
            of_key.forget_moments(start, end);
            if of_key.sessions.is_empty() {
                self.keys.remove(&key);
            }
            let Results { emission, forgets } = self.results;
            if emission == Emission::WhenFinal {
                let outputs = self.outputs(&key, start, &session)?;
                InWindow::new((start, end), &mut *output).emit(&key, None, Some(&outputs));
            } else if forgets {
                let outputs = self.outputs(&key, start, &session)?;
                InWindow::new((start, end), &mut *output).emit(&key, Some(&outputs), None);
            }
        }
        Ok(())
    }

    fn outputs(&self, key: &[u8], start: i128, session: &Session) -> Result<Vec<u8>, Problem> {
        let outputs = session.part.outputs(&self.plan);
        outputs.map_err(|problem| self.at(key, (start, session.reach), &problem))
    }

    fn at(&self, key: &[u8], (start, reach): (i128, i128), problem: &str) -> Problem {
        let (start, end) = ((self.describe)(start), (self.describe)(self.joins.end(reach)));
        (key.to_vec(), format!("{problem}\nin the window from {start} to {end}"))
    }
}

impl OfKey {
    /// The starts of the sessions that a row belongs to: one, or several that it brings together.
    fn near(&self, joins: &Joins, time: i128, reach: i128) -> Vec<i128> {
        let before = self.sessions.range(..=time).next_back();
        let before = before.filter(|(_, session)| joins.touches(session.reach, time));
        let behind = self.sessions.range((Excluded(time), Unbounded));
        let behind = behind.take_while(|(start, _)| joins.touches(reach, **start));
        before.into_iter().chain(behind).map(|(start, _)| *start).collect()
    }

    /// Forgets the moments of a session.
    fn forget_moments(&mut self, start: i128, end: i128) {
        let mut moments = self.moments.split_off(&(start, START));
        self.moments.append(&mut moments.split_off(&(end, START)));
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
        // A function of the user's that says what is near may panic.
        enter(self.node);
        let by_key = self.take_changes();
        let mut early = std::mem::take(&mut self.early);
        let mut direct = ToRoot(root);
        let is_early = matches!(self.results.emission, Emission::Early(_));
        let output: &mut dyn WindowOutput = if is_early { &mut early } else { &mut direct };
        for (key, changes) in by_key {
            self.apply(&key, changes, output)?;
        }
        self.over = at.watermark.max(self.over);
        self.finish(output)?;
        if let Emission::Early(interval) = self.results.emission {
            let is_over = |key: &[u8]| match &self.joins {
                Joins::Where(_) => self.joins.is_over(end_of(key).saturating_sub(1), self.over),
                _ => end_of(key) <= self.over,
            };
            early.close(interval, is_over, at, root);
        }
        self.early = early;
        Ok(())
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
            size.bytes += of_key.moments.len() * 2 * PANE_LEN;
        }
        size.bytes += self.ends.len() * size_of::<(i128, Rc<[u8]>, i128)>() + self.early.memory();
        size
    }

    fn save(&mut self, out: &mut Saved) {
        self.early.save(out, &[self.over], Some(2 * PANE_LEN));
        let plan = &self.plan;
        self.saved.save(out, &self.keys, |of_key, out| {
            put_len(of_key.moments.len(), out);
            for ((time, reach), part) in &of_key.moments {
                time.encode(out);
                reach.encode(out);
                part.save(plan, out);
            }
            put_len(of_key.sessions.len(), out);
            for (start, session) in &of_key.sessions {
                start.encode(out);
                session.reach.encode(out);
                session.part.save(plan, out);
            }
        });
    }

    fn load(&mut self, part: &[u8], record: Record<'_>) {
        if self.early.load(part, &record, [&mut self.over]) {
            return;
        }
        let input = &mut record.bytes();
        let key: Rc<[u8]> = record.key().into();
        let mut of_key = OfKey::default();
        for _ in 0..take_len(input) {
            let moment = (i128::decode(input), i128::decode(input));
            of_key.moments.insert(moment, Part::load(&self.plan, input));
        }
        for _ in 0..take_len(input) {
            let (start, reach) = (i128::decode(input), i128::decode(input));
            let part = Part::load(&self.plan, input);
            of_key.sessions.insert(start, Session { reach, part });
            self.ends.insert((reach, Rc::clone(&key), start));
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

    struct Root(Vec<(i128, i128, u64, Diff)>);

    impl EncodedStep for Root {
        fn push(&mut self, mut key: &[u8], mut count: &[u8], diff: Diff) {
            let key = &mut key;
            let (start, end) = (i128::decode(key), i128::decode(key));
            self.0.push((start, end, u64::decode(&mut count), diff));
        }
    }

    fn new(joins: &Joins, emission: Emission, retracts: bool) -> Sessions {
        let plan = ReducePlan::new(vec![AnyFold::Words(Arc::new(Count))], OutputShape::Single);
        let results = Results { emission, forgets: false };
        Sessions::new(0, plan, joins.clone(), results, |time| time.to_string(), retracts)
    }

    fn row(sessions: &mut Sessions, time: i128, diff: Diff) {
        let mut inputs = Inputs::default();
        inputs.null();
        let reach = (time + 10).to_le_bytes();
        let reach = if matches!(sessions.joins, Joins::ByRow) { &reach[..] } else { &[] };
        let key = [&time.to_le_bytes()[..], reach, &[7]].concat();
        sessions.changes.add(&key, &inputs, 0, diff);
    }

    fn close(sessions: &mut Sessions, watermark: i128, now: i64) -> Vec<(i128, i128, u64, Diff)> {
        let mut root = Root(Vec::new());
        let at = Moment { watermark, other: START, now, ended: false };
        sessions.close(&at, &mut root).unwrap();
        root.0
    }

    #[test]
    fn loaded_sessions_go_on_as_the_saved_ones() {
        let near = Joins::Where(Arc::new(|before, after| after - before < 10));
        for joins in [Joins::Gap(10), Joins::ByRow, near] {
            for (emission, retracts) in [
                (Emission::EveryChange, false),
                (Emission::EveryChange, true),
                (Emission::WhenFinal, false),
                (Emission::Early(100), true),
            ] {
                let mut saved = new(&joins, emission, retracts);
                for time in [1, 5, 30, 38, 60] {
                    row(&mut saved, time, 1);
                }
                close(&mut saved, 2, 0);
                let mut stored = Stored::default();
                stored.save(&mut saved);
                let mut loaded = new(&joins, emission, retracts);
                stored.load(&mut loaded);
                for (watermark, now) in [(15, 50), (47, 60), (48, 200), (i128::MAX, 300)] {
                    for sessions in [&mut saved, &mut loaded] {
                        row(sessions, 50, 1);
                        if retracts && watermark < 30 {
                            row(sessions, 38, -1);
                        }
                    }
                    let expected = close(&mut saved, watermark, now);
                    let emitted = close(&mut loaded, watermark, now);
                    assert_eq!(emitted, expected, "{joins:?} {emission:?}");
                    assert_eq!(loaded.size().rows, saved.size().rows);
                    stored.save(&mut saved);
                    loaded = new(&joins, emission, retracts);
                    stored.load(&mut loaded);
                }
                assert_eq!(loaded.size().rows, 0);
            }
        }
    }
}
