//! The records of states in a store: rows of sections, oldest first, for each part of each state.
//!
//! A checkpoint writes what has changed into one object, and its manifest names the sections of
//! all states, also those that earlier checkpoints wrote. A section that is not much smaller than
//! the one before it is merged with it, so that a part has few sections, each at least twice as
//! large as the next, and a record is written again only as often as there are such sizes.

use super::records;
use super::store::{Append, Store, StoreError};
use crate::schema::{Schema, put_bytes, put_len, take_len, take_sized};
use std::collections::{BTreeMap, BTreeSet};
use xxhash_rust::xxh3::xxh3_128;

const SECTIONS: &str = "states-";

/// Names a part of a state on a worker.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PartId {
    pub(crate) worker: usize,
    /// The identity of its operator.
    pub(crate) operator: u128,
    /// Which of the operator's states.
    pub(crate) number: usize,
    pub(crate) name: Vec<u8>,
}

/// Where records stand: in the object of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    /// The epoch in the object's name.
    object: u64,
    at: u64,
    pub(super) len: u64,
    sum: u128,
}

/// The sections of all states, oldest first.
pub(crate) type Sections = BTreeMap<PartId, Vec<Section>>;

/// What a worker hands over of one state.
#[derive(Debug)]
pub(crate) struct SavedState {
    pub(crate) operator: u128,
    pub(crate) number: usize,
    /// All its parts: a name, whether these are all its records, and records.
    pub(crate) parts: Vec<(Vec<u8>, bool, Vec<u8>)>,
}

pub(super) fn object_name(epoch: u64) -> String {
    format!("{SECTIONS}{epoch:020}")
}

/// The epoch in the name of an object with sections.
pub(super) fn epoch_of(name: &str) -> Option<u64> {
    name.strip_prefix(SECTIONS)?.parse().ok()
}

/// The objects that sections stand in.
pub(super) fn objects(sections: &Sections) -> BTreeSet<u64> {
    sections.values().flatten().map(|section| section.object).collect()
}

impl Section {
    /// The epoch of the checkpoint that wrote it.
    pub(super) fn object(&self) -> u64 {
        self.object
    }

    /// Reads a section. Answers the object that is not as it was written.
    pub(super) fn read(&self, store: &dyn Store) -> Result<Result<Vec<u8>, String>, StoreError> {
        let name = object_name(self.object);
        let read = store.get_part(&name, self.at, self.len)?;
        let is_whole =
            |bytes: &Vec<u8>| bytes.len() as u64 == self.len && xxh3_128(bytes) == self.sum;
        Ok(read.filter(is_whole).ok_or(name))
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        self.object.encode(out);
        self.at.encode(out);
        self.len.encode(out);
        out.extend_from_slice(&self.sum.to_le_bytes());
    }

    pub(super) fn decode(input: &mut &[u8]) -> Self {
        let (object, at) = (u64::decode(input), u64::decode(input));
        Self { object, at, len: u64::decode(input), sum: super::manifest::take_u128(input) }
    }
}

impl PartId {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_len(self.worker, out);
        out.extend_from_slice(&self.operator.to_le_bytes());
        put_len(self.number, out);
        put_bytes(&self.name, out);
    }

    pub(super) fn decode(input: &mut &[u8]) -> Self {
        let worker = take_len(input);
        let operator = super::manifest::take_u128(input);
        let number = take_len(input);
        Self { worker, operator, number, name: take_sized(input).to_vec() }
    }
}

/// How much of a part has been handed over last, beside what its last section holds, to be merged
/// with it: a half.
const MERGED_RATIO: u64 = 2;
/// An object of which less than a quarter is needed is not kept for that.
const NEEDED_RATIO: u64 = 4;
/// Small objects are not looked at.
const OBJECT_MIN: u64 = 1 << 16;

/// Writes what states hand over, and knows where everything stands.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) sections: Sections,
    /// The sizes of the objects that this run has written.
    sizes: BTreeMap<u64, u64>,
}

/// The object that is being written.
struct Object<'a> {
    store: &'a dyn Store,
    epoch: u64,
    append: Option<Box<dyn Append>>,
    len: u64,
}

impl Object<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<Section, StoreError> {
        let append = match &mut self.append {
            Some(append) => append,
            None => self.append.insert(self.store.append(&object_name(self.epoch))?),
        };
        append.write(bytes)?;
        let (len, sum) = (bytes.len() as u64, xxh3_128(bytes));
        let section = Section { object: self.epoch, at: self.len, len, sum };
        self.len += len;
        Ok(section)
    }
}

impl Writer {
    pub(super) fn new(sections: Sections) -> Self {
        Self { sections, sizes: BTreeMap::new() }
    }

    /// Writes what all workers have handed over in front of an epoch. Where that fails, what is
    /// known of sections stays as it was.
    pub(super) fn write(
        &mut self,
        store: &dyn Store,
        epoch: u64,
        saved: Vec<(usize, Vec<SavedState>)>,
    ) -> Result<(), StoreError> {
        let mut sections = self.sections.clone();
        let mut object = Object { store, epoch, append: None, len: 0 };
        for (worker, states) in saved {
            for SavedState { operator, number, parts } in states {
                let id = |name| PartId { worker, operator, number, name };
                let names: BTreeSet<&[u8]> =
                    parts.iter().map(|(name, ..)| name.as_slice()).collect();
                let gone = sections.range(id(Vec::new())..).map(|(part, _)| part);
                let gone = gone.take_while(|part| {
                    (part.worker, part.operator, part.number) == (worker, operator, number)
                });
                let gone = gone.filter(|part| !names.contains(part.name.as_slice()));
                for part in gone.cloned().collect::<Vec<_>>() {
                    sections.remove(&part);
                }
                for (name, whole, bytes) in parts {
                    let of_part = sections.entry(id(name)).or_default();
                    write_part(&mut object, of_part, whole, bytes)?;
                }
            }
        }
        self.rescue(&mut object, &mut sections)?;
        if let Some(append) = &mut object.append {
            append.sync()?;
            self.sizes.insert(epoch, object.len);
        }
        sections.retain(|_, sections| !sections.is_empty());
        self.sections = sections;
        Ok(())
    }

    /// Copies what is still needed of objects that are mostly not.
    fn rescue(&self, object: &mut Object<'_>, sections: &mut Sections) -> Result<(), StoreError> {
        let mut needed: BTreeMap<u64, u64> = BTreeMap::new();
        for section in sections.values().flatten() {
            *needed.entry(section.object).or_default() += section.len;
        }
        let is_wasteful = |section: &Section| {
            let size = self.sizes.get(&section.object).copied().unwrap_or(0);
            size >= OBJECT_MIN && needed[&section.object] < size / NEEDED_RATIO
        };
        let wasteful = sections.values_mut().flatten().filter(|section| is_wasteful(section));
        for section in wasteful {
            let bytes = section.read(object.store)?.map_err(|name| damaged(&name))?;
            *section = object.write(&bytes)?;
        }
        Ok(())
    }
}

fn damaged(name: &str) -> StoreError {
    StoreError::Other {
        problem: format!(
            "`{name}` is not as it was written, and its records are to be merged with new ones\n\
             help: look at the disk, and begin anew with an empty store"
        ),
    }
}

fn write_part(
    object: &mut Object<'_>,
    sections: &mut Vec<Section>,
    whole: bool,
    mut bytes: Vec<u8>,
) -> Result<(), StoreError> {
    if whole {
        if let [only] = sections.as_slice()
            && only.len == bytes.len() as u64
            && only.sum == xxh3_128(&bytes)
        {
            return Ok(());
        }
        sections.clear();
    }
    while let Some(last) = sections.last()
        && bytes.len() as u64 * MERGED_RATIO >= last.len
    {
        let older = last.read(object.store)?.map_err(|name| damaged(&name))?;
        sections.pop();
        bytes = records::merge(&older, &bytes, sections.is_empty());
    }
    if !bytes.is_empty() {
        sections.push(object.write(&bytes)?);
    }
    Ok(())
}
