//! Rows into JSON Lines.

use crate::output::{Change, Encoder, FileOptions, Wanted, open_file};
use pathway_core::format::json::{write_json, write_string};
use pathway_core::format::table::{for_each_cell, row_columns};
use pathway_core::io::{CollectionKind, Delivery, Sink, SinkError, SinkWriter};
use pathway_core::schema::DataType;
use std::path::PathBuf;

/// Writes rows to a file of JSON Lines.
///
/// A `Table` is written as it stands: the file is replaced as a whole, at most once a second and
/// at the end of the run, so that a reader never sees half of it. A `Stream` is appended to a new
/// file, whole lines only, as epochs close; where a run fails, the file ends with the rows of the
/// last epoch that was written. See [`JsonlFile::changes`] and [`JsonlFile::current`] for the
/// other forms.
pub fn file(path: impl Into<PathBuf>) -> JsonlFile {
    JsonlFile { path: path.into(), wanted: Wanted::default() }
}

/// A sink of rows as JSON Lines; see [`file()`].
#[derive(Clone, Debug)]
#[must_use = "a sink does nothing until a table is written to it"]
pub struct JsonlFile {
    path: PathBuf,
    wanted: Wanted,
}

impl JsonlFile {
    /// Writes every update instead of the rows: objects with `epoch` and `diff` as last fields.
    ///
    /// A plain value is then the field `value`, and the parts of a tuple are `0`, `1` and so on.
    pub fn changes(mut self) -> Self {
        self.wanted = Wanted::Changes;
        self
    }

    /// Writes the rows as they stand, also those of a `Stream`.
    pub fn current(mut self) -> Self {
        self.wanted = Wanted::Current;
        self
    }
}

impl JsonlFile {
    fn open_at(
        self,
        rows: DataType,
        kind: CollectionKind,
        state: Option<&[u8]>,
    ) -> Result<Box<dyn SinkWriter>, SinkError> {
        let label = self.label();
        let names = row_columns(rows).into_iter().map(|column| column.name).collect();
        let options = FileOptions { path: self.path, label, wanted: self.wanted };
        open_file(options, rows, kind, JsonlEncoder { rows, names }, state)
    }
}

impl Sink for JsonlFile {
    fn open(
        self: Box<Self>,
        rows: DataType,
        kind: CollectionKind,
    ) -> Result<Box<dyn SinkWriter>, SinkError> {
        self.open_at(rows, kind, None)
    }

    fn reopen(
        self: Box<Self>,
        rows: DataType,
        kind: CollectionKind,
        state: &[u8],
    ) -> Result<Box<dyn SinkWriter>, SinkError> {
        self.open_at(rows, kind, Some(state))
    }

    fn fingerprint(&self) -> String {
        format!("{} {:?}", self.label(), self.wanted)
    }

    fn delivery(&self) -> Delivery {
        Delivery::ExactlyOnce
    }

    fn label(&self) -> String {
        format!("jsonl `{}`", self.path.display())
    }
}

struct JsonlEncoder {
    rows: DataType,
    names: Vec<&'static str>,
}

impl Encoder for JsonlEncoder {
    fn begin(&mut self, _changes: bool, _out: &mut String) {}

    fn row(&mut self, row: &[u8], change: Option<Change>, out: &mut String) {
        match change {
            None => write_json(self.rows, &mut &*row, out),
            Some(change) => self.change(row, change, out),
        }
        out.push('\n');
    }
}

impl JsonlEncoder {
    fn change(&self, row: &[u8], Change { epoch, diff }: Change, out: &mut String) {
        out.push('{');
        let mut names = self.names.iter();
        for_each_cell(self.rows, row, |data_type, value| {
            write_string(names.next().expect("a cell for each column"), out);
            out.push(':');
            match value {
                None => out.push_str("null"),
                Some(input) => write_json(data_type, input, out),
            }
            out.push(',');
        });
        out.push_str(&format!("\"epoch\":{epoch},\"diff\":{diff}}}"));
    }
}
