//! Plain objects, without the parser.
//!
//! A line of JSON is mostly an object of strings without escapes, short numbers, `true`, `false`
//! and `null`. These are read here, in one pass over the bytes. Whatever else there is, and
//! whatever is wrong, is left to the parser, which reads the whole again: so all that is refused
//! is refused there, in one way.

use super::object::Row;
use super::read::Context;
use crate::format::text;
use crate::schema::{ColumnType, DataType, Schema, StructKind, StructType, put_len};

/// It is not plain.
#[derive(Debug)]
pub(super) struct NotPlain;

type Result<T> = std::result::Result<T, NotPlain>;

impl serde::de::Error for NotPlain {
    fn custom<T: std::fmt::Display>(_: T) -> Self {
        Self
    }
}

impl std::error::Error for NotPlain {}

impl std::fmt::Display for NotPlain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the text is no plain object")
    }
}

/// Whether rows of that type can be plain.
pub(super) fn can_be_plain(inner: &StructType) -> bool {
    let is_known = |column: &ColumnType| {
        matches!(
            column.value_type(),
            DataType::Bool
                | DataType::I8
                | DataType::I16
                | DataType::I32
                | DataType::I64
                | DataType::U8
                | DataType::U16
                | DataType::U32
                | DataType::U64
                | DataType::F64
                | DataType::String
        ) || is_text(column.value_type())
    };
    inner.kind == StructKind::Named && inner.columns.iter().all(is_known)
}

/// Whether values are strings in the text form of the type.
fn is_text(data_type: DataType) -> bool {
    matches!(
        data_type,
        DataType::Char
            | DataType::Date
            | DataType::Time
            | DataType::NaiveDateTime
            | DataType::DateTime
            | DataType::Zoned
            | DataType::Duration
            | DataType::UnsignedDuration
            | DataType::Uuid
    )
}

/// Reads an object, and appends its compact form. If it is not plain, `out` and the context are to
/// be put back by the caller.
pub(super) fn read(
    inner: &'static StructType,
    text: &[u8],
    out: &mut Vec<u8>,
    context: &mut Context,
) -> Result<()> {
    let mut input = Plain { text, at: 0 };
    input.expect(b'{')?;
    let mut row = Row::begin(inner, out, context);
    if input.after_blanks() == Some(b'}') {
        input.at += 1;
    } else {
        loop {
            let name = input.string()?.checked()?;
            input.expect(b':')?;
            match row.named(name) {
                Some(at) => {
                    if !row.is_absent(at) {
                        return Err(NotPlain);
                    }
                    let start = row.out.len();
                    let present = input.value(&inner.columns[at], row.out)?;
                    row.place(at, start, present);
                }
                None => input.pass()?,
            }
            match input.after_blanks() {
                Some(b',') => input.at += 1,
                Some(b'}') => {
                    input.at += 1;
                    break;
                }
                _ => return Err(NotPlain),
            }
        }
    }
    match input.after_blanks() {
        None => row.finish(),
        Some(_) => Err(NotPlain),
    }
}

/// A string without its quotes.
struct Text<'a> {
    bytes: &'a [u8],
    is_ascii: bool,
}

impl<'a> Text<'a> {
    /// Its bytes, if they are UTF-8.
    #[inline]
    fn checked(&self) -> Result<&'a [u8]> {
        if self.is_ascii { Ok(self.bytes) } else { self.text().map(str::as_bytes) }
    }

    fn text(&self) -> Result<&'a str> {
        std::str::from_utf8(self.bytes).map_err(|_| NotPlain)
    }
}

struct Plain<'a> {
    text: &'a [u8],
    at: usize,
}

/// Longer numbers are not read here: no integer of so many digits overflows.
const NUMBER_MAX: usize = 18;

/// Powers of ten. All of them are floats, as are integers of up to 53 bits.
const POWERS: [f64; NUMBER_MAX] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17,
];

/// A number of few digits and no exponent.
struct Number {
    negative: bool,
    /// All digits.
    digits: i64,
    /// How many of them are behind the point, if there is one.
    behind: Option<usize>,
}

impl<'a> Plain<'a> {
    /// The next byte that is no blank; it is not passed.
    #[inline]
    fn after_blanks(&mut self) -> Option<u8> {
        while let Some(&byte) = self.text.get(self.at) {
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
        }
        None
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Result<()> {
        if self.after_blanks() != Some(byte) {
            return Err(NotPlain);
        }
        self.at += 1;
        Ok(())
    }

    /// A string.
    #[inline]
    fn string(&mut self) -> Result<Text<'a>> {
        self.expect(b'"')?;
        let start = self.at;
        let mut all = 0;
        loop {
            match self.text.get(self.at) {
                Some(b'"') => break,
                Some(b'\\' | 0..0x20) | None => return Err(NotPlain),
                Some(byte) => all |= byte,
            }
            self.at += 1;
        }
        self.at += 1;
        Ok(Text { bytes: &self.text[start..self.at - 1], is_ascii: all < 0x80 })
    }

    fn word(&mut self, word: &[u8]) -> Result<()> {
        if !self.text[self.at..].starts_with(word) {
            return Err(NotPlain);
        }
        self.at += word.len();
        Ok(())
    }

    fn number(&mut self) -> Result<Number> {
        let negative = self.text.get(self.at) == Some(&b'-');
        self.at += usize::from(negative);
        let start = self.at;
        let mut number = Number { negative, digits: 0, behind: None };
        let mut point = None;
        while let Some(&byte) = self.text.get(self.at) {
            match byte {
                b'0'..=b'9' => number.digits = number.digits * 10 + i64::from(byte - b'0'),
                b'.' if point.is_none() => point = Some(self.at),
                b',' | b'}' | b' ' | b'\t' | b'\n' | b'\r' => break,
                _ => return Err(NotPlain),
            }
            self.at += 1;
            if self.at - start > NUMBER_MAX {
                return Err(NotPlain);
            }
        }
        let whole = point.unwrap_or(self.at) - start;
        let leading_zero = whole > 1 && self.text[start] == b'0';
        number.behind = point.map(|point| self.at - point - 1);
        if whole == 0 || leading_zero || number.behind == Some(0) {
            return Err(NotPlain);
        }
        Ok(number)
    }

    /// Reads the value of a column, and answers whether there is one.
    fn value(&mut self, column: &ColumnType, out: &mut Vec<u8>) -> Result<bool> {
        let data_type = column.value_type();
        match self.after_blanks().ok_or(NotPlain)? {
            b'n' if column.nullable => {
                self.word(b"null")?;
                return Ok(false);
            }
            b'"' => {
                let value = self.string()?;
                match data_type {
                    DataType::String => {
                        let bytes = value.checked()?;
                        put_len(bytes.len(), out);
                        out.extend_from_slice(bytes);
                    }
                    _ if is_text(data_type) => {
                        text::parse(data_type, value.text()?, out).map_err(|_| NotPlain)?;
                    }
                    _ => return Err(NotPlain),
                }
            }
            b't' if matches!(data_type, DataType::Bool) => {
                self.word(b"true")?;
                true.encode(out);
            }
            b'f' if matches!(data_type, DataType::Bool) => {
                self.word(b"false")?;
                false.encode(out);
            }
            b'-' | b'0'..=b'9' => self.number()?.put(data_type, out)?,
            _ => return Err(NotPlain),
        }
        Ok(true)
    }

    /// Passes a value that no column has.
    fn pass(&mut self) -> Result<()> {
        match self.after_blanks() {
            Some(b'"') => self.string()?.checked().map(|_| ()),
            Some(b't') => self.word(b"true"),
            Some(b'f') => self.word(b"false"),
            Some(b'n') => self.word(b"null"),
            _ => self.number().map(|_| ()),
        }
    }
}

impl Number {
    fn put(&self, data_type: DataType, out: &mut Vec<u8>) -> Result<()> {
        let value = if self.negative { -self.digits } else { self.digits };
        macro_rules! fit {
            ($int:ty) => {
                <$int>::try_from(value).map_err(|_| NotPlain)?.encode(out)
            };
        }
        if let DataType::F64 = data_type {
            if self.digits >= 1 << f64::MANTISSA_DIGITS {
                return Err(NotPlain);
            }
            // Both are exact, so the quotient is the nearest float.
            let magnitude = self.digits as f64 / POWERS[self.behind.unwrap_or(0)];
            (if self.negative { -magnitude } else { magnitude }).encode(out);
            return Ok(());
        }
        // Negative zero is a float.
        if self.behind.is_some() || (self.negative && value == 0) {
            return Err(NotPlain);
        }
        match data_type {
            DataType::I8 => fit!(i8),
            DataType::I16 => fit!(i16),
            DataType::I32 => fit!(i32),
            DataType::I64 => fit!(i64),
            DataType::U8 => fit!(u8),
            DataType::U16 => fit!(u16),
            DataType::U32 => fit!(u32),
            DataType::U64 => fit!(u64),
            _ => return Err(NotPlain),
        }
        Ok(())
    }
}
