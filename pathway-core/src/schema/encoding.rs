//! How a struct's columns are laid out in the compact encoding, and the pieces that codecs share.
//!
//! ```text
//! struct:  [null bitmap, one bit per nullable column][columns that are not null, in order]
//! string:  [length, LEB128][UTF-8 bytes]
//! list:    [count, LEB128][elements]
//! enum:    [variant, LEB128][fields, as a struct]
//! option:  [0] or [1][value]        only where no bitmap holds the null
//! ```
//!
//! Nothing here is generic: a derived codec in a user's crate is a list of calls of functions
//! that were compiled, and optimised, once. In a release build the smallest of them are inlined;
//! a debug build, in which the user's crate is not optimised, calls them.

use super::DataType;

/// Writes the columns of one struct.
#[derive(Debug)]
pub struct RowEncoder<'a> {
    out: &'a mut Vec<u8>,
    /// Where the bitmap starts, or nothing where a null is a tag of its own.
    bitmap: Option<usize>,
    next: usize,
}

impl<'a> RowEncoder<'a> {
    /// Writes one value that is not a column of a struct: null is a tag in front of it.
    #[cfg_attr(not(debug_assertions), inline)]
    pub fn standalone(out: &'a mut Vec<u8>) -> Self {
        Self { out, bitmap: None, next: 0 }
    }

    /// Begins a struct with that many nullable columns.
    #[cfg_attr(not(debug_assertions), inline)]
    pub fn new(out: &'a mut Vec<u8>, nullable: usize) -> Self {
        let bitmap = out.len();
        if nullable > 0 {
            out.resize(bitmap + nullable.div_ceil(8), 0);
        }
        Self { out, bitmap: Some(bitmap), next: 0 }
    }

    /// The buffer for a column that cannot be null.
    #[cfg_attr(not(debug_assertions), inline)]
    pub fn value(&mut self) -> &mut Vec<u8> {
        self.out
    }

    /// The buffer for a nullable column that holds a value.
    pub fn present(&mut self) -> &mut Vec<u8> {
        self.next += 1;
        if self.bitmap.is_none() {
            self.out.push(1);
        }
        self.out
    }

    /// Writes a nullable column that is null.
    pub fn null(&mut self) {
        match self.bitmap {
            Some(bitmap) => self.out[bitmap + self.next / 8] |= 1 << (self.next % 8),
            None => self.out.push(0),
        }
        self.next += 1;
    }
}

/// Reads the columns of one struct.
#[derive(Debug)]
pub struct RowDecoder<'r, 'a> {
    input: &'r mut &'a [u8],
    bitmap: &'a [u8],
    next: usize,
}

impl<'r, 'a> RowDecoder<'r, 'a> {
    /// Begins a struct with that many nullable columns.
    #[cfg_attr(not(debug_assertions), inline)]
    pub fn new(input: &'r mut &'a [u8], nullable: usize) -> Self {
        let bitmap = take_bytes(input, nullable.div_ceil(8));
        Self { input, bitmap, next: 0 }
    }

    /// The input at a column that cannot be null.
    #[cfg_attr(not(debug_assertions), inline)]
    pub fn value(&mut self) -> &mut &'a [u8] {
        self.input
    }

    /// The input at a nullable column, or `None` if it is null.
    pub fn nullable(&mut self) -> Option<&mut &'a [u8]> {
        let null = self.bitmap[self.next / 8] & (1 << (self.next % 8)) != 0;
        self.next += 1;
        if null { None } else { Some(self.input) }
    }
}

/// Appends a length or a count, in LEB128.
pub fn put_len(len: usize, out: &mut Vec<u8>) {
    let mut rest = len;
    while rest >= 0x80 {
        out.push(rest.to_le_bytes()[0] | 0x80);
        rest >>= 7;
    }
    out.push(rest.to_le_bytes()[0]);
}

/// Reads a length or a count.
#[cfg_attr(not(debug_assertions), inline)]
pub fn take_len(input: &mut &[u8]) -> usize {
    let byte = take_bytes(input, 1)[0];
    if byte < 0x80 { usize::from(byte) } else { take_long_len(byte, input) }
}

/// Reads the rest of a length or a count of two bytes and more.
fn take_long_len(first: u8, input: &mut &[u8]) -> usize {
    let (mut len, mut shift) = ((first & 0x7f) as usize, 7);
    loop {
        let byte = take_bytes(input, 1)[0];
        len |= ((byte & 0x7f) as usize) << shift;
        if byte < 0x80 {
            return len;
        }
        shift += 7;
    }
}

/// Takes that many bytes from the front of the input.
#[cfg_attr(not(debug_assertions), inline)]
pub fn take_bytes<'a>(input: &mut &'a [u8], len: usize) -> &'a [u8] {
    let (front, rest) = input.split_at(len);
    *input = rest;
    front
}

/// Appends a string.
pub fn put_str(value: &str, out: &mut Vec<u8>) {
    put_len(value.len(), out);
    out.extend_from_slice(value.as_bytes());
}

/// Writes bytes behind their length.
pub fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    put_len(bytes.len(), out);
    out.extend_from_slice(bytes);
}

/// Reads bytes that stand behind their length.
///
/// # Panics
///
/// If the input is too short.
pub fn take_sized<'a>(input: &mut &'a [u8]) -> &'a [u8] {
    let len = take_len(input);
    take_bytes(input, len)
}

/// Reads a string.
///
/// # Panics
///
/// If the bytes are not UTF-8; strings are validated before they are encoded.
pub fn take_str<'a>(input: &mut &'a [u8]) -> &'a str {
    let len = take_len(input);
    let bytes = take_bytes(input, len);
    std::str::from_utf8(bytes).expect("strings are validated before they are encoded")
}

/// The width of a type's encoding, where every value has the same.
pub(super) fn fixed_width(data_type: DataType) -> Option<usize> {
    Some(match data_type {
        DataType::Reverse(inner) => return fixed_width(inner()),
        DataType::Bool | DataType::I8 | DataType::U8 => 1,
        DataType::I16 | DataType::U16 => 2,
        DataType::I32 | DataType::U32 | DataType::F32 | DataType::Char | DataType::Date => 4,
        DataType::I64 | DataType::U64 | DataType::F64 | DataType::Time => 8,
        DataType::DateTime
        | DataType::NaiveDateTime
        | DataType::Duration
        | DataType::UnsignedDuration => 12,
        DataType::I128 | DataType::U128 | DataType::Uuid | DataType::Decimal => 16,
        DataType::String
        | DataType::Bytes
        | DataType::Json
        | DataType::Zoned
        | DataType::Option(_)
        | DataType::List(_)
        | DataType::Array(..)
        | DataType::Map(..)
        | DataType::Struct(_)
        | DataType::Enum(_) => return None,
    })
}

/// Advances the input past one value of that type, without decoding it.
pub fn skip(data_type: DataType, input: &mut &[u8]) {
    match data_type {
        DataType::String | DataType::Bytes | DataType::Json => {
            let len = take_len(input);
            take_bytes(input, len);
        }
        DataType::Zoned => {
            take_bytes(input, 12);
            let len = take_len(input);
            take_bytes(input, len);
        }
        DataType::Option(inner) => {
            if take_bytes(input, 1)[0] == 1 {
                skip(inner(), input);
            }
        }
        DataType::Reverse(inner) => skip(inner(), input),
        DataType::List(inner) => {
            for _ in 0..take_len(input) {
                skip(inner(), input);
            }
        }
        DataType::Array(inner, len) => {
            for _ in 0..len {
                skip(inner(), input);
            }
        }
        DataType::Map(key, value) => {
            for _ in 0..take_len(input) {
                skip(key(), input);
                skip(value(), input);
            }
        }
        DataType::Struct(inner) => skip_columns(inner, inner.columns.len(), input),
        DataType::Enum(inner) => {
            let fields = &inner.variants[take_len(input)].fields;
            skip_columns(fields, fields.columns.len(), input);
        }
        _ => {
            let Some(width) = fixed_width(data_type) else {
                unreachable!("all other types have a fixed width");
            };
            take_bytes(input, width);
        }
    }
}

fn skip_columns(inner: &super::StructType, count: usize, input: &mut &[u8]) {
    let mut row = RowDecoder::new(input, inner.nullable_count());
    for column in &inner.columns[..count] {
        if !column.nullable {
            skip((column.data_type)(), row.value());
        } else if let Some(input) = row.nullable() {
            skip(column.value_type(), input);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_any_size_come_back() {
        let around = (0..usize::BITS).map(|bits| 1_usize << bits).flat_map(|n| [n - 1, n, n + 1]);
        for len in around.chain([300, usize::MAX]) {
            let mut bytes = Vec::new();
            put_len(len, &mut bytes);
            bytes.push(7);
            let input = &mut bytes.as_slice();
            assert_eq!(take_len(input), len);
            assert_eq!(*input, [7], "{len}");
        }
    }
}
