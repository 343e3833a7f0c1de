//! Rows as JSON, in both directions.
//!
//! | type | JSON |
//! |---|---|
//! | integers | numbers, exact at every width |
//! | floats | numbers; what is not finite as `"NaN"`, `"inf"`, `"-inf"` |
//! | text, times, durations, UUIDs, decimals, bytes | strings, as in [`text`](super::text); decimals are also read from numbers |
//! | options | the value or `null` |
//! | lists, arrays, tuples, `struct S(A, B)` | arrays |
//! | maps | objects; a key that is no string in its text form |
//! | structs | objects by column name |
//! | `struct S(A)` | as `A` |
//! | enums | `"Variant"`, or `{"Variant": fields}` |
//! | JSON values | themselves |
//!
//! JSON has no number for NaN and the infinities, and `null` would lose them, so they are
//! strings; a float column reads them back. `Some(None)` of a nested option is `null` and reads
//! back as `None`.
//!
//! Objects are read with their fields in any order. A field that no column names is ignored, one
//! that stands twice is an error. A column without a field is null if it can be, else its default
//! if it has one, else an error.

mod object;
mod plain;
mod read;
mod write;

pub use write::{write_json, write_string};

use crate::schema::{DataType, StructType};
use read::{Context, Value};
use serde::de::DeserializeSeed;

/// Reads rows from JSON text. Keep one: it reuses its buffers from row to row.
#[derive(Debug, Default)]
pub struct JsonParser {
    context: Context,
    /// The last type of which plain objects were asked for, and whether it can have any.
    plain: Option<(&'static StructType, bool)>,
}

/// JSON that is no row.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct JsonError {
    /// Where in the row: `legs[2].carrier`; empty for the row itself.
    pub path: String,
    /// The offending value, or the text at which the parser stopped.
    pub text: String,
    /// What was expected.
    pub problem: String,
}

impl JsonParser {
    /// A parser with empty buffers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the text of an object that is plain, several times as fast as
    /// [`parse`](Self::parse) would, and appends its compact form to `out`. Answers whether it was;
    /// if not, `out` is as it was, and `parse` knows what is wrong, if anything is.
    ///
    /// Plain are objects of strings without escapes, numbers of few digits, `true`, `false` and
    /// `null`, for structs of scalars.
    pub fn parse_plain(&mut self, data_type: DataType, text: &[u8], out: &mut Vec<u8>) -> bool {
        let DataType::Struct(inner) = data_type else { return false };
        let can_be_plain = match self.plain {
            Some((known, can_be_plain)) if std::ptr::eq(known, inner) => can_be_plain,
            _ => {
                let can_be_plain = plain::can_be_plain(inner);
                self.plain = Some((inner, can_be_plain));
                can_be_plain
            }
        };
        if !can_be_plain {
            return false;
        }
        let start = out.len();
        let is_plain = plain::read(inner, text, out, &mut self.context).is_ok();
        if !is_plain {
            out.truncate(start);
            self.context.forget();
        }
        is_plain
    }

    /// Reads the text of one value, and appends its compact form to `out`.
    ///
    /// # Errors
    ///
    /// Text that is no JSON, that goes on behind the value, or whose value is not of the type;
    /// `out` is then as it was.
    pub fn parse(
        &mut self,
        data_type: DataType,
        text: &str,
        out: &mut Vec<u8>,
    ) -> Result<(), JsonError> {
        let start = out.len();
        let mut input = serde_json::Deserializer::from_str(text);
        let value = Value { data_type, out, context: &mut self.context };
        value.deserialize(&mut input).and_then(|()| input.end()).map_err(|error| {
            out.truncate(start);
            self.context.explain(&error, text)
        })
    }
}

#[cfg(test)]
mod tests;
