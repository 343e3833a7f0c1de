//! The records that a state consists of, as bytes.
//!
//! A record has a key, which decides on which worker it is, and a place, which tells the records of
//! one key apart. A section is a row of changes to records: one is put in the place of what was
//! there, is gone, or has so many copies more. Sections are merged without knowing whose they are,
//! so that a checkpoint writes what has changed, and old sections become fewer in the background.

use crate::schema::{Schema, put_len, take_bytes, take_len};
use hashbrown::HashMap;

/// What identifies a record within its part of a state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Id<'a> {
    /// The key whose owner has the record. Without, it belongs to the worker itself.
    pub key: Option<&'a [u8]>,
    /// Which of the records of the key.
    pub place: &'a [u8],
}

impl<'a> Id<'a> {
    /// The only record of a key.
    pub fn of(key: &'a [u8]) -> Self {
        Self { key: Some(key), place: &[] }
    }

    /// A record without a key.
    pub fn at(place: &'a [u8]) -> Self {
        Self { key: None, place }
    }
}

/// What a record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Bytes of its state.
    Bytes(&'a [u8]),
    /// So many copies of its place.
    Copies(i64),
}

/// A record, as a state takes it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// What identifies it.
    pub id: Id<'a>,
    /// What it holds.
    pub value: Value<'a>,
}

impl<'a> Record<'a> {
    /// The key.
    ///
    /// # Panics
    ///
    /// If it has none: a state asks where it has saved one.
    pub fn key(&self) -> &'a [u8] {
        self.id.key.expect("a record is loaded as it was saved: with a key")
    }

    /// The bytes that were put.
    ///
    /// # Panics
    ///
    /// If copies were added.
    pub fn bytes(&self) -> &'a [u8] {
        match self.value {
            Value::Bytes(bytes) => bytes,
            Value::Copies(_) => panic!("a record is loaded as it was saved: as bytes"),
        }
    }

    /// The sum of the copies that were added.
    ///
    /// # Panics
    ///
    /// If bytes were put.
    pub fn copies(&self) -> i64 {
        match self.value {
            Value::Copies(copies) => copies,
            Value::Bytes(_) => panic!("a record is loaded as it was saved: as copies"),
        }
    }
}

const PUT: u8 = 0;
const GONE: u8 = 1;
/// One copy, as most additions are.
const ADD_ONE: u8 = 2;
const ADD: u8 = 3;
const KIND: u8 = 3;
const HAS_KEY: u8 = 4;
const HAS_PLACE: u8 = 8;

/// Changes to records, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records {
    bytes: Vec<u8>,
    value: Vec<u8>,
}

impl Records {
    /// Puts a record in the place of what was there.
    pub fn put(&mut self, id: Id<'_>, write: impl FnOnce(&mut Vec<u8>)) {
        self.head(PUT, id);
        self.value.clear();
        write(&mut self.value);
        put_len(self.value.len(), &mut self.bytes);
        self.bytes.extend_from_slice(&self.value);
    }

    /// Takes a record away.
    pub fn gone(&mut self, id: Id<'_>) {
        self.head(GONE, id);
    }

    /// Adds copies, or takes them away. A record without copies is gone.
    pub fn add(&mut self, id: Id<'_>, copies: i64) {
        self.head(if copies == 1 { ADD_ONE } else { ADD }, id);
        if copies != 1 {
            copies.encode(&mut self.bytes);
        }
    }

    /// Hands on a record that was taken back.
    pub fn record(&mut self, record: &Record<'_>) {
        match record.value {
            Value::Bytes(bytes) => self.put(record.id, |out| out.extend_from_slice(bytes)),
            Value::Copies(copies) => self.add(record.id, copies),
        }
    }

    /// Adds others behind these.
    pub fn append(&mut self, others: Self) {
        if self.bytes.is_empty() {
            self.bytes = others.bytes;
        } else {
            self.bytes.extend_from_slice(&others.bytes);
        }
    }

    fn head(&mut self, kind: u8, id: Id<'_>) {
        let key = if id.key.is_some() { HAS_KEY } else { 0 };
        let place = if id.place.is_empty() { 0 } else { HAS_PLACE };
        self.bytes.push(kind | key | place);
        for part in id.key.into_iter().chain(Some(id.place).filter(|place| !place.is_empty())) {
            put_len(part.len(), &mut self.bytes);
            self.bytes.extend_from_slice(part);
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// How many bytes they take.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The section.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Lets changes to the same records become one.
    pub fn consolidate(&mut self) {
        self.bytes = merge(&[], &self.bytes, false);
    }
}

#[derive(Clone, Copy)]
enum Change<'a> {
    Put(&'a [u8]),
    Gone,
    Add(i64),
}

/// A change as it stands in a section.
#[derive(Clone, Copy)]
struct Raw<'a> {
    /// What tells records apart: whether they have a key and a place, and these.
    id: (u8, &'a [u8]),
    change: Change<'a>,
    /// All its bytes.
    all: &'a [u8],
}

impl<'a> Raw<'a> {
    fn id(&self) -> Id<'a> {
        let (flags, mut rest) = self.id;
        let input = &mut rest;
        let mut take = |has: bool| {
            has.then(|| {
                let len = take_len(input);
                take_bytes(input, len)
            })
        };
        let key = take(flags & HAS_KEY != 0);
        Id { key, place: take(flags & HAS_PLACE != 0).unwrap_or_default() }
    }

    /// Appends it with what it changes to by now.
    fn write(&self, out: &mut Vec<u8>) {
        let (flags, id) = self.id;
        let kind = match self.change {
            Change::Put(_) => PUT,
            Change::Gone => GONE,
            Change::Add(1) => ADD_ONE,
            Change::Add(_) => ADD,
        };
        out.push(flags | kind);
        out.extend_from_slice(id);
        match self.change {
            Change::Put(bytes) => {
                put_len(bytes.len(), out);
                out.extend_from_slice(bytes);
            }
            Change::Add(copies) if copies != 1 => copies.encode(out),
            Change::Gone | Change::Add(_) => {}
        }
    }
}

fn raws(mut bytes: &[u8]) -> impl Iterator<Item = Raw<'_>> {
    std::iter::from_fn(move || {
        let before = bytes;
        let (&head, rest) = bytes.split_first()?;
        bytes = rest;
        let (kind, flags) = (head & KIND, head & !KIND);
        let start = bytes;
        for _ in 0..(flags & (HAS_KEY | HAS_PLACE)).count_ones() {
            let len = take_len(&mut bytes);
            take_bytes(&mut bytes, len);
        }
        let id = (flags, &start[..start.len() - bytes.len()]);
        let change = match kind {
            PUT => {
                let len = take_len(&mut bytes);
                Change::Put(take_bytes(&mut bytes, len))
            }
            GONE => Change::Gone,
            ADD_ONE => Change::Add(1),
            _ => Change::Add(i64::decode(&mut bytes)),
        };
        Some(Raw { id, change, all: &before[..before.len() - bytes.len()] })
    })
}

/// What newer sections say of records, in the order in which they name them first.
#[derive(Default)]
struct Overlay<'a> {
    entries: Vec<Raw<'a>>,
    by_id: HashMap<(u8, &'a [u8]), usize, foldhash::fast::RandomState>,
}

impl<'a> Overlay<'a> {
    fn take(&mut self, section: &'a [u8]) {
        for raw in raws(section) {
            let at = *self.by_id.entry(raw.id).or_insert(self.entries.len());
            match self.entries.get_mut(at) {
                None => self.entries.push(raw),
                Some(entry) => {
                    entry.change = match (entry.change, raw.change) {
                        (Change::Add(one), Change::Add(other)) => Change::Add(one + other),
                        (_, later) => later,
                    };
                }
            }
        }
    }

    /// Adds the copies of an older change to what is said of its record. Answers whether anything
    /// is said of it.
    fn covers(&mut self, older: &Raw<'a>) -> bool {
        let Some(&at) = self.by_id.get(&older.id) else { return false };
        let entry = &mut self.entries[at];
        if let (Change::Add(one), Change::Add(other)) = (older.change, entry.change) {
            entry.change = Change::Add(one + other);
        }
        true
    }

    /// What is said, without what comes to nothing.
    fn into_changes(self) -> impl Iterator<Item = Raw<'a>> {
        self.entries.into_iter().filter(|raw| !matches!(raw.change, Change::Add(0)))
    }
}

/// Merges a section with the one behind it. What is gone need not be said where nothing is older.
pub(super) fn merge(older: &[u8], newer: &[u8], is_lowest: bool) -> Vec<u8> {
    let mut overlay = Overlay::default();
    overlay.take(newer);
    let mut out = Vec::with_capacity(older.len() + newer.len());
    for raw in raws(older) {
        let is_needless = is_lowest && matches!(raw.change, Change::Gone);
        if !overlay.covers(&raw) && !is_needless {
            out.extend_from_slice(raw.all);
        }
    }
    for raw in overlay.into_changes() {
        if !(is_lowest && matches!(raw.change, Change::Gone)) {
            raw.write(&mut out);
        }
    }
    out
}

/// Calls `f` with every record that sections, the oldest first, come to.
pub fn for_each(sections: &[Vec<u8>], mut f: impl FnMut(Record<'_>)) {
    let Some((oldest, newer)) = sections.split_first() else { return };
    let mut overlay = Overlay::default();
    newer.iter().for_each(|section| overlay.take(section));
    let mut give = |raw: &Raw<'_>| {
        let value = match raw.change {
            Change::Put(bytes) => Value::Bytes(bytes),
            Change::Add(copies) => Value::Copies(copies),
            Change::Gone => return,
        };
        f(Record { id: raw.id(), value });
    };
    for raw in raws(oldest) {
        if !overlay.covers(&raw) {
            give(&raw);
        }
    }
    overlay.into_changes().for_each(|raw| give(&raw));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;
    use std::collections::BTreeMap;

    type Model = BTreeMap<(Option<Vec<u8>>, Vec<u8>), Result<Vec<u8>, i64>>;

    fn read(sections: &[Vec<u8>]) -> Model {
        let mut model = Model::new();
        for_each(sections, |record| {
            let id = (record.id.key.map(<[u8]>::to_vec), record.id.place.to_vec());
            match record.value {
                Value::Bytes(bytes) => {
                    assert_eq!(model.insert(id, Ok(bytes.to_vec())), None, "a record comes once");
                }
                // Copies may come in parts.
                Value::Copies(copies) => {
                    let Err(sum) = model.entry(id).or_insert(Err(0)) else { panic!("was put") };
                    *sum += copies;
                }
            }
        });
        model.retain(|_, value| *value != Err(0));
        model
    }

    /// Random changes, however they are divided into sections and however these are merged, come to
    /// the same records.
    #[test]
    fn sections_come_to_the_same_however_they_are_merged() {
        for seed in 0..200 {
            let mut random = Random::new(seed);
            let mut model = Model::new();
            let mut sections: Vec<Vec<u8>> = Vec::new();
            for round in 0..8 {
                let mut records = Records::default();
                for _ in 0..random.below(12) {
                    let n = u8::try_from(random.below(6)).unwrap();
                    let key = random.one_in(3).then(|| vec![b'k'; usize::from(n % 2)]);
                    if random.one_in(2) {
                        let place = [&[b'c', n][..], &[0; 200][..usize::from(n) * 40]].concat();
                        let copies = random.pick(&[1, 1, -1, 3, -2]);
                        records.add(Id { key: key.as_deref(), place: &place }, *copies);
                        let entry = model.entry((key, place)).or_insert(Err(0));
                        let Err(sum) = entry else { panic!("was put") };
                        *sum += copies;
                        continue;
                    }
                    let place = vec![n; usize::from(n % 3)];
                    let id = Id { key: key.as_deref(), place: &place };
                    // A first section only puts, each record once.
                    if round > 0 && random.one_in(3) {
                        records.gone(id);
                        model.remove(&(key, place));
                    } else if round > 0 || !model.contains_key(&(key.clone(), place.clone())) {
                        let value = vec![round; usize::from(n)];
                        records.put(id, |out| out.extend_from_slice(&value));
                        model.insert((key, place), Ok(value));
                    }
                }
                if random.one_in(4) && round > 0 {
                    records.consolidate();
                }
                sections.push(records.into_bytes());
                while sections.len() > 1 && random.one_in(2) {
                    let at = random.index(sections.len() - 1);
                    let newer = sections.remove(at + 1);
                    sections[at] = merge(&sections[at], &newer, at == 0);
                }
                let mut expected = model.clone();
                expected.retain(|_, value| *value != Err(0));
                assert_eq!(read(&sections), expected, "seed {seed}, round {round}");
            }
        }
    }

    #[test]
    fn what_comes_to_nothing_is_not_kept() {
        let mut old = Records::default();
        old.put(Id::of(b"a"), |out| out.push(1));
        old.add(Id::at(b"row"), 2);
        let mut new = Records::default();
        new.gone(Id::of(b"a"));
        new.add(Id::at(b"row"), -2);
        let (old, new) = (old.into_bytes(), new.into_bytes());
        assert!(merge(&old, &new, true).is_empty());
        assert!(!merge(&old, &new, false).is_empty(), "an older section may have the record");
    }

    #[test]
    fn records_with_and_without_a_key_are_others() {
        let mut records = Records::default();
        records.put(Id::of(b"x"), |out| out.push(1));
        records.put(Id::at(b"x"), |out| out.push(2));
        records.put(Id { key: Some(b""), place: b"x" }, |out| out.push(3));
        assert_eq!(read(&[records.into_bytes(), Vec::new()]).len(), 3);
    }
}
