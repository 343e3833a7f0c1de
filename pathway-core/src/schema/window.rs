//! The bounds of a window, as a column.

use super::{
    ColumnType, DataType, RowDecoder, RowEncoder, Schema, StructKind, StructType, TimePoint,
};
use std::fmt;

/// A stretch of time: it holds its start and not its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window<P> {
    /// The first time in it.
    pub start: P,
    /// The first time behind it.
    pub end: P,
}

impl<P: fmt::Display> fmt::Display for Window<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.start, self.end)
    }
}

impl<P: TimePoint> Schema for Window<P> {
    type OrNull = Option<Self>;

    fn data_type() -> DataType {
        DataType::Struct(
            const {
                &StructType {
                    name: "Window",
                    kind: StructKind::Named,
                    columns: &[ColumnType::of::<P>("start"), ColumnType::of::<P>("end")],
                }
            },
        )
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let mut row = RowEncoder::new(out, 0);
        self.start.encode_column(&mut row);
        self.end.encode_column(&mut row);
    }

    fn decode(input: &mut &[u8]) -> Self {
        let mut row = RowDecoder::new(input, 0);
        Self { start: P::decode_column(&mut row), end: P::decode_column(&mut row) }
    }
}
