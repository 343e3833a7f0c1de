//! What the benchmarks share: inputs from a seed, the references that `pathway` is compared with,
//! and the lines that report a figure.
//!
//! It is a crate of its own so that the references are compiled once, and tested by `cargo test`
//! against computations too plain to be wrong.

pub mod differential;
mod digest;
pub mod hand_written;
pub mod inputs;
pub mod joins;
pub mod open_loop;
pub mod pagerank;
mod random;
mod report;
pub mod rescan;
pub mod windows;

pub use digest::Digest;
pub use random::Random;
pub use report::{
    Figure, Measured, child_line, is_quick, measure_child, median, report_self, resident_bytes,
};
