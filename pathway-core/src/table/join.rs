//! Joins, and the indexes they share.

use super::Table;
use crate::dataflow::JoinKind;
use crate::plan::{NodeId, Operation, Port, SharedIndex};
use crate::schema::{DataType, Expr, Schema};
use crate::stage::{self, RowType};
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
fn is_plain(key: DataType) -> bool {
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
    table: Table<T>,
    index: NodeId,
    key: PhantomData<fn() -> K>,
}

impl<T, K> Clone for Indexed<T, K> {
    fn clone(&self) -> Self {
        Self { table: self.table.clone(), index: self.index, key: PhantomData }
    }
}

impl<T, K> fmt::Debug for Indexed<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Indexed").field("index", &self.index.0).finish_non_exhaustive()
    }
}

fn index<T, E, F>(
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
    let index = shared.unwrap_or_else(|| {
        let operation = Operation::Index(SharedIndex {
            terminal: stage::keyed_terminal(key_of),
            key_column: column_name::<T, E>(),
            column: column.filter(|_| is_plain(E::Value::data_type())),
        });
        let append_only = table.is_append_only();
        let index: Table<T> = table.derive("index_by", location, operation, &[], append_only);
        let node = index.port.node;
        if let Some(column) = column {
            table.graph.change(|plan| plan.remember_index(table.port, column, node));
        }
        node
    });
    Indexed { table: table.clone(), index, key: PhantomData }
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

    /// Joins the rows of two tables whose keys are equal.
    ///
    /// Continue with [`on`](JoinBuilder::on), which names the keys, and
    /// [`select`](JoinPair::select), which makes a row of each pair. A key that is null, or a
    /// tuple with a null in it, matches nothing.
    ///
    /// **Time.** A change on either side changes exactly the pairs it is part of.
    /// **State.** Both tables, by key; an index is shared with other joins by the same column.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let orders = app.rows(vec![(1, 10), (2, 20), (1, 30)]);
    /// let users = app.rows(vec![(1, "Ada".to_owned())]);
    /// let named = orders
    ///     .join(&users)
    ///     .on(|order| order.0, |user| user.0)
    ///     .select(|order, user| (user.1.clone(), order.1));
    /// assert_eq!(named.collect()?, [("Ada".to_owned(), 10), ("Ada".to_owned(), 30)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    #[track_caller]
    pub fn join<R>(&self, right: &Table<R>) -> JoinBuilder<T, R> {
        JoinBuilder { left: self.clone(), right: right.clone(), location: Location::caller() }
    }

    /// As [`join`](Self::join), and keeps the left rows that match nothing.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let orders = app.rows(vec![(1, 10), (2, 20)]);
    /// let users = app.rows(vec![(1, "Ada".to_owned())]);
    /// let named = orders
    ///     .left_join(&users)
    ///     .on(|order| order.0, |user| user.0)
    ///     .select(|order, user| (order.1, user.map(|user| user.1.clone())));
    /// assert_eq!(named.collect()?, [(10, Some("Ada".to_owned())), (20, None)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    #[track_caller]
    pub fn left_join<R>(&self, right: &Table<R>) -> LeftJoinBuilder<T, R> {
        LeftJoinBuilder { left: self.clone(), right: right.clone(), location: Location::caller() }
    }
}

impl<T, K> Indexed<T, K> {
    /// Joins the rows of two indexes whose keys are equal; see [`Table::join`].
    #[track_caller]
    pub fn join<R, J>(&self, right: &Indexed<R, J>) -> JoinPair<T, R>
    where
        K: SameKey<J>,
    {
        JoinPair {
            left: self.table.clone(),
            indexes: (self.index, right.index),
            location: Location::caller(),
            right: PhantomData,
        }
    }

    /// As [`join`](Self::join), and keeps the left rows that match nothing.
    #[track_caller]
    pub fn left_join<R, J>(&self, right: &Indexed<R, J>) -> LeftJoinPair<T, R>
    where
        K: SameKey<J>,
    {
        LeftJoinPair {
            left: self.table.clone(),
            indexes: (self.index, right.index),
            location: Location::caller(),
            right: PhantomData,
        }
    }
}

macro_rules! join_types {
    ($Builder:ident, $Pair:ident, $kind:literal) => {
        #[doc = concat!("Two tables of ", $kind, ", before the keys are named.")]
        #[must_use = "name the keys: `.on(|left| .., |right| ..)`"]
        pub struct $Builder<L, R> {
            left: Table<L>,
            right: Table<R>,
            location: &'static Location<'static>,
        }

        impl<L, R> fmt::Debug for $Builder<L, R> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($Builder)).finish_non_exhaustive()
            }
        }

        #[doc = concat!("Two tables of ", $kind, ", by key.")]
        #[must_use = "make rows of the pairs: `.select(|left, right| ..)`"]
        pub struct $Pair<L, R> {
            left: Table<L>,
            indexes: (NodeId, NodeId),
            location: &'static Location<'static>,
            right: PhantomData<fn() -> R>,
        }

        impl<L, R> fmt::Debug for $Pair<L, R> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($Pair)).finish_non_exhaustive()
            }
        }

        impl<L, R> $Builder<L, R> {
            /// Names the keys: closures or columns, `.on(Order.user, User.id)`.
            pub fn on<E, G, EL, ER>(self, left: E, right: G) -> $Pair<L, R>
            where
                L: Schema,
                R: Schema,
                EL: Expr<L, Value: SameKey<ER::Value>>,
                ER: Expr<R>,
                E: Fn(&L) -> EL + Send + Sync + 'static,
                G: Fn(&R) -> ER + Send + Sync + 'static,
            {
                let left_index = index(&self.left, left, self.location).index;
                let right_index = index(&self.right, right, self.location).index;
                $Pair {
                    left: self.left,
                    indexes: (left_index, right_index),
                    location: self.location,
                    right: PhantomData,
                }
            }
        }
    };
}

join_types!(JoinBuilder, JoinPair, "a join");
join_types!(LeftJoinBuilder, LeftJoinPair, "a left join");

fn push<L, U: Schema>(
    left: &Table<L>,
    (left_index, right_index): (NodeId, NodeId),
    verb: &'static str,
    location: &'static Location<'static>,
    operation: Operation,
) -> Table<U> {
    let port = |node| Port { node, output: 0 };
    let graph = &left.graph;
    let node = graph.push(
        verb,
        location,
        operation,
        vec![port(left_index), port(right_index)],
        vec![const { RowType::of::<U>() }],
        false,
    );
    Table::new(Arc::clone(graph), node, 0)
}

impl<L, R> JoinPair<L, R> {
    /// Makes a row of each pair of rows whose keys are equal.
    pub fn select<U, F>(self, f: F) -> Table<U>
    where
        L: Schema,
        R: Schema,
        U: Schema,
        F: Fn(&L, &R) -> U + Send + Sync + 'static,
    {
        let f = Arc::new(f);
        let root: crate::plan::Rooted =
            Arc::new(move |node, next| stage::join_root::<L, R, U, F>(node, Arc::clone(&f), next));
        let operation = Operation::Join { kind: JoinKind::INNER, root };
        push(&self.left, self.indexes, "join", self.location, operation)
    }
}

impl<L, R> LeftJoinPair<L, R> {
    /// Makes a row of each pair of rows whose keys are equal, and of each left row without one.
    pub fn select<U, F>(self, f: F) -> Table<U>
    where
        L: Schema,
        R: Schema,
        U: Schema,
        F: Fn(&L, Option<&R>) -> U + Send + Sync + 'static,
    {
        let f = Arc::new(f);
        let root: crate::plan::Rooted = Arc::new(move |node, next| {
            stage::left_join_root::<L, R, U, F>(node, Arc::clone(&f), next)
        });
        let operation = Operation::Join { kind: JoinKind::LEFT, root };
        push(&self.left, self.indexes, "left_join", self.location, operation)
    }
}
