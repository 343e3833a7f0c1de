//! A partition that is evaluated from all of its rows at once: in a loop, where it has a state for
//! each of its times.

use super::entry::{Entry, rows};
use super::evaluate::evaluate;
use super::first::put_entry;
use super::partition::Partition;
use super::plan::{Keeps, OverPlan};
use crate::schema::{DataType, ordered};
use crate::stage::Diff;

/// The rows of one partition while it is evaluated.
pub(crate) struct WholePartition {
    keeps: Keeps,
    rows: DataType,
    entries: Vec<Entry>,
    compact: Vec<u8>,
    /// Whether rows travel as they do to an operator of first rows.
    of_first_rows: bool,
}

impl WholePartition {
    pub(crate) fn new(keeps: Keeps, rows: DataType) -> Self {
        Self { keeps, rows, entries: Vec::new(), compact: Vec::new(), of_first_rows: false }
    }

    /// Says whether rows travel as they do to an operator of first rows.
    pub(crate) fn takes_first_rows(&mut self, of_first_rows: bool) {
        self.of_first_rows = of_first_rows;
    }

    /// Adds a row as it travels, with how many copies of it there are.
    pub(crate) fn push(&mut self, message: &[u8], copies: Diff) {
        let entry = if self.of_first_rows {
            self.compact.clear();
            put_entry(self.rows, message, &mut self.compact);
            Entry::read(&self.compact, copies)
        } else {
            Entry::read(message, copies)
        };
        self.entries.push(entry);
    }

    /// Takes the rows, each once.
    fn take(&mut self) -> Result<Vec<Entry>, String> {
        let entries = std::mem::take(&mut self.entries);
        match entries.iter().find(|entry| entry.copies < 0) {
            Some(entry) => Err(super::too_few(self.rows, &(entry.clone(), entry.copies))),
            None => Ok(entries),
        }
    }

    /// Calls `emit` with the rows from one position to another, and with how many copies of each
    /// are there.
    ///
    /// # Errors
    ///
    /// A row of which more copies were taken away than there were.
    pub(crate) fn limit(
        &mut self,
        (offset, limit): (u64, u64),
        mut emit: impl FnMut(&[u8], Diff),
    ) -> Result<(), String> {
        let mut entries = self.take()?;
        entries.sort_by(|a, b| a.sort().cmp(b.sort()));
        let (end, mut position) = (offset.saturating_add(limit), 0_u64);
        for entry in &entries {
            let next = position.saturating_add(rows(entry.copies));
            let inside = next.min(end).saturating_sub(position.max(offset));
            if inside > 0 {
                self.compact.clear();
                ordered::to_compact(self.rows, &mut entry.row(), &mut self.compact);
                emit(&self.compact, inside.cast_signed());
            }
            position = next;
        }
        Ok(())
    }

    /// Calls `emit` with each copy of a row and its outputs.
    ///
    /// # Errors
    ///
    /// What is wrong with an output, or a row of which more copies were taken away than there
    /// were.
    pub(crate) fn over(
        &mut self,
        plan: &OverPlan,
        mut emit: impl FnMut(&[u8], &[u8]),
    ) -> Result<(), String> {
        let entries = self.take()?;
        let mut partition = Partition::new(&self.keeps);
        for entry in &entries {
            partition.apply(&self.keeps, entry);
        }
        let (rows, compact) = (self.rows, &mut self.compact);
        let all = std::iter::once(0..partition.rows.rows()).collect::<Vec<_>>();
        evaluate(plan, &self.keeps, &partition, &all, |entry, outputs| {
            compact.clear();
            ordered::to_compact(rows, &mut entry.row(), compact);
            emit(compact, outputs);
        })
    }
}
