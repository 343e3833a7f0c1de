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

    /// Goes on where an earlier run of a durable pipeline was, as [`SinkWriter::save`] described
    /// it; from the beginning if `state` is empty. What follows is what followed then: the epochs
    /// behind that state are written again, each with the same updates, and those that are out
    /// already must not come out twice.
    ///
    /// A sink that [delivers exactly once](Self::delivery) implements it, and so may any that has a
    /// state. Those that save nothing are opened anew, and are not given again what they are known
    /// to have taken.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open), and where what was written is not there any more.
    fn reopen(
        self: Box<Self>,
        rows: DataType,
        kind: CollectionKind,
        _state: &[u8],
    ) -> Result<Box<dyn SinkWriter>, SinkError> {
        self.open(rows, kind)
    }

    /// How often the outside sees each epoch of a durable pipeline when a run was killed.
    fn delivery(&self) -> Delivery {
        Delivery::AtLeastOnce
    }

    /// What the plan and the progress display call this sink, such as ``jsonl `out.jsonl` ``.
    fn label(&self) -> String;

    /// What tells this sink from one that would write something else: what it has written is gone
    /// on with only by a sink with the same fingerprint. By default its label.
    fn fingerprint(&self) -> String {
        self.label()
    }

    /// What the sink wants of an epoch's updates.
    fn wants(&self) -> Wanted {
        Wanted::Sorted
    }
}

/// How often the outside sees an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Once, whenever and however often the run was killed.
    ExactlyOnce,
    /// At least once: an epoch may come again that was being delivered when the run was killed.
    AtLeastOnce,
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

    /// Brings what has been written to where it survives the loss of power, and appends what
    /// [`Sink::reopen`] needs to go on from here. Called for a checkpoint of a durable pipeline.
    ///
    /// # Errors
    ///
    /// Any failure; it stops the run.
    fn save(&mut self, _state: &mut Vec<u8>) -> Result<(), SinkError> {
        self.flush()
    }

    /// As [`save`](Self::save), for ends in this process.
    #[doc(hidden)]
    fn saved(&self, _state: &mut Vec<u8>) {}

    /// As [`Sink::reopen`], for ends in this process.
    #[doc(hidden)]
    fn restore(&mut self, _state: &[u8]) {}

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
