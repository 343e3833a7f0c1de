//! Rows or changes, appended as epochs close.
//!
//! Only whole lines are ever handed to the file, and only those of closed epochs.

use super::{Change, Encoder, io_error};
use pathway_core::io::{SinkError, SinkWriter, Updates};
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

/// How many bytes may wait for the next flush.
const BUFFERED_BYTES_MAX: usize = 1 << 16;

pub(super) struct Appended<E> {
    path: PathBuf,
    file: File,
    changes: bool,
    encoder: E,
    buffer: String,
}

impl<E: Encoder> Appended<E> {
    /// Begins a new file, in place of one that is there.
    pub(super) fn create(path: PathBuf, changes: bool, mut encoder: E) -> Result<Self, SinkError> {
        let file = File::create(&path).map_err(io_error("create", &path))?;
        let mut buffer = String::new();
        encoder.begin(changes, &mut buffer);
        Ok(Self { path, file, changes, encoder, buffer })
    }

    fn write_buffer(&mut self) -> Result<(), SinkError> {
        self.file.write_all(self.buffer.as_bytes()).map_err(io_error("write", &self.path))?;
        self.buffer.clear();
        Ok(())
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
        self.write_buffer()
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        self.write_buffer()?;
        self.file.sync_all().map_err(io_error("write", &self.path))
    }
}
