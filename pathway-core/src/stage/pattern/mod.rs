//! Patterns: sequences of rows of a key.

mod captures;
mod runs;
mod state;

pub use captures::{Append, Capture, Captures, Either, TakenRows};
pub use runs::{PatternPlan, PatternStep};
pub use state::{FitsStep, Outcome, PatternOf, PatternState};
