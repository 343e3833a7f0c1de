//! Rows or changes, appended as epochs close.
//!
//! Only whole lines are ever handed to the file, and only those of closed epochs.
//!
//! A durable pipeline that goes on writes again what came behind its checkpoint, and most of that
//! is in the file already. What is there is compared rather than written, so whoever reads along
//! sees every byte once. Other bytes are an error: somebody else has written them, or the program
//! does not compute what it did. Only zeros are cut off, which a disk leaves that lost its power.

use super::current::sync_directory;
use super::{Change, Encoder, io_error, parent};
use pathway_core::io::{SinkError, SinkWriter, Updates};
use pathway_core::schema::Schema;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::xxh3_64;

/// How many bytes may wait for the next flush.
const BUFFERED_BYTES_MAX: usize = 1 << 16;

pub(super) struct Appended<E> {
    path: PathBuf,
    file: File,
    changes: bool,
    encoder: E,
    buffer: String,
    /// How many bytes of the file are known to be right.
    written: u64,
    /// How many bytes the file has, of which those behind are an earlier run's.
    len: u64,
}

/// So much is shown of what should not be there.
const SHOWN_LEN: usize = 60;
/// So much of the end of what was written tells whether it is still the same file.
const END_LEN: u64 = 4096;

impl<E: Encoder> Appended<E> {
    /// Begins a new file, in place of one that is there.
    pub(super) fn create(path: PathBuf, changes: bool, mut encoder: E) -> Result<Self, SinkError> {
        // Read, too: what stands at its end is remembered by checkpoints.
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true);
        let file = options.open(&path).map_err(io_error("create", &path))?;
        sync_directory(parent(&path));
        let mut buffer = String::new();
        encoder.begin(changes, &mut buffer);
        Ok(Self { path, file, changes, encoder, buffer, written: 0, len: 0 })
    }

    /// Goes on with a file as it was when `state` was saved; from its beginning if that is empty.
    pub(super) fn reopen(
        path: PathBuf,
        changes: bool,
        mut encoder: E,
        mut state: &[u8],
    ) -> Result<Self, SinkError> {
        let (written, end) = match state {
            [] => (0, xxh3_64(&[])),
            _ => (u64::decode(&mut state), u64::decode(&mut state)),
        };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(written == 0).truncate(false);
        let file = match options.open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(gone(&path, written));
            }
            Err(error) => return Err(io_error("go on with", &path)(error)),
        };
        let len = file.metadata().map_err(io_error("read", &path))?.len();
        let mut buffer = String::new();
        if written == 0 {
            encoder.begin(changes, &mut buffer);
        }
        let mut appended = Self { path, file, changes, encoder, buffer, written, len };
        if len < written {
            return Err(short(&appended.path, len, written));
        }
        if appended.end()? != end {
            return Err(changed(&appended.path, written));
        }
        Ok(appended)
    }

    /// A hash of the last bytes that are known to be right.
    fn end(&mut self) -> Result<u64, SinkError> {
        let from = self.written.saturating_sub(END_LEN);
        let mut bytes = Vec::new();
        self.file
            .seek(SeekFrom::Start(from))
            .and_then(|_| (&self.file).take(self.written - from).read_to_end(&mut bytes))
            .map_err(io_error("read", &self.path))?;
        Ok(xxh3_64(&bytes))
    }

    fn write_buffer(&mut self) -> Result<(), SinkError> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut bytes = buffer.as_bytes();
        if self.written < self.len {
            let same = same(&mut self.file, self.written, &mut bytes);
            self.written += same.map_err(io_error("read", &self.path))?;
            if !bytes.is_empty() {
                self.cut()?;
            }
        }
        self.file.write_all(bytes).map_err(io_error("write", &self.path))?;
        self.written += bytes.len() as u64;
        self.len = self.len.max(self.written);
        buffer.clear();
        self.buffer = buffer;
        Ok(())
    }

    /// Writes all there is, and sees to it that the file has nothing else.
    fn settle(&mut self) -> Result<(), SinkError> {
        self.write_buffer()?;
        if self.written < self.len { self.cut() } else { Ok(()) }
    }

    /// Cuts off what stands behind all that is known to be right, if it was never written.
    fn cut(&mut self) -> Result<(), SinkError> {
        let mut rest = Vec::new();
        self.file
            .seek(SeekFrom::Start(self.written))
            .and_then(|_| self.file.read_to_end(&mut rest))
            .map_err(io_error("read", &self.path))?;
        if rest.iter().any(|byte| *byte != 0) {
            return Err(other(&self.path, self.written, &rest));
        }
        self.len = self.written;
        self.file
            .set_len(self.written)
            .and_then(|()| self.file.seek(SeekFrom::Start(self.written)))
            .map(drop)
            .map_err(io_error("write", &self.path))
    }
}

fn other(path: &Path, written: u64, rest: &[u8]) -> SinkError {
    let shown = String::from_utf8_lossy(&rest[..rest.len().min(SHOWN_LEN)]).into_owned();
    SinkError::Unwritable {
        problem: format!(
            "`{}` goes on, at byte {written}, with what this pipeline does not write there: `{}`",
            path.display(),
            shown.escape_debug()
        ),
        help: "take away what others have written; or if the program computes something else than \
               it did, begin anew with an empty store"
            .to_owned(),
    }
}

/// Passes by the bytes that the file has at a place, and answers how many.
fn same(file: &mut File, at: u64, bytes: &mut &[u8]) -> io::Result<u64> {
    let mut found = vec![0; bytes.len()];
    file.seek(SeekFrom::Start(at))?;
    let mut len = 0;
    while len < found.len() {
        match file.read(&mut found[len..])? {
            0 => break,
            read => len += read,
        }
    }
    let same = found[..len].iter().zip(*bytes).take_while(|(found, byte)| found == byte).count();
    *bytes = &bytes[same..];
    Ok(same as u64)
}

/// What to do about an output that is not what it was.
const BRING_BACK: &str = "bring the file back, or begin anew with an empty store";

fn gone(path: &Path, written: u64) -> SinkError {
    SinkError::Unwritable {
        problem: format!(
            "`{}` is not there any more, in which an earlier run had written {written} bytes",
            path.display()
        ),
        help: format!("{BRING_BACK}; its name is taken from where the program is started"),
    }
}

fn short(path: &Path, len: u64, written: u64) -> SinkError {
    SinkError::Unwritable {
        problem: format!(
            "`{}` has only {len} bytes, and an earlier run had written {written}",
            path.display()
        ),
        help: BRING_BACK.to_owned(),
    }
}

fn changed(path: &Path, written: u64) -> SinkError {
    SinkError::Unwritable {
        problem: format!(
            "`{}` was changed between two runs: its first {written} bytes are not those that were \
             written to it",
            path.display()
        ),
        help: BRING_BACK.to_owned(),
    }
}

impl<E: Encoder> SinkWriter for Appended<E> {
    fn write(&mut self, epoch: u64, updates: &Updates) -> Result<(), SinkError> {
        for (row, diff) in updates.iter() {
            if self.changes {
                self.encoder.row(row, Some(Change { epoch, diff }), &mut self.buffer);
            } else {
                assert!(diff > 0, "the rows of a stream are never retracted");
                for _ in 0..diff {
                    self.encoder.row(row, None, &mut self.buffer);
                }
            }
        }
        if self.buffer.len() > BUFFERED_BYTES_MAX {
            self.write_buffer()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.settle()
    }

    fn save(&mut self, state: &mut Vec<u8>) -> Result<(), SinkError> {
        self.settle()?;
        self.file.sync_data().map_err(io_error("write", &self.path))?;
        let end = self.end()?;
        self.file.seek(SeekFrom::Start(self.written)).map_err(io_error("write", &self.path))?;
        self.written.encode(state);
        end.encode(state);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        self.settle()?;
        self.file.sync_all().map_err(io_error("write", &self.path))
    }
}
