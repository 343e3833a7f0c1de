//! Counting rows.

use super::{KnownFold, WordFold};
use crate::schema::{RowEncoder, Schema};
use crate::stage::{Diff, Input};

/// Counts the rows of a group, which the group does anyway.
#[derive(Debug)]
pub struct Count;

impl WordFold for Count {
    fn words(&self) -> usize {
        0
    }

    fn update(&self, _words: &mut [u64], _input: Input<'_>, _diff: Diff) {}

    fn merge(&self, _words: &mut [u64], _other: &[u64]) {}

    fn known(&self) -> KnownFold {
        KnownFold::Count
    }

    #[inline]
    fn finish(&self, _words: &[u64], rows: i64, out: &mut RowEncoder<'_>) -> Result<(), String> {
        u64::try_from(rows).map_err(|_| "a group has fewer than no rows")?.encode(out.value());
        Ok(())
    }
}
