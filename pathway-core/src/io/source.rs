//! The contract of sources.
//!
//! A source is two halves. The [`Reader`] runs on a thread of its own and fetches *bytes*: it may
//! block. It hands them, through the bounded queue of a [`SourceWriter`], to a worker, where the
//! [`Decoder`] of that partition turns them into encoded rows without blocking. So the reading
//! overlaps with the work, and the parsing is part of the first stage.
//!
//! ```text
//!  reader thread                         worker thread
//!  ┌────────────┐  SourceEvent  ┌─────────────────────────────────┐
//!  │ Reader::run│ ────────────▶ │ Decoder::decode ─▶ RowReceiver  │──▶ first stage
//!  └────────────┘  (bounded)    └─────────────────────────────────┘
//! ```
//!
//! A source is divided into partitions (a file, a topic's partition, a queue); the rows of one
//! partition stay in order and are decoded by one worker.

use super::AnyRows;
use crate::schema::{ColumnType, DataType, RowDecoder, RowEncoder, Schema, StructKind, StructType};
use std::fmt;
use std::sync::Arc;

/// Fetches the bytes of a source.
pub trait Reader: Send + Sync {
    /// Reads until the input ends or [`SourceWriter`] says that the run has stopped.
    ///
    /// Called once, on a thread of its own. It may start further threads with clones of `out`
    /// (within [`std::thread::scope`], so that none is left behind).
    ///
    /// # Errors
    ///
    /// Any failure that cannot be retried. [`Stopped`] converts into a `SourceError` that the
    /// runtime recognises, so `?` on the writer's methods ends the reader quietly.
    fn run(&self, out: &SourceWriter) -> Result<(), SourceError>;

    /// What the plan and the progress display call this source, such as ``csv `flights/*.csv` ``.
    fn label(&self) -> String;

    /// Whether the input ends by itself.
    fn bounded(&self) -> bool;

    /// Takes the writer instead of a thread, for sources that are pushed to from elsewhere;
    /// answers whether it did. Such a source ends with [`SourceWriter::finish`].
    #[doc(hidden)]
    fn attach(&self, _out: &SourceWriter) -> bool {
        false
    }

    /// Whether the rows mostly come as what they are, rather than as bytes: consumers then take
    /// columns from the typed rows.
    #[doc(hidden)]
    fn typed(&self) -> bool {
        false
    }

    /// What tells this reader from one that would read something else: a durable pipeline goes on
    /// with a reader of the same fingerprint. By default its label.
    fn fingerprint(&self) -> String {
        self.label()
    }

    /// Whether another run's reader begins where this one began and sends the same rows again, as
    /// one of files does. A durable pipeline then passes by what it has read before, and checks
    /// that it is the same. Otherwise what a reader sends after a restart is new.
    fn repeats(&self) -> bool {
        false
    }

    /// Whether the reader has to know, when a durable pipeline goes on, which rows are there.
    #[doc(hidden)]
    fn wants_contents(&self) -> bool {
        false
    }

    /// Takes the rows that are there, with their copies, before the run begins.
    ///
    /// # Errors
    ///
    /// What has been done that would have needed them before.
    #[doc(hidden)]
    fn restore(&self, _rows: &mut dyn Iterator<Item = (&[u8], i64)>) -> Result<(), SourceError> {
        Ok(())
    }

    /// Notes that the source has ended in an earlier run of a durable pipeline.
    #[doc(hidden)]
    fn refuse(&self) {}

    /// About how many bytes there are to read, where that is known before reading.
    ///
    /// Bounded sources are read smallest first, so that the small side of a join is complete
    /// before the large one arrives.
    fn size_hint(&self) -> Option<u64> {
        None
    }
}

/// Turns the bytes of one partition into rows.
pub trait Decoder: Send {
    /// Decodes a block of bytes. Records may span blocks; the decoder keeps what is incomplete.
    ///
    /// # Errors
    ///
    /// What [`RowReceiver::reject`] returns, passed on.
    fn decode(&mut self, bytes: &[u8], rows: &mut dyn RowReceiver) -> Result<(), Box<BadRow>>;

    /// Ends the partition: what is left is the last record, or an error.
    ///
    /// # Errors
    ///
    /// As for [`decode`](Self::decode).
    fn finish(&mut self, rows: &mut dyn RowReceiver) -> Result<(), Box<BadRow>>;
}

/// Receives rows from a [`Decoder`].
pub trait RowReceiver {
    /// Takes one row, encoded as the source's row type says, with its multiplicity.
    fn update(&mut self, row: &[u8], diff: i64);

    /// Takes a record that is no row. Where the program takes the source's error stream, the row
    /// goes there and decoding goes on.
    ///
    /// # Errors
    ///
    /// The bad row itself, where it is to stop the run. Pass it on.
    fn reject(&mut self, bad: BadRow) -> Result<(), Box<BadRow>>;
}

/// A record of a source that could not become a row: where it stood, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRow {
    /// The source, to a person: a file's path, a topic and partition.
    pub source: String,
    /// The line on which the record starts, counted from 1; 0 where there are no lines.
    pub line: u64,
    /// The name of the column, where one is to blame.
    pub column: Option<String>,
    /// The offending text: the cell, or the start of the record.
    pub text: String,
    /// What was expected, and what to do: `expected f64`.
    pub problem: String,
    /// The whole record as it was read, as far as it is text.
    pub record: String,
}

impl BadRow {
    /// The most characters of offending text that a message quotes.
    pub const QUOTED_CHARS_MAX: usize = 60;

    /// Shortens text to what a message may quote.
    pub fn shorten(text: &str) -> String {
        let mut chars = text.chars();
        let head: String = chars.by_ref().take(Self::QUOTED_CHARS_MAX).collect();
        if chars.next().is_some() { format!("{head}…") } else { head }
    }
}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.source)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        if let Some(column) = &self.column {
            write!(f, ", column `{column}`")?;
        }
        write!(f, ": {}", self.problem)?;
        if !self.text.is_empty() {
            write!(f, ", found `{}`", Self::shorten(&self.text))?;
        }
        Ok(())
    }
}

impl std::error::Error for BadRow {}

impl Schema for BadRow {
    type OrNull = Option<Self>;

    fn data_type() -> DataType {
        DataType::Struct(
            const {
                &StructType {
                    name: "BadRow",
                    kind: StructKind::Named,
                    columns: &[
                        ColumnType::of::<String>("source"),
                        ColumnType::of::<u64>("line"),
                        ColumnType::of::<Option<String>>("column"),
                        ColumnType::of::<String>("text"),
                        ColumnType::of::<String>("problem"),
                        ColumnType::of::<String>("record"),
                    ],
                }
            },
        )
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let mut row = RowEncoder::new(out, 1);
        self.source.encode_column(&mut row);
        self.line.encode_column(&mut row);
        self.column.encode_column(&mut row);
        self.text.encode_column(&mut row);
        self.problem.encode_column(&mut row);
        self.record.encode_column(&mut row);
    }

    fn decode(input: &mut &[u8]) -> Self {
        let mut row = RowDecoder::new(input, 1);
        Self {
            source: Schema::decode_column(&mut row),
            line: Schema::decode_column(&mut row),
            column: Schema::decode_column(&mut row),
            text: Schema::decode_column(&mut row),
            problem: Schema::decode_column(&mut row),
            record: Schema::decode_column(&mut row),
        }
    }
}

/// A failure of a source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The run has stopped; not a failure.
    #[error("the run has stopped")]
    Stopped,
    /// The source cannot be read: what failed, and what to do.
    #[error("{problem}\nhelp: {help}")]
    Unreadable {
        /// What failed, naming the file or the address.
        problem: String,
        /// What to do about it.
        help: String,
    },
    /// An operation of the operating system failed.
    #[error("could not {action} `{path}`: {error}")]
    Io {
        /// The action, as a verb: `open`, `read`, `list`.
        action: &'static str,
        /// The file.
        path: String,
        /// The cause.
        error: std::io::Error,
    },
}

/// The run has stopped, so nobody reads any more.
#[derive(Clone, Copy, Debug)]
pub struct Stopped;

impl From<Stopped> for SourceError {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

/// A partition of one source, in one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionId(pub u32);

/// What a reader tells a worker.
pub enum SourceEvent {
    /// A partition begins.
    Open {
        /// The partition.
        partition: PartitionId,
        /// Its name, to a person.
        label: Arc<str>,
        /// How its bytes become rows.
        decoder: Box<dyn Decoder>,
    },
    /// The next bytes of a partition.
    Data {
        /// The partition.
        partition: PartitionId,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// The next rows of a partition, which need no decoder: this process pushes them.
    #[doc(hidden)]
    Rows {
        /// The partition.
        partition: PartitionId,
        /// The rows.
        rows: Box<dyn AnyRows>,
    },
    /// A partition has ended; its decoder is finished and dropped.
    End {
        /// The partition.
        partition: PartitionId,
    },
    /// What follows, up to [`Commit`](Self::Commit), is one transaction: never split over epochs.
    Begin,
    /// The end of a transaction.
    Commit,
    /// All that was there at the start is in front of this: what
    /// [`SourceWriter::caught_up`] sends.
    #[doc(hidden)]
    CaughtUp,
    /// The rows of this partition are kept, so that [`Open`](Self::Open) for the same partition
    /// again replaces them: the difference of old and new rows is applied at its
    /// [`End`](Self::End). Sent before the first `Open`.
    Keep {
        /// The partition.
        partition: PartitionId,
        /// Its name, to a person, and to the next run of a durable pipeline.
        label: Arc<str>,
    },
    /// A kept partition has disappeared: its rows are retracted.
    Remove {
        /// The partition.
        partition: PartitionId,
    },
}

impl fmt::Debug for SourceEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { partition, label, .. } => write!(f, "Open({partition:?}, {label})"),
            Self::Data { partition, bytes } => write!(f, "Data({partition:?}, {})", bytes.len()),
            Self::Rows { partition, rows } => write!(f, "Rows({partition:?}, {})", rows.count()),
            Self::End { partition } => write!(f, "End({partition:?})"),
            Self::Begin => write!(f, "Begin"),
            Self::Commit => write!(f, "Commit"),
            Self::CaughtUp => write!(f, "CaughtUp"),
            Self::Keep { partition, label } => write!(f, "Keep({partition:?}, {label})"),
            Self::Remove { partition } => write!(f, "Remove({partition:?})"),
        }
    }
}

/// Where a reader puts what it reads: bounded queues to the workers.
///
/// Cheap to clone. Every method blocks while the partition's worker is behind, and answers
/// [`Stopped`] once the run has ended.
#[derive(Clone)]
pub struct SourceWriter {
    port: Arc<dyn SourcePort>,
}

impl fmt::Debug for SourceWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceWriter").finish_non_exhaustive()
    }
}

/// The runtime's side of a [`SourceWriter`].
#[doc(hidden)]
pub trait SourcePort: Send + Sync {
    /// A number for a new partition: that of the one of this name in an earlier run, if there was.
    fn partition(&self, label: &str) -> PartitionId;
    /// Queues events for the worker of that partition, all or none.
    fn send(&self, partition: PartitionId, events: Vec<SourceEvent>) -> Result<(), Stopped>;
    /// Waits, and answers early when the run stops.
    fn sleep(&self, duration: std::time::Duration) -> Result<(), Stopped>;
    /// Notes that all that was there at the start has been sent.
    fn caught_up(&self);
    /// Notes that nothing more will be sent.
    fn end(&self);
}

impl SourceWriter {
    #[doc(hidden)]
    pub fn new(port: Arc<dyn SourcePort>) -> Self {
        Self { port }
    }

    /// Begins a new partition.
    ///
    /// # Errors
    ///
    /// [`Stopped`] when the run has ended; so for all methods.
    pub fn open(&self, label: &str, decoder: Box<dyn Decoder>) -> Result<PartitionId, Stopped> {
        let partition = self.port.partition(label);
        let event = SourceEvent::Open { partition, label: label.into(), decoder };
        self.port.send(partition, vec![event])?;
        Ok(partition)
    }

    /// Hands over the next bytes of a partition.
    ///
    /// # Errors
    ///
    /// [`Stopped`] when the run has ended.
    pub fn send(&self, partition: PartitionId, bytes: Vec<u8>) -> Result<(), Stopped> {
        self.port.send(partition, vec![SourceEvent::Data { partition, bytes }])
    }

    /// Ends a partition.
    ///
    /// # Errors
    ///
    /// [`Stopped`] when the run has ended.
    pub fn end(&self, partition: PartitionId) -> Result<(), Stopped> {
        self.port.send(partition, vec![SourceEvent::End { partition }])
    }

    /// Begins a new partition whose rows are kept, so that they can be replaced or removed. Its
    /// name finds its rows again when a durable pipeline goes on.
    /// Follow it with [`replace`](Self::replace) for its first rows.
    ///
    /// # Errors
    ///
    /// [`Stopped`] when the run has ended.
    pub fn keep(&self, label: &str) -> Result<PartitionId, Stopped> {
        let partition = self.port.partition(label);
        self.port.send(partition, vec![SourceEvent::Keep { partition, label: label.into() }])?;
        Ok(partition)
    }

    /// Begins to replace the rows of a kept partition: what is sent until [`end`](Self::end) is
    /// its new content. The replacement is one transaction.
    ///
    /// # Errors
    ///
    /// [`Stopped`] when the run has ended.
    pub fn replace(
        &self,
        partition: PartitionId,
        label: &str,
        decoder: Box<dyn Decoder>,
    ) -> Result<(), Stopped> {
        let event = SourceEvent::Open { partition, label: label.into(), decoder };
        self.port.send(partition, vec![event])
    }

    /// Retracts all rows of a kept partition.
    ///
    /// # Errors
    ///
    /// [`Stopped`] when the run has ended.
    pub fn remove(&self, partition: PartitionId) -> Result<(), Stopped> {
        self.port.send(partition, vec![SourceEvent::Remove { partition }])
    }

    /// Queues several events, all or none.
    #[doc(hidden)]
    pub fn send_all(
        &self,
        partition: PartitionId,
        events: Vec<SourceEvent>,
    ) -> Result<(), Stopped> {
        self.port.send(partition, events)
    }

    /// Notes that a live source has sent all that was there when it started. The first epoch is
    /// not closed before every source has said so or has ended, so that a program's first answer
    /// covers what it found.
    pub fn caught_up(&self) {
        self.port.caught_up();
    }

    /// Ends the input of a source without a reader thread.
    #[doc(hidden)]
    pub fn finish(&self) {
        self.port.end();
    }

    /// Waits, and answers early when the run stops.
    ///
    /// # Errors
    ///
    /// [`Stopped`] when the run has ended.
    pub fn sleep(&self, duration: std::time::Duration) -> Result<(), Stopped> {
        self.port.sleep(duration)
    }
}
