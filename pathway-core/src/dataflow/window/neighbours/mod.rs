//! Sessions by a predicate on neighbouring rows: a row is of the session of the one before it, if
//! the predicate holds of both and they are not too far apart.
//!
//! A key's rows are sorted by time, then by row, and each notes whether it joins the one before it.
//! A row that comes between two, or goes, changes that of itself and of the next one alone: then it
//! joins two sessions or cuts one in two. A session's fold is kept, and made anew only where it was
//! cut.
//!
//! **What is forgotten.** Call a row *settled* when it is behind the watermark: no row comes in
//! front of it any more, and it does not go. What comes may be any row, and the predicate any
//! function, so a session can grow until a row behind it is settled that is not of it, or until none
//! can come that is near enough in time. Then it is over. Of the settled rows of a session that can
//! grow, the last one is asked about; those in front of it are folded into one.

mod of_key;
#[cfg(test)]
mod tests;

use self::of_key::{Front, OfKey, Row, Session, Sort, fold_into, time_of};
use super::emit::{Early, InWindow, ToRoot, WindowOutput};
use super::part::Part;
use super::{Emission, Moment, PANE_LEN, Problem, Results, WindowState};
use crate::dataflow::ReducePlan;
use crate::dataflow::group_table::GroupOutput;
use crate::dataflow::ordered::{Entry, too_few};
use crate::dataflow::state::{ChangedKeys, Saved, State, StateSize};
use crate::dataflow::watermark::{END, START};
use crate::persistence::records::Record;
use crate::schema::{DataType, Schema, ordered, put_bytes, put_len, take_len, take_sized};
use crate::stage::{Batch, Diff, EncodedStep, SharedBatch, enter};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

/// Whether the second of two rows, in the compact encoding, is of the session of the first.
pub(crate) type SameSession = Arc<dyn Fn(&[u8], &[u8]) -> bool + Send + Sync>;

/// Which neighbouring rows are of one session.
#[derive(Clone)]
pub struct Neighbours {
    /// The predicate.
    pub(crate) same: SameSession,
    /// How far apart they are at most, in steps.
    pub(crate) within: Option<i128>,
    /// That distance, to a person.
    pub(crate) described: String,
}

impl fmt::Debug for Neighbours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Neighbours").field("within", &self.within).finish_non_exhaustive()
    }
}

/// The bounds of a session, and what it comes to, with how often that is.
type Outputs = BTreeMap<((i128, i128), Vec<u8>), Diff>;

/// The rows of one key that an epoch adds or takes away.
type Changes = BTreeMap<Vec<u8>, Entry>;

/// The sessions of one worker.
pub(crate) struct NeighbourSessions {
    /// The number of the plan node.
    node: u32,
    plan: ReducePlan,
    neighbours: Neighbours,
    results: Results,
    describe: fn(i128) -> String,
    /// The type of the rows.
    rows: fn() -> DataType,
    /// Nobody writes into it: whole rows come, which are sorted.
    batch: SharedBatch,
    pending: BTreeMap<Rc<[u8]>, Changes>,
    keys: BTreeMap<Rc<[u8]>, OfKey>,
    saved: ChangedKeys<Rc<[u8]>>,
    /// The keys by the watermark that they wait for.
    waiting: BTreeSet<(i128, Rc<[u8]>)>,
    over: i128,
    early: Early,
}

impl NeighbourSessions {
    pub(crate) fn new(
        node: u32,
        plan: ReducePlan,
        neighbours: Neighbours,
        results: Results,
        describe: fn(i128) -> String,
        rows: fn() -> DataType,
    ) -> Self {
        Self {
            node,
            plan,
            neighbours,
            results,
            describe,
            rows,
            batch: Batch::shared(1),
            pending: BTreeMap::new(),
            keys: BTreeMap::new(),
            saved: ChangedKeys::default(),
            waiting: BTreeSet::new(),
            over: START,
            early: Early::default(),
        }
    }

    /// Whether a row is of the session of the one before it.
    fn is_joined(&self, before: Option<&Sort>, row: Option<&Sort>) -> bool {
        let (Some(before), Some(row)) = (before, row) else { return false };
        let apart = time_of(row).saturating_sub(time_of(before));
        let compact = |sort: &Sort| {
            let mut compact = Vec::new();
            ordered::to_compact((self.rows)(), &mut &sort[PANE_LEN..], &mut compact);
            compact
        };
        self.neighbours.within.is_none_or(|within| apart <= within)
            && (self.neighbours.same)(&compact(before), &compact(row))
    }

    /// Notes what a session came to before this epoch.
    fn touch(
        &self,
        key: &[u8],
        of_key: &mut OfKey,
        first: &Sort,
        old: &mut Outputs,
    ) -> Result<(), Problem> {
        let Some(session) = of_key.sessions.get(first).filter(|session| !session.changed) else {
            return Ok(());
        };
        if self.results.emission != Emission::WhenFinal {
            let bounds = of_key.bounds(first, session);
            let outputs = self.outputs(key, bounds, session)?;
            *old.entry((bounds, outputs)).or_insert(0) += 1;
        }
        if let Some(session) = of_key.sessions.get_mut(first) {
            session.changed = true;
            of_key.changed.insert(Rc::clone(first));
        }
        Ok(())
    }

    /// Folds copies of a row into its session, or takes them out.
    fn fold_row(&self, of_key: &mut OfKey, first: &Sort, arguments: &[u8], diff: Diff) {
        if let Some(part) = of_key.sessions.get_mut(first).and_then(|of| of.part.as_mut()) {
            fold_into(part, &self.plan, arguments, diff);
        }
    }

    /// Adds a row that has not been there.
    fn insert(
        &self,
        key: &[u8],
        of_key: &mut OfKey,
        entry: &Entry,
        old: &mut Outputs,
    ) -> Result<(), Problem> {
        let sort: Sort = entry.sort().into();
        let (before, behind) = of_key.around(&sort);
        let joined = self.is_joined(before.as_ref(), Some(&sort));
        let behind_joined = self.is_joined(Some(&sort), behind.as_ref());
        let within_session = of_key.joined(behind.as_ref());
        let arguments = entry.arguments();
        let row = Row { copies: entry.copies, arguments: arguments.into(), joined };
        if within_session {
            let first = of_key.session_of(&sort);
            self.touch(key, of_key, &first, old)?;
            self.fold_row(of_key, &first, arguments, entry.copies);
            of_key.rows.insert(Rc::clone(&sort), row);
            if let Some(behind) = behind.as_ref().filter(|_| !behind_joined) {
                of_key.cut(behind);
            }
            if !joined {
                of_key.cut(&sort);
            }
        } else {
            if joined {
                let first = of_key.session_of(&sort);
                self.touch(key, of_key, &first, old)?;
                self.fold_row(of_key, &first, arguments, entry.copies);
                if let Some(session) = of_key.sessions.get_mut(&first) {
                    session.last = Rc::clone(&sort);
                }
            } else {
                let mut part = Part::new(&self.plan);
                row.fold_into(&mut part, &self.plan);
                let new = Session { last: Rc::clone(&sort), part: Some(part), changed: true };
                of_key.changed.insert(Rc::clone(&sort));
                of_key.sessions.insert(Rc::clone(&sort), new);
            }
            of_key.rows.insert(Rc::clone(&sort), row);
            if let Some(behind) = behind.as_ref().filter(|_| behind_joined) {
                self.touch(key, of_key, behind, old)?;
                of_key.join(behind, &self.plan);
            }
        }
        of_key.set_joined(behind.as_ref(), behind_joined);
        Ok(())
    }

    /// Takes away the last copies of a row.
    fn remove(
        &self,
        key: &[u8],
        of_key: &mut OfKey,
        entry: &Entry,
        old: &mut Outputs,
    ) -> Result<(), Problem> {
        let sort = entry.sort();
        let first = of_key.session_of(sort);
        self.touch(key, of_key, &first, old)?;
        self.fold_row(of_key, &first, entry.arguments(), entry.copies);
        let (before, behind) = of_key.around(sort);
        let (was_joined, behind_was_joined) = (*first != *sort, of_key.joined(behind.as_ref()));
        of_key.rows.remove(sort);
        let behind_joined = self.is_joined(before.as_ref(), behind.as_ref());
        match (was_joined, behind_was_joined) {
            (false, false) => drop(of_key.sessions.remove(&first)),
            (false, true) => {
                if let Some(session) = of_key.sessions.remove(&first)
                    && let Some(behind) = &behind
                {
                    of_key.changed.insert(Rc::clone(behind));
                    of_key.sessions.insert(Rc::clone(behind), session);
                }
            }
            (true, false) => {
                if let Some(session) = of_key.sessions.get_mut(&first)
                    && let Some(before) = &before
                {
                    session.last = Rc::clone(before);
                }
            }
            (true, true) => {}
        }
        if let Some(behind) = &behind {
            let starts = of_key.sessions.contains_key(behind);
            if starts && behind_joined {
                let first = before.as_ref().map(|before| of_key.session_of(before));
                if let Some(first) = first {
                    self.touch(key, of_key, &first, old)?;
                }
                self.touch(key, of_key, behind, old)?;
                of_key.join(behind, &self.plan);
            } else if !starts && !behind_joined {
                of_key.cut(behind);
            }
        }
        of_key.set_joined(behind.as_ref(), behind_joined);
        Ok(())
    }

    /// Applies the changes of an epoch to a key, and emits what has changed.
    fn apply(
        &mut self,
        key: &Rc<[u8]>,
        changes: Changes,
        output: &mut dyn WindowOutput,
    ) -> Result<(), Problem> {
        self.saved.note(key);
        let mut of_key = self.keys.remove(key).unwrap_or_default();
        let mut old = Outputs::new();
        for entry in changes.into_values().filter(|entry| entry.copies != 0) {
            let there = of_key.rows.get(entry.sort()).map_or(0, |row| row.copies);
            match there + entry.copies {
                left @ ..0 => {
                    return Err((key.to_vec(), too_few((self.rows)(), &(entry, left))));
                }
                0 => self.remove(key, &mut of_key, &entry, &mut old)?,
                _ if there == 0 => self.insert(key, &mut of_key, &entry, &mut old)?,
                copies => {
                    let first = of_key.session_of(entry.sort());
                    self.touch(key, &mut of_key, &first, &mut old)?;
                    self.fold_row(&mut of_key, &first, entry.arguments(), entry.copies);
                    if let Some(row) = of_key.rows.get_mut(entry.sort()) {
                        row.copies = copies;
                    }
                }
            }
        }
        self.emit(key, &mut of_key, old, output)?;
        self.note(key, of_key);
        Ok(())
    }

    /// Emits the difference between what the changed sessions came to and come to now.
    fn emit(
        &self,
        key: &Rc<[u8]>,
        of_key: &mut OfKey,
        old: Outputs,
        output: &mut dyn WindowOutput,
    ) -> Result<(), Problem> {
        let mut outputs = Outputs::new();
        for first in std::mem::take(&mut of_key.changed) {
            let Some(session) = of_key.sessions.get(&first) else { continue };
            let part = match &session.part {
                None => Some(of_key.fold(&first, session, &self.plan)),
                Some(_) => None,
            };
            let bounds = of_key.bounds(&first, session);
            let Some(session) = of_key.sessions.get_mut(&first) else { continue };
            session.part = part.or(session.part.take());
            session.changed = false;
            if self.results.emission != Emission::WhenFinal {
                *outputs.entry((bounds, self.outputs(key, bounds, session)?)).or_insert(0) += 1;
            }
        }
        for (of_session, copies) in old {
            *outputs.entry(of_session).or_insert(0) -= copies;
        }
        let mut emit = |bounds, sign: bool, outputs: &Vec<u8>| {
            let (old, new) = if sign { (None, Some(&**outputs)) } else { (Some(&**outputs), None) };
            InWindow::new(bounds, &mut *output).emit(key, old, new);
        };
        for is_new in [false, true] {
            for ((bounds, outputs), diff) in &outputs {
                let times = if is_new { *diff } else { -*diff };
                (0..times).for_each(|_| emit(*bounds, is_new, outputs));
            }
        }
        Ok(())
    }

    /// Keeps a key, and notes when to look at it again.
    fn note(&mut self, key: &Rc<[u8]>, mut of_key: OfKey) {
        if let Some(before) = of_key.wait.take() {
            self.waiting.remove(&(before, Rc::clone(key)));
        }
        let mut rows = of_key.rows.keys();
        let Some(first) = rows.next() else { return };
        let settled = rows.next().map(|second| time_of(second).saturating_add(1));
        let apart = |within: i128| time_of(first).saturating_add(within).saturating_add(1);
        let wait = settled.into_iter().chain(self.neighbours.within.map(apart)).min();
        // At the end of time, all keys are looked at.
        of_key.wait = wait.filter(|wait| *wait < END);
        self.waiting.extend(of_key.wait.map(|wait| (wait, Rc::clone(key))));
        self.keys.insert(Rc::clone(key), of_key);
    }

    /// Lets go of what is over. Answers the keys of which a session is.
    fn finish(&mut self, output: &mut dyn WindowOutput) -> Result<BTreeSet<Rc<[u8]>>, Problem> {
        let mut over = BTreeSet::new();
        if self.over == END {
            self.saved.note_all();
            self.waiting.clear();
            for (key, mut of_key) in std::mem::take(&mut self.keys) {
                self.advance(&key, &mut of_key, output, &mut over)?;
            }
            return Ok(over);
        }
        while let Some((wait, key)) = self.waiting.pop_first() {
            if wait > self.over {
                self.waiting.insert((wait, key));
                break;
            }
            let Some(mut of_key) = self.keys.remove(&key) else { continue };
            self.saved.note(&key);
            of_key.wait = None;
            self.advance(&key, &mut of_key, output, &mut over)?;
            self.note(&key, of_key);
        }
        Ok(over)
    }

    fn advance(
        &self,
        key: &Rc<[u8]>,
        of_key: &mut OfKey,
        output: &mut dyn WindowOutput,
        over: &mut BTreeSet<Rc<[u8]>>,
    ) -> Result<(), Problem> {
        loop {
            let mut rows = of_key.rows.iter();
            let Some((first, _)) = rows.next() else { return Ok(()) };
            let second = rows.next().map(|(sort, row)| (Rc::clone(sort), row.joined));
            let first = Rc::clone(first);
            let settled = second.as_ref().is_some_and(|(sort, _)| time_of(sort) < self.over);
            let joined = second.as_ref().is_some_and(|(_, joined)| *joined);
            let apart = self
                .neighbours
                .within
                .is_some_and(|within| time_of(&first).saturating_add(within) < self.over);
            if settled && joined {
                let (Some((second, _)), Some(row)) = (second, of_key.rows.remove(&first)) else {
                    return Ok(());
                };
                let front = of_key.front.get_or_insert_with(|| Front {
                    start: time_of(&first),
                    part: Part::new(&self.plan),
                });
                row.fold_into(&mut front.part, &self.plan);
                if let Some(session) = of_key.sessions.remove(&first) {
                    of_key.sessions.insert(second, session);
                }
            } else if settled || (apart && !joined) || self.over == END {
                let session = of_key.sessions.get(&first);
                let bounds = session.map_or((START, START), |of| of_key.bounds(&first, of));
                let Some(session) = of_key.sessions.remove(&first) else { return Ok(()) };
                of_key.rows.remove(&first);
                of_key.front = None;
                over.insert(Rc::clone(key));
                let Results { emission, forgets } = self.results;
                if emission == Emission::WhenFinal || forgets {
                    let outputs = self.outputs(key, bounds, &session)?;
                    let outputs = Some(&*outputs);
                    let is_new = emission == Emission::WhenFinal;
                    let (old, new) = if is_new { (None, outputs) } else { (outputs, None) };
                    InWindow::new(bounds, &mut *output).emit(key, old, new);
                }
            } else {
                return Ok(());
            }
        }
    }

    fn outputs(
        &self,
        key: &[u8],
        (start, end): (i128, i128),
        session: &Session,
    ) -> Result<Vec<u8>, Problem> {
        let part = session.part.as_ref().expect("a session that was cut is folded anew");
        part.outputs(&self.plan).map_err(|problem| {
            let (start, end) = ((self.describe)(start), (self.describe)(end));
            (key.to_vec(), format!("{problem}\nin the window from {start} to {end}"))
        })
    }
}

impl WindowState for NeighbourSessions {
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
        // The predicate, or a reducer of the user's own, may panic.
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
            // All that waits of a key comes out with a session that is over, so that no row is in
            // two sessions.
            early.close(interval, |key| over.contains(&key[2 * PANE_LEN..]), at, root);
        }
        self.early = early;
        Ok(())
    }

    fn due(&self) -> Option<i64> {
        self.early.due()
    }
}

impl State for NeighbourSessions {
    fn size(&self) -> StateSize {
        let mut size = StateSize { rows: 0, bytes: self.early.memory() };
        for (key, of_key) in &self.keys {
            size.rows += of_key.rows.len() + of_key.sessions.len();
            size.bytes += key.len() + size_of::<OfKey>();
            for (sort, row) in &of_key.rows {
                size.bytes += sort.len() + row.arguments.len() + size_of::<(Sort, Row)>();
            }
            let parts = of_key.sessions.values().filter_map(|session| session.part.as_ref());
            let parts = parts.chain(of_key.front.as_ref().map(|front| &front.part));
            size.bytes += parts.map(|part| part.memory(&self.plan)).sum::<usize>();
        }
        size.bytes += self.waiting.len() * size_of::<(i128, Rc<[u8]>)>();
        size
    }

    fn save(&mut self, out: &mut Saved) {
        self.early.save(out, &[self.over], Some(2 * PANE_LEN));
        let plan = &self.plan;
        self.saved.save(out, &self.keys, |of_key, out| {
            out.push(u8::from(of_key.front.is_some()));
            if let Some(front) = &of_key.front {
                front.start.encode(out);
                front.part.save(plan, out);
            }
            put_len(of_key.rows.len(), out);
            for (sort, row) in &of_key.rows {
                put_bytes(sort, out);
                put_bytes(&row.arguments, out);
                row.copies.encode(out);
                row.joined.encode(out);
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
        if bool::decode(input) {
            let start = i128::decode(input);
            of_key.front = Some(Front { start, part: Part::load(&self.plan, input) });
        }
        for _ in 0..take_len(input) {
            let (sort, arguments) = (take_sized(input).into(), take_sized(input).into());
            let (copies, joined) = (i64::decode(input), bool::decode(input));
            of_key.rows.insert(sort, Row { copies, arguments, joined });
        }
        of_key.restore(&self.plan);
        self.note(&key, of_key);
    }

    fn kept(&mut self) {
        self.saved.all_saved();
    }
}
