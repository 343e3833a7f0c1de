//! CSV into rows.

use super::Options;
use super::columns::{CellError, Columns, HeaderError};
use super::records::{Cell, Pending, Scan, Scanned};
use crate::split::{ByteOrderMark, invalid_utf8};
use pathway_core::io::{BadRow, Decoder, RowReceiver};
use pathway_core::schema::DataType;
use std::sync::Arc;

/// Decodes one file.
#[derive(Debug)]
pub(super) struct CsvDecoder {
    mark: ByteOrderMark,
    scan: Scan,
    pending: Pending,
    rows: Rows,
}

/// What becomes of records.
#[derive(Debug)]
struct Rows {
    file: String,
    rows: DataType,
    options: Arc<Options>,
    state: State,
    /// The line on which the next record starts.
    line: u64,
    row: Vec<u8>,
}

#[derive(Debug)]
enum State {
    /// The first record has not come yet.
    Begin,
    Columns(Columns),
    /// The header was bad and has been rejected, and with it the file.
    Failed,
}

/// A record as it was read, with what a message needs.
struct Record<'a> {
    /// The bytes of the record.
    raw: &'a [u8],
    /// Where its cells lie in the text that is handed over beside it.
    cells: &'a [Cell],
}

impl CsvDecoder {
    pub(super) fn new(file: &str, rows: DataType, options: Arc<Options>) -> Self {
        Self {
            mark: ByteOrderMark::default(),
            scan: Scan::new(&options),
            pending: Pending::new(&options),
            rows: Rows {
                file: file.into(),
                rows,
                options,
                state: State::Begin,
                line: 1,
                row: Vec::new(),
            },
        }
    }

    fn block(&mut self, bytes: &[u8], out: &mut dyn RowReceiver) -> Result<(), Box<BadRow>> {
        let mut at = 0;
        if self.pending.active {
            at = self.feed(bytes, out)?;
        }
        let mut valid = Valid::from(bytes, at);
        while at < bytes.len() {
            match bytes[at] {
                b'\n' => {
                    self.rows.line += 1;
                    at += 1;
                    continue;
                }
                b'\r' => {
                    at += 1;
                    continue;
                }
                _ => {}
            }
            match self.scan.record(bytes, at) {
                Scanned::Record { end, next, lines } => {
                    if end > valid.end() {
                        valid = Valid::from(bytes, at);
                    }
                    let record = Record { raw: &bytes[at..end], cells: &self.scan.cells };
                    if end > valid.end() {
                        self.rows.invalid(&record, bytes, out)?;
                    } else {
                        self.rows.record(&record, valid.text, valid.start, out)?;
                    }
                    self.rows.line += lines;
                    at = next;
                }
                Scanned::Other => at += self.feed(&bytes[at..], out)?,
            }
        }
        Ok(())
    }

    /// Goes on with a record that does not lie in one piece, and answers how many bytes it took.
    fn feed(&mut self, bytes: &[u8], out: &mut dyn RowReceiver) -> Result<usize, Box<BadRow>> {
        let Some(taken) = self.pending.feed(bytes) else { return Ok(bytes.len()) };
        self.end_pending(out)?;
        Ok(taken)
    }

    fn end_pending(&mut self, out: &mut dyn RowReceiver) -> Result<(), Box<BadRow>> {
        let text = self.pending.cells(&mut self.scan.cells);
        let record = Record { raw: self.pending.record(), cells: &self.scan.cells };
        if self.pending.too_long {
            self.rows.too_long(record.raw, out)?;
        } else {
            match std::str::from_utf8(text) {
                Ok(text) => self.rows.record(&record, text, 0, out)?,
                Err(_) => self.rows.invalid(&record, text, out)?,
            }
        }
        self.rows.line += self.pending.lines;
        self.pending.clear();
        Ok(())
    }
}

impl Decoder for CsvDecoder {
    fn decode(&mut self, bytes: &[u8], rows: &mut dyn RowReceiver) -> Result<(), Box<BadRow>> {
        let (held, bytes) = self.mark.strip(bytes);
        self.block(held, rows)?;
        self.block(bytes, rows)
    }

    fn finish(&mut self, rows: &mut dyn RowReceiver) -> Result<(), Box<BadRow>> {
        let held = self.mark.finish();
        self.block(held, rows)?;
        if !self.pending.active {
            return Ok(());
        }
        // The end of a line ends the last record, unless it stands within quotes.
        if self.pending.feed(b"\n").is_some() {
            return self.end_pending(rows);
        }
        let raw = self.pending.record();
        self.rows.unclosed(raw, rows)?;
        self.pending.clear();
        Ok(())
    }
}

/// A stretch of a block that is text. Checking a whole block at once is several times faster than
/// checking each record.
struct Valid<'a> {
    start: usize,
    text: &'a str,
}

impl<'a> Valid<'a> {
    fn from(bytes: &'a [u8], start: usize) -> Self {
        let rest = &bytes[start..];
        let text = match std::str::from_utf8(rest) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(&rest[..error.valid_up_to()]).unwrap_or_default(),
        };
        Self { start, text }
    }

    fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

impl Rows {
    /// Takes a record; its cells count from `start` before the text.
    #[inline]
    fn record(
        &mut self,
        record: &Record<'_>,
        text: &str,
        start: usize,
        out: &mut dyn RowReceiver,
    ) -> Result<(), Box<BadRow>> {
        if record.raw.len() > self.options.record_bytes_max {
            return self.too_long(record.raw, out);
        }
        let columns = match &self.state {
            State::Columns(columns) => columns,
            State::Failed => return Ok(()),
            State::Begin => return self.begin(record, text, start, out),
        };
        if record.cells.len() != columns.cells {
            return self.wrong_count(record, columns.cells, out);
        }
        self.row.clear();
        match columns.encode(text, start, record.cells, &mut self.row) {
            Ok(()) => {
                out.update(&self.row, 1);
                Ok(())
            }
            Err(error) => self.bad_cell(record, text, start, error, out),
        }
    }

    #[cold]
    fn begin(
        &mut self,
        record: &Record<'_>,
        text: &str,
        start: usize,
        out: &mut dyn RowReceiver,
    ) -> Result<(), Box<BadRow>> {
        let cells = record.cells.iter().map(|&(from, to)| &text[from - start..to - start]);
        match Columns::new(self.rows, &self.options, cells) {
            Ok(columns) => {
                self.state = State::Columns(columns);
                if self.options.header { Ok(()) } else { self.record(record, text, start, out) }
            }
            Err(HeaderError { column, problem }) => {
                self.state = State::Failed;
                let text = String::new();
                self.reject(record.raw, Some(column), text, problem, out)
            }
        }
    }

    #[cold]
    fn bad_cell(
        &self,
        record: &Record<'_>,
        text: &str,
        start: usize,
        error: CellError,
        out: &mut dyn RowReceiver,
    ) -> Result<(), Box<BadRow>> {
        let (from, to) = record.cells[error.cell];
        let text = text[from - start..to - start].into();
        self.reject(record.raw, Some(error.column), text, error.problem, out)
    }

    #[cold]
    fn wrong_count(
        &self,
        record: &Record<'_>,
        expected: usize,
        out: &mut dyn RowReceiver,
    ) -> Result<(), Box<BadRow>> {
        let found = record.cells.len();
        let first = if self.options.header { "header" } else { "first record" };
        let problem = format!("the record has {found} cells, the {first} has {expected}");
        let text = String::from_utf8_lossy(record.raw).into_owned();
        self.reject(record.raw, None, text, problem, out)
    }

    /// Rejects a record with bytes that are no text; the cells lie in `text`.
    #[cold]
    fn invalid(
        &mut self,
        record: &Record<'_>,
        text: &[u8],
        out: &mut dyn RowReceiver,
    ) -> Result<(), Box<BadRow>> {
        let cell = record
            .cells
            .iter()
            .position(|&(start, end)| std::str::from_utf8(&text[start..end]).is_err());
        let column = match (&self.state, cell) {
            (State::Columns(columns), Some(cell)) => columns.name_of(cell),
            (State::Failed, _) => return Ok(()),
            _ => None,
        };
        let problem = match invalid_utf8(record.raw) {
            Some((_, problem)) => problem,
            None => "invalid UTF-8".into(),
        };
        let (start, end) = cell.map_or((0, 0), |cell| record.cells[cell]);
        let text = String::from_utf8_lossy(&text[start..end]).into_owned();
        self.reject_first(record.raw, column, text, problem, out)
    }

    #[cold]
    fn too_long(&mut self, raw: &[u8], out: &mut dyn RowReceiver) -> Result<(), Box<BadRow>> {
        let bytes_max = self.options.record_bytes_max;
        let problem = format!(
            "the record is longer than {bytes_max} bytes; if no quote is missing, raise \
             `record_bytes_max`"
        );
        let raw = &raw[..raw.len().min(bytes_max)];
        let text = String::from_utf8_lossy(raw).into_owned();
        self.reject_first(raw, None, text, problem, out)
    }

    #[cold]
    fn unclosed(&mut self, raw: &[u8], out: &mut dyn RowReceiver) -> Result<(), Box<BadRow>> {
        let text = String::from_utf8_lossy(raw).into_owned();
        let problem = "a quote is never closed, up to the end of the file".into();
        self.reject_first(raw, None, text, problem, out)
    }

    /// Rejects a record that may be the header, and then the file with it.
    fn reject_first(
        &mut self,
        raw: &[u8],
        column: Option<&str>,
        text: String,
        problem: String,
        out: &mut dyn RowReceiver,
    ) -> Result<(), Box<BadRow>> {
        match self.state {
            State::Failed => return Ok(()),
            State::Begin if self.options.header => self.state = State::Failed,
            State::Begin | State::Columns(_) => {}
        }
        self.reject(raw, column, text, problem, out)
    }

    fn reject(
        &self,
        raw: &[u8],
        column: Option<&str>,
        text: String,
        problem: String,
        out: &mut dyn RowReceiver,
    ) -> Result<(), Box<BadRow>> {
        out.reject(BadRow {
            source: self.file.clone(),
            line: self.line,
            column: column.map(Into::into),
            text,
            problem,
            record: String::from_utf8_lossy(raw).into_owned(),
        })
    }
}
