//! What the macros' expansions name. Not part of the interface: anything here may change.

pub use crate::schema::{
    ColumnAt, ColumnType, DataType, EnumType, EventTime, EventTimeColumn, Keyed, NamedColumns,
    PathFn, RowDecoder, RowEncoder, Schema, StructKind, StructType, VariantType, path, put_len,
    take_len,
};
pub use crate::table::{
    Aggregate, Collection, Fallible, OperatorInfo, RowError, Stream, Table, operators,
};
#[cfg(feature = "async")]
pub use crate::table::{Batches, Calls};
pub use std::borrow::ToOwned;
use std::fmt::Display;
pub use std::string::String;
pub use std::sync::Arc;
pub use std::vec::Vec;

/// Ends the decoding of bytes that no encoder wrote.
#[cold]
pub fn no_such_variant(name: &str, tag: usize) -> ! {
    panic!("`{name}` has no variant {tag}: the bytes are not an encoded `{name}`")
}

/// What `#[schema(skip)]` and `#[schema(default)]` ask of a field.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no default value",
    label = "`{Self}` does not implement `Default`",
    note = "`#[schema(skip)]` and `#[schema(default)]` fill the field with `Default::default()`",
    note = "implement `Default` for `{Self}`, or make the field an `Option`; a column can also give its value: `#[schema(default = ..)]`"
)]
pub trait HasDefault: Sized {
    /// The value.
    fn default_value() -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Default> HasDefault for T {
    fn default_value() -> Self {
        Self::default()
    }
}

/// A row type that is the one an operator takes: every type is itself.
#[diagnostic::on_unimplemented(
    message = "this operator takes rows of `{T}`, and these are rows of `{Self}`",
    label = "the rows here are `{Self}`",
    note = "make `{T}` of each row first: `.map(|row| ..)`"
)]
pub trait RowIs<T>: Sized {
    /// The row, as what it is.
    fn into_row(self) -> T;
    /// The row, as what it is.
    fn as_row(&self) -> &T;
}

#[diagnostic::do_not_recommend]
impl<T> RowIs<T> for T {
    fn into_row(self) -> T {
        self
    }

    fn as_row(&self) -> &T {
        self
    }
}

/// A collection that serves where an operator takes a `G`.
#[diagnostic::on_unimplemented(
    message = "this operator takes a `{G}`, and this is a `{Self}`",
    label = "this is a `{Self}`",
    note = "a `Stream` serves as a `Table`; the other way round, `.changes()` gives the stream of a table's updates"
)]
pub trait InputOf<G> {
    /// The collection, as what the operator takes.
    fn input(&self) -> G;
}

#[diagnostic::do_not_recommend]
impl<T> InputOf<Self> for Stream<T> {
    fn input(&self) -> Self {
        self.clone()
    }
}

#[diagnostic::do_not_recommend]
impl<T> InputOf<Table<T>> for Stream<T> {
    fn input(&self) -> Table<T> {
        self.clone().into()
    }
}

#[diagnostic::do_not_recommend]
impl<T> InputOf<Self> for Table<T> {
    fn input(&self) -> Self {
        self.clone()
    }
}

/// What an operator asks of the arguments behind the row.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of an operator",
    label = "`{Self}` is not `Clone + Send + Sync + 'static`",
    note = "the engine copies the argument to every worker thread, and clones it for each row"
)]
pub trait OperatorArgument: Sized {
    /// The argument itself. An associated type rather than supertraits, whose absence the compiler
    /// would report one by one.
    type Shared: Send + Sync + 'static;
    /// The argument, kept for all rows.
    fn share(self) -> Self::Shared;
    /// A copy for one row.
    fn copied(shared: &Self::Shared) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Clone + Send + Sync + 'static> OperatorArgument for T {
    type Shared = T;

    fn share(self) -> T {
        self
    }

    fn copied(shared: &T) -> T {
        shared.clone()
    }
}

/// An `Option` by whatever name.
#[diagnostic::on_unimplemented(
    message = "`filter_map` needs a function that returns an `Option`, and this is `{Self}`",
    label = "this is `{Self}`"
)]
pub trait IsOption {
    /// What may be inside.
    type Value: Schema;
    /// The option, as what it is.
    fn into_option(self) -> Option<Self::Value>;
}

impl<T: Schema> IsOption for Option<T> {
    type Value = T;

    fn into_option(self) -> Self {
        self
    }
}

/// A `Result` by whatever name.
#[diagnostic::on_unimplemented(
    message = "`try_map` needs a function that returns a `Result`, and this is `{Self}`",
    label = "this is `{Self}`"
)]
pub trait IsResult {
    /// What is inside if it went well.
    type Value: Schema;
    /// What is inside if it did not.
    type Error: Display;
    /// The result, as what it is.
    fn into_result(self) -> Result<Self::Value, Self::Error>;
}

impl<T: Schema, E: Display> IsResult for Result<T, E> {
    type Value = T;
    type Error = E;

    fn into_result(self) -> Self {
        self
    }
}

/// Any number of rows.
#[diagnostic::on_unimplemented(
    message = "`flat_map` needs a function that returns rows one can iterate over, and this is `{Self}`",
    label = "this is `{Self}`",
    note = "return an `impl Iterator<Item = Row>`, or a collection such as `Vec<Row>`, where `Row` implements `Schema`"
)]
pub trait IsRows {
    /// One of them.
    type Row: Schema;
    /// The rows, one after the other.
    fn into_rows(self) -> Vec<Self::Row>;
}

#[diagnostic::do_not_recommend]
impl<I: IntoIterator<Item: Schema>> IsRows for I {
    type Row = I::Item;

    fn into_rows(self) -> Vec<I::Item> {
        collected(self)
    }
}

/// The rows of an iterator that borrows from the row it was made of.
pub fn collected<T>(rows: impl IntoIterator<Item = T>) -> Vec<T> {
    rows.into_iter().collect()
}

/// What a field of an aggregate asks of its reducer: its own type.
#[diagnostic::on_unimplemented(
    message = "this reducer gives `{Self}`, and the field is `{T}`",
    label = "declare the field as `{Self}`"
)]
pub trait Reduces<T> {
    /// The value, as what it is.
    fn value(self) -> T;
}

#[diagnostic::do_not_recommend]
impl<T> Reduces<T> for T {
    fn value(self) -> T {
        self
    }
}

/// The result of a reducer as the field that is declared for it.
pub fn reduced<T, G: Reduces<T>>(given: G) -> T {
    given.value()
}

/// What a group field of an aggregate asks of the column: its own type.
#[diagnostic::on_unimplemented(
    message = "the column of this group is `{Self}`, and the field is `{T}`",
    label = "declare the field as `{Self}`"
)]
pub trait Groups<T> {
    /// The value, as what it is.
    fn value(self) -> T;
}

#[diagnostic::do_not_recommend]
impl<T> Groups<T> for T {
    fn value(self) -> T {
        self
    }
}

/// The column of a group as the field that is declared for it.
pub fn group_column<T, G: Groups<T>>(given: G) -> T {
    given.value()
}
