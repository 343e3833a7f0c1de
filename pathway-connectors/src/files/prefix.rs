//! What has been read of a growing file, to tell an appended file from a rewritten one.

use super::input::InputError;
use pathway_core::io::Stopped;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use xxhash_rust::xxh3::Xxh3;

/// The part of a file that has been read, in a few hundred bytes.
///
/// Comparing its first and last bytes costs nothing, and tells a file that was emptied and written
/// anew from one that has grown. Comparing all of it means reading it again, and is for the cases
/// in which a file rarely has just grown: another inode, or a new time with the same length.
#[derive(Clone)]
pub(super) struct Prefix {
    len: u64,
    first: Vec<u8>,
    last: VecDeque<u8>,
    hash: Xxh3,
}

/// How many bytes at either end are remembered.
const EDGE_LEN: usize = 256;

impl Prefix {
    pub(super) fn new() -> Self {
        Self { len: 0, first: Vec::new(), last: VecDeque::new(), hash: Xxh3::new() }
    }

    /// How many bytes have been read.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn extend(&mut self, bytes: &[u8]) {
        let first = bytes.len().min(EDGE_LEN - self.first.len());
        self.first.extend_from_slice(&bytes[..first]);
        let last = &bytes[bytes.len().saturating_sub(EDGE_LEN)..];
        let keep = EDGE_LEN - last.len();
        self.last.drain(..self.last.len().saturating_sub(keep));
        self.last.extend(last);
        self.hash.update(bytes);
        self.len += bytes.len() as u64;
    }

    /// Whether both have read the same bytes.
    pub(super) fn same_as(&self, other: &Self) -> bool {
        self.len == other.len && self.hash.digest128() == other.hash.digest128()
    }

    /// Whether the file still has the same bytes at both ends of what was read.
    pub(super) fn ends_match(&self, file: &mut File) -> io::Result<bool> {
        let last: Vec<u8> = self.last.iter().copied().collect();
        let last_start = self.len - last.len() as u64;
        Ok(bytes_match(file, 0, &self.first)? && bytes_match(file, last_start, &last)?)
    }

    /// Whether the file still has the same bytes in all that was read.
    /// `check` says whether to go on.
    pub(super) fn all_matches(
        &self,
        file: &mut File,
        check: impl Fn() -> Result<(), Stopped>,
    ) -> Result<bool, InputError> {
        let mut hash = Xxh3::new();
        let mut left = self.len;
        let mut buffer = vec![0; 256 * 1024];
        file.seek(SeekFrom::Start(0)).map_err(InputError::Read)?;
        while left > 0 {
            check()?;
            let most = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
            match file.read(&mut buffer[..most]) {
                Ok(0) => return Ok(false),
                Ok(read) => {
                    hash.update(&buffer[..read]);
                    left -= read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(InputError::Read(error)),
            }
        }
        Ok(hash.digest128() == self.hash.digest128())
    }
}

fn bytes_match(file: &mut File, start: u64, expected: &[u8]) -> io::Result<bool> {
    let mut found = vec![0; expected.len()];
    file.seek(SeekFrom::Start(start))?;
    match file.read_exact(&mut found) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        read => read.map(|()| found == expected),
    }
}

/// Reads, and remembers what was read.
pub(super) struct Remembering<'a, R> {
    pub(super) raw: R,
    pub(super) prefix: &'a mut Prefix,
}

impl<R: Read> Read for Remembering<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.raw.read(buffer)?;
        self.prefix.extend(&buffer[..len]);
        Ok(len)
    }
}
