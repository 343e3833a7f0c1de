//! Files, by behaviour: real directories, and a recorder in place of the runtime.

mod mutable;
mod names;
mod once;
mod recorder;
mod stdin;
mod stress;
mod watch;

use super::FileReader;
use crate::format::Format;
use pathway_core::io::{BadRow, Decoder, RowReceiver, SourceError};
use recorder::Recorder;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A directory that is deleted after its test.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("pathway-files-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Writes under another name and renames.
    fn replace(&self, name: &str, content: impl AsRef<[u8]>) {
        let written = self.write(&format!("{name}.tmp"), content);
        std::fs::rename(written, self.path(name)).unwrap();
    }

    fn append(&self, name: &str, content: impl AsRef<[u8]>) {
        let mut file = std::fs::OpenOptions::new().append(true).open(self.path(name)).unwrap();
        file.write_all(content.as_ref()).unwrap();
    }

    fn delete(&self, name: &str) {
        std::fs::remove_file(self.path(name)).unwrap();
    }

    /// A message without the directory's own name.
    fn shorten(&self, message: &impl ToString) -> String {
        message.to_string().replace(&self.0.display().to_string(), "DIR")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

fn reader(pattern: impl AsRef<Path>) -> FileReader {
    FileReader::new(pattern.as_ref(), Arc::new(Lines)).poll_interval(Duration::from_millis(5))
}

/// Reads once, and gives the rows of each file in the order in which partitions were numbered.
fn read(reader: &FileReader) -> Result<Vec<(PathBuf, Vec<String>)>, SourceError> {
    let recorder = Arc::new(Recorder::default());
    recorder.run(reader)?;
    Ok(recorder.files())
}

/// The message of a run that fails.
fn error(reader: &FileReader) -> String {
    Arc::new(Recorder::default()).run(reader).expect_err("the run fails").to_string()
}

fn gzip(text: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_ref()).unwrap();
    encoder.finish().unwrap()
}

fn zstd(text: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(text.as_ref()).unwrap();
    encoder.finish().unwrap()
}

/// Every line a row.
struct Lines;

impl Format for Lines {
    fn name(&self) -> &'static str {
        "lines"
    }

    fn decoder(&self, _: &str) -> Result<Box<dyn Decoder>, SourceError> {
        Ok(Box::new(LineDecoder(Vec::new())))
    }
}

struct LineDecoder(Vec<u8>);

impl Decoder for LineDecoder {
    fn decode(&mut self, bytes: &[u8], rows: &mut dyn RowReceiver) -> Result<(), Box<BadRow>> {
        for part in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.0.extend_from_slice(part);
            if self.0.pop_if(|last| *last == b'\n').is_some() {
                rows.update(&self.0, 1);
                self.0.clear();
            }
        }
        Ok(())
    }

    fn finish(&mut self, rows: &mut dyn RowReceiver) -> Result<(), Box<BadRow>> {
        if !self.0.is_empty() {
            rows.update(&self.0, 1);
        }
        Ok(())
    }
}
