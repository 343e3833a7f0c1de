//! The rows as they stand, in a file that is replaced as a whole.
//!
//! A new state goes into a file of its own beside the published one, is brought to the disk, and
//! takes its name: whoever opens the file sees one state or the next, never a part.

use super::{Encoder, io_error, parent};
use pathway_core::io::{CurrentState, SinkError, SinkWriter, Updates};
use pathway_core::schema::DataType;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a published state stands at least.
const PUBLISH_INTERVAL: Duration = Duration::from_secs(1);
const BUFFERED_BYTES_MAX: usize = 1 << 16;

pub(super) struct Current<E> {
    path: PathBuf,
    unpublished: PathBuf,
    state: CurrentState,
    encoder: E,
    /// Whether the state differs from the published one.
    changed: bool,
    published: Option<Instant>,
}

impl<E: Encoder> Current<E> {
    pub(super) fn new(path: PathBuf, rows: DataType, encoder: E) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let unpublished = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
        let state = CurrentState::new(rows);
        Self { path, unpublished, state, encoder, changed: false, published: None }
    }

    /// Goes on with the rows as they were when `state` was saved. They are published once what came
    /// behind has come again, so that nobody sees an older state.
    pub(super) fn restore(&mut self, mut state: &[u8]) {
        if !state.is_empty() {
            self.state.load(&mut state);
        }
        self.changed = true;
        self.remove_unpublished();
    }

    /// Removes what killed processes have left half-written.
    fn remove_unpublished(&self) {
        let Some(name) = self.path.file_name().and_then(|name| name.to_str()) else { return };
        let prefix = format!(".{name}.");
        let is_ours = |file: &str| {
            let process = file.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix(".tmp"));
            process.is_some_and(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()))
        };
        let Ok(entries) = fs::read_dir(parent(&self.path)) else { return };
        for entry in entries.flatten() {
            if entry.file_name().to_str().is_some_and(is_ours) {
                // It is of no use and does no harm.
                drop(fs::remove_file(entry.path()));
            }
        }
    }

    fn publish(&mut self) -> Result<(), SinkError> {
        self.write_state().inspect_err(|_| drop(fs::remove_file(&self.unpublished)))?;
        fs::rename(&self.unpublished, &self.path).map_err(io_error("replace", &self.path))?;
        sync_directory(parent(&self.path));
        self.changed = false;
        self.published = Some(Instant::now());
        Ok(())
    }

    fn write_state(&mut self) -> Result<(), SinkError> {
        let Self { unpublished, state, encoder, .. } = self;
        let mut file = File::create(&*unpublished).map_err(io_error("create", unpublished))?;
        let mut buffer = String::new();
        encoder.begin(false, &mut buffer);
        state
            .for_each(|row| {
                encoder.row(row, None, &mut buffer);
                if buffer.len() > BUFFERED_BYTES_MAX {
                    file.write_all(buffer.as_bytes())?;
                    buffer.clear();
                }
                Ok(())
            })
            .and_then(|()| file.write_all(buffer.as_bytes()))
            .and_then(|()| file.sync_all())
            .map_err(io_error("write", unpublished))
    }
}

/// Brings the new name to the disk, where the system lets a directory be opened.
pub(super) fn sync_directory(directory: &Path) {
    // A failure leaves the old state or the new one after a power cut: both are whole.
    drop(File::open(directory).and_then(|directory| directory.sync_all()));
}

impl<E: Encoder> SinkWriter for Current<E> {
    fn write(&mut self, _epoch: u64, updates: &Updates) -> Result<(), SinkError> {
        self.state.apply(updates);
        self.changed = true;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        let due = self.published.is_none_or(|published| published.elapsed() >= PUBLISH_INTERVAL);
        if self.changed && due { self.publish() } else { Ok(()) }
    }

    fn save(&mut self, state: &mut Vec<u8>) -> Result<(), SinkError> {
        self.state.save(state);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        if self.changed || self.published.is_none() { self.publish() } else { Ok(()) }
    }
}
