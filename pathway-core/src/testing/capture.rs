//! What a table under test has done.

use crate::format::display::display;
use crate::io::CurrentState;
use crate::schema::{DataType, Schema};
use crate::table::{Captured, Change};
use std::collections::{BTreeMap, BTreeSet};
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A row that was added once.
pub fn add<T>(row: T) -> Change<T> {
    Change { row, diff: 1 }
}

/// A row that was taken away once.
pub fn remove<T>(row: T) -> Change<T> {
    Change { row, diff: -1 }
}

/// The rows and changes of a table under test; made by
/// [`Harness::capture`](super::Harness::capture).
#[derive(Debug)]
pub struct Capture<T> {
    captured: Captured,
    /// How many epochs the harness has closed.
    steps: Arc<AtomicU64>,
    seen: Mutex<Seen>,
    rows: PhantomData<fn() -> T>,
}

#[derive(Debug)]
struct Seen {
    state: CurrentState,
    /// The changes of the epoch that was closed last, by row and consolidated.
    fresh: Counts,
    fresh_epoch: u64,
}

impl<T: Schema> Capture<T> {
    pub(super) fn new(captured: Captured, steps: Arc<AtomicU64>) -> Self {
        let state = CurrentState::new(T::data_type());
        let seen = Mutex::new(Seen { state, fresh: Counts::new(), fresh_epoch: 0 });
        Self { captured, steps, seen, rows: PhantomData }
    }

    fn catch_up(&self) -> MutexGuard<'_, Seen> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for (epoch, updates) in self.captured.take() {
            seen.state.apply(&updates);
            if seen.fresh_epoch != epoch {
                seen.fresh_epoch = epoch;
                seen.fresh.clear();
            }
            for (row, diff) in updates.iter() {
                *seen.fresh.entry(row.to_vec()).or_insert(0) += diff;
            }
        }
        // The epoch that was closed last may have brought nothing.
        if seen.fresh_epoch + 1 != self.steps.load(Ordering::SeqCst) {
            seen.fresh.clear();
        }
        seen.fresh.retain(|_, diff| *diff != 0);
        seen
    }

    /// The rows at the last closed epoch, in the order of rows.
    pub fn rows(&self) -> Vec<T> {
        let seen = self.catch_up();
        let mut rows = Vec::new();
        let result: Result<(), std::convert::Infallible> = seen.state.for_each(|mut row| {
            rows.push(T::decode(&mut row));
            Ok(())
        });
        match result {
            Ok(()) => rows,
        }
    }

    /// The changes of the epoch that was closed last, consolidated: retractions first.
    pub fn changes(&self) -> Vec<Change<T>> {
        let fresh = self.catch_up().fresh.clone();
        let (gone, come): (Vec<_>, Vec<_>) = fresh.into_iter().partition(|(_, diff)| *diff < 0);
        gone.into_iter()
            .chain(come)
            .map(|(row, diff)| Change { row: T::decode(&mut row.as_slice()), diff })
            .collect()
    }

    /// Asserts the rows at the last closed epoch, in any order.
    ///
    /// # Panics
    ///
    /// If they differ, with the rows that are missing and those that are too many.
    #[track_caller]
    pub fn assert_rows(&self, expected: impl IntoIterator<Item = T>) {
        let actual = counts(self.rows().iter().map(|row| (row.to_row_bytes(), 1)));
        let expected = counts(expected.into_iter().map(|row| (row.to_row_bytes(), 1)));
        if let Some(difference) = difference(T::data_type(), &expected, &actual) {
            panic!("the rows are not as expected\n{difference}");
        }
    }

    /// Asserts the changes of the epoch that was closed last, in any order.
    ///
    /// # Panics
    ///
    /// If they differ, with the changes that are missing and those that are too many.
    #[track_caller]
    pub fn assert_changes(&self, expected: impl IntoIterator<Item = Change<T>>) {
        let encode = |change: Change<T>| (change.row.to_row_bytes(), change.diff);
        let actual = counts(self.changes().into_iter().map(encode));
        let expected = counts(expected.into_iter().map(encode));
        if let Some(difference) = difference(T::data_type(), &expected, &actual) {
            panic!("the changes are not as expected\n{difference}");
        }
    }
}

/// Rows, each with how often it is there.
pub(super) type Counts = BTreeMap<Vec<u8>, i64>;

fn counts(rows: impl Iterator<Item = (Vec<u8>, i64)>) -> Counts {
    let mut counts = Counts::new();
    for (row, diff) in rows {
        *counts.entry(row).or_insert(0) += diff;
    }
    counts.retain(|_, diff| *diff != 0);
    counts
}

/// A line for each row: `  ` as expected, `- ` expected but missing, `+ ` there but unexpected.
pub(super) fn difference(rows: DataType, expected: &Counts, actual: &Counts) -> Option<String> {
    if expected == actual {
        return None;
    }
    let mut out = String::from("  (- expected, + actual)\n");
    let all: BTreeSet<&Vec<u8>> = expected.keys().chain(actual.keys()).collect();
    for row in all {
        let shown = display(rows, row);
        let of = |counts: &Counts| counts.get(row).copied();
        let line = |out: &mut String, mark: &str, diff: i64| {
            let times = if diff == 1 { String::new() } else { format!(" × {diff}") };
            out.push_str(&format!("{mark} {shown}{times}\n"));
        };
        match (of(expected), of(actual)) {
            (Some(expected), Some(actual)) if expected == actual => line(&mut out, " ", actual),
            (expected, actual) => {
                expected.into_iter().for_each(|diff| line(&mut out, "-", diff));
                actual.into_iter().for_each(|diff| line(&mut out, "+", diff));
            }
        }
    }
    Some(out)
}
