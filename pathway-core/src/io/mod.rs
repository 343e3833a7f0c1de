//! The outside world: the contracts of sources and sinks, and the ends that live in the process.
//!
//! - [`source`]: [`Reader`] fetches bytes on a thread of its own, [`Decoder`] turns them into
//!   encoded rows on a worker.
//! - [`sink`]: [`SinkWriter`] receives whole, consolidated epochs in order.
//! - [`rows`]: rows that this process pushes, as what they are.
//! - [`terminal`]: how a sink that prints keeps out of the way of progress.
//! - [`updates`]: rows with multiplicities, as sinks receive them.

mod current;
mod kind;
pub mod rows;
pub mod sink;
pub mod source;
pub mod terminal;
pub mod updates;

pub use current::CurrentState;
pub use rows::{AnyRows, Rows};
pub use sink::{Delivery, Sink, SinkError, SinkWriter, Wanted};
pub use source::{
    BadRow, Decoder, PartitionId, Reader, RowReceiver, SourceError, SourceEvent, SourceWriter,
    Stopped,
};
pub use updates::Updates;

/// Whether a sink receives a `Stream` or a `Table`.
// An alias for the same reason as `DataType`.
pub type CollectionKind = kind::CollectionKind;
