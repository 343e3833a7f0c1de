//! A table's updates as rows.

use super::{Stream, Table};
use crate::plan::Operation;
use crate::schema::Schema;
use crate::stage::{self, AnyStep};
use std::panic::Location;

impl<T> Table<T> {
    /// The updates of the table as a stream of rows: each row that changed in an epoch, with its
    /// diff consolidated. This is how a table becomes a stream.
    ///
    /// **State.** None.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let numbers: Table<i32> = app.rows(vec![1, 1]).into();
    /// assert_eq!(numbers.changes().collect()?, [(1, 2)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    #[track_caller]
    pub fn changes(&self) -> Stream<(T, i64)>
    where
        T: Schema,
    {
        let operation = Operation::Changes { root: pair_root::<T> };
        let changes: Table<(T, i64)> =
            self.derive("changes", Location::caller(), operation, &[], true);
        changes.into_stream()
    }
}

fn pair_root<T: Schema>(next: AnyStep) -> Box<dyn stage::EncodedStep> {
    stage::pair_root::<T, i64>(next)
}
