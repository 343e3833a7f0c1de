//! Nexmark: 23 queries on the events of an auction house, each a pipeline on `pathway`'s public
//! interface, and each evaluated once more over the whole list of events.
//!
//! - [`generator`]: the events, from a seed.
//! - [`queries`]: the pipelines, written as a user of the crate would write them.
//! - [`batch`]: the same in plain loops, for clarity alone: what the pipelines are to give.
//! - [`run`]: pushes events through a query, epoch by epoch.
//!
//! `cargo test -p nexmark` compares both over random cuts into epochs, on one worker and on two;
//! `cargo xtask bench nexmark` measures the pipelines.

pub mod batch;
pub mod generator;
pub mod queries;
mod rows;
pub mod run;
#[cfg(test)]
mod tests;

pub use rows::{Auction, Bid, Event, Events, Person, SideInput, side_input};
