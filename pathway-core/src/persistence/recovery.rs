//! Which checkpoint and which epochs a store has.

use super::log::{self, EpochCut};
use super::manifest::{self, Manifest, States, Unreadable};
use super::store::{Store, StoreError};
use std::collections::{BTreeMap, VecDeque};

/// What a run goes on from.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) manifest: Manifest,
    /// What the states of all workers hold.
    pub(crate) states: States,
    /// The epochs behind the checkpoint.
    pub(crate) cuts: VecDeque<EpochCut>,
    /// The last epoch that each sink has taken, as far as the log knows.
    pub(crate) delivered: BTreeMap<usize, u64>,
    /// What was found that is not as it should be, and was done without.
    pub(crate) warnings: Vec<String>,
}

/// Why a store cannot be gone on from.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The store failed.
    Store(StoreError),
    /// The store is of a later version of the crate.
    Newer(u32),
    /// The store is of a version of the crate that was not released.
    Older(u32),
    /// Too much of it is damaged; what.
    Damaged(Vec<String>),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Finds the newest checkpoint that is whole, and the epochs behind it. Nothing if the store is
/// empty.
pub(crate) fn recover(store: &dyn Store) -> Result<Option<Recovered>, Refusal> {
    let names = store.list()?;
    let (mut problems, mut damaged) = (Vec::new(), Vec::new());
    let checkpoints = manifest::manifests(&names);
    if checkpoints.is_empty() {
        // Without a checkpoint nothing has been logged: the first one is there before the log.
        return match log::segments(&names).is_empty() {
            true => Ok(None),
            false => Err(Refusal::Damaged(vec!["it has epochs, but no checkpoint".to_owned()])),
        };
    }
    for epoch in checkpoints {
        let (manifest, states) = match Manifest::read(store, epoch)? {
            Ok(read) => read,
            Err(Unreadable::Newer(version)) => return Err(Refusal::Newer(version)),
            Err(Unreadable::Older(version)) => return Err(Refusal::Older(version)),
            Err(Unreadable::Damaged(problem)) => {
                problems.push(problem);
                damaged.push(epoch);
                continue;
            }
        };
        let log = match log::read(store, &names, epoch)? {
            Ok(log) => log,
            Err(Unreadable::Newer(version)) => return Err(Refusal::Newer(version)),
            Err(Unreadable::Older(version)) => return Err(Refusal::Older(version)),
            // Sinks may be ahead of every checkpoint, so to go on without these epochs would be
            // wrong; and an earlier checkpoint needs them too.
            Err(Unreadable::Damaged(problem)) => {
                problems.push(problem);
                return Err(Refusal::Damaged(problems));
            }
        };
        // So that the next one is not kept beside one that is of no use.
        for epoch in damaged {
            manifest::remove(store, epoch)?;
        }
        let mut warnings = problems;
        warnings.extend(log.torn);
        let (mut cuts, mut delivered) = (VecDeque::new(), BTreeMap::new());
        for entry in log.entries {
            cuts.extend(entry.cuts);
            for (sink, epoch) in entry.delivered {
                let last = delivered.entry(sink).or_insert(epoch);
                *last = epoch.max(*last);
            }
        }
        return Ok(Some(Recovered { manifest, states, cuts, delivered, warnings }));
    }
    Err(Refusal::Damaged(problems))
}
