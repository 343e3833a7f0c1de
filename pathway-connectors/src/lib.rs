//! Sources and sinks of `pathway`.
//!
//! - [`csv`], [`jsonl`], [`lines`]: what lies in files. Each has a [`Format`](format::Format),
//!   which turns bytes into rows, and all but the last a sink.
//! - [`files`]: where the bytes come from, once or watched; [`source`]: both together, typed.
//! - `objects`, a feature: durable pipelines in object storage.
//! - [`stdout`]: rows as a table on standard output; [`null`]: rows nobody wants.

pub mod csv;
pub mod files;
pub mod format;
pub mod jsonl;
pub mod lines;
pub mod null;
#[cfg(feature = "objects")]
pub mod objects;
mod output;
pub mod source;
mod split;
pub mod stdout;
#[cfg(test)]
mod testing;
