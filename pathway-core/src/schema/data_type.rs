//! Types described as data.

use super::Schema;

/// See the alias in [`crate::schema`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum DataType {
    Bool,
    I8,
    I16,
    I32,
    I64,
    I128,
    U8,
    U16,
    U32,
    U64,
    U128,
    F32,
    F64,
    Char,
    String,
    Bytes,
    /// A calendar date.
    Date,
    /// A time of day.
    Time,
    /// A date and a time of day in no time zone.
    NaiveDateTime,
    /// An instant on the UTC time line.
    DateTime,
    /// An instant with its time zone.
    Zoned,
    /// A signed length of time.
    Duration,
    /// A length of time that cannot be negative.
    UnsignedDuration,
    /// A decimal number.
    Decimal,
    /// A UUID.
    Uuid,
    /// A JSON value.
    Json,
    /// A value or null.
    Option(fn() -> Self),
    /// A value that sorts the other way round.
    Reverse(fn() -> Self),
    /// Any number of values in order.
    List(fn() -> Self),
    /// A fixed number of values in order.
    Array(fn() -> Self, usize),
    /// Values by key, sorted.
    Map(fn() -> Self, fn() -> Self),
    /// A struct or a tuple.
    Struct(&'static StructType),
    /// An enum.
    Enum(&'static EnumType),
}

/// How a struct is written in Rust.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StructKind {
    /// `struct S { a: A }`: columns by name.
    Named,
    /// `struct S(A, B)` or a tuple `(A, B)`: columns by position.
    Tuple,
    /// No columns.
    Unit,
}

/// The description of a struct or a tuple.
#[derive(Debug)]
pub struct StructType {
    /// The name of the type; empty for a tuple.
    pub name: &'static str,
    /// How it is written.
    pub kind: StructKind,
    /// Its columns in order.
    pub columns: &'static [ColumnType],
}

/// The description of one column.
#[derive(Clone, Copy, Debug)]
pub struct ColumnType {
    /// The name that files and messages use.
    pub name: &'static str,
    /// The type; `Option(..)` for a nullable column.
    pub data_type: fn() -> DataType,
    /// Whether the column can be null.
    pub nullable: bool,
    /// Whether it is part of the row's key.
    pub key: bool,
    /// Whether it is the row's event time.
    pub event_time: bool,
    /// The doc comment of the field.
    pub doc: &'static str,
    /// Appends the encoding of the value that stands in where a source has none.
    pub default: Option<fn(&mut Vec<u8>)>,
}

impl ColumnType {
    /// A column of type `T`, with no further property.
    pub const fn of<T: Schema>(name: &'static str) -> Self {
        Self {
            name,
            data_type: T::data_type,
            nullable: T::NULLABLE,
            key: false,
            event_time: false,
            doc: "",
            default: None,
        }
    }

    /// Gives the column its name.
    #[must_use]
    pub const fn named(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    /// Marks the column as part of the key.
    #[must_use]
    pub const fn key(mut self) -> Self {
        self.key = true;
        self
    }

    /// Marks the column as the event time.
    #[must_use]
    pub const fn event_time(mut self) -> Self {
        self.event_time = true;
        self
    }

    /// Attaches the field's doc comment.
    #[must_use]
    pub const fn doc(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }

    /// Attaches the default value.
    #[must_use]
    pub const fn default(mut self, default: fn(&mut Vec<u8>)) -> Self {
        self.default = Some(default);
        self
    }

    /// The type of the column's values that are not null.
    pub fn value_type(&self) -> DataType {
        match (self.data_type)() {
            DataType::Option(inner) => inner(),
            other => other,
        }
    }
}

/// The description of an enum.
#[derive(Debug)]
pub struct EnumType {
    /// The name of the type.
    pub name: &'static str,
    /// Its variants, in the order of their tags.
    pub variants: &'static [VariantType],
}

/// The description of one variant of an enum.
#[derive(Debug)]
pub struct VariantType {
    /// The name that files and messages use.
    pub name: &'static str,
    /// The variant's fields.
    pub fields: StructType,
}

impl StructType {
    /// How many columns are nullable, which is the length of the null bitmap in bits.
    pub fn nullable_count(&self) -> usize {
        self.columns.iter().filter(|column| column.nullable).count()
    }

    /// The position of the column of that name.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }
}

impl DataType {
    /// The name that messages use for the type.
    pub fn name(&self) -> String {
        match self {
            Self::Bool => "bool".into(),
            Self::I8 => "i8".into(),
            Self::I16 => "i16".into(),
            Self::I32 => "i32".into(),
            Self::I64 => "i64".into(),
            Self::I128 => "i128".into(),
            Self::U8 => "u8".into(),
            Self::U16 => "u16".into(),
            Self::U32 => "u32".into(),
            Self::U64 => "u64".into(),
            Self::U128 => "u128".into(),
            Self::F32 => "f32".into(),
            Self::F64 => "f64".into(),
            Self::Char => "char".into(),
            Self::String => "String".into(),
            Self::Bytes => "Bytes".into(),
            Self::Date => "Date".into(),
            Self::Time => "Time".into(),
            Self::NaiveDateTime => "NaiveDateTime".into(),
            Self::DateTime => "DateTime".into(),
            Self::Zoned => "Zoned".into(),
            Self::Duration | Self::UnsignedDuration => "Duration".into(),
            Self::Decimal => "Decimal".into(),
            Self::Uuid => "Uuid".into(),
            Self::Json => "Json".into(),
            Self::Option(inner) => format!("Option<{}>", inner().name()),
            Self::Reverse(inner) => format!("Reverse<{}>", inner().name()),
            Self::List(inner) => format!("Vec<{}>", inner().name()),
            Self::Array(inner, len) => format!("[{}; {len}]", inner().name()),
            Self::Map(key, value) => format!("Map<{}, {}>", key().name(), value().name()),
            Self::Struct(inner) if inner.name.is_empty() => {
                let columns: Vec<String> =
                    inner.columns.iter().map(|column| (column.data_type)().name()).collect();
                match columns.as_slice() {
                    [one] => format!("({one},)"),
                    many => format!("({})", many.join(", ")),
                }
            }
            Self::Struct(inner) => inner.name.into(),
            Self::Enum(inner) => inner.name.into(),
        }
    }

    /// The columns of a row of this type: a struct's own, or none for a plain value.
    pub fn columns(&self) -> &'static [ColumnType] {
        match self {
            Self::Struct(inner) => inner.columns,
            _ => &[],
        }
    }
}
