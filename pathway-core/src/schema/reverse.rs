//! `std::cmp::Reverse`: a value that sorts the other way round.

use super::{DataType, Schema};
use std::cmp::Reverse;

/// Encoded, written and read as the value itself. Only its order differs: from the largest down,
/// null behind every value.
impl<T: Schema> Schema for Reverse<T> {
    type OrNull = Option<Self>;

    // A null inside is written with the value, so that it can be sorted behind the others.
    const NULLABLE: bool = false;

    fn data_type() -> DataType {
        DataType::Reverse(T::data_type)
    }

    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
    }

    fn decode(input: &mut &[u8]) -> Self {
        Self(T::decode(input))
    }

    fn is_canonical(&self) -> bool {
        self.0.is_canonical()
    }

    fn encode_key(&self, out: &mut Vec<u8>) {
        self.0.encode_key(out);
    }

    fn has_null(&self) -> bool {
        self.0.has_null()
    }
}
