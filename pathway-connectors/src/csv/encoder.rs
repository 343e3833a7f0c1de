//! Rows into CSV.

use crate::output::{Change, Encoder, FileOptions, Wanted, open_file};
use pathway_core::format::table::{for_each_cell, row_columns};
use pathway_core::format::text;
use pathway_core::io::{CollectionKind, Delivery, Sink, SinkError, SinkWriter};
use pathway_core::schema::DataType;
use std::path::PathBuf;

/// Writes rows to a CSV file.
///
/// A `Table` is written as it stands: the file is replaced as a whole, at most once a second and
/// at the end of the run, so that a reader never sees half of it. A `Stream` is appended to a new
/// file, whole lines only, as epochs close; where a run fails, the file ends with the rows of the
/// last epoch that was written. See [`CsvFile::changes`] and [`CsvFile::current`] for the other
/// forms.
pub fn file(path: impl Into<PathBuf>) -> CsvFile {
    CsvFile {
        path: path.into(),
        wanted: Wanted::default(),
        options: Options { delimiter: b',', header: true, null: String::new() },
    }
}

/// A sink of rows as CSV; see [`file()`].
#[derive(Clone, Debug)]
#[must_use = "a sink does nothing until a table is written to it"]
pub struct CsvFile {
    path: PathBuf,
    wanted: Wanted,
    options: Options,
}

#[derive(Clone, Debug)]
struct Options {
    delimiter: u8,
    header: bool,
    null: String,
}

impl CsvFile {
    /// Writes every update instead of the rows, with its `epoch` and its `diff` as last columns.
    pub fn changes(mut self) -> Self {
        self.wanted = Wanted::Changes;
        self
    }

    /// Writes the rows as they stand, also those of a `Stream`.
    pub fn current(mut self) -> Self {
        self.wanted = Wanted::Current;
        self
    }

    /// What stands between cells. Default: a comma.
    pub fn delimiter(mut self, delimiter: u8) -> Self {
        self.options.delimiter = delimiter;
        self
    }

    /// Leaves out the line of names.
    pub fn no_header(mut self) -> Self {
        self.options.header = false;
        self
    }

    /// What is written for null, such as `NA`. Default: an empty cell.
    pub fn null(mut self, text: impl Into<String>) -> Self {
        self.options.null = text.into();
        self
    }
}

impl CsvFile {
    fn open_at(
        self,
        rows: DataType,
        kind: CollectionKind,
        state: Option<&[u8]>,
    ) -> Result<Box<dyn SinkWriter>, SinkError> {
        let label = self.label();
        if row_columns(rows).is_empty() {
            return Err(SinkError::Unwritable {
                problem: format!("rows of type `{}` have no columns to write as CSV", rows.name()),
                help: "select at least one column".into(),
            });
        }
        if !self.options.delimiter.is_ascii()
            || matches!(self.options.delimiter, b'"' | b'\n' | b'\r')
        {
            return Err(SinkError::Unwritable {
                problem: format!(
                    "`{}` cannot be the delimiter of CSV",
                    self.options.delimiter.escape_ascii()
                ),
                help: "choose an ASCII character that is no quote and ends no line".into(),
            });
        }
        let encoder = CsvEncoder { rows, options: self.options, cell: String::new() };
        let options = FileOptions { path: self.path, label, wanted: self.wanted };
        open_file(options, rows, kind, encoder, state)
    }
}

impl Sink for CsvFile {
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
        format!("{} {:?} {:?}", self.label(), self.wanted, self.options)
    }

    fn delivery(&self) -> Delivery {
        Delivery::ExactlyOnce
    }

    fn label(&self) -> String {
        format!("csv `{}`", self.path.display())
    }
}

struct CsvEncoder {
    rows: DataType,
    options: Options,
    cell: String,
}

impl CsvEncoder {
    fn end_line(&self, start: usize, change: Option<Change>, out: &mut String) {
        if let Some(Change { epoch, diff }) = change {
            let delimiter = char::from(self.options.delimiter);
            out.push_str(&format!("{delimiter}{epoch}{delimiter}{diff}"));
        }
        // An empty line would be no record at all.
        if out.len() == start {
            out.push_str("\"\"");
        }
        out.push('\n');
    }
}

impl Encoder for CsvEncoder {
    fn begin(&mut self, changes: bool, out: &mut String) {
        if !self.options.header {
            return;
        }
        let names = row_columns(self.rows).into_iter().map(|column| column.name);
        let names = names.chain(if changes { &["epoch", "diff"][..] } else { &[] }.iter().copied());
        for (at, name) in names.enumerate() {
            if at > 0 {
                out.push(char::from(self.options.delimiter));
            }
            put_cell(self.options.delimiter, name, out);
        }
        out.push('\n');
    }

    fn row(&mut self, row: &[u8], change: Option<Change>, out: &mut String) {
        let start = out.len();
        let mut first = true;
        let Self { rows, options, cell } = self;
        for_each_cell(*rows, row, |data_type, value| {
            if !std::mem::take(&mut first) {
                out.push(char::from(options.delimiter));
            }
            match value {
                None => put_cell(options.delimiter, &options.null, out),
                Some(input) => {
                    cell.clear();
                    text::write(data_type, input, cell);
                    put_cell(options.delimiter, cell, out);
                }
            }
        });
        self.end_line(start, change, out);
    }
}

/// Quotes a cell if it would be read as something else.
fn put_cell(delimiter: u8, cell: &str, out: &mut String) {
    let special = |byte| byte == delimiter || matches!(byte, b'"' | b'\n' | b'\r');
    if !cell.bytes().any(special) {
        out.push_str(cell);
        return;
    }
    out.push('"');
    for (at, part) in cell.split('"').enumerate() {
        if at > 0 {
            out.push_str("\"\"");
        }
        out.push_str(part);
    }
    out.push('"');
}
