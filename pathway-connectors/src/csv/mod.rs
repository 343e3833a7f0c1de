//! CSV: [`CsvFormat`] reads it, [`file()`] writes it.
//!
//! # Cells
//!
//! Values are written and read as [`pathway_core::format::text`] says. A struct, list or map in a
//! column is JSON in its cell. A plain value is one column, named `value`; a tuple's columns are
//! named `0`, `1` and so on.
//!
//! CSV cannot tell a null from an empty text: `Some("")` in an `Option<String>` column reads back
//! as `None`.

mod columns;
mod decoder;
mod encoder;
mod records;

pub use encoder::{CsvFile, file};

use crate::format::Format;
use crate::source::{Files, StandardInput};
use decoder::CsvDecoder;
use pathway_core::io::{Decoder, SourceError};
use pathway_core::schema::{DataType, Schema};
use std::path::PathBuf;
use std::sync::Arc;

/// Rows of type `T` in CSV files: one file, a glob, or a directory.
///
/// ```no_run
/// use pathway::prelude::*;
///
/// #[derive(Clone, Debug, Schema)]
/// struct Airline {
///     #[schema(key)]
///     carrier: String,
///     name: String,
/// }
///
/// let app = Pipeline::new("airlines");
/// let airlines = app.read(csv::files::<Airline>("data/airlines.csv").upsert());
/// ```
pub fn files<T: Schema>(pattern: impl Into<PathBuf>) -> Files<T, CsvFormat> {
    Files::new(pattern, CsvFormat::new(T::data_type()))
}

/// Rows of type `T` as CSV on standard input.
pub fn stdin<T: Schema>() -> StandardInput<T, CsvFormat> {
    StandardInput::new(CsvFormat::new(T::data_type()))
}

/// The options of CSV, on sources of it.
macro_rules! options {
    ($($source:ty, <$($parameter:ident),*>;)*) => {$(
impl<$($parameter),*> $source {
    /// What stands between cells, such as `b';'` or `b'\t'`. Default: a comma.
    pub fn delimiter(mut self, delimiter: u8) -> Self {
        self.format = self.format.delimiter(delimiter);
        self
    }

    /// What stands around a cell that holds a delimiter. Default: `b'"'`.
    pub fn quote(mut self, quote: u8) -> Self {
        self.format = self.format.quote(quote);
        self
    }

    /// The first record is a row already, and columns are taken by position.
    pub fn no_header(mut self) -> Self {
        self.format = self.format.no_header();
        self
    }

    /// A text that means null in an `Option` column, such as `NA`, beside the empty cell.
    pub fn null(mut self, text: impl Into<String>) -> Self {
        self.format = self.format.null(text);
        self
    }

    /// The longest record, in bytes; a longer one is a bad row. Default: 1 MiB.
    pub fn record_bytes_max(mut self, bytes: usize) -> Self {
        self.format = self.format.record_bytes_max(bytes);
        self
    }
}

    )*};
}

options! {
    Files<T, CsvFormat, M>, <T, M>;
    StandardInput<T, CsvFormat>, <T>;
}

/// How CSV is read: the row type, and what the file looks like.
///
/// **Header.** The first record names the columns, and a struct's columns are found by their
/// names: in any order, other columns are ignored. A column that is missing takes its default,
/// or else is an error, also if it is an `Option`: it is more often misspelt than absent. Tuples
/// and plain values have no names, so theirs are taken by position.
///
/// **Cells.** An empty cell is null in an `Option` column and `""` in a `String` column; for any
/// other type it is a bad row. Further texts that mean null are added with [`null`](Self::null).
///
/// **Records** end with `\n`, `\r\n` or `\r`; blank lines are skipped, and so is a byte order
/// mark. Quoted cells may hold delimiters, line breaks and doubled quotes. A record with too few
/// or too many cells is a bad row.
#[derive(Clone, Debug)]
pub struct CsvFormat {
    rows: DataType,
    options: Options,
}

#[derive(Clone, Debug)]
struct Options {
    delimiter: u8,
    quote: u8,
    header: bool,
    nulls: Vec<String>,
    record_bytes_max: usize,
}

impl CsvFormat {
    /// CSV of rows of that type: commas, double quotes, and a header.
    pub fn new(rows: DataType) -> Self {
        let options = Options {
            delimiter: b',',
            quote: b'"',
            header: true,
            nulls: Vec::new(),
            record_bytes_max: 1 << 20,
        };
        Self { rows, options }
    }

    /// What stands between cells, such as `b';'` or `b'\t'`. Default: a comma.
    #[must_use]
    pub fn delimiter(mut self, delimiter: u8) -> Self {
        self.options.delimiter = delimiter;
        self
    }

    /// What stands around a cell that holds a delimiter. Default: `b'"'`.
    #[must_use]
    pub fn quote(mut self, quote: u8) -> Self {
        self.options.quote = quote;
        self
    }

    /// The first record is a row already, and columns are taken by position.
    #[must_use]
    pub fn no_header(mut self) -> Self {
        self.options.header = false;
        self
    }

    /// A text that means null in an `Option` column, such as `NA`, beside the empty cell.
    #[must_use]
    pub fn null(mut self, text: impl Into<String>) -> Self {
        self.options.nulls.push(text.into());
        self
    }

    /// The longest record, in bytes; a longer one is a bad row. Default: 1 MiB.
    #[must_use]
    pub fn record_bytes_max(mut self, bytes: usize) -> Self {
        self.options.record_bytes_max = bytes;
        self
    }
}

impl Format for CsvFormat {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["csv"]
    }

    fn decoder(&self, file: &str) -> Result<Box<dyn Decoder>, SourceError> {
        let Options { delimiter, quote, .. } = self.options;
        for (byte, role) in [(delimiter, "delimiter"), (quote, "quote")] {
            if !byte.is_ascii() || matches!(byte, b'\n' | b'\r') || delimiter == quote {
                return Err(SourceError::Unreadable {
                    problem: format!("`{}` cannot be the {role} of CSV", byte.escape_ascii()),
                    help: "choose an ASCII character that ends no line, another one for each"
                        .into(),
                });
            }
        }
        if let DataType::Struct(inner) = self.rows
            && inner.columns.is_empty()
        {
            return Err(SourceError::Unreadable {
                problem: format!("rows of type `{}` have no columns", self.rows.name()),
                help: "add fields to the row type, or read plain text with `lines`".into(),
            });
        }
        Ok(Box::new(CsvDecoder::new(file, self.rows, Arc::new(self.options.clone()))))
    }
}

#[cfg(test)]
mod tests;
