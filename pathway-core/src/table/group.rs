//! `group_by` and `reduce`.

use super::Table;
use crate::dataflow::ReducePlan;
use crate::plan::Operation;
use crate::reduce::{Group, Reducers};
use crate::schema::{Expr, Schema};
use crate::stage::{self, AnyStep, ReduceColumns};
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::panic::Location;

/// A table divided into groups. Made by [`Table::group_by`]; ends in
/// [`reduce`](Grouped::reduce) or goes on with [`sort_by`](Grouped::sort_by).
#[must_use = "groups do nothing until they are reduced: `.reduce(|g| ..)`"]
pub struct Grouped<T, K, F> {
    pub(super) table: Table<T>,
    pub(super) key_of: F,
    location: &'static Location<'static>,
    key: PhantomData<fn() -> K>,
}

impl<T, K, F> fmt::Debug for Grouped<T, K, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grouped").field("table", &self.table).finish_non_exhaustive()
    }
}

impl<T> Table<T> {
    /// Divides the rows into groups of equal keys.
    ///
    /// The key is a closure's value or a column: `group_by(|f| f.carrier.clone())`,
    /// `group_by(Flight.carrier)`. Null keys form a group of their own, as in SQL.
    ///
    /// **Shape.** With [`reduce`](Grouped::reduce), one row per group that has rows.
    /// **State.** One entry per group; what it holds depends on the reducers, see
    /// [`crate::reduce`].
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let words = app.rows(vec!["to".to_owned(), "be".to_owned(), "be".to_owned()]);
    /// let counts = words.group_by(|word| word.clone()).reduce(|g| g.count());
    /// assert_eq!(counts.collect()?, [("be".to_owned(), 2), ("to".to_owned(), 1)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    #[track_caller]
    pub fn group_by<E, F>(&self, key: F) -> Grouped<T, E, F>
    where
        T: Schema,
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        let location = Location::caller();
        Grouped { table: self.clone(), key_of: key, location, key: PhantomData }
    }
}

impl<T, E, F> Grouped<T, E, F>
where
    T: Schema,
    E: Expr<T>,
    F: Fn(&T) -> E + Send + Sync + 'static,
{
    /// Folds each group with one reducer, or with a tuple of several that share one pass.
    ///
    /// The closure is given a description of the group, so that the row's type is known inside:
    /// `.reduce(|g| (g.count(), g.mean(|f| f.dep_delay)))`.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let sales = [("de", 5), ("fr", 7), ("de", 1)];
    /// let sales = app.rows(sales.map(|(country, amount)| (country.to_owned(), amount)));
    /// let totals = sales
    ///     .group_by(|(country, _)| country.clone())
    ///     .reduce(|g| (g.count(), g.sum(|(_, amount)| *amount)))
    ///     .select(|country, (orders, total)| format!("{country}: {total} in {orders}"));
    /// assert_eq!(totals.collect()?, ["de: 6 in 2", "fr: 7 in 1"]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A sum that does not fit its type when an epoch closes ends the run with
    /// [`RunError::Operator`](crate::error::RunError::Operator).
    pub fn reduce<R: Reducers<T>>(
        self,
        reducers: impl FnOnce(Group<T>) -> R,
    ) -> Reduced<E::Value, R::Output> {
        let group = Group::new(self.table.is_append_only());
        let (parts, shape) = reducers(group).into_parts();
        let inputs: Option<Vec<_>> = parts.iter().map(|part| part.column).collect();
        let columns = E::COLUMN.zip(inputs).map(|(key, inputs)| ReduceColumns { key, inputs });
        let (folds, extracts): (Vec<_>, Vec<_>) =
            parts.into_iter().map(|part| (part.fold, part.extract)).unzip();
        let operation = Operation::Reduce {
            terminal: stage::reduce_terminal(self.key_of, extracts),
            plan: ReducePlan::new(folds, shape),
            root: pair_root::<E::Value, R::Output>,
            key: E::Value::data_type,
            key_column: super::index::column_name::<T, E>(),
            columns: columns.filter(|columns| columns.inputs.len() < stage::COLUMNS_MAX),
        };
        let table = self.table.derive("group_by", self.location, operation, &[], false);
        Reduced { table }
    }
}

fn pair_root<K: Schema, O: Schema>(next: AnyStep) -> Box<dyn stage::EncodedStep> {
    stage::pair_root::<K, O>(next)
}

/// Groups with their results: a table of pairs, key and outputs.
#[must_use = "a table does nothing until it reaches a sink"]
pub struct Reduced<K, O> {
    table: Table<(K, O)>,
}

impl<K, O> fmt::Debug for Reduced<K, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reduced").field("table", &self.table).finish_non_exhaustive()
    }
}

impl<K, O> Clone for Reduced<K, O> {
    fn clone(&self) -> Self {
        Self { table: self.table.clone() }
    }
}

impl<K, O> Deref for Reduced<K, O> {
    type Target = Table<(K, O)>;

    fn deref(&self) -> &Table<(K, O)> {
        &self.table
    }
}

impl<K, O> From<Reduced<K, O>> for Table<(K, O)> {
    fn from(reduced: Reduced<K, O>) -> Self {
        reduced.table
    }
}

impl<K: Schema, O: Schema> Reduced<K, O> {
    /// Makes a row of each group's key and outputs.
    #[track_caller]
    pub fn select<U, F>(&self, f: F) -> Table<U>
    where
        U: Schema,
        F: Fn(K, O) -> U + Send + Sync + 'static,
    {
        let factory = stage::map(move |(key, outputs): (K, O)| f(key, outputs));
        super::collection::step(&self.table, "select", Location::caller(), factory)
    }

    /// Names the groups; see [`Table::named`].
    pub fn named(&self, name: &str) -> Self {
        Self { table: self.table.named(name) }
    }
}
