//! Rows as `{:?}` prints them.

use super::text;
use crate::schema::{
    DataType, RowDecoder, Schema, StructKind, StructType, take_bytes, take_len, take_str,
};
use std::fmt::Write;

/// A compact value as Rust's `{:?}` would print it: `Report { airline: "United", delay: 3.5 }`.
///
/// Dates, times and numbers are plain, bytes are `b"\x00.."`, JSON is JSON.
pub fn display(data_type: DataType, mut bytes: &[u8]) -> String {
    let mut out = String::new();
    write_display(data_type, &mut bytes, &mut out);
    out
}

/// Appends what [`display`] answers, and advances past the value.
pub fn write_display(data_type: DataType, input: &mut &[u8], out: &mut String) {
    match data_type {
        DataType::String => debug(take_str(input), out),
        DataType::Char => debug(&char::decode(input), out),
        DataType::Bytes => {
            let len = take_len(input);
            out.push_str("b\"");
            out.extend(take_bytes(input, len).escape_ascii().map(char::from));
            out.push('"');
        }
        DataType::Option(inner) => match take_bytes(input, 1)[0] {
            0 => out.push_str("None"),
            _ => some(inner(), input, out),
        },
        DataType::Reverse(inner) => {
            out.push_str("Reverse(");
            write_display(inner(), input, out);
            out.push(')');
        }
        DataType::List(inner) => list(take_len(input), inner(), input, out),
        DataType::Array(inner, len) => list(len, inner(), input, out),
        DataType::Map(key, value) => {
            out.push('{');
            for at in 0..take_len(input) {
                comma(at, out);
                write_display(key(), input, out);
                out.push_str(": ");
                write_display(value(), input, out);
            }
            out.push('}');
        }
        DataType::Struct(inner) => fields(inner.name, inner, input, out),
        DataType::Enum(inner) => {
            let variant = &inner.variants[take_len(input)];
            fields(variant.name, &variant.fields, input, out);
        }
        // Friendlier than the ISO form that files get.
        DataType::Duration => debug(&crate::schema::Duration::decode(input), out),
        DataType::UnsignedDuration => debug(&std::time::Duration::decode(input), out),
        _ => text::write(data_type, input, out),
    }
}

fn debug(value: &(impl std::fmt::Debug + ?Sized), out: &mut String) {
    write!(out, "{value:?}").expect("writing to a string cannot fail");
}

fn some(inner: DataType, input: &mut &[u8], out: &mut String) {
    out.push_str("Some(");
    write_display(inner, input, out);
    out.push(')');
}

fn list(len: usize, inner: DataType, input: &mut &[u8], out: &mut String) {
    out.push('[');
    for at in 0..len {
        comma(at, out);
        write_display(inner, input, out);
    }
    out.push(']');
}

fn fields(name: &str, inner: &StructType, input: &mut &[u8], out: &mut String) {
    let mut row = RowDecoder::new(input, inner.nullable_count());
    out.push_str(name);
    let (open, close) = match inner.kind {
        StructKind::Named => (" { ", " }"),
        StructKind::Tuple if name.is_empty() && inner.columns.len() == 1 => ("(", ",)"),
        StructKind::Tuple => ("(", ")"),
        StructKind::Unit => return,
    };
    if inner.columns.is_empty() && inner.kind == StructKind::Named {
        return;
    }
    out.push_str(open);
    for (at, column) in inner.columns.iter().enumerate() {
        comma(at, out);
        if inner.kind == StructKind::Named {
            out.push_str(column.name);
            out.push_str(": ");
        }
        if !column.nullable {
            write_display((column.data_type)(), row.value(), out);
        } else if let Some(input) = row.nullable() {
            some(column.value_type(), input, out);
        } else {
            out.push_str("None");
        }
    }
    out.push_str(close);
}

fn comma(at: usize, out: &mut String) {
    if at > 0 {
        out.push_str(", ");
    }
}
