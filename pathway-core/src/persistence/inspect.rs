//! What a store holds, for those who look at it without the program.

use super::log;
use super::manifest::{self, Manifest, Unreadable};
use super::store::{Store, StoreError};
use std::collections::BTreeMap;

/// A checkpoint of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checkpoint {
    /// All epochs before this one are in it.
    pub epoch: u64,
    /// The time of the epoch before, in nanoseconds since 1970.
    pub time: i64,
    /// The name of the pipeline.
    pub pipeline: String,
    /// How many worker threads made it.
    pub workers: usize,
    /// How many sinks handed over what they need to go on.
    pub sinks: usize,
    /// The bytes of all states.
    pub bytes: u64,
    /// Those of them that it has written itself, because they had changed.
    pub new_bytes: u64,
    /// The operators of the program, in the order of their descriptions.
    pub operators: Vec<Operator>,
}

/// An operator in a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Operator {
    /// The same in every program in which the operator does the same to the same inputs.
    pub identity: u128,
    /// What messages call it: its verb or name, and its place in the source.
    pub described: String,
    /// Which version of the program's code it calls, if any.
    pub code: Option<u64>,
    /// The bytes of its state. What has entered a loop is counted with no operator.
    pub bytes: u64,
    /// Those of them that the checkpoint has written itself.
    pub new_bytes: u64,
}

/// A checkpoint that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Broken {
    /// The epoch in its name.
    pub epoch: u64,
    /// What is wrong.
    pub problem: String,
}

/// The epochs behind the newest checkpoint that can be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Log {
    /// How many there are, which the next run makes again.
    pub epochs: u64,
    /// The bytes of what entered them.
    pub bytes: u64,
    /// What is wrong with it, if anything is.
    pub problem: Option<String>,
}

/// The checkpoints of a store, the newest first.
///
/// # Errors
///
/// If the store cannot be read.
pub fn checkpoints(store: &dyn Store) -> Result<Vec<Result<Checkpoint, Broken>>, StoreError> {
    let epochs = manifest::manifests(&store.list()?);
    epochs.into_iter().map(|epoch| checkpoint(store, epoch)).collect()
}

fn checkpoint(store: &dyn Store, epoch: u64) -> Result<Result<Checkpoint, Broken>, StoreError> {
    // What its sections hold is read, too: they may be damaged as well.
    let (manifest, states) = match Manifest::read(store, epoch)? {
        Ok(read) => read,
        Err(unreadable) => return Ok(Err(Broken { epoch, problem: problem(unreadable) })),
    };
    drop(states);
    let mut sizes: BTreeMap<u128, [u64; 2]> = BTreeMap::new();
    let [mut bytes, mut new_bytes] = [0; 2];
    for (part, sections) in &manifest.sections {
        let all: u64 = sections.iter().map(|section| section.len).sum();
        let new = sections.iter().filter(|section| section.object() == epoch);
        let new: u64 = new.map(|section| section.len).sum();
        let of_operator = sizes.entry(part.operator).or_default();
        *of_operator = [of_operator[0] + all, of_operator[1] + new];
        (bytes, new_bytes) = (bytes + all, new_bytes + new);
    }
    let operator = |node: manifest::NodeRecord| {
        let [bytes, new_bytes] = sizes.get(&node.identity).copied().unwrap_or_default();
        let manifest::NodeRecord { identity, described, version, .. } = node;
        Operator { identity, described, code: version, bytes, new_bytes }
    };
    let mut operators: Vec<Operator> = manifest.nodes.into_iter().map(operator).collect();
    operators.sort_by(|a, b| (&a.described, a.identity).cmp(&(&b.described, b.identity)));
    Ok(Ok(Checkpoint {
        epoch,
        time: manifest.time,
        pipeline: manifest.pipeline,
        workers: manifest.workers,
        sinks: manifest.sinks.len(),
        bytes,
        new_bytes,
        operators,
    }))
}

fn problem(unreadable: Unreadable) -> String {
    match unreadable {
        Unreadable::Damaged(problem) => problem,
        Unreadable::Newer(version) => {
            format!("it has version {version} of its form, which a later `pathway` wrote")
        }
        Unreadable::Older(version) => {
            format!("it has version {version} of its form, which no released `pathway` wrote")
        }
    }
}

/// The log behind the checkpoint of an epoch.
///
/// # Errors
///
/// If the store cannot be read.
pub fn log_behind(store: &dyn Store, epoch: u64) -> Result<Log, StoreError> {
    let names = store.list()?;
    Ok(match log::read(store, &names, epoch)? {
        Ok(read) => {
            let cuts = read.entries.iter().flat_map(|entry| &entry.cuts);
            let bytes = cuts.clone().flat_map(|cut| &cut.parts).map(|part| part.len() as u64).sum();
            Log { epochs: cuts.count() as u64, bytes, problem: read.torn }
        }
        Err(unreadable) => Log { problem: Some(problem(unreadable)), ..Log::default() },
    })
}

/// Removes a checkpoint: the next run goes on from the one before it. Objects that no checkpoint
/// needs any more go with its next one.
///
/// # Errors
///
/// If the store cannot be written, or a run uses it.
pub fn remove(store: &dyn Store, epoch: u64) -> Result<(), StoreError> {
    let _claim = store.claim()?;
    manifest::remove(store, epoch)
}
