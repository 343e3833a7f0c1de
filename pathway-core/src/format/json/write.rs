//! Compact bytes as JSON.

use super::object::is_object;
use super::read::is_wrapper;
use crate::format::text;
use crate::schema::{
    ColumnType, DataType, RowDecoder, Schema, StructKind, StructType, take_bytes, take_len,
    take_str,
};

/// Appends the JSON of one compact value, and advances past it.
pub fn write_json(data_type: DataType, input: &mut &[u8], out: &mut String) {
    match data_type {
        DataType::String => write_string(take_str(input), out),
        DataType::Bool
        | DataType::I8
        | DataType::I16
        | DataType::I32
        | DataType::I64
        | DataType::I128
        | DataType::U8
        | DataType::U16
        | DataType::U32
        | DataType::U64
        | DataType::U128
        | DataType::Json => text::write(data_type, input, out),
        DataType::F32 | DataType::F64 => {
            let finite = match data_type {
                DataType::F32 => f32::decode(&mut &**input).is_finite(),
                _ => f64::decode(&mut &**input).is_finite(),
            };
            quoted_unless(finite, data_type, input, out);
        }
        DataType::Char => write_string(char::decode(input).encode_utf8(&mut [0; 4]), out),
        DataType::Bytes
        | DataType::Date
        | DataType::Time
        | DataType::NaiveDateTime
        | DataType::DateTime
        | DataType::Zoned
        | DataType::Duration
        | DataType::UnsignedDuration
        | DataType::Decimal
        | DataType::Uuid => quoted_unless(false, data_type, input, out),
        DataType::Option(inner) => match take_bytes(input, 1)[0] {
            0 => out.push_str("null"),
            _ => write_json(inner(), input, out),
        },
        DataType::Reverse(inner) => write_json(inner(), input, out),
        DataType::List(inner) => array(take_len(input), inner(), input, out),
        DataType::Array(inner, len) => array(len, inner(), input, out),
        DataType::Map(key, value) => {
            out.push('{');
            for at in 0..take_len(input) {
                comma(at, out);
                let mut name = String::new();
                text::write(key(), input, &mut name);
                write_string(&name, out);
                out.push(':');
                write_json(value(), input, out);
            }
            out.push('}');
        }
        DataType::Struct(inner) => fields(inner, inner.name.is_empty(), input, out),
        DataType::Enum(inner) => {
            let variant = &inner.variants[take_len(input)];
            if variant.fields.columns.is_empty() {
                write_string(variant.name, out);
            } else {
                out.push('{');
                write_string(variant.name, out);
                out.push(':');
                fields(&variant.fields, false, input, out);
                out.push('}');
            }
        }
    }
}

/// Appends a JSON string.
pub fn write_string(value: &str, out: &mut String) {
    out.push('"');
    let mut clean = 0;
    for (at, byte) in value.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..0x20 => "",
            _ => continue,
        };
        out.push_str(&value[clean..at]);
        clean = at + 1;
        if escape.is_empty() {
            out.push_str(&format!("\\u{byte:04x}"));
        } else {
            out.push_str(escape);
        }
    }
    out.push_str(&value[clean..]);
    out.push('"');
}

/// The text form; none of the types that come here needs an escape in it.
fn quoted_unless(bare: bool, data_type: DataType, input: &mut &[u8], out: &mut String) {
    if bare {
        text::write(data_type, input, out);
    } else {
        out.push('"');
        text::write(data_type, input, out);
        out.push('"');
    }
}

fn array(len: usize, inner: DataType, input: &mut &[u8], out: &mut String) {
    out.push('[');
    for at in 0..len {
        comma(at, out);
        write_json(inner, input, out);
    }
    out.push(']');
}

fn fields(inner: &StructType, is_tuple: bool, input: &mut &[u8], out: &mut String) {
    let mut row = RowDecoder::new(input, inner.nullable_count());
    if inner.kind == StructKind::Unit {
        out.push_str("null");
    } else if is_object(inner) {
        out.push('{');
        for (at, column) in inner.columns.iter().enumerate() {
            comma(at, out);
            write_string(column.name, out);
            out.push(':');
            write_column(column, &mut row, out);
        }
        out.push('}');
    } else if is_wrapper(inner) && !is_tuple {
        write_column(&inner.columns[0], &mut row, out);
    } else {
        out.push('[');
        for (at, column) in inner.columns.iter().enumerate() {
            comma(at, out);
            write_column(column, &mut row, out);
        }
        out.push(']');
    }
}

fn write_column(column: &ColumnType, row: &mut RowDecoder<'_, '_>, out: &mut String) {
    if !column.nullable {
        write_json((column.data_type)(), row.value(), out);
    } else if let Some(input) = row.nullable() {
        write_json(column.value_type(), input, out);
    } else {
        out.push_str("null");
    }
}

fn comma(at: usize, out: &mut String) {
    if at > 0 {
        out.push(',');
    }
}
