//! What can go wrong, for three audiences: mistakes in the program, failures of the run, and bad
//! rows.

use crate::io::{BadRow, SinkError, SourceError};
use crate::persistence::StoreError;
use std::fmt;

/// The result of building or running a pipeline.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a pipeline did not run to its end.
///
/// Its `Debug` form is the message itself, so that `fn main() -> pathway::Result<()>` prints it
/// for people.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The program is wrong; no data has flowed.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The run has failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A row was bad, and the program does not take the error stream it belongs to.
    #[error(transparent)]
    Data(#[from] DataError),
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// As lines of a message.
fn listed(lines: &[String]) -> String {
    lines.iter().map(|line| format!("- {line}")).collect::<Vec<_>>().join("\n")
}

/// A mistake in the program.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Nothing would observe the pipeline.
    #[error(
        "pipeline `{pipeline}` has no sink\n\
         help: end a table in `.write(..)`, `.subscribe(..)` or `.view()`"
    )]
    NoSink {
        /// The pipeline's name.
        pipeline: String,
    },
    /// A pipeline runs once.
    #[error(
        "pipeline `{pipeline}` has been started before\n\
         help: build it again: sinks and inputs belong to one run"
    )]
    Started {
        /// The pipeline's name.
        pipeline: String,
    },
    /// An operator stands in a loop, or takes a table of one, where it may not.
    #[error("{operator} may not use a table of {around}\nhelp: {problem}")]
    Loop {
        /// The operator and its source line.
        operator: String,
        /// The loop and its source line.
        around: String,
        /// Why not, and what to do.
        problem: &'static str,
    },
    /// A setting has no meaning.
    #[error("{setting} is `{value}`, but must be {expected}")]
    Setting {
        /// The setting or variable.
        setting: &'static str,
        /// What it is.
        value: String,
        /// What it must be.
        expected: &'static str,
    },
    /// An argument of a verb has no meaning.
    #[error("`{verb}` at {location} cannot work: {problem}")]
    Argument {
        /// The verb.
        verb: &'static str,
        /// The source line.
        location: String,
        /// What is wrong.
        problem: String,
    },
    /// The store of a durable pipeline could not be opened.
    #[error("could not use the store {store}: {error}")]
    Store {
        /// The store.
        store: String,
        /// The cause.
        error: StoreError,
    },
    /// A store cannot be recorded to, or replayed.
    #[error("could not use the recording {store}: {problem}\nhelp: {help}")]
    Recording {
        /// The store.
        store: String,
        /// What is wrong.
        problem: String,
        /// What to do.
        help: &'static str,
    },
    /// The store belongs to another pipeline.
    #[error(
        "the store {store} is that of the pipeline `{of}`, but this one is `{pipeline}`\n\
         help: give each pipeline a store of its own"
    )]
    OtherPipeline {
        /// The store.
        store: String,
        /// The pipeline that it belongs to.
        of: String,
        /// This pipeline.
        pipeline: String,
    },
    /// The store was written by a run with another number of threads, and cannot be divided anew.
    #[error(
        "the store {store} was written by a run with {of} worker threads, and this one has {threads}; \
         {problem}\n\
         help: run with `PATHWAY_THREADS={of}`, to the end of what is to be made again at least"
    )]
    OtherThreads {
        /// The store.
        store: String,
        /// How many threads wrote it.
        of: usize,
        /// How many this run has.
        threads: usize,
        /// Why it cannot be divided.
        problem: String,
    },
    /// The program is not the one that wrote the store.
    #[error(
        "the store {store} was written by another version of this program:\n{}\n\
         help: to begin anew, give it an empty store, and outputs begin anew, too{}",
        listed(.changes),
        if *.only_code {
            "; if the code computes the same, keep its state by `.assume_unchanged()`"
        } else {
            ""
        }
    )]
    Changed {
        /// The store.
        store: String,
        /// What has changed.
        changes: Vec<String>,
        /// Whether the operators are the same, and only their code has changed.
        only_code: bool,
    },
    /// The store was written by a version of the crate that was never released.
    #[error(
        "the store {store} has version {version} of its form, which no released `pathway` wrote\n\
         help: begin anew with an empty store"
    )]
    OlderStore {
        /// The store.
        store: String,
        /// Its version.
        version: u32,
    },
    /// The store was written by a later version of the crate.
    #[error(
        "the store {store} has version {version} of its form, which is newer than this program\n\
         help: build the program with the version of `pathway` that wrote the store, or a later one"
    )]
    NewerStore {
        /// The store.
        store: String,
        /// Its version.
        version: u32,
    },
    /// The store cannot be gone on from.
    #[error(
        "the store {store} is damaged, and outputs may be ahead of what is left of it:\n{}\n\
         help: bring the store back from a copy, or begin anew with an empty one",
        listed(.problems)
    )]
    DamagedStore {
        /// The store.
        store: String,
        /// What is damaged.
        problems: Vec<String>,
    },
    /// A source could not be opened.
    #[error("could not read {label}: {error}")]
    Source {
        /// The source.
        label: String,
        /// The cause.
        error: SourceError,
    },
    /// A sink could not be opened.
    #[error("could not write {label}: {error}")]
    Sink {
        /// The sink.
        label: String,
        /// The cause.
        error: SinkError,
    },
}

/// A failure of the run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The store of a durable pipeline failed.
    #[error("the store {store} failed: {error}")]
    Store {
        /// The store.
        store: String,
        /// The cause.
        error: StoreError,
    },
    /// A source failed.
    #[error("could not read {label}: {error}")]
    Source {
        /// The source.
        label: String,
        /// The cause.
        error: SourceError,
    },
    /// A sink failed.
    #[error("could not write {label}: {error}")]
    Sink {
        /// The sink.
        label: String,
        /// The cause.
        error: SinkError,
    },
    /// A closure of the program panicked.
    #[error(
        "the closure of {operator} panicked: {message}\n\
         help: return a `Result` from `try_map` to keep bad rows out of the way of good ones"
    )]
    Panic {
        /// The operator and its source line.
        operator: String,
        /// What the panic said.
        message: String,
    },
    /// An operator has no valid result.
    #[error("{operator} has no valid result: {problem}")]
    Operator {
        /// The operator and its source line.
        operator: String,
        /// What is wrong.
        problem: String,
    },
    /// The run was asked to stop while calls were under way that did not end in time.
    #[error(
        "{operator} was stopped while {calls} of its calls were under way\n\
         help: the rows of these calls have no results; allow calls more time by `grace`, or bound \
         them by `timeout`"
    )]
    Unfinished {
        /// The operator and its source line.
        operator: String,
        /// How many calls did not end.
        calls: usize,
    },
    /// A bug of the engine.
    #[error("the engine failed, which is a bug of pathway: {message}")]
    Engine {
        /// What failed.
        message: String,
    },
}

/// A bad row that stopped the run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A record of a source is no row.
    #[error(
        "{bad}\n\
         help: mend the input, or take bad rows as a stream of their own: \
         `let (rows, bad) = app.read(source.or_errors());`"
    )]
    BadRow {
        /// Where, and what is wrong.
        bad: Box<BadRow>,
    },
    /// A fallible step failed for a row.
    #[error(
        "{operator} failed for a row: {message}\n\
         help: take failed rows as a stream of their own: `.or_errors()`"
    )]
    Step {
        /// The operator and its source line.
        operator: String,
        /// What the function said.
        message: String,
    },
    /// A row was late: its event time is below the watermark.
    #[error("{operator}: {message}")]
    Late {
        /// The watermark and its source line.
        operator: String,
        /// The row, its time, the watermark, and what to do.
        message: String,
    },
}
