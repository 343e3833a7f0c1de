//! Files as a source: one file, a glob or a directory tree; read once, or watched.
//!
//! ```text
//!  pattern ──▶ version ──▶ once | watch | mutable ──▶ SourceWriter
//!  (which      (has it      (what to read, when)
//!   files)      changed?)     └─ input (blocks, decompressed)
//! ```
//!
//! Every file is a partition of its source: its rows stay in order and are decoded by one worker,
//! and different files are read in parallel.
//!
//! # Why watching is polling
//!
//! The operating systems' change events get lost: network mounts, containers' bind mounts and
//! overflowing queues deliver none, so a program that relies on them has to list the files now and
//! then in any case. Listing alone is enough: a thousand files take about a millisecond, which is
//! spent ten times a second, and a listing that takes longer is repeated less often, so that it
//! never takes more than a tenth of a core.

mod compression;
mod errors;
mod input;
mod listing;
mod mutable;
mod names;
mod once;
mod pattern;
mod polling;
mod prefix;
mod reader;
mod readers;
mod stdin;
mod version;
mod watch;
mod wildcards;
mod zstd;

#[cfg(test)]
mod tests;

pub use reader::FileReader;
pub use stdin::Stdin;
