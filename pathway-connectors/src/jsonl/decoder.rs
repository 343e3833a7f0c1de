//! JSON Lines into rows.

use crate::split::{Line, LineSplitter, invalid_utf8};
use pathway_core::format::json::{JsonError, JsonParser};
use pathway_core::io::{BadRow, Decoder, RowReceiver};
use pathway_core::schema::DataType;

/// Decodes one file.
#[derive(Debug)]
pub(super) struct JsonlDecoder {
    splitter: LineSplitter,
    rows: Rows,
}

#[derive(Debug)]
struct Rows {
    file: String,
    rows: DataType,
    parser: JsonParser,
    row: Vec<u8>,
    record_bytes_max: usize,
}

impl JsonlDecoder {
    pub(super) fn new(file: &str, rows: DataType, record_bytes_max: usize) -> Self {
        Self {
            splitter: LineSplitter::new(record_bytes_max),
            rows: Rows {
                file: file.into(),
                rows,
                parser: JsonParser::new(),
                row: Vec::new(),
                record_bytes_max,
            },
        }
    }
}

impl Decoder for JsonlDecoder {
    fn decode(&mut self, bytes: &[u8], rows: &mut dyn RowReceiver) -> Result<(), Box<BadRow>> {
        self.splitter.split(bytes, |line| self.rows.line(line, rows))
    }

    fn finish(&mut self, rows: &mut dyn RowReceiver) -> Result<(), Box<BadRow>> {
        self.splitter.finish(|line| self.rows.line(line, rows))
    }
}

impl Rows {
    fn line(&mut self, line: Line<'_>, out: &mut dyn RowReceiver) -> Result<(), Box<BadRow>> {
        if line.too_long {
            let problem = format!(
                "the line is longer than {} bytes; if it is right, raise `record_bytes_max`",
                self.record_bytes_max
            );
            return self.reject(line, None, None, problem, out);
        }
        self.row.clear();
        if self.parser.parse_plain(self.rows, line.bytes, &mut self.row) {
            out.update(&self.row, 1);
            return Ok(());
        }
        let text = match std::str::from_utf8(line.bytes) {
            Ok(text) => text,
            Err(error) => {
                let problem = invalid_utf8(line.bytes)
                    .map_or_else(|| error.to_string(), |(_, problem)| problem);
                return self.reject(line, None, None, problem, out);
            }
        };
        // The blanks of JSON; a line of other blanks is a mistake.
        if text.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\r')) {
            return Ok(());
        }
        match self.parser.parse(self.rows, text, &mut self.row) {
            Ok(()) => {
                out.update(&self.row, 1);
                Ok(())
            }
            Err(JsonError { path, text, problem }) => {
                let column = (!path.is_empty()).then_some(path);
                self.reject(line, column, Some(text), problem, out)
            }
        }
    }

    /// Rejects a line; without a text the line itself is quoted.
    #[cold]
    fn reject(
        &self,
        line: Line<'_>,
        column: Option<String>,
        text: Option<String>,
        problem: String,
        out: &mut dyn RowReceiver,
    ) -> Result<(), Box<BadRow>> {
        let record = String::from_utf8_lossy(line.bytes).into_owned();
        out.reject(BadRow {
            source: self.file.clone(),
            line: line.number,
            column,
            text: text.unwrap_or_else(|| record.clone()),
            problem,
            record,
        })
    }
}
