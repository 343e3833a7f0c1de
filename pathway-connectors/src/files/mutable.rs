//! Files that come, change and disappear: the rows of each are replaced as a whole.

use super::compression::Compression;
use super::errors::{bad_input, failed, is_gone};
use super::input::{Input, InputError};
use super::polling::{Next, Round};
use super::reader::FileReader;
use super::readers::{Lane, in_parallel};
use super::version::{Settling, Version};
use pathway_core::io::{PartitionId, SourceError, SourceWriter};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a file that does not come to rest is left alone before it is read all the same.
const RESTLESS_PATIENCE: Duration = Duration::from_secs(1);

pub(super) fn run(reader: &FileReader, out: &SourceWriter) -> Result<(), SourceError> {
    let pattern = reader.resolve()?;
    let mut files: BTreeMap<PathBuf, Kept> = BTreeMap::new();
    loop {
        let mut round = Round::start();
        let listing = pattern.list_again(files.keys())?;
        round.listed();
        remove_deleted(&mut files, |path| listing.contains_key(path), out)?;
        let mut next = Next::Later;
        for (path, version) in &listing {
            let file = files.entry(path.clone()).or_insert_with(|| Kept::new(*version));
            file.observe(*version);
            if file.partition.is_none() {
                // Before it is read: where a durable pipeline goes on, its rows are there already.
                // Here rather than on the readers' threads, so that partitions are numbered in order.
                file.partition = Some(out.keep(&path.display().to_string())?);
            }
        }
        let mut ready = Vec::new();
        for (path, file) in &mut files {
            match file.state(reader.patience) {
                State::Applied | State::Incomplete => {}
                State::Settling => next = Next::Soon,
                State::Ready => ready.push((path, file)),
                State::Truncated(compression) => {
                    let name = path.display().to_string();
                    return Err(bad_input(&name, InputError::Truncated(compression)));
                }
            }
        }
        let wanted = Mutex::new(next);
        in_parallel(reader.readers, ready.into_iter().map(Ok), out, |(path, file), lane| {
            if !file.replace(path, reader, lane)? {
                *wanted.lock().unwrap_or_else(PoisonError::into_inner) = Next::Soon;
            }
            Ok(())
        })?;
        let next = wanted.into_inner().unwrap_or_else(PoisonError::into_inner);
        round.wait(next, reader.poll_interval, out)?;
    }
}

fn remove_deleted(
    files: &mut BTreeMap<PathBuf, Kept>,
    is_listed: impl Fn(&Path) -> bool,
    out: &SourceWriter,
) -> Result<(), SourceError> {
    let deleted: Vec<PathBuf> = files.keys().filter(|path| !is_listed(path)).cloned().collect();
    for path in deleted {
        if let Some(Kept { partition: Some(partition), .. }) = files.remove(&path) {
            out.remove(partition)?;
        }
    }
    Ok(())
}

/// What is to be done about a file.
enum State {
    /// Its rows are those of its present version.
    Applied,
    /// It has changed too recently to be read.
    Settling,
    /// It is to be read.
    Ready,
    /// Its compressed data end in the middle; it is waited for the rest.
    Incomplete,
    /// The rest has not come.
    Truncated(Compression),
}

/// A file whose rows are kept, so that they can be replaced.
struct Kept {
    partition: Option<PartitionId>,
    version: Version,
    settling: Settling,
    /// The version whose rows are applied. None if they are, or may be, those of a passing one.
    applied: Option<Version>,
    /// Since when it has not been read.
    changed: Instant,
    incomplete: Option<(Version, Compression)>,
}

impl Kept {
    fn new(version: Version) -> Self {
        Self {
            partition: None,
            version,
            settling: Settling::new(version),
            applied: None,
            changed: Instant::now(),
            incomplete: None,
        }
    }

    /// Takes note of the file's version as it is now.
    fn observe(&mut self, version: Version) {
        if self.applied == Some(self.version) && self.version != version {
            self.changed = Instant::now();
        }
        self.version = version;
        self.settling.observe(version);
    }

    fn state(&self, patience: Duration) -> State {
        match self.incomplete {
            _ if self.applied == Some(self.version) => State::Applied,
            Some((version, compression)) if version == self.version => {
                let patient = self.settling.unchanged() < patience;
                if patient { State::Incomplete } else { State::Truncated(compression) }
            }
            _ if self.settling.at_rest() => State::Ready,
            // A file that is written all the time is read now and then, rather than never.
            _ if self.changed.elapsed() >= RESTLESS_PATIENCE => State::Ready,
            _ => State::Settling,
        }
    }

    /// Replaces the rows by those in the file. False if it changed meanwhile: what was sent is
    /// then left without its end, and the next replacement takes its place.
    fn replace(
        &mut self,
        path: &Path,
        reader: &FileReader,
        lane: &Lane<'_>,
    ) -> Result<bool, SourceError> {
        let Some(partition) = self.partition else { return Ok(false) };
        let name = path.display().to_string();
        let file = match File::open(path) {
            Ok(file) => file,
            // The next listing shows whether it is gone for good.
            Err(error) if is_gone(&error) => return Ok(false),
            Err(error) => return Err(failed("open", path, error)),
        };
        let version_of = |file: &File| {
            file.metadata().map(|m| Version::of(&m)).map_err(|error| failed("open", path, error))
        };
        let at_rest = self.settling.at_rest();
        let version = version_of(&file)?;
        if at_rest && version != self.version {
            return Ok(false);
        }
        lane.out.replace(partition, &name, reader.format.decoder(&name)?)?;
        let sent = send(&file, path, version.len, partition, lane);
        if version_of(&file)? != version {
            return Ok(false);
        }
        match sent {
            Ok(()) => {}
            Err(InputError::Truncated(compression)) => {
                self.incomplete = Some((version, compression));
                return Ok(true);
            }
            Err(error) => return Err(bad_input(&name, error)),
        }
        lane.out.end(partition)?;
        self.applied = at_rest.then_some(version);
        self.changed = Instant::now();
        Ok(true)
    }
}

fn send(
    file: &File,
    path: &Path,
    len: u64,
    partition: PartitionId,
    lane: &Lane<'_>,
) -> Result<(), InputError> {
    let mut input = Input::open(file, Compression::of_name(path), len)?;
    while let Some(block) = input.block()? {
        lane.send(partition, block)?;
    }
    Ok(())
}
