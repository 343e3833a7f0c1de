//! Rows of another table by their key.

use super::index::{SameKey, new_index};
use super::join::{present, push};
use super::{Fallible, RowError, Table};
use crate::dataflow::JoinKind;
use crate::format;
use crate::plan::{NodeId, Operation, Rooted};
use crate::schema::{DataType, Expr, Keyed, Schema};
use crate::stage::{self, RowType, StepFactory};
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// Rows, each with the row of another table that it asks for; made by [`Table::lookup`].
#[must_use = "make rows of what was found: `.select(|row, found| ..)`"]
pub struct Lookup<L, R> {
    left: Table<L>,
    indexes: (NodeId, NodeId),
    /// The key that a row asks for, to a person.
    describe: Arc<dyn Fn(&L) -> String + Send + Sync>,
    location: &'static Location<'static>,
    right: std::marker::PhantomData<fn() -> R>,
}

/// A [`Lookup`] where each row must find what it asks for.
#[must_use = "make rows of what was found: `.select(|row, found| ..)`"]
pub struct RequiredLookup<L, R>(Lookup<L, R>);

impl<L, R> fmt::Debug for Lookup<L, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lookup").finish_non_exhaustive()
    }
}

impl<L, R> fmt::Debug for RequiredLookup<L, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequiredLookup").finish_non_exhaustive()
    }
}

impl<T> Table<T> {
    /// Looks up, for each row, the row of another table by its `#[schema(key)]`.
    ///
    /// **Time.** A change of the other table changes what was found.
    /// **State.** Both tables, by key.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// #[derive(Clone, Debug, Schema)]
    /// struct User {
    ///     #[schema(key)]
    ///     id: u32,
    ///     name: String,
    /// }
    ///
    /// let app = Pipeline::new("example");
    /// let users = app.rows(vec![User { id: 1, name: "Ada".to_owned() }]);
    /// let orders = app.rows(vec![(1, 10), (2, 20)]);
    /// let named = orders
    ///     .lookup(&users, |order| order.0)
    ///     .select(|order, user| (order.1, user.map(|user| user.name.clone())));
    /// assert_eq!(named.collect()?, [(10, Some("Ada".to_owned())), (20, None)]);
    ///
    /// // A row that must be there: what is missing is an error, or a row of an error table.
    /// let (found, missing) = orders
    ///     .lookup(&users, |order| order.0)
    ///     .required()
    ///     .select(|order, user| (order.1, user.name.clone()))
    ///     .or_errors();
    /// assert_eq!(found.collect()?, [(10, "Ada".to_owned())]);
    /// assert_eq!(missing.collect()?[0].error, "no `User` has the key 2");
    /// # Ok::<(), pathway::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Two rows of the other table that have one key when an epoch closes end the run with
    /// [`RunError::Operator`](crate::error::RunError::Operator).
    #[track_caller]
    pub fn lookup<R, E, F>(&self, other: &Table<R>, key: F) -> Lookup<T, R>
    where
        T: Schema,
        R: Keyed,
        E: Expr<T, Value: SameKey<R::Key>>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        let location = Location::caller();
        let key = Arc::new(key);
        let of_row = Arc::clone(&key);
        let left = new_index(self, move |row: &T| of_row(row), false, location);
        let right = new_index(other, |row: &R| row.key(), true, location);
        let describe = move |row: &T| {
            let key = key(row).with(row, Schema::to_row_bytes);
            match (E::Value::data_type(), key.split_first()) {
                (DataType::Option(_), Some((0, _))) => "null".to_owned(),
                (DataType::Option(inner), Some((_, key))) => format::display::display(inner(), key),
                (key_type, _) => format::display::display(key_type, &key),
            }
        };
        Lookup {
            left: self.clone(),
            indexes: (left, right),
            describe: Arc::new(describe),
            location,
            right: std::marker::PhantomData,
        }
    }
}

impl<L: Schema, R: Keyed> Lookup<L, R> {
    /// Makes a row of each row and what it has found, if anything.
    pub fn select<U, F>(self, f: F) -> Table<U>
    where
        U: Schema,
        F: Fn(&L, Option<&R>) -> U + Send + Sync + 'static,
    {
        let f = Arc::new(move |left: Option<&L>, right: Option<&R>| f(present(left), right));
        let root: Rooted = Arc::new(move |node, next| {
            stage::outer_join_root::<L, R, U, _>(node, Arc::clone(&f), next)
        });
        let operation = Operation::Join { kind: JoinKind::LEFT, root: Some(root) };
        push(&self.left, self.indexes, "lookup", self.location, operation)
    }

    /// Lets a row that finds nothing be an error.
    pub fn required(self) -> RequiredLookup<L, R> {
        RequiredLookup(self)
    }
}

impl<L: Schema, R: Keyed> RequiredLookup<L, R> {
    /// Makes a row of each row and what it has found. What is missing ends the run, unless
    /// [`or_errors`](Fallible::or_errors) takes the rows for which it is.
    pub fn select<U, F>(self, f: F) -> Fallible<Table<U>, Table<RowError<L>>>
    where
        U: Schema,
        F: Fn(&L, &R) -> U + Send + Sync + 'static,
    {
        let Self(lookup) = self;
        let (describe, location) = (Arc::clone(&lookup.describe), lookup.location);
        let found: Table<(Option<U>, Option<RowError<L>>)> =
            lookup.select(move |left, right| match right {
                Some(right) => (Some(f(left, right)), None),
                None => (None, Some(missing::<L, R>(left, &describe(left)))),
            });
        let factory: StepFactory =
            stage::try_map(|found: (Option<U>, Option<RowError<L>>)| match found {
                (Some(row), _) => Ok(row),
                (None, Some(missing)) => Err(missing),
                (None, None) => unreachable!("a row is found or missing"),
            });
        let outputs = vec![const { RowType::of::<U>() }, const { RowType::of::<RowError<L>>() }];
        let graph = &found.graph;
        let operation = Operation::Step(factory);
        let node = graph.push("required", location, operation, vec![found.port], outputs, false);
        let rows = Table::new(Arc::clone(graph), node, 0);
        let errors = Table::new(Arc::clone(graph), node, 1);
        Fallible::new(rows, errors, (Arc::clone(graph), node))
    }
}

fn missing<L: Schema, R: Schema>(row: &L, key: &str) -> RowError<L> {
    let name = match R::data_type() {
        DataType::Struct(inner) => inner.name,
        _ => "row",
    };
    RowError { row: row.duplicate(), error: format!("no `{name}` has the key {key}") }
}
