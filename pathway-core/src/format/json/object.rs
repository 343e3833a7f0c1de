//! Structs, tuples and enums from JSON.
//!
//! The values of an object are appended in the order in which they come, and where each lies is
//! kept in a [`Slot`]. Only if that was not the order of the columns are they put right at the
//! end.

use super::read::{Context, Nullable, Value, is_wrapper};
use crate::format::closest;
use crate::schema::{ColumnType, EnumType, StructKind, StructType, put_len};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// Where the value of a column lies in the row that is being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    Absent,
    Null,
    At(usize, usize),
}

/// A struct that is being written.
pub(super) struct Row<'a> {
    columns: &'static [ColumnType],
    pub(super) out: &'a mut Vec<u8>,
    context: &'a mut Context,
    /// Where the null bitmap begins, and the values behind it.
    bitmap: usize,
    values: usize,
    /// Where the struct's slots begin.
    slots: usize,
    /// The column that follows the last one; every value before it lies in order.
    next: usize,
    in_order: bool,
}

impl<'a> Row<'a> {
    pub(super) fn begin(
        inner: &'static StructType,
        out: &'a mut Vec<u8>,
        context: &'a mut Context,
    ) -> Self {
        let bitmap = out.len();
        let values = bitmap + inner.nullable_count().div_ceil(8);
        out.resize(values, 0);
        let slots = context.slots.len();
        context.slots.resize(slots + inner.columns.len(), Slot::Absent);
        Self {
            columns: inner.columns,
            out,
            context,
            bitmap,
            values,
            slots,
            next: 0,
            in_order: true,
        }
    }

    /// Reads a column; `read` answers whether it holds a value, or `None` if nothing was there.
    fn column<E: Error>(
        &mut self,
        at: usize,
        read: impl FnOnce(Column<'_>) -> Result<Option<bool>, E>,
    ) -> Result<bool, E> {
        let column = &self.columns[at];
        let start = self.out.len();
        let seed = Column { column, out: &mut *self.out, context: &mut *self.context };
        match read(seed) {
            Ok(None) => return Ok(false),
            Ok(Some(present)) => self.place(at, start, present),
            Err(error) => {
                self.context.at_column(column.name);
                return Err(error);
            }
        }
        Ok(true)
    }

    /// The column of that name.
    #[inline]
    pub(super) fn named(&self, name: &[u8]) -> Option<usize> {
        let is_named = |column: &ColumnType| column.name.as_bytes() == name;
        match self.columns.get(self.next) {
            Some(column) if is_named(column) => Some(self.next),
            _ => self.columns.iter().position(is_named),
        }
    }

    /// Whether that column has had nothing yet.
    pub(super) fn is_absent(&self, at: usize) -> bool {
        self.context.slots[self.slots + at] == Slot::Absent
    }

    /// Notes where the value of a column is that has been written last, or that it has none.
    pub(super) fn place(&mut self, at: usize, start: usize, present: bool) {
        self.in_order &= at >= self.next;
        self.next = at + 1;
        let slot = if present { Slot::At(start, self.out.len()) } else { Slot::Null };
        self.context.slots[self.slots + at] = slot;
    }

    /// Fills what is absent, sets the null bits, and puts the values in order.
    pub(super) fn finish<E: Error>(mut self) -> Result<(), E> {
        let mut nullable = 0;
        for (at, column) in self.columns.iter().enumerate() {
            if self.context.slots[self.slots + at] == Slot::Absent {
                self.fill(at)?;
            }
            if column.nullable {
                if self.context.slots[self.slots + at] == Slot::Null {
                    self.out[self.bitmap + nullable / 8] |= 1 << (nullable % 8);
                }
                nullable += 1;
            }
        }
        if !self.in_order {
            self.put_in_order();
        }
        self.context.slots.truncate(self.slots);
        Ok(())
    }

    fn fill<E: Error>(&mut self, at: usize) -> Result<(), E> {
        let column = &self.columns[at];
        let start = self.out.len();
        match column.default {
            // The default is written as a value by itself; a nullable one begins with its tag.
            Some(default) if column.nullable => {
                default(self.out);
                let present = self.out.remove(start) == 1;
                self.place(at, start, present);
            }
            Some(default) => {
                default(self.out);
                self.place(at, start, true);
            }
            None if column.nullable => self.context.slots[self.slots + at] = Slot::Null,
            None => {
                let problem = format!("missing column `{}`", column.name);
                return Err(self.context.fail(problem, String::new()));
            }
        }
        Ok(())
    }

    fn put_in_order(&mut self) {
        let Context { slots, scratch, .. } = &mut *self.context;
        scratch.clear();
        for slot in &slots[self.slots..] {
            if let &Slot::At(start, end) = slot {
                scratch.extend_from_slice(&self.out[start..end]);
            }
        }
        self.out.truncate(self.values);
        self.out.extend_from_slice(scratch);
    }
}

/// Reads one column, and answers whether it holds a value.
struct Column<'a> {
    column: &'static ColumnType,
    out: &'a mut Vec<u8>,
    context: &'a mut Context,
}

impl<'de> DeserializeSeed<'de> for Column<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<bool, D::Error> {
        let Self { column, out, context } = self;
        let value = Value { data_type: column.value_type(), out, context };
        if column.nullable {
            Nullable(value).deserialize(input)
        } else {
            value.deserialize(input).map(|()| true)
        }
    }
}

/// Reads `{"column": value, ..}`.
pub(super) fn read_object<'de, A: MapAccess<'de>>(
    inner: &'static StructType,
    out: &mut Vec<u8>,
    context: &mut Context,
    mut fields: A,
) -> Result<(), A::Error> {
    let columns = inner.columns;
    let mut row = Row::begin(inner, out, context);
    while let Some(column) = fields.next_key_seed(Name { columns, expected: row.next })? {
        let Some(at) = column else {
            fields.next_value::<IgnoredAny>()?;
            continue;
        };
        if !row.is_absent(at) {
            row.context.at_column(columns[at].name);
            return Err(row.context.fail("the field stands twice".into(), String::new()));
        }
        row.column(at, |seed| fields.next_value_seed(seed).map(Some))?;
    }
    row.finish()
}

/// Reads `[value, ..]`, one for each column.
pub(super) fn read_array<'de, A: SeqAccess<'de>>(
    inner: &'static StructType,
    out: &mut Vec<u8>,
    context: &mut Context,
    mut elements: A,
) -> Result<(), A::Error> {
    let len = inner.columns.len();
    let mut row = Row::begin(inner, out, context);
    for at in 0..len {
        if !row.column(at, |seed| elements.next_element_seed(seed))? {
            let found = format!("an array of {at}");
            return Err(row.context.fail(format!("expected {len} values"), found));
        }
    }
    if elements.next_element::<IgnoredAny>()?.is_some() {
        let found = "an array of more".into();
        return Err(row.context.fail(format!("expected {len} values"), found));
    }
    row.finish()
}

/// Reads the bare value of `struct S(A)`.
pub(super) fn read_wrapped<'de, D: Deserializer<'de>>(
    inner: &'static StructType,
    out: &mut Vec<u8>,
    context: &mut Context,
    input: D,
) -> Result<(), D::Error> {
    let [column] = inner.columns else { unreachable!("a wrapper has one column") };
    let mut row = Row::begin(inner, out, context);
    let start = row.out.len();
    let seed = Column { column, out: &mut *row.out, context: &mut *row.context };
    let present = seed.deserialize(input)?;
    row.place(0, start, present);
    row.finish()
}

/// Reads `{"Variant": fields}`.
pub(super) fn read_variant<'de, A: MapAccess<'de>>(
    inner: &'static EnumType,
    out: &mut Vec<u8>,
    context: &mut Context,
    mut fields: A,
) -> Result<(), A::Error> {
    let one = || format!("expected {}, an object with the name of its variant", inner.name);
    let Some(name) = fields.next_key::<Cow<'de, str>>()? else {
        return Err(context.fail(one(), "{}".into()));
    };
    let Some(tag) = inner.variants.iter().position(|variant| variant.name == name) else {
        let problem = match closest(&name, inner.variants.iter().map(|variant| variant.name)) {
            Some(meant) => format!("expected {}, did you mean `{meant}`?", inner.name),
            None => format!("no variant of {} has that name", inner.name),
        };
        return Err(context.fail(problem, name.into()));
    };
    put_len(tag, out);
    let variant = &inner.variants[tag];
    let seed = Fields { inner: &variant.fields, out, context: &mut *context };
    if let Err(error) = fields.next_value_seed(seed) {
        context.at_column(variant.name);
        return Err(error);
    }
    if fields.next_key::<IgnoredAny>()?.is_some() {
        return Err(context.fail(one(), "an object with several fields".into()));
    }
    Ok(())
}

/// Reads the fields of a variant.
struct Fields<'a> {
    inner: &'static StructType,
    out: &'a mut Vec<u8>,
    context: &'a mut Context,
}

impl<'de> DeserializeSeed<'de> for Fields<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        let Self { inner, out, context } = self;
        if is_wrapper(inner) {
            return read_wrapped(inner, out, context, input);
        }
        let data_type = crate::schema::DataType::Struct(inner);
        input.deserialize_any(Value { data_type, out, context })
    }
}

/// Reads a field's name, and answers the position of its column.
struct Name {
    columns: &'static [ColumnType],
    /// The column that is tried first.
    expected: usize,
}

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Self::Value, D::Error> {
        input.deserialize_str(self)
    }
}

impl Visitor<'_> for Name {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a column")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        match self.columns.get(self.expected) {
            Some(column) if column.name == name => Ok(Some(self.expected)),
            _ => Ok(self.columns.iter().position(|column| column.name == name)),
        }
    }
}

/// Whether the struct is written as an object, by the names of its columns.
pub(super) fn is_object(inner: &StructType) -> bool {
    inner.kind == StructKind::Named
}
