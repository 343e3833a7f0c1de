//! Numbers, text, bytes and the other values without parts.

use super::{DataType, Schema, put_len, put_str, take_bytes, take_len, take_str};
use std::ops::Deref;
use std::sync::Arc;

macro_rules! integers {
    ($($int:ty => $data_type:ident),* $(,)?) => {$(
        impl Schema for $int {
            type OrNull = Option<Self>;

            fn data_type() -> DataType {
                DataType::$data_type
            }

            #[cfg_attr(not(debug_assertions), inline)]
            fn encode(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            #[cfg_attr(not(debug_assertions), inline)]
            fn is_canonical(&self) -> bool {
                true
            }

            #[cfg_attr(not(debug_assertions), inline)]
            fn decode(input: &mut &[u8]) -> Self {
                let bytes = take_bytes(input, size_of::<Self>());
                Self::from_le_bytes(bytes.try_into().expect("the slice has the integer's width"))
            }
        }
    )*};
}

integers! {
    i8 => I8, i16 => I16, i32 => I32, i64 => I64, i128 => I128,
    u8 => U8, u16 => U16, u32 => U32, u64 => U64, u128 => U128,
}

// Encoded at 64 bits, so that bytes mean the same on every machine.
impl Schema for usize {
    type OrNull = Option<Self>;

    fn data_type() -> DataType {
        DataType::U64
    }

    #[cfg_attr(not(debug_assertions), inline)]
    fn encode(&self, out: &mut Vec<u8>) {
        (*self as u64).encode(out);
    }

    fn is_canonical(&self) -> bool {
        true
    }

    #[cfg_attr(not(debug_assertions), inline)]
    fn decode(input: &mut &[u8]) -> Self {
        Self::try_from(u64::decode(input)).expect("a `usize` column fits the machine's word")
    }
}

impl Schema for isize {
    type OrNull = Option<Self>;

    fn data_type() -> DataType {
        DataType::I64
    }

    #[cfg_attr(not(debug_assertions), inline)]
    fn encode(&self, out: &mut Vec<u8>) {
        (*self as i64).encode(out);
    }

    fn is_canonical(&self) -> bool {
        true
    }

    #[cfg_attr(not(debug_assertions), inline)]
    fn decode(input: &mut &[u8]) -> Self {
        Self::try_from(i64::decode(input)).expect("an `isize` column fits the machine's word")
    }
}

/// One encoding for each value: no negative zero, one NaN.
pub(super) fn canonical(value: f64) -> f64 {
    if value.is_nan() {
        f64::NAN
    } else {
        // Adding zero turns -0.0 into 0.0 and changes nothing else.
        value + 0.0
    }
}

impl Schema for f64 {
    type OrNull = Option<Self>;

    fn data_type() -> DataType {
        DataType::F64
    }

    #[cfg_attr(not(debug_assertions), inline)]
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&canonical(*self).to_le_bytes());
    }

    #[cfg_attr(not(debug_assertions), inline)]
    fn is_canonical(&self) -> bool {
        self.to_bits() == canonical(*self).to_bits()
    }

    #[cfg_attr(not(debug_assertions), inline)]
    fn decode(input: &mut &[u8]) -> Self {
        Self::from_le_bytes(take_bytes(input, 8).try_into().expect("eight bytes"))
    }
}

impl Schema for f32 {
    type OrNull = Option<Self>;

    fn data_type() -> DataType {
        DataType::F32
    }

    #[cfg_attr(not(debug_assertions), inline)]
    fn encode(&self, out: &mut Vec<u8>) {
        let value = if self.is_nan() { Self::NAN } else { *self + 0.0 };
        out.extend_from_slice(&value.to_le_bytes());
    }

    fn is_canonical(&self) -> bool {
        (!self.is_nan() && self.to_bits() != (-0.0_f32).to_bits())
            || self.to_bits() == Self::NAN.to_bits()
    }

    #[cfg_attr(not(debug_assertions), inline)]
    fn decode(input: &mut &[u8]) -> Self {
        Self::from_le_bytes(take_bytes(input, 4).try_into().expect("four bytes"))
    }
}

impl Schema for bool {
    type OrNull = Option<Self>;

    fn data_type() -> DataType {
        DataType::Bool
    }

    #[cfg_attr(not(debug_assertions), inline)]
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn is_canonical(&self) -> bool {
        true
    }

    #[cfg_attr(not(debug_assertions), inline)]
    fn decode(input: &mut &[u8]) -> Self {
        take_bytes(input, 1)[0] != 0
    }
}

impl Schema for char {
    type OrNull = Option<Self>;

    fn data_type() -> DataType {
        DataType::Char
    }

    fn encode(&self, out: &mut Vec<u8>) {
        u32::from(*self).encode(out);
    }

    fn is_canonical(&self) -> bool {
        true
    }

    fn decode(input: &mut &[u8]) -> Self {
        Self::from_u32(u32::decode(input)).expect("only chars are encoded as chars")
    }
}

impl Schema for String {
    type OrNull = Option<Self>;

    fn data_type() -> DataType {
        DataType::String
    }

    fn encode(&self, out: &mut Vec<u8>) {
        put_str(self, out);
    }

    fn is_canonical(&self) -> bool {
        true
    }

    fn decode(input: &mut &[u8]) -> Self {
        take_str(input).to_owned()
    }
}

/// Text that is cheap to clone: a shared, immutable string.
///
/// A `String` column is the default; take this one where rows are cloned often.
///
/// ```
/// # use pathway_core::schema::{Schema, Text};
/// let name = Text::from("Newark");
/// let copy = name.clone(); // shares the bytes
/// assert_eq!(&*copy, "Newark");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(Arc<str>);

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for Text {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Text {
    fn from(value: &str) -> Self {
        Self(value.into())
    }
}

impl From<String> for Text {
    fn from(value: String) -> Self {
        Self(value.into())
    }
}

impl std::fmt::Display for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Schema for Text {
    type OrNull = Option<Self>;

    fn data_type() -> DataType {
        DataType::String
    }

    fn encode(&self, out: &mut Vec<u8>) {
        put_str(self, out);
    }

    fn is_canonical(&self) -> bool {
        true
    }

    fn decode(input: &mut &[u8]) -> Self {
        take_str(input).into()
    }
}

/// A column of raw bytes.
///
/// `Vec<u8>` is a list of numbers, in JSON `[1, 2]`; `Bytes` is one value, in text base64.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(Arc<[u8]>);

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl From<&[u8]> for Bytes {
    fn from(value: &[u8]) -> Self {
        Self(value.into())
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(value: Vec<u8>) -> Self {
        Self(value.into())
    }
}

impl Schema for Bytes {
    type OrNull = Option<Self>;

    fn data_type() -> DataType {
        DataType::Bytes
    }

    fn encode(&self, out: &mut Vec<u8>) {
        put_len(self.len(), out);
        out.extend_from_slice(self);
    }

    fn is_canonical(&self) -> bool {
        true
    }

    fn decode(input: &mut &[u8]) -> Self {
        let len = take_len(input);
        take_bytes(input, len).into()
    }
}

/// Normalised: `1.50` and `1.5` are the same value and the same bytes.
#[cfg(feature = "decimal")]
impl Schema for rust_decimal::Decimal {
    type OrNull = Option<Self>;

    fn data_type() -> DataType {
        DataType::Decimal
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.normalize().serialize());
    }

    fn decode(input: &mut &[u8]) -> Self {
        Self::deserialize(take_bytes(input, 16).try_into().expect("sixteen bytes"))
    }
}

#[cfg(feature = "uuid")]
impl Schema for uuid::Uuid {
    type OrNull = Option<Self>;

    fn data_type() -> DataType {
        DataType::Uuid
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_bytes());
    }

    fn is_canonical(&self) -> bool {
        true
    }

    fn decode(input: &mut &[u8]) -> Self {
        Self::from_bytes(take_bytes(input, 16).try_into().expect("sixteen bytes"))
    }
}
