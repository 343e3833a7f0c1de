//! `group_by` and `reduce`.

use super::{Graph, Stream, Table};
use crate::dataflow::{OutputShape, ReducePlan};
use crate::plan::Operation;
use crate::reduce::{Group, GroupOf, Part, Reducer, Reducers, StreamGroup};
use crate::schema::{Expr, Schema};
use crate::stage::{self, AnyStep, ReduceColumns};
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::panic::Location;
use std::sync::Arc;

/// A table divided into groups. Made by [`Table::group_by`]; ends in
/// [`reduce`](Grouped::reduce) or goes on with [`sort_by`](Grouped::sort_by).
#[must_use = "groups do nothing until they are reduced: `.reduce(|g| ..)`"]
pub struct Grouped<T, K, F, G = Group<T>> {
    pub(super) table: Table<T>,
    pub(super) key_of: F,
    location: &'static Location<'static>,
    key: PhantomData<fn() -> (K, G)>,
}

impl<T, K, F, G> fmt::Debug for Grouped<T, K, F, G> {
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

impl<T> Stream<T> {
    /// Divides the rows into groups of equal keys; see [`Table::group_by`]. The groups have the
    /// reducers of a [`StreamGroup`] too, which rely on rows that are never taken away.
    #[track_caller]
    pub fn group_by<E, F>(&self, key: F) -> Grouped<T, E, F, StreamGroup<T>>
    where
        T: Schema,
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        let location = Location::caller();
        let table: &Table<T> = self;
        Grouped { table: table.clone(), key_of: key, location, key: PhantomData }
    }
}

/// What reducers come to: the plan of the reduction, and what takes and names their arguments.
pub(super) struct Reduction<T> {
    pub(super) plan: ReducePlan,
    pub(super) extracts: Vec<stage::Extract<T>>,
    pub(super) inputs: Option<Vec<stage::ColumnInput>>,
}

/// Takes reducers apart, and notes the mistakes in their arguments.
pub(super) fn reduction<T: Schema>(
    graph: &Graph,
    (parts, shape): (Vec<Part<T>>, OutputShape),
) -> Reduction<T> {
    for mistake in parts.iter().filter_map(|part| part.mistake.clone()) {
        graph.change(|plan| plan.add_mistake(mistake));
    }
    let columns: Vec<_> = parts.iter().map(|part| part.column).collect();
    let origin = |part: &Part<T>| part.origin.map(|origin| origin.describe(T::data_type()));
    let origins = parts.iter().map(origin).collect();
    let (folds, extracts): (Vec<_>, Vec<_>) =
        parts.into_iter().map(|part| (part.fold, part.extract)).unzip();
    let inputs = columns.iter().copied().collect();
    let plan = ReducePlan::of_columns(folds, columns, shape).with_origins(origins);
    Reduction { plan, extracts, inputs }
}

impl<T, E, F, G> Grouped<T, E, F, G>
where
    T: Schema,
    E: Expr<T>,
    F: Fn(&T) -> E + Send + Sync + 'static,
    G: GroupOf<T>,
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
        reducers: impl FnOnce(G) -> R,
    ) -> Reduced<E::Value, R::Output> {
        let parts = reducers(G::new(self.table.never_retracts())).into_parts();
        self.reduced(parts)
    }

    /// Folds each group once for each of the `values` of a column: an array with one result for
    /// each, of the rows that have that value.
    ///
    /// Rows with other values count for none of them; a group of such rows alone stays, with what
    /// no rows give: zero for counts and sums, null where no rows have no result.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let sales = app.rows(vec![("de", 2024, 5i64), ("de", 2025, 7), ("fr", 2025, 1)]
    ///     .into_iter()
    ///     .map(|(country, year, amount)| (country.to_owned(), year, amount)));
    /// let by_year = sales
    ///     .group_by(|sale| sale.0.clone())
    ///     .pivot(|sale| sale.1, [2024, 2025], |g| g.sum(|sale| sale.2))
    ///     .select(|country, [before, now]| (country, before, now));
    /// assert_eq!(by_year.collect()?, [("de".to_owned(), 5, 7), ("fr".to_owned(), 0, 1)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn pivot<C, O, N, P, const LEN: usize>(
        self,
        column: P,
        values: [C::Value; LEN],
        reducer: impl Fn(&G) -> Reducer<T, O, N>,
    ) -> Reduced<E::Value, [N; LEN]>
    where
        C: Expr<T, Value: PartialEq>,
        O: Schema,
        N: Schema,
        P: Fn(&T) -> C + Send + Sync + 'static,
    {
        let group = G::new(self.table.never_retracts());
        let column = Arc::new(column);
        let of = values.map(|value| {
            let column = Arc::clone(&column);
            reducer(&group).when(move |row| column(row).with(row, |column| *column == value))
        });
        self.reduced(of.into_parts())
    }

    fn reduced<O: Schema>(self, parts: (Vec<Part<T>>, OutputShape)) -> Reduced<E::Value, O> {
        let Reduction { plan, extracts, inputs } = reduction(&self.table.graph, parts);
        let columns = E::COLUMN.zip(inputs).map(|(key, inputs)| ReduceColumns { key, inputs });
        let operation = Operation::Reduce {
            terminal: stage::reduce_terminal(self.key_of, extracts),
            plan,
            root: pair_root::<E::Value, O>,
            key: E::Value::data_type,
            key_column: super::index::column_name::<T, E>(),
            columns: columns.filter(|columns| columns.inputs.len() < stage::COLUMNS_MAX),
        };
        let table = self.table.derive("group_by", self.location, operation, &[], false);
        Reduced::new(table)
    }
}

pub(super) fn pair_root<K: Schema, O: Schema>(next: AnyStep) -> Box<dyn stage::EncodedStep> {
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
    pub(super) fn new(table: Table<(K, O)>) -> Self {
        Self { table }
    }

    /// Keeps the groups for whose key and outputs `f` holds: SQL's `HAVING`.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let words = app.rows(vec!["to".to_owned(), "be".to_owned(), "be".to_owned()]);
    /// let often = words
    ///     .group_by(|word| word.clone())
    ///     .reduce(|g| g.count())
    ///     .having(|_, count| *count > 1);
    /// assert_eq!(often.collect()?, [("be".to_owned(), 2)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    #[track_caller]
    pub fn having<F>(&self, f: F) -> Self
    where
        F: Fn(&K, &O) -> bool + Send + Sync + 'static,
    {
        let factory = stage::filter(move |(key, outputs): &(K, O)| f(key, outputs));
        let table = &self.table;
        Self::new(super::collection::step(table, "having", Location::caller(), factory))
    }

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
