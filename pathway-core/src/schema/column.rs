//! Columns named at compile time, and the arguments of verbs that take a column or a closure.
//!
//! `#[derive(Schema)] struct Order { user: u64, .. }` puts a constant beside the struct, in the
//! namespace of values, so that `Order.user` names the column: `orders.group_by(Order.user)`.
//! Its type is a function from the row to a [`Path`], because only a bound on `Fn` lets the
//! compiler infer the row's type of a closure in the same place. The function is never needed:
//! everything about the path is in its type.

use super::Schema;
use std::marker::PhantomData;

/// The column at position `I` of a row type. Derived with [`Schema`].
pub trait ColumnAt<const I: usize>: Schema {
    /// The column's type. That it is a [`Schema`] is asked where it is used, so that a field
    /// whose type is none is one message.
    type Value;

    /// The column of one row.
    fn column(&self) -> &Self::Value;
}

/// A row type whose columns have names: what stands behind `Order.user`. Derived with [`Schema`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no columns by name",
    label = "`{Self}` names no columns",
    note = "a struct with named fields and no type parameters gets them from `#[derive(Schema)]`"
)]
pub trait NamedColumns: Schema {
    /// A struct with one field for each column, of the same name.
    type Paths;

    /// The paths of the columns.
    const PATHS: Self::Paths;
}

/// A column of `T`, by its position.
#[derive(Debug)]
pub struct Path<T, const I: usize>(PhantomData<fn(T)>);

impl<T, const I: usize> Clone for Path<T, I> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, const I: usize> Copy for Path<T, I> {}

/// The type of `Order.user`.
pub type PathFn<T, const I: usize> = fn(&T) -> Path<T, I>;

/// The path to column `I`; what the derive puts behind `Order.user`.
pub fn path<T, const I: usize>(_row: &T) -> Path<T, I> {
    Path(PhantomData)
}

/// What a closure on a row may return where a verb asks for a value of the row: the value
/// itself, or a column path.
///
/// You will rarely name this trait; see [`Table::group_by`](crate::table::Table::group_by).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a key or a column",
    label = "this is `{Self}`, which does not implement `Schema`",
    note = "return an owned value: a closure cannot return a reference into the row, so write `row.name.clone()`, or name the column: `Row.name`",
    note = "if `{Self}` is your own type, add `#[derive(Schema)]` to it"
)]
pub trait Expr<T> {
    /// The type of the value.
    type Value: Schema;
    /// The position of the column, if this is a path.
    const COLUMN: Option<usize>;

    /// Calls `f` with the value, which for a path is the row's own.
    fn with<R>(self, row: &T, f: impl FnOnce(&Self::Value) -> R) -> R;
}

impl<T, V: Schema> Expr<T> for V {
    type Value = V;
    const COLUMN: Option<usize> = None;

    fn with<R>(self, _row: &T, f: impl FnOnce(&V) -> R) -> R {
        f(&self)
    }
}

impl<T: ColumnAt<I, Value: Schema>, const I: usize> Expr<T> for Path<T, I> {
    type Value = T::Value;
    const COLUMN: Option<usize> = Some(I);

    fn with<R>(self, row: &T, f: impl FnOnce(&T::Value) -> R) -> R {
        f(row.column())
    }
}
