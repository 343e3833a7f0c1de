//! What a checkpoint consists of.
//!
//! What states hold stands in sections, which the manifest names with their checksums. It is written
//! last: a checkpoint is there when its manifest is.

use super::frame::{self, Framed};
use super::sections::{PartId, Section, Sections};
use super::store::{Store, StoreError};
use crate::schema::{
    Schema, put_bytes, put_len, put_str, take_bytes, take_len, take_sized, take_str,
};
use std::collections::BTreeMap;

/// Numbers the form of everything in a store. Versions of released crates read all earlier ones that
/// were released; the first was not.
pub(crate) const VERSION: u32 = 2;
const MAGIC: &[u8; 8] = b"pathway\0";
/// The length of what stands in front of every object but the states.
pub(super) const HEAD_LEN: usize = 8 + 4;
const MANIFEST: &str = "checkpoint-";

/// An operator, as a checkpoint remembers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NodeRecord {
    /// The same in every program in which the operator does the same to the same inputs.
    pub(crate) identity: u128,
    /// The identities of the operators in front.
    pub(crate) inputs: Vec<u128>,
    /// Which version of the user's code it calls, if any.
    pub(crate) version: Option<u64>,
    /// What messages call it.
    pub(crate) described: String,
}

/// A checkpoint but for what its sections hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// The pipeline's name.
    pub(crate) pipeline: String,
    /// All epochs before this one are in the states.
    pub(crate) epoch: u64,
    /// The time of the epoch before, in nanoseconds since 1970.
    pub(crate) time: i64,
    pub(crate) workers: usize,
    pub(crate) nodes: Vec<NodeRecord>,
    /// What each sink needs to go on, in the order of the run.
    pub(crate) sinks: Vec<Vec<u8>>,
    /// Where the states of all workers stand.
    pub(crate) sections: Sections,
}

/// The records of the parts of states, as sections that have been read, the oldest first.
pub(crate) type States = BTreeMap<PartId, Vec<Vec<u8>>>;

/// The name of a manifest. Names sort as epochs do.
fn manifest_name(epoch: u64) -> String {
    format!("{MANIFEST}{epoch:020}")
}

/// The epoch in the name of a manifest.
pub(super) fn epoch_of(name: &str) -> Option<u64> {
    name.strip_prefix(MANIFEST)?.parse().ok()
}

/// The epochs of the manifests among some names, the newest first.
pub(super) fn manifests(names: &[String]) -> Vec<u64> {
    names.iter().rev().filter_map(|name| epoch_of(name)).collect()
}

/// Removes a checkpoint's manifest; its sections go with the next checkpoint.
pub(super) fn remove(store: &dyn Store, epoch: u64) -> Result<(), StoreError> {
    store.remove(&manifest_name(epoch))
}

/// Begins an object: what it is, and in which form.
pub(super) fn put_head(out: &mut Vec<u8>) {
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
}

/// Why an object cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// It is of a version before the first one that was released.
    Older(u32),
    /// Its bytes are not those that were written; what is wrong.
    Damaged(String),
    /// It is of a later version.
    Newer(u32),
}

/// Reads the beginning of an object.
pub(super) fn take_head<'a>(name: &str, bytes: &'a [u8]) -> Result<&'a [u8], Unreadable> {
    let rest = bytes.strip_prefix(MAGIC.as_slice());
    let Some((version, rest)) = rest.and_then(|rest| rest.split_first_chunk::<4>()) else {
        return Err(Unreadable::Damaged(format!("`{name}` is not an object of pathway")));
    };
    match u32::from_le_bytes(*version) {
        VERSION => Ok(rest),
        older @ ..VERSION => Err(Unreadable::Older(older)),
        newer => Err(Unreadable::Newer(newer)),
    }
}

impl Manifest {
    /// Writes what makes a checkpoint one. Its sections are there.
    pub(super) fn write(&self, store: &dyn Store) -> Result<(), StoreError> {
        let mut object = Vec::new();
        put_head(&mut object);
        frame::put(&self.encoded(), &mut object);
        store.put(&manifest_name(self.epoch), &object)
    }

    /// Reads the checkpoint of an epoch, with what its sections hold.
    pub(super) fn read(
        store: &dyn Store,
        epoch: u64,
    ) -> Result<Result<(Self, States), Unreadable>, StoreError> {
        let manifest = match Self::read_alone(store, epoch)? {
            Ok(manifest) => manifest,
            Err(unreadable) => return Ok(Err(unreadable)),
        };
        let mut states = States::new();
        for (part, sections) in &manifest.sections {
            for section in sections {
                match section.read(store)? {
                    Ok(read) => states.entry(part.clone()).or_default().push(read),
                    Err(name) => return Ok(Err(damaged(&name))),
                }
            }
        }
        Ok(Ok((manifest, states)))
    }

    /// Reads the manifest of an epoch.
    fn read_alone(store: &dyn Store, epoch: u64) -> Result<Result<Self, Unreadable>, StoreError> {
        let name = manifest_name(epoch);
        let Some(object) = store.get(&name)? else {
            return Ok(Err(Unreadable::Damaged(format!("`{name}` is not there"))));
        };
        Ok(match take_head(&name, &object).map(frame::read) {
            Ok(Framed::Whole(mut body, _)) => Ok(Self::decode(&mut body)),
            Ok(_) => Err(damaged(&name)),
            Err(unreadable) => Err(unreadable),
        })
    }

    fn encoded(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_str(&self.pipeline, &mut out);
        self.epoch.encode(&mut out);
        self.time.encode(&mut out);
        put_len(self.workers, &mut out);
        put_len(self.nodes.len(), &mut out);
        for node in &self.nodes {
            out.extend_from_slice(&node.identity.to_le_bytes());
            put_len(node.inputs.len(), &mut out);
            for input in &node.inputs {
                out.extend_from_slice(&input.to_le_bytes());
            }
            out.push(u8::from(node.version.is_some()));
            node.version.unwrap_or_default().encode(&mut out);
            put_str(&node.described, &mut out);
        }
        put_len(self.sinks.len(), &mut out);
        for sink in &self.sinks {
            put_bytes(sink, &mut out);
        }
        put_len(self.sections.len(), &mut out);
        for (part, sections) in &self.sections {
            part.encode(&mut out);
            put_len(sections.len(), &mut out);
            sections.iter().for_each(|section| section.encode(&mut out));
        }
        out
    }

    fn decode(input: &mut &[u8]) -> Self {
        let pipeline = take_str(input).to_owned();
        let (epoch, time) = (u64::decode(input), i64::decode(input));
        let workers = take_len(input);
        let node = |input: &mut &[u8]| {
            let identity = take_u128(input);
            let inputs = (0..take_len(input)).map(|_| take_u128(input)).collect();
            let versioned = bool::decode(input);
            let version = Some(u64::decode(input)).filter(|_| versioned);
            NodeRecord { identity, inputs, version, described: take_str(input).to_owned() }
        };
        let nodes = (0..take_len(input)).map(|_| node(input)).collect();
        let sinks = (0..take_len(input)).map(|_| take_sized(input).to_vec()).collect();
        let sections = |input: &mut &[u8]| {
            let part = PartId::decode(input);
            (part, (0..take_len(input)).map(|_| Section::decode(input)).collect())
        };
        let sections = (0..take_len(input)).map(|_| sections(input)).collect();
        Self { pipeline, epoch, time, workers, nodes, sinks, sections }
    }
}

fn damaged(name: &str) -> Unreadable {
    Unreadable::Damaged(format!("`{name}` is not as it was written"))
}

pub(crate) fn take_u128(input: &mut &[u8]) -> u128 {
    let bytes = take_bytes(input, 16);
    u128::from_le_bytes(bytes.try_into().expect("sixteen bytes were taken"))
}
