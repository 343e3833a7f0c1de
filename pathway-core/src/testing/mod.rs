//! Pipelines under test, in process: rows in, epochs by hand, rows and changes out.
//!
//! ```
//! use pathway::prelude::*;
//! use pathway::testing::{Harness, add, remove};
//!
//! fn busiest(words: &Table<String>) -> Table<(String, u64)> {
//!     words.group_by(|word| word.clone()).reduce(|g| g.count()).filter(|(_, n)| *n > 1)
//! }
//!
//! let mut t = Harness::new();
//! let words = t.table::<String>();
//! let busy = t.capture(busiest(&words.rows()));
//!
//! words.insert("be".to_owned());
//! words.insert("be".to_owned());
//! t.step(); // closes one epoch
//! busy.assert_rows([("be".to_owned(), 2)]);
//!
//! words.insert("be".to_owned());
//! t.step();
//! busy.assert_changes([remove(("be".to_owned(), 2)), add(("be".to_owned(), 3))]);
//! ```
//!
//! [`check_incremental`] checks any pipeline against recomputation, over random histories, and
//! [`check_durable`] one that is killed again and again against one that never was.

mod capture;
mod check;
mod durable;
mod feed;
mod harness;
mod history;
mod random;
mod random_rows;
mod replay;
mod report;
mod rows;
mod shrink;
#[cfg(feature = "proptest")]
mod strategy;

pub use capture::{Capture, add, remove};
pub use check::{Check, RandomCheck, check_incremental};
pub use durable::check_durable;
pub use harness::{Harness, TestStream, TestTable};
pub use random::Random;
