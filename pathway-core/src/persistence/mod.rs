//! What a durable pipeline keeps outside of its process, and how it finds it again.
//!
//! A store holds two things. **Checkpoints**: the state of every operator, the position of every
//! source and what every sink needs to go on, as of one epoch. **The log**: for each epoch behind
//! the oldest checkpoint that is kept, the rows that entered it and its time. A sink publishes an
//! epoch only when the log holds it, so after a crash the same epochs are made again from the
//! checkpoint and the log, and what sinks had published already is the same, byte by byte.
//!
//! - [`store`]: where bytes are kept; `directory` and `memory`, two of them.
//! - `frame`: bytes with a checksum.
//! - [`records`]: what states consist of, and how changes to them are merged.
//! - `sections`: where the records of each state stand, and how they are written.
//! - `manifest`: what a checkpoint consists of.
//! - `log`: the epochs behind it.
//! - `recovery`: which checkpoint and which epochs a store has.
//! - `writer`: the threads that write both.
//! - [`inspect`]: what a store holds, for those who look at it without the program.
//!
//! Invariant: nothing here knows a plan, a worker or a row. Identities are numbers, states bytes.

pub(crate) mod cut;
mod directory;
mod frame;
pub mod inspect;
pub(crate) mod log;
pub(crate) mod manifest;
mod memory;
pub mod records;
pub(crate) mod recovery;
pub(crate) mod sections;
pub mod store;
#[cfg(test)]
mod tests;
pub(crate) mod writer;

pub use directory::{Directory, directory};
pub use memory::{Memory, memory};
pub use store::{Store, StoreError};
