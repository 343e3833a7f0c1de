//! From a stream of keyed rows to the latest row of each key.

use super::{Stream, Table};
use crate::plan::Operation;
use crate::schema::{Expr, Keyed, Schema, ordered, put_len};
use crate::stage;
use std::panic::Location;

/// A collection whose rows are never retracted: a [`Stream`].
#[diagnostic::on_unimplemented(
    message = "`upsert` needs a `Stream`, and this is a `Table`",
    label = "the rows of a `Table` come and go, so none is the latest",
    note = "read the source as a stream, or choose one row for each key: `.group_by(Row.key).reduce(|g| g.argmax(Row.version, ..))`"
)]
pub trait AppendOnly {}

impl<T> AppendOnly for Stream<T> {}

impl<T> Table<T> {
    /// Only a [`Stream`] can be upserted: see [`Stream::upsert`].
    #[doc(hidden)]
    pub fn upsert(&self) -> Self
    where
        Self: AppendOnly,
    {
        unreachable!("no table is append-only by its type")
    }
}

impl<T> Stream<T> {
    /// Keeps the latest row of each key.
    ///
    /// Later epochs replace earlier ones; within an epoch, the last row of a partition wins, by
    /// its position there. The key of the result is unique.
    ///
    /// **State.** One row for each key.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// #[derive(Clone, Debug, PartialEq, Schema)]
    /// struct Price {
    ///     #[schema(key)]
    ///     item: u32,
    ///     cents: u64,
    /// }
    ///
    /// let app = Pipeline::new("example");
    /// let rows = vec![Price { item: 1, cents: 250 }, Price { item: 1, cents: 199 }];
    /// assert_eq!(app.rows(rows).upsert().collect()?, [Price { item: 1, cents: 199 }]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Two different rows with one key that arrive in one epoch from two partitions have no
    /// order, and end the run with [`RunError::Operator`](crate::error::RunError::Operator)
    /// naming both; [`upsert_by`](Self::upsert_by) orders them.
    #[track_caller]
    pub fn upsert(&self) -> Table<T>
    where
        T: Keyed,
    {
        let terminal = stage::upsert_terminal(|row: &T, key, _version| row.key().encode(key));
        let operation = Operation::Upsert { terminal, key: T::Key::data_type, versioned: false };
        self.derive("upsert", Location::caller(), operation, &[], false)
    }

    /// Keeps the row of each key whose version is greatest; of rows with equal versions, the same one
    /// whatever the order of arrival.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// #[derive(Clone, Debug, PartialEq, Schema)]
    /// struct Price {
    ///     #[schema(key)]
    ///     item: u32,
    ///     at: u64,
    ///     cents: u64,
    /// }
    ///
    /// let app = Pipeline::new("example");
    /// let new = Price { item: 1, at: 20, cents: 250 };
    /// let old = Price { item: 1, at: 10, cents: 199 };
    /// let latest = app.rows(vec![new.clone(), old]).upsert_by(|price| price.at);
    /// assert_eq!(latest.collect()?, [new]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    #[track_caller]
    pub fn upsert_by<E, F>(&self, version: F) -> Table<T>
    where
        T: Keyed,
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        let terminal = stage::upsert_terminal(move |row: &T, key, out: &mut Vec<u8>| {
            row.key().encode(key);
            let compact = version(row).with(row, Schema::to_row_bytes);
            let mut bytes = Vec::with_capacity(compact.len() + 2);
            ordered::from_compact(E::Value::data_type(), &mut compact.as_slice(), &mut bytes);
            put_len(bytes.len(), out);
            out.extend_from_slice(&bytes);
        });
        let operation = Operation::Upsert { terminal, key: T::Key::data_type, versioned: true };
        self.derive("upsert_by", Location::caller(), operation, &[], false)
    }
}
