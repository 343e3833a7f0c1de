//! Collections that can fail for a row, and what failed.

use super::Graph;
use crate::plan::NodeId;
use crate::schema::{ColumnType, DataType, RowDecoder, RowEncoder, Schema, StructKind, StructType};
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A collection whose making can fail for a row.
///
/// It derefs to the rows that succeeded, and the first failure ends the run. Take the failures
/// with [`or_errors`](Self::or_errors), and the run goes on: an error stream that nobody takes
/// does not exist.
#[must_use = "a collection does nothing until it reaches a sink"]
#[derive(Clone, Debug)]
pub struct Fallible<C, E> {
    rows: C,
    errors: E,
    node: (Arc<Graph>, NodeId),
}

impl<C, E> Fallible<C, E> {
    pub(crate) fn new(rows: C, errors: E, node: (Arc<Graph>, NodeId)) -> Self {
        Self { rows, errors, node }
    }

    /// The rows that succeeded, and those that did not with what went wrong.
    pub fn or_errors(self) -> (C, E) {
        let (graph, node) = self.node;
        graph.change(|plan| plan.node_mut(node).errors_taken = true);
        (self.rows, self.errors)
    }

    /// The rows that succeeded; the first failure ends the run.
    pub fn or_stop(self) -> C {
        self.rows
    }
}

impl<C, E> Deref for Fallible<C, E> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.rows
    }
}

/// A row for which a fallible step failed, with what it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError<T> {
    /// The row.
    pub row: T,
    /// The error, as text.
    pub error: String,
}

impl<T: Schema> fmt::Display for RowError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = crate::format::display::display(T::data_type(), &self.row.to_row_bytes());
        write!(f, "{}, for {row}", self.error)
    }
}

impl<T: Schema> Schema for RowError<T> {
    type OrNull = Option<Self>;

    fn data_type() -> DataType {
        DataType::Struct(
            const {
                &StructType {
                    name: "RowError",
                    kind: StructKind::Named,
                    columns: &[ColumnType::of::<T>("row"), ColumnType::of::<String>("error")],
                }
            },
        )
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let mut row = RowEncoder::new(out, usize::from(T::NULLABLE));
        self.row.encode_column(&mut row);
        self.error.encode_column(&mut row);
    }

    fn decode(input: &mut &[u8]) -> Self {
        let mut row = RowDecoder::new(input, usize::from(T::NULLABLE));
        Self { row: T::decode_column(&mut row), error: String::decode_column(&mut row) }
    }
}
