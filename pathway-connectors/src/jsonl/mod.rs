//! JSON Lines: [`JsonlFormat`] reads them, [`file()`] writes them.
//!
//! Each line is one row, in the form that [`pathway_core::format::json`] describes: a struct is an
//! object by the names of its columns, a tuple an array (or an object with the fields `0`, `1`
//! and so on), a plain value itself.

mod decoder;
mod encoder;

pub use encoder::{JsonlFile, file};

use crate::format::Format;
use crate::source::{Files, StandardInput};
use decoder::JsonlDecoder;
use pathway_core::io::{Decoder, SourceError};
use pathway_core::schema::{DataType, Schema};
use std::path::PathBuf;

/// Rows of type `T` as JSON Lines in files: one file, a glob, or a directory.
pub fn files<T: Schema>(pattern: impl Into<PathBuf>) -> Files<T, JsonlFormat> {
    Files::new(pattern, JsonlFormat::new(T::data_type()))
}

/// Rows of type `T` as JSON Lines on standard input.
pub fn stdin<T: Schema>() -> StandardInput<T, JsonlFormat> {
    StandardInput::new(JsonlFormat::new(T::data_type()))
}

/// The options of JSON Lines, on sources of them.
macro_rules! options {
    ($($source:ty, <$($parameter:ident),*>;)*) => {$(
        impl<$($parameter),*> $source {
            /// The longest line, in bytes; a longer one is a bad row. Default: 1 MiB.
            pub fn record_bytes_max(mut self, bytes: usize) -> Self {
                self.format = self.format.record_bytes_max(bytes);
                self
            }
        }
    )*};
}

options! {
    Files<T, JsonlFormat, M>, <T, M>;
    StandardInput<T, JsonlFormat>, <T>;
}

/// How JSON Lines are read: the row type, and the longest line.
///
/// Fields come in any order, and those that no column names are ignored. A column without a field
/// is null if it is an `Option`, else its default if it has one, else the row is bad. Numbers are
/// exact: one that does not fit its column makes a bad row. Blank lines and a byte order mark are
/// skipped.
#[derive(Clone, Copy, Debug)]
pub struct JsonlFormat {
    rows: DataType,
    record_bytes_max: usize,
}

impl JsonlFormat {
    /// JSON Lines of rows of that type.
    pub fn new(rows: DataType) -> Self {
        Self { rows, record_bytes_max: 1 << 20 }
    }

    /// The longest line, in bytes; a longer one is a bad row. Default: 1 MiB.
    #[must_use]
    pub fn record_bytes_max(mut self, bytes: usize) -> Self {
        self.record_bytes_max = bytes;
        self
    }
}

impl Format for JsonlFormat {
    fn name(&self) -> &'static str {
        "jsonl"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["jsonl", "ndjson"]
    }

    fn decoder(&self, file: &str) -> Result<Box<dyn Decoder>, SourceError> {
        Ok(Box::new(JsonlDecoder::new(file, self.rows, self.record_bytes_max)))
    }
}

#[cfg(test)]
mod tests;
