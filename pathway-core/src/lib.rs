//! The engine of `pathway`. Use the crate `pathway`, which re-exports what a program needs.
//!
//! The modules, in the order of a program's life; arrows between them point down this list only:
//!
//! - [`testing`]: pipelines under test.
//! - [`graph`]: algorithms written with the verbs.
//! - [`table`], [`reduce`], [`order`]: what a user writes.
//! - [`plan`]: the program as data.
//! - `render`: from the plan to a dataflow.
//! - [`stage`]: typed closures between operators.
//! - `dataflow`: the engine's operators and their state.
//! - [`runtime`]: workers, epochs, shutdown.
//! - [`persistence`]: what a durable pipeline keeps, and finds again.
//! - [`io`]: the contracts of sources and sinks.
//! - [`mod@format`]: rows as text and as JSON.
//! - [`schema`]: what a row is.

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
#[doc(hidden)]
pub mod dataflow;
pub mod error;
pub mod format;
pub mod graph;
pub mod io;
pub mod order;
pub mod persistence;
pub mod plan;
pub mod reduce;
mod render;
pub mod runtime;
pub mod schema;
#[doc(hidden)]
pub mod stage;
pub mod table;
pub mod testing;
