//! JSON straight into compact bytes, driven by the type.

use super::JsonError;
use super::object;
use crate::format::text;
use crate::schema::{DataType, Schema, StructKind, StructType, ordered, put_len, put_str};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// What `serde_json` calls the only field of a number, if some crate of the program has switched on
/// its feature `arbitrary_precision`.
const NUMBER: &str = "$serde_json::private::Number";

/// What the values of a row share: buffers, and what went wrong.
#[derive(Debug, Default)]
pub(super) struct Context {
    /// Where the columns of the objects that are being read lie.
    pub(super) slots: Vec<object::Slot>,
    /// For columns that came in another order than the struct's.
    pub(super) scratch: Vec<u8>,
    /// The way to the failure, innermost step first: written while the error passes upwards, so
    /// that a good row pays nothing.
    path: Vec<String>,
    failure: Option<(String, String)>,
}

impl Context {
    /// Notes what was wrong; the parser's own error carries nothing.
    pub(super) fn fail<E: Error>(&mut self, problem: String, found: String) -> E {
        self.failure = Some((problem, found));
        E::custom("")
    }

    /// Forgets a row that was begun.
    pub(super) fn forget(&mut self) {
        self.slots.clear();
        self.path.clear();
        self.failure = None;
    }

    /// Notes that an error happened in that column.
    pub(super) fn at_column(&mut self, name: &str) {
        self.path.push(format!(".{name}"));
    }

    fn at_index(&mut self, index: usize) {
        self.path.push(format!("[{index}]"));
    }

    /// Turns the parser's error into one that names the place.
    pub(super) fn explain(&mut self, error: &serde_json::Error, text: &str) -> JsonError {
        self.slots.clear();
        let path: String = self.path.drain(..).rev().collect();
        let path = path.strip_prefix('.').map(Into::into).unwrap_or(path);
        if let Some((problem, text)) = self.failure.take() {
            return JsonError { path, text, problem };
        }
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or_default();
        let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
        // The parser counts bytes from 1, and stands behind the byte that it did not like.
        let at = (0..error.column().min(line.len() + 1))
            .rev()
            .find(|&at| line.is_char_boundary(at))
            .unwrap_or(0);
        JsonError {
            path,
            text: if error.is_eof() { String::new() } else { line[at..].into() },
            problem: format!("invalid JSON at byte {}: {message}", error.column()),
        }
    }
}

/// Reads one value of a type.
pub(super) struct Value<'a> {
    pub(super) data_type: DataType,
    pub(super) out: &'a mut Vec<u8>,
    pub(super) context: &'a mut Context,
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        match self.data_type {
            // Through their own digits, because a float or 64 bits in between would round them.
            DataType::I128 | DataType::U128 | DataType::Decimal | DataType::F32 => {
                self.digits(input)
            }
            DataType::Json => {
                let value: serde_json::Value = Deserialize::deserialize(input)?;
                value.encode(self.out);
                Ok(())
            }
            DataType::Option(inner) => {
                let at = self.out.len();
                self.out.push(1);
                let Self { out, context, .. } = self;
                let present = Nullable(Value { data_type: inner(), out: &mut *out, context })
                    .deserialize(input)?;
                out[at] = u8::from(present);
                Ok(())
            }
            DataType::Reverse(inner) => {
                let Self { out, context, .. } = self;
                Value { data_type: inner(), out, context }.deserialize(input)
            }
            DataType::Struct(inner) if is_wrapper(inner) && !inner.name.is_empty() => {
                object::read_wrapped(inner, self.out, self.context, input)
            }
            _ => input.deserialize_any(self),
        }
    }
}

impl Value<'_> {
    fn digits<'de, D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        let raw = <&RawValue>::deserialize(input)?.get();
        let text = match raw.as_bytes().first() {
            Some(b'"') => match serde_json::from_str::<Cow<'_, str>>(raw) {
                // A string is good for what a number cannot say.
                Ok(text)
                    if matches!(self.data_type, DataType::Decimal) || is_special_float(&text) =>
                {
                    text
                }
                _ => return Err(self.mismatch(raw)),
            },
            Some(b'0'..=b'9' | b'-') => Cow::Borrowed(raw),
            _ => return Err(self.mismatch(raw)),
        };
        self.text(&text)
    }

    /// Reads the text form of the type.
    fn text<E: Error>(self, text: &str) -> Result<(), E> {
        text::parse(self.data_type, text, self.out)
            .map_err(|mismatch| self.context.fail(mismatch.problem, text.into()))
    }

    fn mismatch<E: Error>(self, found: impl fmt::Display) -> E {
        self.context.fail(text::expected(self.data_type), found.to_string())
    }

    fn out_of_range<E: Error>(self, found: impl fmt::Display) -> E {
        self.context.fail(text::out_of_range(self.data_type), found.to_string())
    }

    fn elements<'de, A: SeqAccess<'de>>(
        self,
        inner: DataType,
        mut elements: A,
    ) -> Result<usize, A::Error> {
        let Self { out, context, .. } = self;
        let mut count = 0;
        loop {
            let value = Value { data_type: inner, out: &mut *out, context: &mut *context };
            match elements.next_element_seed(value) {
                Ok(Some(())) => count += 1,
                Ok(None) => return Ok(count),
                Err(error) => {
                    context.at_index(count);
                    return Err(error);
                }
            }
        }
    }
}

/// Whether a struct or the fields of a variant are one bare value, as in `struct S(A)`.
pub(super) fn is_wrapper(inner: &StructType) -> bool {
    inner.kind == StructKind::Tuple && inner.columns.len() == 1
}

fn is_special_float(text: &str) -> bool {
    matches!(text, "NaN" | "inf" | "-inf" | "Infinity" | "-Infinity")
}

macro_rules! integer {
    ($self:ident, $value:ident) => {{
        macro_rules! fit {
            ($int:ty) => {
                match <$int>::try_from($value) {
                    Ok(value) => value.encode($self.out),
                    Err(_) => return Err($self.out_of_range($value)),
                }
            };
        }
        match $self.data_type {
            DataType::I8 => fit!(i8),
            DataType::I16 => fit!(i16),
            DataType::I32 => fit!(i32),
            DataType::I64 => fit!(i64),
            DataType::U8 => fit!(u8),
            DataType::U16 => fit!(u16),
            DataType::U32 => fit!(u32),
            DataType::U64 => fit!(u64),
            #[expect(clippy::cast_precision_loss, reason = "a float column holds the nearest")]
            DataType::F64 => ($value as f64).encode($self.out),
            _ => return Err($self.mismatch($value)),
        }
        Ok(())
    }};
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.data_type.name())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        match self.data_type {
            DataType::Bool => value.encode(self.out),
            _ => return Err(self.mismatch(value)),
        }
        Ok(())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        integer!(self, value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        integer!(self, value)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        match self.data_type {
            DataType::F64 => value.encode(self.out),
            DataType::I8
            | DataType::I16
            | DataType::I32
            | DataType::I64
            | DataType::U8
            | DataType::U16
            | DataType::U32
            | DataType::U64
                if value.abs() >= 9_223_372_036_854_775_808.0 =>
            {
                return Err(self.out_of_range(format_args!("{value:?}")));
            }
            _ => return Err(self.mismatch(format_args!("{value:?}"))),
        }
        Ok(())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        match self.data_type {
            DataType::String => {
                put_str(value, self.out);
                Ok(())
            }
            DataType::Enum(inner) => text::variant(inner, value, self.out)
                .map_err(|mismatch| self.context.fail(mismatch.problem, value.into())),
            DataType::F64 if is_special_float(value) => self.text(value),
            DataType::Char
            | DataType::Bytes
            | DataType::Date
            | DataType::Time
            | DataType::NaiveDateTime
            | DataType::DateTime
            | DataType::Zoned
            | DataType::Duration
            | DataType::UnsignedDuration
            | DataType::Uuid => self.text(value),
            _ => Err(self.mismatch(format_args!("{value:?}"))),
        }
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        match self.data_type {
            DataType::Struct(inner) if inner.kind == StructKind::Unit => Ok(()),
            _ => Err(self.mismatch("null")),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<(), A::Error> {
        match self.data_type {
            DataType::List(inner) => {
                let Self { data_type, out, context } = self;
                let at = out.len();
                let value = Value { data_type, out: &mut *out, context };
                let count = value.elements(inner(), elements)?;
                insert_len(count, at, out);
                Ok(())
            }
            DataType::Array(inner, len) => {
                let Self { data_type, out, context } = self;
                let value = Value { data_type, out: &mut *out, context: &mut *context };
                let count = value.elements(inner(), elements)?;
                if count != len {
                    return Err(context
                        .fail(format!("expected {len} values"), format!("an array of {count}")));
                }
                Ok(())
            }
            DataType::Struct(inner) if inner.kind == StructKind::Tuple => {
                object::read_array(inner, self.out, self.context, elements)
            }
            _ => Err(self.mismatch("an array")),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        match self.data_type {
            DataType::Struct(inner) if inner.kind != StructKind::Unit => {
                object::read_object(inner, self.out, self.context, fields)
            }
            DataType::Map(key, value) => read_map(key(), value(), self.out, self.context, fields),
            DataType::Enum(inner) => object::read_variant(inner, self.out, self.context, fields),
            // See `NUMBER`.
            _ => match fields.next_key::<Cow<'de, str>>()? {
                Some(key) if key == NUMBER => {
                    let digits = fields.next_value::<String>()?;
                    self.text(&digits)
                }
                _ => Err(self.mismatch("an object")),
            },
        }
    }
}

/// Puts the count of elements before them, once it is known.
pub(super) fn insert_len(count: usize, at: usize, out: &mut Vec<u8>) {
    let end = out.len();
    put_len(count, out);
    let width = out.len() - end;
    out[at..].rotate_right(width);
}

/// Maps are sorted by key in the compact form, so the entries are gathered first.
fn read_map<'de, A: MapAccess<'de>>(
    key_type: DataType,
    value_type: DataType,
    out: &mut Vec<u8>,
    context: &mut Context,
    mut fields: A,
) -> Result<(), A::Error> {
    let mut entries: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    while let Some(name) = fields.next_key::<Cow<'de, str>>()? {
        let mut entry = Vec::new();
        if let Err(mismatch) = text::parse(key_type, &name, &mut entry) {
            return Err(context.fail(format!("as a key: {}", mismatch.problem), name.into()));
        }
        let mut key = Vec::new();
        ordered::from_compact(key_type, &mut entry.as_slice(), &mut key);
        let value = Value { data_type: value_type, out: &mut entry, context: &mut *context };
        if let Err(error) = fields.next_value_seed(value) {
            context.at_column(&name);
            return Err(error);
        }
        entries.push((key, entry));
    }
    entries.sort_unstable();
    if entries.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return Err(context.fail("the same key stands twice".into(), String::new()));
    }
    put_len(entries.len(), out);
    for (_, entry) in entries {
        out.extend_from_slice(&entry);
    }
    Ok(())
}

/// Reads a value or `null`, and answers whether there was a value.
pub(super) struct Nullable<'a>(pub(super) Value<'a>);

impl<'de> DeserializeSeed<'de> for Nullable<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<bool, D::Error> {
        input.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for Nullable<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} or null", self.0.data_type.name())
    }

    fn visit_none<E: Error>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_unit<E: Error>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_some<D: Deserializer<'de>>(self, input: D) -> Result<bool, D::Error> {
        self.0.deserialize(input).map(|()| true)
    }
}
