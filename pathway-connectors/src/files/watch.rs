//! Files that grow, and new files, for ever: every line once.
//!
//! A partition is not ended while its file is watched, so that a decoder keeps a line whose
//! newline has not been written yet.

use super::compression::{Compression, MAGIC_LEN};
use super::errors::{bad_input, changed_under_watch, failed, is_gone};
use super::input::{BLOCK_LEN, Input, InputError};
use super::polling::{Next, Round};
use super::prefix::{Prefix, Remembering};
use super::reader::FileReader;
use super::readers::{Lane, in_parallel};
use super::version::{Settling, Version};
use pathway_core::io::{PartitionId, SourceError, SourceWriter};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The most bytes that are read of one file before all others have their turn.
const TURN_LEN: u64 = 64 * BLOCK_LEN;

pub(super) fn run(reader: &FileReader, out: &SourceWriter) -> Result<(), SourceError> {
    let pattern = reader.resolve()?;
    let mut files: BTreeMap<PathBuf, Growing> = BTreeMap::new();
    loop {
        let mut round = Round::start();
        let listing = pattern.list_again(files.keys())?;
        round.listed();
        if let Some(path) = files.keys().find(|path| !listing.contains_key(*path)) {
            return Err(changed_under_watch(path, "was deleted"));
        }
        for path in listing.keys().filter(|path| !files.contains_key(*path)).collect::<Vec<_>>() {
            let name = path.display().to_string();
            let partition = out.open(&name, reader.format.decoder(&name)?)?;
            files.insert(path.clone(), Growing::new(partition));
        }
        let changed: Vec<(&PathBuf, &mut Growing)> = files
            .iter_mut()
            .filter(|(path, file)| file.seen.as_ref() != listing.get(*path))
            .collect();
        let next = Mutex::new(Next::Later);
        in_parallel(reader.readers, changed.into_iter().map(Ok), out, |(path, file), lane| {
            let wanted = file.advance(path, reader.patience, lane)?;
            let mut next = next.lock().unwrap_or_else(PoisonError::into_inner);
            *next = wanted.max(*next);
            Ok(())
        })?;
        let next = next.into_inner().unwrap_or_else(PoisonError::into_inner);
        round.wait(next, reader.poll_interval, out)?;
    }
}

/// A file that only grows.
struct Growing {
    partition: PartitionId,
    /// The version that has been read to its end.
    seen: Option<Version>,
    /// The identity of the file whose beginning has been read.
    identity: (u64, u64),
    read: Prefix,
    compression: Option<Compression>,
    settling: Option<Settling>,
    /// The version of a compressed file that turned out to be incomplete.
    incomplete: Option<Version>,
}

impl Growing {
    fn new(partition: PartitionId) -> Self {
        Self {
            partition,
            seen: None,
            identity: (0, 0),
            read: Prefix::new(),
            compression: None,
            settling: None,
            incomplete: None,
        }
    }

    /// Reads what has been appended.
    fn advance(
        &mut self,
        path: &Path,
        patience: Duration,
        lane: &Lane<'_>,
    ) -> Result<Next, SourceError> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            // The next listing shows whether it is gone for good.
            Err(error) if is_gone(&error) => return Ok(Next::Later),
            Err(error) => return Err(failed("open", path, error)),
        };
        let metadata = file.metadata().map_err(|error| failed("open", path, error))?;
        let version = Version::of(&metadata);
        self.verify(path, &mut file, version, lane)?;
        self.identity = version.identity;
        let compression = match self.compression {
            Some(compression) => compression,
            None => {
                let head = head(&mut file).map_err(|error| failed("read", path, error))?;
                match Compression::detect(&head, Compression::of_name(path)) {
                    Some(compression) => *self.compression.insert(compression),
                    None => return Ok(self.finish(version)),
                }
            }
        };
        match compression {
            Compression::None => self.append(path, &mut file, version, lane),
            _ => self.append_compressed(path, &mut file, version, patience, lane),
        }
    }

    /// The version has been read to its end.
    fn finish(&mut self, version: Version) -> Next {
        self.seen = Some(version);
        self.settling = None;
        Next::Later
    }

    /// Makes sure that the file begins with what has been read of it.
    fn verify(
        &self,
        path: &Path,
        file: &mut File,
        version: Version,
        lane: &Lane<'_>,
    ) -> Result<(), SourceError> {
        if self.read.len() == 0 {
            return Ok(());
        }
        if version.len < self.read.len() {
            return Err(changed_under_watch(
                path,
                &format!("has shrunk from {} to {} bytes", self.read.len(), version.len),
            ));
        }
        let grown = version.identity == self.identity && version.len > self.read.len();
        let intact = if grown {
            self.read.ends_match(file).map_err(InputError::Read)
        } else {
            self.read.all_matches(file, || lane.check())
        };
        if intact.map_err(|error| bad_input(&path.display().to_string(), error))? {
            Ok(())
        } else {
            Err(changed_under_watch(path, "was rewritten"))
        }
    }

    fn append(
        &mut self,
        path: &Path,
        file: &mut File,
        version: Version,
        lane: &Lane<'_>,
    ) -> Result<Next, SourceError> {
        // Not to the end of the file, which may have grown: then this version would not be the
        // one that was read, and the next change could not be told from a rewritten file.
        let mut left = version.len - self.read.len();
        let more = left > TURN_LEN;
        left = left.min(TURN_LEN);
        file.seek(SeekFrom::Start(self.read.len())).map_err(|error| failed("read", path, error))?;
        while left > 0 {
            let len = left.min(BLOCK_LEN);
            let mut block = Vec::with_capacity(usize::try_from(len).unwrap_or(0));
            file.take(len).read_to_end(&mut block).map_err(|error| failed("read", path, error))?;
            if block.is_empty() {
                // It has shrunk meanwhile, which is found next time.
                return Ok(Next::Later);
            }
            left -= block.len() as u64;
            self.read.extend(&block);
            lane.send(self.partition, block)?;
        }
        if more { Ok(Next::Now) } else { Ok(self.finish(version)) }
    }

    /// Reads a compressed file that is complete, or the complete compressed data that have been
    /// appended to it.
    ///
    /// Twice: what is sent cannot be taken back, so it has to be known that it is complete.
    fn append_compressed(
        &mut self,
        path: &Path,
        file: &mut File,
        version: Version,
        patience: Duration,
        lane: &Lane<'_>,
    ) -> Result<Next, SourceError> {
        if version.len == self.read.len() && version.len > 0 {
            return Ok(self.finish(version));
        }
        let settling = self.settling.get_or_insert_with(|| Settling::new(version));
        settling.observe(version);
        let bad = |error| bad_input(&path.display().to_string(), error);
        if self.incomplete == Some(version) {
            if settling.unchanged() < patience {
                return Ok(Next::Later);
            }
            return Err(bad(InputError::Truncated(self.compression.unwrap_or(Compression::None))));
        }
        if !settling.at_rest() {
            return Ok(Next::Soon);
        }
        let mut tested = self.read.clone();
        match self.decompress(&mut tested, file, version, |_| Ok(lane.check()?)) {
            Ok(()) => {}
            Err(InputError::Truncated(_)) => {
                self.incomplete = Some(version);
                return Ok(Next::Later);
            }
            Err(error) => return Err(bad(error)),
        }
        let mut read = self.read.clone();
        self.decompress(&mut read, file, version, |block| Ok(lane.send(self.partition, block)?))
            .map_err(bad)?;
        self.read = read;
        if !self.read.same_as(&tested) {
            return Err(changed_under_watch(path, "was rewritten"));
        }
        Ok(self.finish(version))
    }

    fn decompress(
        &self,
        read: &mut Prefix,
        file: &mut File,
        version: Version,
        mut each: impl FnMut(Vec<u8>) -> Result<(), InputError>,
    ) -> Result<(), InputError> {
        let (start, compression) = (read.len(), self.compression.unwrap_or(Compression::None));
        if version.len == start {
            return Err(InputError::Truncated(compression));
        }
        file.seek(SeekFrom::Start(start)).map_err(InputError::Read)?;
        let raw = Remembering { raw: file.take(version.len - start), prefix: read };
        let mut input = Input::decompress(raw, compression, version.len)?;
        while let Some(block) = input.block()? {
            each(block)?;
        }
        Ok(())
    }
}

fn head(file: &mut File) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(MAGIC_LEN);
    file.seek(SeekFrom::Start(0))?;
    file.take(MAGIC_LEN as u64).read_to_end(&mut head)?;
    Ok(head)
}
