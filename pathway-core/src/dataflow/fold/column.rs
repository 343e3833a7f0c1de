//! How folds write values that they kept in the ordered encoding.

use crate::schema::{DataType, RowEncoder, ordered, take_bytes};

/// A column of a fold's result: one of the values that it was given.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// The type of the values.
    pub data_type: DataType,
    /// Whether they can be null.
    pub nullable: bool,
}

impl Output {
    /// Writes a value.
    pub(super) fn put(self, mut value: &[u8], out: &mut RowEncoder<'_>) {
        // Values of nullable columns were added as options, so their tag is not part of the
        // column.
        let (data_type, out) = if !self.nullable {
            (self.data_type, out.value())
        } else {
            let tag = take_bytes(&mut value, 1)[0];
            if tag == 0 {
                out.null();
                return;
            }
            let DataType::Option(inner) = self.data_type else {
                unreachable!("a nullable output has an optional type");
            };
            (inner(), out.present())
        };
        ordered::to_compact(data_type, &mut value, out);
    }

    /// Writes a value if there is one.
    pub(super) fn put_or_null(self, value: Option<&[u8]>, out: &mut RowEncoder<'_>) {
        match value {
            Some(value) => self.put(value, out),
            None if self.nullable => out.null(),
            None => unreachable!("a group has rows, and none of their values is null"),
        }
    }

    /// The value for people.
    pub(super) fn display(self, mut value: &[u8]) -> String {
        let mut compact = Vec::new();
        ordered::to_compact(self.data_type, &mut value, &mut compact);
        crate::format::display::display(self.data_type, &compact)
    }
}

/// Divides a pair that [`Inputs::ordered_pair`](crate::stage::Inputs::ordered_pair) wrote: what
/// is behind its first part.
pub(super) fn second_of_pair(by: DataType, descending: bool, pair: &[u8]) -> &[u8] {
    // In front stands whether the first is null.
    behind(by, descending, &pair[1..])
}

/// What is behind the first value.
pub(super) fn behind(first: DataType, flipped: bool, bytes: &[u8]) -> &[u8] {
    let mut skipped = Vec::new();
    let left = if flipped {
        let unflipped: Vec<u8> = bytes.iter().map(|byte| !byte).collect();
        let mut rest = unflipped.as_slice();
        ordered::to_compact(first, &mut rest, &mut skipped);
        rest.len()
    } else {
        let mut rest = bytes;
        ordered::to_compact(first, &mut rest, &mut skipped);
        rest.len()
    };
    &bytes[bytes.len() - left..]
}

/// A number in the ordered encoding as a float; integers of more than 53 bits are rounded.
pub(super) fn number(data_type: DataType, value: &[u8]) -> f64 {
    use crate::schema::Schema;
    let mut compact = Vec::with_capacity(17);
    ordered::to_compact(data_type, &mut &*value, &mut compact);
    let (mut data_type, input) = (data_type, &mut compact.as_slice());
    while let DataType::Option(inner) = data_type {
        take_bytes(input, 1);
        data_type = inner();
    }
    match data_type {
        DataType::I8 => i8::decode(input).into(),
        DataType::I16 => i16::decode(input).into(),
        DataType::I32 => i32::decode(input).into(),
        DataType::I64 => i64::decode(input) as f64,
        DataType::I128 => i128::decode(input) as f64,
        DataType::U8 => u8::decode(input).into(),
        DataType::U16 => u16::decode(input).into(),
        DataType::U32 => u32::decode(input).into(),
        DataType::U64 => u64::decode(input) as f64,
        DataType::F32 => f32::decode(input).into(),
        DataType::F64 => f64::decode(input),
        other => unreachable!("`{}` is no number", other.name()),
    }
}
