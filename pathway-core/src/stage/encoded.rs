//! Consumers that read encoded rows as they are: no row is decoded on the way.
//!
//! Where an operator stands directly behind a root that hands out whole rows, and asks for
//! columns by path or for the row itself, it needs no typed row. An index by a column, a group
//! with reducers over columns, a sink: they take the bytes.

use super::{Diff, EncodedStep, Inputs, InputsCollector, KeyedCollector, SharedBatch};
use crate::schema::{DataType, Locator, Schema, StructType, ordered, take_bytes};

/// How a reducer takes its argument from a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnInput {
    /// It has none.
    Nothing,
    /// As a number.
    Number(usize),
    /// In the compact encoding; null as null, or as an encoded value if `nulls`.
    Compact {
        /// The column's position.
        column: usize,
        /// Whether null is a value.
        nulls: bool,
    },
    /// In the ordered encoding.
    Ordered {
        /// The column's position.
        column: usize,
        /// Whether null is a value.
        nulls: bool,
    },
}

impl ColumnInput {
    fn column(self) -> Option<usize> {
        match self {
            Self::Nothing => None,
            Self::Number(column) | Self::Compact { column, .. } | Self::Ordered { column, .. } => {
                Some(column)
            }
        }
    }
}

/// The columns of a reduction whose key and arguments all are columns.
#[derive(Clone, Debug)]
pub struct ReduceColumns {
    /// The key's position.
    pub key: usize,
    /// The arguments, in the order of the reducers.
    pub inputs: Vec<ColumnInput>,
}

pub(super) fn columns_of(rows: DataType) -> &'static StructType {
    match rows {
        DataType::Struct(inner) => inner,
        other => unreachable!("only structs have column paths, not {}", other.name()),
    }
}

/// Hands whole rows to a collector.
pub(crate) struct PassRows(pub(crate) Box<dyn KeyedCollector>);

impl EncodedStep for PassRows {
    fn push(&mut self, row: &[u8], _: &[u8], diff: Diff) {
        self.0.update(Some(row), &[], diff);
    }
}

/// Hands the left rows of a join on as they are.
pub(crate) struct LeftRows(pub(crate) Box<dyn EncodedStep>);

impl EncodedStep for LeftRows {
    fn push(&mut self, _left: &[u8], _right: &[u8], _diff: Diff) {
        unreachable!("a join that keeps left rows alone gives no pairs");
    }

    fn push_left(&mut self, left: &[u8], diff: Diff) {
        self.0.push(left, &[], diff);
    }
}

/// Hands whole rows to a collector, with one column as their key.
pub(crate) struct RowsByColumn {
    locator: Locator,
    collector: Box<dyn KeyedCollector>,
}

impl RowsByColumn {
    pub(crate) fn new(rows: DataType, column: usize, collector: Box<dyn KeyedCollector>) -> Self {
        Self { locator: Locator::new(columns_of(rows), &[column]), collector }
    }
}

impl EncodedStep for RowsByColumn {
    fn push(&mut self, row: &[u8], _: &[u8], diff: Diff) {
        let mut key = None;
        self.locator.locate(row, |_, bytes| key = bytes);
        self.collector.update(key, row, diff);
    }
}

/// Hands the key and the reducers' arguments to a collector.
pub(crate) struct ReduceByColumns {
    locator: Locator,
    key_nullable: bool,
    arguments: Vec<Argument>,
    collector: Box<dyn InputsCollector>,
    batch: SharedBatch,
}

struct Argument {
    input: ColumnInput,
    /// Where the locator puts the column.
    place: usize,
    value_type: DataType,
    nullable: bool,
}

/// More columns than this are read from the typed row.
pub(crate) const COLUMNS_MAX: usize = 16;

impl ReduceByColumns {
    pub(crate) fn new(
        rows: DataType,
        columns: &ReduceColumns,
        collector: Box<dyn InputsCollector>,
    ) -> Self {
        let inner = columns_of(rows);
        let mut wanted = vec![columns.key];
        wanted.extend(columns.inputs.iter().filter_map(|input| input.column()));
        wanted.dedup();
        let place = |column| wanted.iter().position(|&at| at == column).unwrap_or(0);
        let argument = |&input: &ColumnInput| {
            let column = input.column().unwrap_or(columns.key);
            Argument {
                input,
                place: place(column),
                value_type: inner.columns[column].value_type(),
                nullable: inner.columns[column].nullable,
            }
        };
        Self {
            key_nullable: inner.columns[columns.key].nullable,
            arguments: columns.inputs.iter().map(argument).collect(),
            locator: Locator::new(inner, &wanted),
            batch: collector.batch(),
            collector,
        }
    }
}

impl EncodedStep for ReduceByColumns {
    fn push(&mut self, row: &[u8], _: &[u8], diff: Diff) {
        let mut found: [Option<&[u8]>; COLUMNS_MAX + 1] = [None; COLUMNS_MAX + 1];
        self.locator.locate(row, |place, bytes| found[place] = bytes);
        let mut batch = self.batch.borrow_mut();
        let (keys, inputs) = batch.row();
        if self.key_nullable {
            // Alone, an optional value carries a tag.
            keys.push(u8::from(found[0].is_some()));
        }
        keys.extend_from_slice(found[0].unwrap_or_default());
        for argument in &self.arguments {
            argument.push(found[argument.place], inputs);
        }
        if batch.end_row(diff) {
            drop(batch);
            self.collector.settle();
        }
    }
}

impl Argument {
    fn push(&self, value: Option<&[u8]>, inputs: &mut Inputs) {
        let tagged = |out: &mut Vec<u8>| {
            if self.nullable {
                out.push(u8::from(value.is_some()));
            }
        };
        match (self.input, value) {
            (ColumnInput::Nothing, _)
            | (ColumnInput::Number(_), None)
            | (
                ColumnInput::Compact { nulls: false, .. }
                | ColumnInput::Ordered { nulls: false, .. },
                None,
            ) => inputs.null(),
            (ColumnInput::Number(_), Some(value)) => number(self.value_type, value, inputs),
            (ColumnInput::Compact { .. }, value) => inputs.bytes(|out| {
                tagged(out);
                out.extend_from_slice(value.unwrap_or_default());
            }),
            (ColumnInput::Ordered { .. }, value) => inputs.bytes(|out| {
                tagged(out);
                if let Some(mut value) = value {
                    ordered::from_compact(self.value_type, &mut value, out);
                }
            }),
        }
    }
}

fn number(data_type: DataType, mut value: &[u8], inputs: &mut Inputs) {
    let value = &mut value;
    match data_type {
        DataType::I8 => inputs.int(i8::decode(value).into()),
        DataType::I16 => inputs.int(i16::decode(value).into()),
        DataType::I32 => inputs.int(i32::decode(value).into()),
        DataType::I64 => inputs.int(i64::decode(value).into()),
        DataType::I128 => inputs.int(i128::decode(value)),
        DataType::U8 => inputs.int(u8::decode(value).into()),
        DataType::U16 => inputs.int(u16::decode(value).into()),
        DataType::U32 => inputs.int(u32::decode(value).into()),
        DataType::U64 => inputs.int(u64::decode(value).into()),
        DataType::U128 | DataType::Decimal => inputs.bytes(|out| out.extend_from_slice(value)),
        DataType::F32 => inputs.float(f32::decode(value).into()),
        DataType::F64 => inputs.float(f64::decode(value)),
        // The column is an option of an option.
        DataType::Option(inner) => match take_bytes(value, 1)[0] {
            0 => inputs.null(),
            _ => number(inner(), value, inputs),
        },
        other => unreachable!("`{}` cannot be summed", other.name()),
    }
}

/// Hands each row to several consumers that read it encoded.
pub(crate) struct EncodedTee(pub(crate) Vec<Box<dyn EncodedStep>>);

impl EncodedStep for EncodedTee {
    fn push(&mut self, first: &[u8], second: &[u8], diff: Diff) {
        for consumer in &mut self.0 {
            consumer.push(first, second, diff);
        }
    }
}
