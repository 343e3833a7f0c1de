//! One value as the text of a cell, in both directions.
//!
//! | type | text |
//! |---|---|
//! | numbers | decimal digits; floats also `1e-7`, `NaN`, `inf`, `-inf` |
//! | `bool` | `true`, `false`; read also as `True`, `TRUE`, `1` and so on |
//! | text, `char` | as it is |
//! | [`Bytes`](crate::schema::Bytes) | base64 |
//! | instants | RFC 3339: `2024-05-01T12:30:00Z`; zoned ones with `[America/New_York]` |
//! | dates, times | `2024-05-01`, `12:30:00`, `2024-05-01T12:30:00` |
//! | durations | ISO 8601: `PT1H30M`; read also as `1h 30m` |
//! | enums without fields | the variant's name |
//! | everything with parts | JSON, see [`json`] |
//!
//! Text is read strictly: no blanks around a value, no number that does not fit. Floats are
//! written in the shortest form that reads back as the same value.

use super::{base64, closest, json};
use crate::schema::{
    DataType, Date, DateTime, Duration, EnumType, NaiveDateTime, Schema, StructKind, StructType,
    Time, Zoned, put_len, put_str, take_bytes, take_len, take_str,
};
use jiff::fmt::{friendly, temporal};
use std::fmt::Write;
use std::str::FromStr;

/// Text that is no value of the type it should be of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct Mismatch {
    /// What was expected: `expected f64`.
    pub problem: String,
}

impl Mismatch {
    fn expected(data_type: DataType) -> Self {
        let example = match data_type {
            DataType::DateTime => "2024-05-01T12:30:00Z",
            DataType::Zoned => "2024-05-01T12:30:00-04:00[America/New_York]",
            DataType::NaiveDateTime => "2024-05-01T12:30:00",
            DataType::Date => "2024-05-01",
            DataType::Time => "12:30:00",
            DataType::Duration | DataType::UnsignedDuration => "1h 30m",
            DataType::Bytes => return Self { problem: "expected Bytes in base64".into() },
            DataType::Bool => {
                return Self { problem: "expected bool, `true` or `false`".into() };
            }
            _ => return Self { problem: format!("expected {}", data_type.name()) },
        };
        Self { problem: format!("expected {}, such as `{example}`", data_type.name()) }
    }

    fn out_of_range(data_type: DataType) -> Self {
        Self { problem: format!("number out of range: expected {}", data_type.name()) }
    }

    fn variant(inner: &EnumType, text: &str) -> Self {
        let names = inner.variants.iter().map(|variant| variant.name);
        let problem = match closest(text, names.clone()) {
            Some(name) => format!("expected {}, did you mean `{name}`?", inner.name),
            None => {
                let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
                format!("expected {}, one of {}", inner.name, names.join(", "))
            }
        };
        Self { problem }
    }
}

/// What a value of that type is called where another one was found.
pub(super) fn expected(data_type: DataType) -> String {
    Mismatch::expected(data_type).problem
}

/// What to say of a number that does not fit the type.
pub(super) fn out_of_range(data_type: DataType) -> String {
    Mismatch::out_of_range(data_type).problem
}

/// Reads one value and appends its compact form to `out`.
///
/// # Errors
///
/// What was expected; `out` is then as it was.
pub fn parse(data_type: DataType, text: &str, out: &mut Vec<u8>) -> Result<(), Mismatch> {
    let mismatch = || Mismatch::expected(data_type);
    match data_type {
        DataType::String => put_str(text, out),
        DataType::I8 => integer::<i8>(data_type, text)?.encode(out),
        DataType::I16 => integer::<i16>(data_type, text)?.encode(out),
        DataType::I32 => integer::<i32>(data_type, text)?.encode(out),
        DataType::I64 => integer::<i64>(data_type, text)?.encode(out),
        DataType::I128 => integer::<i128>(data_type, text)?.encode(out),
        DataType::U8 => integer::<u8>(data_type, text)?.encode(out),
        DataType::U16 => integer::<u16>(data_type, text)?.encode(out),
        DataType::U32 => integer::<u32>(data_type, text)?.encode(out),
        DataType::U64 => integer::<u64>(data_type, text)?.encode(out),
        DataType::U128 => integer::<u128>(data_type, text)?.encode(out),
        DataType::F64 => {
            let value: f64 = text.parse().map_err(|_| mismatch())?;
            finite_as_written(data_type, text, value.is_infinite())?;
            value.encode(out);
        }
        DataType::F32 => {
            let value: f32 = text.parse().map_err(|_| mismatch())?;
            finite_as_written(data_type, text, value.is_infinite())?;
            value.encode(out);
        }
        DataType::Bool => match text {
            "true" | "True" | "TRUE" | "1" => out.push(1),
            "false" | "False" | "FALSE" | "0" => out.push(0),
            _ => return Err(mismatch()),
        },
        DataType::Char => {
            let mut chars = text.chars();
            match (chars.next(), chars.next()) {
                (Some(char), None) => char.encode(out),
                _ => return Err(mismatch()),
            }
        }
        DataType::Bytes => {
            let mut bytes = Vec::new();
            base64::decode(text, &mut bytes).ok_or_else(mismatch)?;
            put_len(bytes.len(), out);
            out.extend_from_slice(&bytes);
        }
        DataType::DateTime => read::<DateTime>(data_type, text, out)?,
        DataType::Zoned => read::<Zoned>(data_type, text, out)?,
        DataType::Duration => read::<Duration>(data_type, text, out)?,
        DataType::UnsignedDuration => {
            temporal::SpanParser::new()
                .parse_unsigned_duration(text)
                .or_else(|_| friendly::SpanParser::new().parse_unsigned_duration(text))
                .map_err(|_| mismatch())?
                .encode(out);
        }
        // jiff reads these from longer forms too, and drops the rest; here that is a mistake.
        DataType::Date if !text.contains(':') => read::<Date>(data_type, text, out)?,
        DataType::Time if !text.contains('-') => read::<Time>(data_type, text, out)?,
        DataType::NaiveDateTime if is_naive(text) => {
            read::<NaiveDateTime>(data_type, text, out)?;
        }
        DataType::Date | DataType::Time | DataType::NaiveDateTime => return Err(mismatch()),
        DataType::Decimal => foreign::decimal(text, out).ok_or_else(mismatch)?,
        DataType::Uuid => foreign::uuid(text, out).ok_or_else(mismatch)?,
        DataType::Enum(inner) if is_plain(inner) => variant(inner, text, out)?,
        DataType::Reverse(inner) => return parse(inner(), text, out),
        DataType::Struct(inner) if let Some(wrapped) = wrapped(inner) => {
            return parse(wrapped, text, out);
        }
        DataType::Json
        | DataType::Option(_)
        | DataType::List(_)
        | DataType::Array(..)
        | DataType::Map(..)
        | DataType::Struct(_)
        | DataType::Enum(_) => {
            return json::JsonParser::new().parse(data_type, text, out).map_err(|error| {
                let at = if error.path.is_empty() {
                    String::new()
                } else {
                    format!("`{}`: ", error.path)
                };
                Mismatch { problem: format!("{} as JSON: {at}{}", mismatch(), error.problem) }
            });
        }
    }
    Ok(())
}

/// Appends the text of one compact value, and advances past it.
pub fn write(data_type: DataType, input: &mut &[u8], out: &mut String) {
    match data_type {
        DataType::String | DataType::Json => out.push_str(take_str(input)),
        DataType::I8 => put::<i8>(input, out),
        DataType::I16 => put::<i16>(input, out),
        DataType::I32 => put::<i32>(input, out),
        DataType::I64 => put::<i64>(input, out),
        DataType::I128 => put::<i128>(input, out),
        DataType::U8 => put::<u8>(input, out),
        DataType::U16 => put::<u16>(input, out),
        DataType::U32 => put::<u32>(input, out),
        DataType::U64 => put::<u64>(input, out),
        DataType::U128 => put::<u128>(input, out),
        // `Debug` is the shortest form, with an exponent where the digits would be many.
        DataType::F32 => append(out, format_args!("{:?}", f32::decode(input))),
        DataType::F64 => append(out, format_args!("{:?}", f64::decode(input))),
        DataType::Bool => put::<bool>(input, out),
        DataType::Char => out.push(char::decode(input)),
        DataType::Bytes => {
            let len = take_len(input);
            base64::encode(take_bytes(input, len), out);
        }
        DataType::DateTime => put::<DateTime>(input, out),
        DataType::Zoned => put::<Zoned>(input, out),
        DataType::NaiveDateTime => put::<NaiveDateTime>(input, out),
        DataType::Date => put::<Date>(input, out),
        DataType::Time => put::<Time>(input, out),
        DataType::Duration => put::<Duration>(input, out),
        DataType::UnsignedDuration => out.push_str(
            &temporal::SpanPrinter::new()
                .unsigned_duration_to_string(&std::time::Duration::decode(input)),
        ),
        DataType::Decimal => foreign::write_decimal(input, out),
        DataType::Uuid => foreign::write_uuid(input, out),
        DataType::Enum(inner) if is_plain(inner) => {
            out.push_str(inner.variants[take_len(input)].name);
        }
        DataType::Struct(inner) if let Some(wrapped) = wrapped(inner) => {
            write(wrapped, input, out);
        }
        DataType::Reverse(inner) => write(inner(), input, out),
        DataType::Option(_)
        | DataType::List(_)
        | DataType::Array(..)
        | DataType::Map(..)
        | DataType::Struct(_)
        | DataType::Enum(_) => json::write_json(data_type, input, out),
    }
}

/// Whether no variant has fields, so that its name says everything.
pub(super) fn is_plain(inner: &EnumType) -> bool {
    inner.variants.iter().all(|variant| variant.fields.columns.is_empty())
}

/// The type inside `struct Name(Inner)`, which reads and writes as `Inner` does.
fn wrapped(inner: &StructType) -> Option<DataType> {
    match inner.columns {
        [column]
            if inner.kind == StructKind::Tuple && !inner.name.is_empty() && !column.nullable =>
        {
            Some((column.data_type)())
        }
        _ => None,
    }
}

pub(super) fn variant(inner: &EnumType, text: &str, out: &mut Vec<u8>) -> Result<(), Mismatch> {
    let tag = inner
        .variants
        .iter()
        .position(|variant| variant.name == text && variant.fields.columns.is_empty())
        .ok_or_else(|| Mismatch::variant(inner, text))?;
    put_len(tag, out);
    Ok(())
}

fn integer<T: FromStr<Err = std::num::ParseIntError>>(
    data_type: DataType,
    text: &str,
) -> Result<T, Mismatch> {
    use std::num::IntErrorKind::{NegOverflow, PosOverflow};
    text.parse().map_err(|error: std::num::ParseIntError| {
        let digits = text
            .strip_prefix('-')
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()));
        // An unsigned type calls every minus an invalid digit.
        if matches!(error.kind(), PosOverflow | NegOverflow) || digits {
            Mismatch::out_of_range(data_type)
        } else {
            Mismatch::expected(data_type)
        }
    })
}

/// Refuses digits that became infinite; `inf` itself is a value.
fn finite_as_written(data_type: DataType, text: &str, infinite: bool) -> Result<(), Mismatch> {
    if infinite && text.bytes().any(|byte| byte.is_ascii_digit()) {
        return Err(Mismatch::out_of_range(data_type));
    }
    Ok(())
}

fn read<T: FromStr + Schema>(
    data_type: DataType,
    text: &str,
    out: &mut Vec<u8>,
) -> Result<(), Mismatch> {
    text.parse::<T>().map_err(|_| Mismatch::expected(data_type))?.encode(out);
    Ok(())
}

/// Whether the text is a date and a time with nothing about a zone behind it.
fn is_naive(text: &str) -> bool {
    text.contains(':')
        && text
            .split_once(['T', 't', ' '])
            .is_some_and(|(_, time)| !time.contains(['+', '-', '[', 'Z', 'z']))
}

fn append(out: &mut String, value: std::fmt::Arguments<'_>) {
    out.write_fmt(value).expect("writing to a string cannot fail");
}

fn put<T: Schema + std::fmt::Display>(input: &mut &[u8], out: &mut String) {
    append(out, format_args!("{}", T::decode(input)));
}

/// The types of foreign crates, each behind its feature.
mod foreign {
    use crate::schema::take_bytes;

    #[cfg(feature = "decimal")]
    pub(super) fn decimal(text: &str, out: &mut Vec<u8>) -> Option<()> {
        use crate::schema::Schema;
        use rust_decimal::Decimal;
        let value = if text.contains(['e', 'E']) {
            Decimal::from_scientific(text)
        } else {
            Decimal::from_str_exact(text)
        };
        value.ok()?.encode(out);
        Some(())
    }

    #[cfg(feature = "decimal")]
    pub(super) fn write_decimal(input: &mut &[u8], out: &mut String) {
        super::put::<rust_decimal::Decimal>(input, out);
    }

    #[cfg(not(feature = "decimal"))]
    pub(super) fn decimal(_text: &str, _out: &mut Vec<u8>) -> Option<()> {
        unreachable!("a decimal column exists only with the feature `decimal`");
    }

    #[cfg(not(feature = "decimal"))]
    pub(super) fn write_decimal(_input: &mut &[u8], _out: &mut String) {
        unreachable!("a decimal column exists only with the feature `decimal`");
    }

    #[cfg(feature = "uuid")]
    pub(super) fn uuid(text: &str, out: &mut Vec<u8>) -> Option<()> {
        out.extend_from_slice(uuid::Uuid::parse_str(text).ok()?.as_bytes());
        Some(())
    }

    #[cfg(not(feature = "uuid"))]
    pub(super) fn uuid(_text: &str, _out: &mut Vec<u8>) -> Option<()> {
        unreachable!("a UUID column exists only with the feature `uuid`");
    }

    pub(super) fn write_uuid(input: &mut &[u8], out: &mut String) {
        for (at, byte) in take_bytes(input, 16).iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                out.push('-');
            }
            super::append(out, format_args!("{byte:02x}"));
        }
    }
}

#[cfg(test)]
mod tests;
