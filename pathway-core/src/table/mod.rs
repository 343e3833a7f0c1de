//! What a user writes: pipelines, tables, streams and their verbs. Typed and thin.
//!
//! A verb checks types, erases the user's closure, pushes a plan node and returns a handle; no
//! engine code is instantiated here. One verb, or one family of them, is one file.

mod aggregate;
mod changes;
mod collection;
mod fallible;
mod graph;
mod group;
mod input;
mod iterate;
mod join;
mod operator;
mod pipeline;
mod rows;
mod set;
mod source;
mod upsert;
mod view;
mod write;

pub use aggregate::Aggregate;
pub use collection::{Collection, IntoTable, Stream, Table};
pub use fallible::{Fallible, RowError};
pub use group::{Grouped, Reduced};
pub use input::{Input, InputError, TableInput, Transaction};
pub use iterate::{LoopTables, NextTables, iterate, iterate_at_most, iterate_within};
pub use join::{Indexed, JoinBuilder, JoinPair, LeftJoinBuilder, LeftJoinPair, SameKey};
pub use operator::{OperatorInfo, operators};
pub use pipeline::Pipeline;
pub use source::{ReaderSource, Source};
pub use upsert::AppendOnly;
pub use view::{View, ViewSnapshot};
pub use write::Change;

pub(crate) use graph::Graph;
pub(crate) use input::{Encoded, put_update};
pub(crate) use write::Captured;
