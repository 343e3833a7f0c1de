//! How the rows of an input are made.

use super::{Random, random_rows};
use crate::schema::{DataType, Schema};
use std::fmt;

/// Makes the rows of an input.
pub(super) trait MakeRows {
    /// A row, encoded: equal choices, equal rows.
    fn row(&self, random: &mut Random) -> Vec<u8>;

    /// Simpler rows than the one that these choices made; nothing where simpler choices make
    /// simpler rows.
    fn simplify(&self, _choices: &[u64]) -> Option<Box<dyn Simplify>> {
        None
    }
}

impl fmt::Debug for dyn MakeRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MakeRows")
    }
}

/// A search for the simplest row that will do.
pub(super) trait Simplify {
    /// Goes on to a simpler row, if there is one.
    fn simplify(&mut self) -> bool;
    /// The row is too simple: goes part of the way back, if there is anything in between.
    fn complicate(&mut self) -> bool;
    /// The row, and the choices that lead to it.
    fn row(&self) -> (Vec<u8>, Vec<u64>);
}

/// Rows from their type alone.
pub(super) struct OfType(pub(super) DataType);

impl MakeRows for OfType {
    fn row(&self, random: &mut Random) -> Vec<u8> {
        let mut row = Vec::new();
        random_rows::generate(self.0, random, &mut row);
        row
    }
}

/// Rows from a user's function.
pub(super) struct ByFunction<F>(pub(super) F);

impl<T: Schema, F: Fn(&mut Random) -> T> MakeRows for ByFunction<F> {
    fn row(&self, random: &mut Random) -> Vec<u8> {
        (self.0)(random).to_row_bytes()
    }
}
