//! Tables kept by a key, for joins to share.

use super::Table;
use crate::plan::{NodeId, Operation, SharedIndex};
use crate::schema::{DataType, Expr, Schema};
use crate::stage;
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;

/// Two keys that a join can compare: of one type, or one of them an `Option` of the other.
#[diagnostic::on_unimplemented(
    message = "a join cannot compare a key of type `{Self}` with one of type `{K}`",
    label = "the keys of a join must have the same type",
    note = "convert one of them in its closure, such as `|row| row.id.to_string()`; an `Option<K>` may be joined with a `K`, and null matches nothing"
)]
pub trait SameKey<K> {}

impl<K> SameKey<K> for K {}
impl<K> SameKey<K> for Option<K> {}
impl<K> SameKey<Option<K>> for K {}

/// The name of the column that an expression is, if it is one.
pub(super) fn column_name<T: Schema, E: Expr<T>>() -> Option<&'static str> {
    E::COLUMN.and_then(|at| T::data_type().columns().get(at)).map(|column| column.name)
}

/// Whether the key's encoding in a join is that of the column: nulls within a tuple are not.
pub(super) fn is_plain(key: DataType) -> bool {
    let value = match key {
        DataType::Option(inner) => inner(),
        other => other,
    };
    match value {
        DataType::Option(_) => false,
        DataType::Struct(inner) => !inner.name.is_empty(),
        _ => true,
    }
}

/// A table kept by a key, to be joined several times; made by [`Table::index_by`].
#[must_use = "an index does nothing until it is joined"]
pub struct Indexed<T, K> {
    pub(super) table: Table<T>,
    pub(super) node: NodeId,
    key: PhantomData<fn() -> K>,
}

impl<T, K> Clone for Indexed<T, K> {
    fn clone(&self) -> Self {
        Self { table: self.table.clone(), node: self.node, key: PhantomData }
    }
}

impl<T, K> fmt::Debug for Indexed<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Indexed").field("node", &self.node.0).finish_non_exhaustive()
    }
}

impl<T, K> Indexed<T, K> {
    /// The index, whatever its key.
    pub(super) fn without_key(&self) -> Indexed<T, ()> {
        Indexed { table: self.table.clone(), node: self.node, key: PhantomData }
    }
}

/// The index of a table by that key: the one that is there, if the key is a column.
pub(super) fn index<T, E, F>(
    table: &Table<T>,
    key_of: F,
    location: &'static Location<'static>,
) -> Indexed<T, E::Value>
where
    T: Schema,
    E: Expr<T>,
    F: Fn(&T) -> E + Send + Sync + 'static,
{
    let column = E::COLUMN;
    let shared = column.and_then(|column| table.graph.plan().index(table.port, column));
    let node = shared.unwrap_or_else(|| {
        let node = new_index(table, key_of, false, location);
        if let Some(column) = column {
            table.graph.change(|plan| plan.remember_index(table.port, column, node));
        }
        node
    });
    Indexed { table: table.clone(), node, key: PhantomData }
}

/// An index that is not shared with others by the same column. If it is `unique`, two rows of one
/// key are an error.
pub(super) fn new_index<T, E, F>(
    table: &Table<T>,
    key_of: F,
    unique: bool,
    location: &'static Location<'static>,
) -> NodeId
where
    T: Schema,
    E: Expr<T>,
    F: Fn(&T) -> E + Send + Sync + 'static,
{
    let operation = Operation::Index(SharedIndex {
        terminal: stage::keyed_terminal(key_of),
        key_column: column_name::<T, E>().map(Cow::Borrowed),
        column: E::COLUMN.filter(|_| is_plain(E::Value::data_type())),
        keys: Arc::default(),
        unique,
        intermediate: false,
    });
    let verb = if unique { "unique_by" } else { "index_by" };
    let append_only = table.is_append_only();
    let index: Table<T> = table.derive(verb, location, operation, &[], append_only);
    index.port.node
}

impl<T> Table<T> {
    /// Keeps the table by a key, for several joins to share.
    ///
    /// Joins by the same column (`.on(Order.user, ..)`) share an index by themselves; a closure
    /// is shared through this handle.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let orders = app.rows(vec![(1, 10), (2, 20)]).index_by(|(user, _)| *user);
    /// let users = app.rows(vec![(1, 'a'), (2, 'b')]).index_by(|(user, _)| *user);
    /// let named = orders.join(&users).select(|order, user| (user.1, order.1));
    /// assert_eq!(named.collect()?, [('a', 10), ('b', 20)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    #[track_caller]
    pub fn index_by<E, F>(&self, key: F) -> Indexed<T, E::Value>
    where
        T: Schema,
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        index(self, key, Location::caller())
    }
}
