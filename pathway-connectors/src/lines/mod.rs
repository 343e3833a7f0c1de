//! Plain text: [`LinesFormat`] makes each line a row.

use crate::format::Format;
use crate::source::{Files, StandardInput};
use crate::split::{Line, LineSplitter, invalid_utf8};
use pathway_core::io::{BadRow, Decoder, RowReceiver, SourceError};
use pathway_core::schema::{DataType, RowEncoder, Schema, StructType, put_len};
use std::path::PathBuf;

/// Rows of type `T` as lines in files: one file, a glob, or a directory.
pub fn files<T: Schema>(pattern: impl Into<PathBuf>) -> Files<T, LinesFormat> {
    Files::new(pattern, LinesFormat::new(T::data_type()))
}

/// Rows of type `T` as lines on standard input.
pub fn stdin<T: Schema>() -> StandardInput<T, LinesFormat> {
    StandardInput::new(LinesFormat::new(T::data_type()))
}

/// The options of lines, on sources of them.
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
    Files<T, LinesFormat, M>, <T, M>;
    StandardInput<T, LinesFormat>, <T>;
}

/// How lines are read: the row type, and the longest line.
///
/// A row is a `String`, or a struct with one `String` column for the line; any other column of it
/// needs a default. Lines end with `\n` or `\r\n`, which is no part of them; blank lines are rows
/// too. A byte order mark is skipped.
#[derive(Clone, Copy, Debug)]
pub struct LinesFormat {
    rows: DataType,
    record_bytes_max: usize,
}

impl LinesFormat {
    /// Lines as rows of that type.
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

impl Format for LinesFormat {
    fn name(&self) -> &'static str {
        "lines"
    }

    fn decoder(&self, file: &str) -> Result<Box<dyn Decoder>, SourceError> {
        let frame = Frame::new(self.rows).ok_or_else(|| SourceError::Unreadable {
            problem: format!("lines cannot be read as rows of type `{}`", self.rows.name()),
            help: "read them as `String`, or as a struct with one `String` column and defaults \
                   for all others"
                .into(),
        })?;
        Ok(Box::new(LinesDecoder {
            splitter: LineSplitter::new(self.record_bytes_max),
            rows: Rows {
                file: file.into(),
                frame,
                row: Vec::new(),
                record_bytes_max: self.record_bytes_max,
            },
        }))
    }
}

/// The encoded row around the line.
#[derive(Debug)]
struct Frame {
    before: Vec<u8>,
    after: Vec<u8>,
}

impl Frame {
    fn new(rows: DataType) -> Option<Self> {
        match rows {
            DataType::String => Some(Self { before: Vec::new(), after: Vec::new() }),
            DataType::Struct(inner) => Self::of_struct(inner),
            _ => None,
        }
    }

    fn of_struct(inner: &StructType) -> Option<Self> {
        let mut bytes = Vec::new();
        let mut row = RowEncoder::new(&mut bytes, inner.nullable_count());
        let mut line = None;
        for column in inner.columns {
            match (column.default, (column.data_type)()) {
                (Some(default), _) if column.nullable => {
                    // The default is a value by itself, so it begins with its tag.
                    let mut value = Vec::new();
                    default(&mut value);
                    if value.remove(0) == 1 {
                        row.present().extend_from_slice(&value);
                    } else {
                        row.null();
                    }
                }
                (Some(default), _) => default(row.value()),
                (None, DataType::String) if line.is_none() => line = Some(row.value().len()),
                _ => return None,
            }
        }
        let after = bytes.split_off(line?);
        Some(Self { before: bytes, after })
    }
}

#[derive(Debug)]
struct LinesDecoder {
    splitter: LineSplitter,
    rows: Rows,
}

#[derive(Debug)]
struct Rows {
    file: String,
    frame: Frame,
    row: Vec<u8>,
    record_bytes_max: usize,
}

impl Decoder for LinesDecoder {
    fn decode(&mut self, bytes: &[u8], rows: &mut dyn RowReceiver) -> Result<(), Box<BadRow>> {
        self.splitter.split(bytes, |line| self.rows.line(line, rows))
    }

    fn finish(&mut self, rows: &mut dyn RowReceiver) -> Result<(), Box<BadRow>> {
        self.splitter.finish(|line| self.rows.line(line, rows))
    }
}

impl Rows {
    fn line(&mut self, line: Line<'_>, out: &mut dyn RowReceiver) -> Result<(), Box<BadRow>> {
        let problem = if line.too_long {
            Some(format!(
                "the line is longer than {} bytes; if it is right, raise `record_bytes_max`",
                self.record_bytes_max
            ))
        } else {
            invalid_utf8(line.bytes).map(|(_, problem)| problem)
        };
        if let Some(problem) = problem {
            let record = String::from_utf8_lossy(line.bytes).into_owned();
            return out.reject(BadRow {
                source: self.file.clone(),
                line: line.number,
                column: None,
                text: record.clone(),
                problem,
                record,
            });
        }
        self.row.clear();
        self.row.extend_from_slice(&self.frame.before);
        put_len(line.bytes.len(), &mut self.row);
        self.row.extend_from_slice(line.bytes);
        self.row.extend_from_slice(&self.frame.after);
        out.update(&self.row, 1);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
