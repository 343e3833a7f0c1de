//! Windows that are final.

use crate::schema::Schema;
use crate::stage;
use crate::table::collection::step;
use crate::table::{IntoTable, Stream, Table};
use std::fmt;
use std::ops::Deref;
use std::panic::Location;

/// Windows that are final, with their results: a stream of pairs, window (and key) and outputs.
#[must_use = "a stream does nothing until it reaches a sink"]
pub struct FinalWindows<K, O> {
    rows: Stream<(K, O)>,
}

impl<K, O> FinalWindows<K, O> {
    pub(super) fn new(rows: Table<(K, O)>) -> Self {
        Self { rows: rows.into_stream() }
    }
}

impl<K, O> fmt::Debug for FinalWindows<K, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FinalWindows").field("rows", &self.rows).finish()
    }
}

impl<K, O> Clone for FinalWindows<K, O> {
    fn clone(&self) -> Self {
        Self { rows: self.rows.clone() }
    }
}

impl<K, O> Deref for FinalWindows<K, O> {
    type Target = Stream<(K, O)>;

    fn deref(&self) -> &Stream<(K, O)> {
        &self.rows
    }
}

impl<K: Schema, O: Schema> FinalWindows<K, O> {
    /// Makes a row of each window's (and key's) results.
    #[track_caller]
    pub fn select<U, F>(&self, f: F) -> Stream<U>
    where
        U: Schema,
        F: Fn(K, O) -> U + Send + Sync + 'static,
    {
        let factory = stage::map(move |(key, outputs): (K, O)| f(key, outputs));
        step(&self.rows, "select", Location::caller(), factory)
    }
}

impl<K: Schema, O: Schema> IntoTable for FinalWindows<K, O> {
    type Row = (K, O);

    fn into_table(self) -> Table<(K, O)> {
        self.rows.into_table()
    }
}
