//! Rows on standard output, as a table for people: [`table`].

use crate::output::{Form, Wanted};
use pathway_core::format::table::TextTable;
use pathway_core::io::{
    CollectionKind, CurrentState, Sink, SinkError, SinkWriter, Updates, terminal,
};
use pathway_core::schema::DataType;
use std::fmt;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// How long a printed state stands at least.
const PUBLISH_INTERVAL: Duration = Duration::from_secs(1);

/// Prints rows as an aligned table.
///
/// A `Table` is printed as it stands, at most once a second and at the end of the run; a terminal
/// shows the new state in place of the old one. The rows of a `Stream` are printed as they come.
pub fn table() -> StdoutTable {
    let stdout = std::io::stdout();
    let redraw = stdout.is_terminal();
    StdoutTable { out: Box::new(stdout), redraw, wanted: Wanted::default(), rows_max: 40 }
}

/// A sink that prints; see [`table`].
#[must_use = "a sink does nothing until a table is written to it"]
pub struct StdoutTable {
    out: Box<dyn Write + Send>,
    redraw: bool,
    wanted: Wanted,
    rows_max: usize,
}

impl fmt::Debug for StdoutTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StdoutTable").field("wanted", &self.wanted).finish_non_exhaustive()
    }
}

impl StdoutTable {
    /// Prints every update instead of the rows, with its `epoch` and its `diff` as last columns.
    pub fn changes(mut self) -> Self {
        self.wanted = Wanted::Changes;
        self
    }

    /// Prints the rows as they stand, also those of a `Stream`.
    pub fn current(mut self) -> Self {
        self.wanted = Wanted::Current;
        self
    }

    /// The most rows of a state that are printed; a last line counts the others. Default: 40.
    pub fn rows_max(mut self, rows: usize) -> Self {
        self.rows_max = rows;
        self
    }
}

impl Sink for StdoutTable {
    fn open(
        self: Box<Self>,
        rows: DataType,
        kind: CollectionKind,
    ) -> Result<Box<dyn SinkWriter>, SinkError> {
        let form = self.wanted.form(rows, kind, "standard output")?;
        let mut table = TextTable::of(rows);
        Ok(match form {
            Form::Current => Box::new(self.current_at(rows)),
            Form::Appended | Form::Changes => {
                let changes = form == Form::Changes;
                if changes {
                    table.column("epoch", true);
                    table.column("diff", true);
                }
                Box::new(Appended { out: self.out, rows, table, changes, header: false })
            }
        })
    }

    /// What has been printed is gone; what is printed next are the rows as they stand.
    fn reopen(
        self: Box<Self>,
        rows: DataType,
        kind: CollectionKind,
        mut state: &[u8],
    ) -> Result<Box<dyn SinkWriter>, SinkError> {
        let is_current = self.wanted.form(rows, kind, "standard output")? == Form::Current;
        if !is_current || state.is_empty() {
            return self.open(rows, kind);
        }
        let mut current = self.current_at(rows);
        current.state.load(&mut state);
        current.changed = true;
        Ok(Box::new(current))
    }

    fn label(&self) -> String {
        "stdout".into()
    }

    fn fingerprint(&self) -> String {
        format!("stdout {:?}", self.wanted)
    }
}

impl StdoutTable {
    fn current_at(self, rows: DataType) -> Current {
        let Self { out, redraw, rows_max, .. } = self;
        Current {
            out,
            rows,
            state: CurrentState::new(rows),
            redraw,
            rows_max,
            lines: 0,
            changed: false,
            printed: None,
        }
    }
}

/// Prints what comes: the names once, then rows.
struct Appended {
    out: Box<dyn Write + Send>,
    rows: DataType,
    table: TextTable,
    changes: bool,
    /// Whether the names have been printed.
    header: bool,
}

impl SinkWriter for Appended {
    fn write(&mut self, epoch: u64, updates: &Updates) -> Result<(), SinkError> {
        for (row, diff) in updates.iter() {
            if self.changes {
                let change = [epoch.to_string(), format!("{diff:+}")];
                self.table.push_row(self.rows, row, &change);
            } else {
                for _ in 0..diff {
                    self.table.push_row(self.rows, row, &[]);
                }
            }
        }
        let mut text = String::new();
        if !std::mem::replace(&mut self.header, true) {
            self.table.write_header(&mut text);
        }
        self.table.write_rows(&mut text);
        self.table.clear();
        print(&mut *self.out, &text)
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        let mut text = String::new();
        if !std::mem::replace(&mut self.header, true) {
            self.table.write_header(&mut text);
        }
        print(&mut *self.out, &text)
    }
}

/// Prints states, the next in place of the last where that is possible.
struct Current {
    out: Box<dyn Write + Send>,
    rows: DataType,
    state: CurrentState,
    redraw: bool,
    rows_max: usize,
    /// How many lines the last state took.
    lines: usize,
    changed: bool,
    printed: Option<Instant>,
}

impl Current {
    fn publish(&mut self) -> Result<(), SinkError> {
        let mut table = TextTable::of(self.rows);
        let full = self.state.for_each(|row| {
            if table.len() == self.rows_max {
                return Err(());
            }
            table.push_row(self.rows, row, &[]);
            Ok(())
        });
        let mut text = String::new();
        if self.lines > 0 {
            if self.redraw {
                // Up to the first line of the last state, and clear what is below.
                text.push_str(&format!("\x1b[{}A\x1b[J", self.lines));
            } else {
                text.push('\n');
            }
        }
        text.push_str(&table.to_string());
        if full.is_err() {
            let more = self.state.len() - table.len();
            text.push_str(&format!("… and {more} more rows\n"));
        }
        self.lines = text.lines().count();
        self.changed = false;
        self.printed = Some(Instant::now());
        print(&mut *self.out, &text)
    }
}

impl SinkWriter for Current {
    fn write(&mut self, _epoch: u64, updates: &Updates) -> Result<(), SinkError> {
        self.state.apply(updates);
        self.changed = true;
        Ok(())
    }

    fn save(&mut self, state: &mut Vec<u8>) -> Result<(), SinkError> {
        self.state.save(state);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        let due = self.printed.is_none_or(|printed| printed.elapsed() >= PUBLISH_INTERVAL);
        if self.changed && due { self.publish() } else { Ok(()) }
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        if self.changed || self.printed.is_none() { self.publish() } else { Ok(()) }
    }
}

fn print(out: &mut (dyn Write + Send), text: &str) -> Result<(), SinkError> {
    terminal::print(|| out.write_all(text.as_bytes()).and_then(|()| out.flush()))
        .map_err(|error| SinkError::Io { action: "write", path: "standard output".into(), error })
}

#[cfg(test)]
mod tests;
