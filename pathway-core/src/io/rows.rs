//! Rows of this process on their way to a worker, as what they are: nothing encodes them, unless
//! somebody asks for bytes.

use crate::schema::Schema;
use std::any::Any;
use std::vec::Drain;

/// Rows of some type.
pub trait AnyRows: Send {
    /// How many.
    fn count(&self) -> usize;

    /// About how many bytes they take, for what bounds a queue.
    fn bytes(&self) -> usize;

    /// Calls `f` with the compact encoding of each.
    fn encode_each(&self, f: &mut dyn FnMut(&[u8]));

    /// The [`Rows`], for those who know their type.
    fn as_any(&mut self) -> &mut dyn Any;
}

/// Rows as they were pushed. A row that its encoding would change (a negative zero, a field that
/// is skipped) has been through it, so that a closure sees the same row whichever way it comes.
#[derive(Debug)]
pub struct Rows<T> {
    rows: Vec<T>,
    bytes: usize,
}

/// Of so many rows that own memory, one is measured.
const MEASURED_EVERY: usize = 64;

impl<T: Schema> Rows<T> {
    pub(crate) fn one(row: T) -> Self {
        Self::measured(vec![canonical(row)])
    }

    pub(crate) fn all(rows: impl IntoIterator<Item = T>) -> Self {
        Self::measured(rows.into_iter().map(canonical).collect())
    }

    fn measured(rows: Vec<T>) -> Self {
        let mut bytes = size_of::<T>() * rows.len();
        if std::mem::needs_drop::<T>() {
            let mut measured = Vec::new();
            rows.iter().step_by(MEASURED_EVERY).for_each(|row| row.encode(&mut measured));
            bytes += measured.len() * MEASURED_EVERY.min(rows.len());
        }
        Self { rows, bytes }
    }

    /// Takes all rows.
    pub(crate) fn drain(&mut self) -> Drain<'_, T> {
        self.rows.drain(..)
    }
}

fn canonical<T: Schema>(row: T) -> T {
    if row.is_canonical() { row } else { row.duplicate() }
}

impl<T: Schema> AnyRows for Rows<T> {
    fn count(&self) -> usize {
        self.rows.len()
    }

    fn bytes(&self) -> usize {
        self.bytes
    }

    fn encode_each(&self, f: &mut dyn FnMut(&[u8])) {
        let mut bytes = Vec::new();
        for row in &self.rows {
            bytes.clear();
            row.encode(&mut bytes);
            f(&bytes);
        }
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}
