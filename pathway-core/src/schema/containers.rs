//! Values made of other values: options, lists, arrays, maps, boxes.

use super::{DataType, RowDecoder, RowEncoder, Schema, put_len, take_bytes, take_len};
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

impl<T: Schema> Schema for Option<T> {
    type OrNull = Self;
    const NULLABLE: bool = true;

    fn data_type() -> DataType {
        DataType::Option(T::data_type)
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            None => out.push(0),
            Some(value) => {
                out.push(1);
                value.encode(out);
            }
        }
    }

    fn decode(input: &mut &[u8]) -> Self {
        (take_bytes(input, 1)[0] == 1).then(|| T::decode(input))
    }

    fn is_canonical(&self) -> bool {
        self.as_ref().is_none_or(T::is_canonical)
    }

    fn is_null(&self) -> bool {
        self.is_none()
    }

    fn encode_key(&self, out: &mut Vec<u8>) {
        if let Some(value) = self {
            value.encode_key(out);
        }
    }

    fn has_null(&self) -> bool {
        self.as_ref().is_none_or(T::has_null)
    }

    fn encode_column(&self, row: &mut RowEncoder<'_>) {
        match self {
            None => row.null(),
            Some(value) => value.encode(row.present()),
        }
    }

    fn decode_column(row: &mut RowDecoder<'_, '_>) -> Self {
        row.nullable().map(T::decode)
    }
}

impl<T: Schema> Schema for Vec<T> {
    type OrNull = Option<Self>;

    fn data_type() -> DataType {
        DataType::List(T::data_type)
    }

    fn encode(&self, out: &mut Vec<u8>) {
        put_len(self.len(), out);
        for value in self {
            value.encode(out);
        }
    }

    fn is_canonical(&self) -> bool {
        self.iter().all(T::is_canonical)
    }

    fn decode(input: &mut &[u8]) -> Self {
        (0..take_len(input)).map(|_| T::decode(input)).collect()
    }
}

impl<T: Schema, const N: usize> Schema for [T; N] {
    type OrNull = Option<Self>;

    fn data_type() -> DataType {
        DataType::Array(T::data_type, N)
    }

    fn encode(&self, out: &mut Vec<u8>) {
        for value in self {
            value.encode(out);
        }
    }

    fn is_canonical(&self) -> bool {
        self.iter().all(T::is_canonical)
    }

    fn decode(input: &mut &[u8]) -> Self {
        std::array::from_fn(|_| T::decode(input))
    }
}

/// Sorts the entries by key, so that equal maps have equal bytes.
fn encode_map<'a, K: Schema, V: Schema>(
    entries: impl Iterator<Item = (&'a K, &'a V)>,
    out: &mut Vec<u8>,
) {
    let mut encoded: Vec<(Vec<u8>, Vec<u8>)> = entries
        .map(|(key, value)| {
            (super::ordered_bytes(key), {
                let mut entry = key.to_row_bytes();
                value.encode(&mut entry);
                entry
            })
        })
        .collect();
    encoded.sort_unstable();
    put_len(encoded.len(), out);
    for (_, entry) in encoded {
        out.extend_from_slice(&entry);
    }
}

impl<K: Schema + Ord, V: Schema> Schema for BTreeMap<K, V> {
    type OrNull = Option<Self>;

    fn data_type() -> DataType {
        DataType::Map(K::data_type, V::data_type)
    }

    fn encode(&self, out: &mut Vec<u8>) {
        encode_map(self.iter(), out);
    }

    fn decode(input: &mut &[u8]) -> Self {
        (0..take_len(input)).map(|_| (K::decode(input), V::decode(input))).collect()
    }
}

impl<K, V, S> Schema for HashMap<K, V, S>
where
    K: Schema + Eq + Hash,
    V: Schema,
    S: BuildHasher + Default + Send + Sync + 'static,
{
    type OrNull = Option<Self>;

    fn data_type() -> DataType {
        DataType::Map(K::data_type, V::data_type)
    }

    fn encode(&self, out: &mut Vec<u8>) {
        encode_map(self.iter(), out);
    }

    fn decode(input: &mut &[u8]) -> Self {
        (0..take_len(input)).map(|_| (K::decode(input), V::decode(input))).collect()
    }
}

macro_rules! pointers {
    ($($pointer:ident),*) => {$(
        impl<T: Schema> Schema for $pointer<T> {
            type OrNull = $pointer<T::OrNull>;
            const NULLABLE: bool = T::NULLABLE;

            fn data_type() -> DataType {
                T::data_type()
            }

            fn encode(&self, out: &mut Vec<u8>) {
                T::encode(self, out);
            }

            fn decode(input: &mut &[u8]) -> Self {
                Self::new(T::decode(input))
            }

            fn is_canonical(&self) -> bool {
                T::is_canonical(self)
            }

            fn is_null(&self) -> bool {
                T::is_null(self)
            }

            fn has_null(&self) -> bool {
                T::has_null(self)
            }

            fn encode_key(&self, out: &mut Vec<u8>) {
                T::encode_key(self, out);
            }

            fn encode_column(&self, row: &mut RowEncoder<'_>) {
                T::encode_column(self, row);
            }

            fn decode_column(row: &mut RowDecoder<'_, '_>) -> Self {
                Self::new(T::decode_column(row))
            }
        }
    )*};
}

pointers!(Box, Arc);
