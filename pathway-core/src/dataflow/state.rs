//! What every stateful operator's state can do, whatever it holds.
//!
//! Operators change their state through their own methods, because an update of a group is not an
//! update of an index. What all have in common is here: how large a state is, and how it is
//! written and loaded as of a closed epoch. Durability needs no more of an operator.
//!
//! A state hands over *records* (see `persistence::records`): the first time all of them, and from
//! then on those that have changed, so that a checkpoint costs what has changed. Before the first
//! time it notes no changes, so a pipeline that is not durable pays nothing.

use crate::persistence::records::{Id, Record, Records};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// The state of one operator on one worker.
pub trait State {
    /// How large the state is.
    fn size(&self) -> StateSize;

    /// Hands over what has changed since the last time, as of the epoch that was closed last; the
    /// first time everything.
    fn save(&mut self, out: &mut Saved);

    /// Takes back a record of the part with that name. Where the number of workers has changed, a
    /// record with a key, or with copies, is given to its owner, and any other to all workers.
    fn load(&mut self, part: &[u8], record: Record<'_>);

    /// Notes that all records have been taken back.
    fn loaded(&mut self) {}

    /// Notes that the store keeps all records as they are: they are not handed over again until
    /// they change.
    fn kept(&mut self) {}
}

/// The size of a state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateSize {
    /// Groups, or rows.
    pub rows: usize,
    /// Memory, in bytes.
    pub bytes: usize,
}

/// What a state has handed over: all its parts, each with its records or the changes to them.
///
/// A part that is not named any more is gone with its records.
#[derive(Debug, Default)]
pub struct Saved {
    /// The parts in the order in which they were named.
    pub(crate) parts: Vec<SavedPart>,
}

/// A part of a state.
#[derive(Debug)]
pub(crate) struct SavedPart {
    pub(crate) name: Vec<u8>,
    /// These are all its records, rather than changes to them.
    pub(crate) whole: bool,
    pub(crate) records: Records,
}

impl Saved {
    /// A part that is handed over whole, or the changes to it.
    pub fn part(&mut self, name: &[u8], whole: bool) -> &mut Records {
        let part = SavedPart { name: name.to_vec(), whole, records: Records::default() };
        self.parts.push(part);
        &mut self.parts.last_mut().expect("one was pushed").records
    }

    /// A part that is one record, written anew each time: for what is small.
    pub fn small(&mut self, name: &[u8], write: impl FnOnce(&mut Vec<u8>)) {
        self.part(name, true).put(Id::default(), write);
    }
}

/// So many bytes of changes are not looked through for those that cancel.
const CONSOLIDATED_MIN: usize = 1 << 24;

/// The changes to a multiset of rows since it was saved last. Before the first time none are noted.
#[derive(Debug, Default)]
pub struct Pending {
    records: Option<Records>,
    /// Beyond so many bytes they are looked through for those that cancel.
    limit: usize,
}

impl Pending {
    /// Whether changes are noted.
    pub fn is_on(&self) -> bool {
        self.records.is_some()
    }

    /// How many bytes the changes take.
    pub(crate) fn bytes(&self) -> usize {
        self.records.as_ref().map_or(0, Records::len)
    }

    /// Notes a change.
    #[inline]
    pub fn add(&mut self, id: Id<'_>, copies: i64) {
        let Some(records) = &mut self.records else { return };
        records.add(id, copies);
        if records.len() > self.limit {
            records.consolidate();
            self.limit = CONSOLIDATED_MIN.max(2 * records.len());
        }
    }

    /// Hands over the changes as a part; the first time, what `all` writes. Notes changes from now
    /// on.
    pub fn save(&mut self, out: &mut Saved, name: &[u8], all: impl FnOnce(&mut Records)) {
        let pending = self.begin();
        let part = out.part(name, pending.is_none());
        match pending {
            Some(pending) => *part = pending,
            None => all(part),
        }
    }

    /// Notes changes from now on. Answers those so far, if they were noted.
    pub fn begin(&mut self) -> Option<Records> {
        self.limit = CONSOLIDATED_MIN;
        self.records.replace(Records::default())
    }
}

/// A key by which a state keeps values.
pub(crate) trait SavedKey: Clone + Ord {
    /// The only record of the key.
    fn id(&self) -> Id<'_>;
}

impl SavedKey for Rc<[u8]> {
    fn id(&self) -> Id<'_> {
        Id::of(self)
    }
}

impl SavedKey for Option<Rc<[u8]>> {
    fn id(&self) -> Id<'_> {
        Id { key: self.as_deref(), place: &[] }
    }
}

/// The keys whose values have changed since they were saved last. Before the first time none are
/// noted.
#[derive(Debug, Default)]
pub(crate) struct ChangedKeys<K>(Option<BTreeSet<K>>);

impl<K: SavedKey> ChangedKeys<K> {
    /// Notes that the value of a key changes, comes or goes.
    pub(crate) fn note(&mut self, key: &K) {
        self.note_with(|| key.clone());
    }

    /// Notes that the value of a key changes, comes or goes; `key` makes the key if it is noted.
    pub(crate) fn note_with(&mut self, key: impl FnOnce() -> K) {
        if let Some(changed) = &mut self.0 {
            changed.insert(key());
        }
    }

    /// Notes that no value is there any more.
    pub(crate) fn note_all(&mut self) {
        self.0 = None;
    }

    /// Notes that all have been saved as they are.
    pub(crate) fn all_saved(&mut self) {
        self.0 = Some(BTreeSet::new());
    }

    /// Hands over what has changed of these values.
    pub(crate) fn save<V>(
        &mut self,
        out: &mut Saved,
        values: &BTreeMap<K, V>,
        mut write: impl FnMut(&V, &mut Vec<u8>),
    ) {
        let changed = self.0.replace(BTreeSet::new());
        let records = out.part(&[], changed.is_none());
        match changed {
            None => {
                for (key, value) in values {
                    records.put(key.id(), |out| write(value, out));
                }
            }
            Some(changed) => {
                for key in &changed {
                    match values.get(key) {
                        Some(value) => records.put(key.id(), |out| write(value, out)),
                        None => records.gone(key.id()),
                    }
                }
            }
        }
    }
}

/// The records of a state, kept as a store keeps them: for tests of what is handed over.
#[cfg(test)]
#[derive(Debug, Default)]
pub(crate) struct Stored(BTreeMap<Vec<u8>, Vec<Vec<u8>>>);

#[cfg(test)]
impl Stored {
    /// Takes what a state hands over.
    pub(crate) fn save(&mut self, state: &mut dyn State) {
        let mut saved = Saved::default();
        state.save(&mut saved);
        self.0.retain(|name, _| saved.parts.iter().any(|part| part.name == *name));
        for SavedPart { name, whole, records } in saved.parts {
            let sections = self.0.entry(name).or_default();
            if whole {
                sections.clear();
            }
            sections.push(records.into_bytes());
        }
    }

    /// Gives a new state all that was handed over.
    pub(crate) fn load(&self, state: &mut dyn State) {
        for (name, sections) in &self.0 {
            crate::persistence::records::for_each(sections, |record| state.load(name, record));
        }
        state.loaded();
        state.kept();
    }

    /// How many bytes were handed over last.
    pub(crate) fn last_len(&self) -> usize {
        self.0.values().filter_map(|sections| sections.last()).map(Vec::len).sum()
    }
}
