//! The commands on stores. Each answers what is to be printed.

use pathway_core::persistence::inspect::{self, Broken, Checkpoint, Operator};
use pathway_core::persistence::{Directory, Store as _, StoreError, directory};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// What is wrong, and what to do.
#[derive(Debug)]
pub(crate) struct Problem(pub(crate) String);

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self(error.to_string())
    }
}

impl From<std::fmt::Error> for Problem {
    fn from(error: std::fmt::Error) -> Self {
        Self(error.to_string())
    }
}

/// A store, with its checkpoints, the newest first.
struct Opened {
    store: Directory,
    found: Vec<Result<Checkpoint, Broken>>,
}

/// A store that is there: to look at one makes none.
fn open(path: &Path) -> Result<Opened, Problem> {
    if !path.is_dir() {
        return Err(Problem(format!(
            "there is no store at `{}`\nhelp: name the directory that the program gives to \
             `store::directory(..)`",
            path.display()
        )));
    }
    let store = directory(path);
    let found = inspect::checkpoints(&store)?;
    if found.is_empty() {
        return Err(Problem(format!("the directory {} holds no checkpoint", store.label())));
    }
    Ok(Opened { store, found })
}

/// The checkpoint of an epoch, or the newest one that can be read.
fn checkpoint(opened: &Opened, epoch: Option<u64>) -> Result<&Checkpoint, Problem> {
    let store = &opened.store;
    let mut epochs = Vec::new();
    for found in &opened.found {
        match (found, epoch) {
            (Ok(checkpoint), None) => return Ok(checkpoint),
            (Ok(checkpoint), Some(epoch)) if checkpoint.epoch == epoch => return Ok(checkpoint),
            (Err(broken), Some(epoch)) if broken.epoch == epoch => {
                return Err(Problem(format!("the checkpoint {epoch}: {}", broken.problem)));
            }
            (Ok(checkpoint), _) => epochs.push(checkpoint.epoch.to_string()),
            (Err(_), _) => {}
        }
    }
    Err(Problem(match epoch {
        Some(epoch) => format!(
            "the store {} has no checkpoint {epoch}; it has {}",
            store.label(),
            epochs.join(", ")
        ),
        None => format!("no checkpoint of the store {} can be read", store.label()),
    }))
}

/// A number of bytes, to a person.
fn size(bytes: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (bytes as f64, 0);
    while value >= 1024.0 && unit + 1 < units.len() {
        (value, unit) = (value / 1024.0, unit + 1);
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", units[unit]) }
}

fn time(nanoseconds: i64) -> String {
    let time = jiff::Timestamp::from_nanosecond(nanoseconds.into());
    // To the second: that is what tells checkpoints apart.
    time.map_or_else(|_| "?".to_owned(), |time| format!("{time:.0}"))
}

pub(crate) fn ls(path: &Path) -> Result<String, Problem> {
    let Opened { store, found } = open(path)?;
    let mut out = String::new();
    let newest = found.iter().flatten().next().cloned();
    if let Some(newest) = &newest {
        writeln!(out, "pipeline {}", newest.pipeline)?;
    }
    for found in found {
        match found {
            Ok(Checkpoint { epoch, time: at, workers, bytes, new_bytes, .. }) => writeln!(
                out,
                "checkpoint {epoch:>12}  {}  {workers} threads  {:>10}, {:>10} of it new",
                time(at),
                size(bytes),
                size(new_bytes)
            )?,
            Err(broken) => {
                writeln!(out, "checkpoint {:>12}  damaged: {}", broken.epoch, broken.problem)?;
            }
        }
    }
    if let Some(Checkpoint { epoch, .. }) = newest {
        let log = inspect::log_behind(&store, epoch)?;
        writeln!(out, "log behind {epoch}: {} epochs, {}", log.epochs, size(log.bytes))?;
        if let Some(problem) = log.problem {
            writeln!(out, "log behind {epoch}: {problem}")?;
        }
    }
    Ok(out)
}

pub(crate) fn show(path: &Path, epoch: Option<u64>) -> Result<String, Problem> {
    let opened = open(path)?;
    let checkpoint = checkpoint(&opened, epoch)?;
    let mut out = String::new();
    writeln!(
        out,
        "pipeline {}, epoch {}, {}, {} threads, {} sinks",
        checkpoint.pipeline,
        checkpoint.epoch,
        time(checkpoint.time),
        checkpoint.workers,
        checkpoint.sinks
    )?;
    writeln!(out, "{:>12}  {:>12}  operator", "state", "of it new")?;
    let (kept, others): (Vec<&Operator>, Vec<&Operator>) =
        checkpoint.operators.iter().partition(|operator| operator.bytes > 0);
    for Operator { described, bytes, new_bytes, .. } in kept {
        writeln!(out, "{:>12}  {:>12}  {described}", size(*bytes), size(*new_bytes))?;
    }
    let of_operators: u64 = checkpoint.operators.iter().map(|operator| operator.bytes).sum();
    let loops = checkpoint.bytes - of_operators;
    if loops > 0 {
        writeln!(out, "{:>12}  {:>12}  what has entered loops", size(loops), "")?;
    }
    writeln!(out, "{:>12}  {:>12}  all", size(checkpoint.bytes), size(checkpoint.new_bytes))?;
    writeln!(out, "{} other operators keep nothing", others.len())?;
    Ok(out)
}

pub(crate) fn diff(path: &Path, old: u64, new: u64) -> Result<String, Problem> {
    let opened = open(path)?;
    let by_identity = |checkpoint: &Checkpoint| -> BTreeMap<u128, Operator> {
        checkpoint.operators.iter().map(|of| (of.identity, of.clone())).collect()
    };
    let old = by_identity(checkpoint(&opened, Some(old))?);
    let new = by_identity(checkpoint(&opened, Some(new))?);
    let mut lines = Vec::new();
    for (identity, Operator { described, bytes, code, .. }) in &old {
        match new.get(identity) {
            None => lines.push((described, format!("gone, with {}", size(*bytes)))),
            Some(now) => {
                let mut changes = Vec::new();
                if now.bytes != *bytes {
                    changes.push(format!("{} -> {}", size(*bytes), size(now.bytes)));
                }
                if now.code != *code {
                    changes.push("other code".to_owned());
                }
                if !changes.is_empty() {
                    lines.push((&now.described, changes.join(", ")));
                }
            }
        }
    }
    for (_, now) in new.iter().filter(|(identity, _)| !old.contains_key(identity)) {
        lines.push((&now.described, format!("new, with {}", size(now.bytes))));
    }
    lines.sort();
    let mut out = String::new();
    for (described, change) in &lines {
        writeln!(out, "{described}: {change}")?;
    }
    if lines.is_empty() {
        writeln!(out, "no operator differs")?;
    }
    Ok(out)
}

pub(crate) fn rm(path: &Path, epoch: u64) -> Result<String, Problem> {
    let opened = open(path)?;
    let found = &opened.found;
    let is_it = |found: &Result<Checkpoint, Broken>| match found {
        Ok(checkpoint) => checkpoint.epoch == epoch,
        Err(broken) => broken.epoch == epoch,
    };
    if !found.iter().any(is_it) {
        // Says which there are.
        checkpoint(&opened, Some(epoch))?;
    }
    let others = found.iter().filter(|found| !is_it(found)).flatten();
    let Some(next) = others.map(|checkpoint| checkpoint.epoch).max() else {
        return Err(Problem(format!(
            "the checkpoint {epoch} is the only one that can be read, and nothing could go on without \
             it\nhelp: to begin anew, remove the directory"
        )));
    };
    inspect::remove(&opened.store, epoch)?;
    Ok(format!("removed the checkpoint {epoch}; the next run goes on from {next}\n"))
}
