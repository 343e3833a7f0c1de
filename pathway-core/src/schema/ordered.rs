//! The encoding that sorts by `memcmp`.
//!
//! Comparing two encodings byte by byte compares the values: columns from first to last, null
//! before every value, `false` before `true`, numbers by size with NaN last, text by its UTF-8
//! bytes, lists element by element with the shorter first, enums by variant, `Reverse` the other way round. JSON values are
//! ordered by their text.
//!
//! Both directions work on compact bytes and a [`DataType`], so that they are compiled once. The
//! form is reversible, and no encoding is a prefix of another one of the same type.

use super::encoding::fixed_width;
use super::{DataType, RowDecoder, StructType, put_len, take_bytes, take_len};
use memchr::memchr;

/// Ends a string. A zero byte inside is followed by `ESCAPED`, which is larger.
const END: [u8; 2] = [0, 0];
const ESCAPED: u8 = 0xff;

/// The first eight bytes of an encoded value, as a number that compares as the values do where
/// they differ in these.
#[inline]
pub(crate) fn front(value: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    let len = value.len().min(8);
    bytes[..len].copy_from_slice(&value[..len]);
    u64::from_be_bytes(bytes)
}

/// Appends the ordered form of one compact value, and advances past it.
///
/// # Panics
///
/// If the bytes are no value of the type, which no encoder writes.
pub fn from_compact(data_type: DataType, input: &mut &[u8], out: &mut Vec<u8>) {
    match data_type {
        DataType::Bool | DataType::U8 => out.push(take_bytes(input, 1)[0]),
        DataType::U16 | DataType::U32 | DataType::U64 | DataType::U128 | DataType::Char => {
            reversed(data_type, input, out);
        }
        DataType::I8
        | DataType::I16
        | DataType::I32
        | DataType::I64
        | DataType::I128
        | DataType::Time => {
            let at = out.len();
            reversed(data_type, input, out);
            out[at] ^= 0x80;
        }
        DataType::F32 | DataType::F64 => {
            let at = out.len();
            reversed(data_type, input, out);
            flip_float(&mut out[at..]);
        }
        DataType::Date => {
            let at = out.len();
            date_from_compact(take_bytes(input, 4), out);
            out[at] ^= 0x80;
        }
        DataType::NaiveDateTime => {
            from_compact(DataType::Date, input, out);
            from_compact(DataType::Time, input, out);
        }
        DataType::DateTime | DataType::Duration => {
            from_compact(DataType::I64, input, out);
            from_compact(DataType::I32, input, out);
        }
        DataType::UnsignedDuration => {
            from_compact(DataType::U64, input, out);
            from_compact(DataType::U32, input, out);
        }
        DataType::Uuid => out.extend_from_slice(take_bytes(input, 16)),
        DataType::Decimal => decimal::from_compact(take_bytes(input, 16), out),
        DataType::String | DataType::Bytes | DataType::Json => {
            let len = take_len(input);
            put_escaped(take_bytes(input, len), out);
        }
        DataType::Zoned => {
            from_compact(DataType::DateTime, input, out);
            from_compact(DataType::String, input, out);
        }
        DataType::Option(inner) => {
            let tag = take_bytes(input, 1)[0];
            out.push(tag);
            if tag == 1 {
                from_compact(inner(), input, out);
            }
        }
        DataType::Reverse(inner) => {
            // No encoding is a prefix of another, so flipping every bit reverses the order.
            let at = out.len();
            from_compact(inner(), input, out);
            flip(&mut out[at..]);
        }
        DataType::List(inner) => {
            for _ in 0..take_len(input) {
                out.push(1);
                from_compact(inner(), input, out);
            }
            out.push(0);
        }
        DataType::Array(inner, len) => {
            for _ in 0..len {
                from_compact(inner(), input, out);
            }
        }
        DataType::Map(key, value) => {
            for _ in 0..take_len(input) {
                out.push(1);
                from_compact(key(), input, out);
                from_compact(value(), input, out);
            }
            out.push(0);
        }
        DataType::Struct(inner) => columns_from_compact(inner, input, out),
        DataType::Enum(inner) => {
            let variant = take_len(input);
            let tag = u32::try_from(variant).expect("an enum has under four billion variants");
            out.extend_from_slice(&tag.to_be_bytes());
            columns_from_compact(&inner.variants[variant].fields, input, out);
        }
    }
}

/// Appends the compact form of one ordered value, and advances past it.
///
/// # Panics
///
/// If the bytes are no ordered form of the type.
pub fn to_compact(data_type: DataType, input: &mut &[u8], out: &mut Vec<u8>) {
    match data_type {
        DataType::Bool | DataType::U8 => out.push(take_bytes(input, 1)[0]),
        DataType::U16 | DataType::U32 | DataType::U64 | DataType::U128 | DataType::Char => {
            reversed(data_type, input, out);
        }
        DataType::I8
        | DataType::I16
        | DataType::I32
        | DataType::I64
        | DataType::I128
        | DataType::Time => {
            reversed(data_type, input, out);
            let last = out.len() - 1;
            out[last] ^= 0x80;
        }
        DataType::F32 | DataType::F64 => {
            let at = out.len();
            out.extend_from_slice(take_bytes(input, width(data_type)));
            unflip_float(&mut out[at..]);
            out[at..].reverse();
        }
        DataType::Date => {
            let bytes = take_bytes(input, 4);
            out.extend_from_slice(&[bytes[1], bytes[0] ^ 0x80, bytes[2], bytes[3]]);
        }
        DataType::NaiveDateTime => {
            to_compact(DataType::Date, input, out);
            to_compact(DataType::Time, input, out);
        }
        DataType::DateTime | DataType::Duration => {
            to_compact(DataType::I64, input, out);
            to_compact(DataType::I32, input, out);
        }
        DataType::UnsignedDuration => {
            to_compact(DataType::U64, input, out);
            to_compact(DataType::U32, input, out);
        }
        DataType::Uuid => out.extend_from_slice(take_bytes(input, 16)),
        DataType::Decimal => decimal::to_compact(input, out),
        DataType::String | DataType::Bytes | DataType::Json => take_escaped(input, out),
        DataType::Zoned => {
            to_compact(DataType::DateTime, input, out);
            to_compact(DataType::String, input, out);
        }
        DataType::Option(inner) => {
            let tag = take_bytes(input, 1)[0];
            out.push(tag);
            if tag == 1 {
                to_compact(inner(), input, out);
            }
        }
        DataType::Reverse(inner) => {
            // Where the value ends is known only once it is read.
            let mut flipped = input.to_vec();
            flip(&mut flipped);
            let mut rest = flipped.as_slice();
            to_compact(inner(), &mut rest, out);
            take_bytes(input, flipped.len() - rest.len());
        }
        DataType::List(inner) => {
            counted(input, out, |input, out| to_compact(inner(), input, out));
        }
        DataType::Array(inner, len) => {
            for _ in 0..len {
                to_compact(inner(), input, out);
            }
        }
        DataType::Map(key, value) => counted(input, out, |input, out| {
            to_compact(key(), input, out);
            to_compact(value(), input, out);
        }),
        DataType::Struct(inner) => columns_to_compact(inner, input, out),
        DataType::Enum(inner) => {
            let tag = u32::from_be_bytes(take_bytes(input, 4).try_into().expect("four bytes"));
            put_len(tag as usize, out);
            columns_to_compact(&inner.variants[tag as usize].fields, input, out);
        }
    }
}

fn width(data_type: DataType) -> usize {
    fixed_width(data_type).expect("numbers have a fixed width")
}

/// Little-endian to big-endian, or back.
fn reversed(data_type: DataType, input: &mut &[u8], out: &mut Vec<u8>) {
    out.extend(take_bytes(input, width(data_type)).iter().rev());
}

/// Positive floats sort as integers once their sign bit is set, negative ones once all bits are
/// flipped.
fn flip_float(bytes: &mut [u8]) {
    if bytes[0] & 0x80 == 0 {
        bytes[0] ^= 0x80;
    } else {
        bytes.iter_mut().for_each(|byte| *byte = !*byte);
    }
}

fn unflip_float(bytes: &mut [u8]) {
    if bytes[0] & 0x80 == 0 {
        bytes.iter_mut().for_each(|byte| *byte = !*byte);
    } else {
        bytes[0] ^= 0x80;
    }
}

/// The year is little-endian in the compact form; month and day are one byte each.
fn date_from_compact(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&[bytes[1], bytes[0], bytes[2], bytes[3]]);
}

fn put_escaped(mut bytes: &[u8], out: &mut Vec<u8>) {
    while let Some(zero) = memchr(0, bytes) {
        out.extend_from_slice(&bytes[..=zero]);
        out.push(ESCAPED);
        bytes = &bytes[zero + 1..];
    }
    out.extend_from_slice(bytes);
    out.extend_from_slice(&END);
}

fn take_escaped(input: &mut &[u8], out: &mut Vec<u8>) {
    let mut bytes = Vec::new();
    loop {
        let len = memchr(0, input).expect("an escaped text has an end");
        let part = take_bytes(input, len);
        take_bytes(input, 1);
        if take_bytes(input, 1)[0] == ESCAPED {
            bytes.extend_from_slice(part);
            bytes.push(0);
            continue;
        }
        put_len(bytes.len() + len, out);
        out.extend_from_slice(&bytes);
        out.extend_from_slice(part);
        return;
    }
}

fn flip(bytes: &mut [u8]) {
    bytes.iter_mut().for_each(|byte| *byte = !*byte);
}

fn counted(
    input: &mut &[u8],
    out: &mut Vec<u8>,
    mut element: impl FnMut(&mut &[u8], &mut Vec<u8>),
) {
    let (mut count, mut elements) = (0, Vec::new());
    while take_bytes(input, 1)[0] == 1 {
        element(input, &mut elements);
        count += 1;
    }
    put_len(count, out);
    out.extend_from_slice(&elements);
}

fn columns_from_compact(inner: &StructType, input: &mut &[u8], out: &mut Vec<u8>) {
    let mut row = RowDecoder::new(input, inner.nullable_count());
    for column in inner.columns {
        if !column.nullable {
            from_compact((column.data_type)(), row.value(), out);
        } else if let Some(input) = row.nullable() {
            out.push(1);
            from_compact(column.value_type(), input, out);
        } else {
            out.push(0);
        }
    }
}

fn columns_to_compact(inner: &StructType, input: &mut &[u8], out: &mut Vec<u8>) {
    let mut row = super::RowEncoder::new(out, inner.nullable_count());
    for column in inner.columns {
        if !column.nullable {
            to_compact((column.data_type)(), input, row.value());
        } else if take_bytes(input, 1)[0] == 1 {
            to_compact(column.value_type(), input, row.present());
        } else {
            row.null();
        }
    }
}

/// Decimals compare by value across scales, so their order needs arithmetic.
#[cfg(feature = "decimal")]
mod decimal {
    use super::super::take_bytes;
    use rust_decimal::Decimal;

    /// 29 digits before the point and 28 behind it hold every decimal.
    const DIGITS: usize = 29 + 28;

    /// The sign, then 57 decimal digits of the magnitude, complemented below zero.
    pub(super) fn from_compact(bytes: &[u8], out: &mut Vec<u8>) {
        let value = Decimal::deserialize(bytes.try_into().expect("sixteen bytes"));
        let scale = value.scale() as usize;
        let digits = value.mantissa().unsigned_abs().to_string();
        let negative = value.is_sign_negative() && !value.is_zero();
        let mut text = [b'0'; DIGITS];
        let end = DIGITS - (28 - scale);
        text[end - digits.len()..end].copy_from_slice(digits.as_bytes());
        out.push(u8::from(!negative));
        out.extend(text.iter().map(|digit| if negative { !digit } else { *digit }));
    }

    pub(super) fn to_compact(input: &mut &[u8], out: &mut Vec<u8>) {
        let negative = take_bytes(input, 1)[0] == 0;
        let digits: Vec<u8> = take_bytes(input, DIGITS)
            .iter()
            .map(|digit| if negative { !digit } else { *digit })
            .collect();
        let text = std::str::from_utf8(&digits).expect("digits are ASCII");
        let text = format!("{}.{}", &text[..29], text[29..].trim_end_matches('0'));
        let mut value: Decimal =
            text.trim_end_matches('.').parse().expect("the digits came from a decimal");
        value.set_sign_negative(negative);
        out.extend_from_slice(&value.normalize().serialize());
    }
}

#[cfg(not(feature = "decimal"))]
mod decimal {
    pub(super) fn from_compact(_bytes: &[u8], _out: &mut Vec<u8>) {
        unreachable!("a decimal column exists only with the feature `decimal`");
    }

    pub(super) fn to_compact(_input: &mut &[u8], _out: &mut Vec<u8>) {
        unreachable!("a decimal column exists only with the feature `decimal`");
    }
}
