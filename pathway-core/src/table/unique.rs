//! Keys that are unique, or an error.

use super::Table;
use super::index::new_index;
use crate::plan::{Operation, Port};
use crate::schema::{Expr, Schema};
use crate::stage::RowType;
use std::panic::Location;
use std::sync::Arc;

impl<T> Table<T> {
    /// Asserts that no two rows have the same key. Null keys are not compared.
    ///
    /// **Time.** Checked when an epoch closes, so that a row may be replaced within one.
    /// **State.** The rows by key.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let users = app.rows(vec![(1, "Ada".to_owned()), (1, "Alan".to_owned())]);
    /// let error = users.unique_by(|user| user.0).collect().unwrap_err();
    /// assert!(error.to_string().contains("two rows have the same key"), "{error}");
    /// ```
    ///
    /// # Errors
    ///
    /// [`RunError::Operator`](crate::error::RunError::Operator) ends the run and shows both rows.
    #[track_caller]
    pub fn unique_by<E, F>(&self, key: F) -> Self
    where
        T: Schema,
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        let location = Location::caller();
        let index = new_index(self, key, true, location);
        let node = self.graph.push(
            "unique_by",
            location,
            Operation::Unique,
            vec![Port { node: index, output: 0 }],
            vec![const { RowType::of::<T>() }],
            self.is_append_only(),
        );
        Self::new(Arc::clone(&self.graph), node, 0)
    }
}
