//! The contract of sinks.

use super::{CollectionKind, Updates};
use crate::schema::DataType;

/// What a program writes to: `table.write(jsonl::file("out.jsonl"))`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a sink",
    label = "`write` needs a sink, such as `jsonl::file(\"out.jsonl\")`",
    note = "to see changes as they come, use `.subscribe(|epoch, changes| ..)`; to read the current rows, `.view()`; to get them all, `.collect()`"
)]
pub trait Sink: Send + 'static {
    /// Begins to write rows of that type. Called once, when the run starts and before any row.
    ///
    /// # Errors
    ///
    /// What cannot be written: a directory that does not exist, a row type that the format has
    /// no form for.
    fn open(
        self: Box<Self>,
        rows: DataType,
        kind: CollectionKind,
    ) -> Result<Box<dyn SinkWriter>, SinkError>;

    /// What the plan and the progress display call this sink, such as ``jsonl `out.jsonl` ``.
    fn label(&self) -> String;

    /// What the sink wants of an epoch's updates.
    fn wants(&self) -> Wanted {
        Wanted::Sorted
    }
}

/// What a sink wants of the updates of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All, in row order.
    Sorted,
    /// All, in any order: enough for a sink that keeps the current state.
    Unsorted,
    /// None. They are counted, and [`SinkWriter::write`] is never called.
    Nothing,
}

/// A sink that has been opened. It lives on a thread of its own, so it may block.
pub trait SinkWriter: Send {
    /// Takes the updates of one closed epoch: consolidated, never empty, epochs ascending.
    ///
    /// For a sink that [wants](Sink::wants) them sorted, retractions come before insertions, each in row order. The
    /// rows of a `Stream` keep the order of their source, as long as no operator in between has
    /// mixed them by key.
    ///
    /// # Errors
    ///
    /// Any failure; it stops the run.
    fn write(&mut self, epoch: u64, updates: &Updates) -> Result<(), SinkError>;

    /// Called when nothing is waiting, and at least once a second: the place to publish what has
    /// been put off.
    ///
    /// # Errors
    ///
    /// Any failure; it stops the run.
    fn flush(&mut self) -> Result<(), SinkError> {
        Ok(())
    }

    /// Called once after the last epoch of a run that ends well: everything is published.
    /// A run that fails drops the writer without this call, and what was not published must not
    /// look whole.
    ///
    /// # Errors
    ///
    /// Any failure; the run then ends with it.
    fn finish(&mut self) -> Result<(), SinkError> {
        self.flush()
    }
}

/// A failure of a sink.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SinkError {
    /// The sink cannot be written: what failed, and what to do.
    #[error("{problem}\nhelp: {help}")]
    Unwritable {
        /// What failed.
        problem: String,
        /// What to do about it.
        help: String,
    },
    /// An operation of the operating system failed.
    #[error("could not {action} `{path}`: {error}")]
    Io {
        /// The action, as a verb: `create`, `write`, `rename`.
        action: &'static str,
        /// The file.
        path: String,
        /// The cause.
        error: std::io::Error,
    },
}
