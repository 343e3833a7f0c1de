//! What a checkpoint consists of.
//!
//! The states of each worker are an object of their own; the manifest names them with their
//! checksums and is written last. A checkpoint is there when its manifest is.

use super::frame::{self, Framed};
use super::store::{Store, StoreError};
use crate::schema::{Schema, put_len, put_str, take_bytes, take_len, take_str};
use xxhash_rust::xxh3::xxh3_128;

/// Numbers the form of everything in a store. Later versions read all earlier ones.
pub(crate) const VERSION: u32 = 1;
const MAGIC: &[u8; 8] = b"pathway\0";
/// The length of what stands in front of every object but the states.
pub(super) const HEAD_LEN: usize = 8 + 4;
const MANIFEST: &str = "checkpoint-";
const STATES: &str = "states-";

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

/// A checkpoint but for the states of its workers.
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
    /// The length and the checksum of each worker's states.
    pub(super) states: Vec<(u64, u128)>,
}

/// The name of a manifest. Names sort as epochs do.
fn manifest_name(epoch: u64) -> String {
    format!("{MANIFEST}{epoch:020}")
}

fn states_name(epoch: u64, worker: usize) -> String {
    format!("{STATES}{epoch:020}-{worker:04}")
}

/// The epoch of an object of a checkpoint.
pub(super) fn epoch_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix(MANIFEST).or_else(|| name.strip_prefix(STATES))?;
    digits.get(..20)?.parse().ok()
}

/// The epochs of the manifests among some names, the newest first.
pub(super) fn manifests(names: &[String]) -> Vec<u64> {
    let epoch = |name: &String| name.strip_prefix(MANIFEST)?.parse().ok();
    names.iter().rev().filter_map(epoch).collect()
}

/// Removes a checkpoint's manifest; its states go with the next checkpoint.
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
        newer => Err(Unreadable::Newer(newer)),
    }
}

impl Manifest {
    /// Writes a checkpoint: the states first, then what makes it one.
    pub(super) fn write(mut self, store: &dyn Store, states: &[Vec<u8>]) -> Result<(), StoreError> {
        self.states.clear();
        for (worker, states) in states.iter().enumerate() {
            store.put(&states_name(self.epoch, worker), states)?;
            self.states.push((states.len() as u64, xxh3_128(states)));
        }
        let mut object = Vec::new();
        put_head(&mut object);
        frame::put(&self.encoded(), &mut object);
        store.put(&manifest_name(self.epoch), &object)
    }

    /// Reads the checkpoint of an epoch, with the states of its workers.
    pub(super) fn read(
        store: &dyn Store,
        epoch: u64,
    ) -> Result<Result<(Self, Vec<Vec<u8>>), Unreadable>, StoreError> {
        let name = manifest_name(epoch);
        let Some(object) = store.get(&name)? else {
            return Ok(Err(Unreadable::Damaged(format!("`{name}` is not there"))));
        };
        let manifest = match take_head(&name, &object).map(frame::read) {
            Ok(Framed::Whole(mut body, _)) => Self::decode(&mut body),
            Ok(_) => return Ok(Err(damaged(&name))),
            Err(unreadable) => return Ok(Err(unreadable)),
        };
        let mut states = Vec::new();
        for (worker, &(len, sum)) in manifest.states.iter().enumerate() {
            let name = states_name(epoch, worker);
            let read = store.get(&name)?;
            match read.filter(|read| read.len() as u64 == len && xxh3_128(read) == sum) {
                Some(read) => states.push(read),
                None => return Ok(Err(damaged(&name))),
            }
        }
        Ok(Ok((manifest, states)))
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
            put_len(sink.len(), &mut out);
            out.extend_from_slice(sink);
        }
        put_len(self.states.len(), &mut out);
        for (len, sum) in &self.states {
            len.encode(&mut out);
            out.extend_from_slice(&sum.to_le_bytes());
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
        let sink = |input: &mut &[u8]| {
            let len = take_len(input);
            take_bytes(input, len).to_vec()
        };
        let sinks = (0..take_len(input)).map(|_| sink(input)).collect();
        let states = (0..take_len(input)).map(|_| (u64::decode(input), take_u128(input)));
        let states = states.collect();
        Self { pipeline, epoch, time, workers, nodes, sinks, states }
    }
}

fn damaged(name: &str) -> Unreadable {
    Unreadable::Damaged(format!("`{name}` is not as it was written"))
}

pub(crate) fn take_u128(input: &mut &[u8]) -> u128 {
    let bytes = take_bytes(input, 16);
    u128::from_le_bytes(bytes.try_into().expect("sixteen bytes were taken"))
}
