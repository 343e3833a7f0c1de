//! `sort_by`, and what order gives: `limit`, `offset` and `over`.

use super::{Grouped, Table};
use crate::dataflow::ordered::{FIRST_MAX, OverPlan};
use crate::order::{Outputs, Over};
use crate::plan::{self, Operation, SortedOutput};
use crate::schema::{DataType, Expr, Schema};
use crate::stage::{self, AnyStep, Extract, KeyOf};
use std::fmt;
use std::ops::Deref;
use std::panic::Location;
use std::sync::OnceLock;

/// A table in order: as a whole, or each of its groups. Made by [`Table::sort_by`] and
/// [`Grouped::sort_by`]; goes on with [`limit`](Sorted::limit), [`offset`](Sorted::offset) or
/// [`over`](Sorted::over).
#[must_use = "sorted rows do nothing until some are taken: `.limit(n)`, or looked at: `.over(|o| ..)`"]
pub struct Sorted<T> {
    table: Table<T>,
    partition: KeyOf<T>,
    partition_type: fn() -> DataType,
    partition_column: Option<Option<&'static str>>,
    sort: KeyOf<T>,
    sort_column: Option<&'static str>,
}

impl<T> Clone for Sorted<T> {
    fn clone(&self) -> Self {
        Self {
            table: self.table.clone(),
            partition: KeyOf::clone(&self.partition),
            sort: KeyOf::clone(&self.sort),
            ..*self
        }
    }
}

impl<T> fmt::Debug for Sorted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sorted").field("table", &self.table).finish_non_exhaustive()
    }
}

impl<T> Table<T> {
    /// Puts the rows in order.
    ///
    /// The key is a closure's value or a column, of any type: `sort_by(|s| s.amount)`,
    /// `sort_by(Sale.amount)`, and a tuple sorts by its first part, then by the next.
    /// [`std::cmp::Reverse`] around the key, or around a part of it, turns its order round. Null
    /// comes before every value, and reversed behind every one. Rows of equal keys follow in the
    /// order of rows, so the result never depends on arrival.
    ///
    /// **Shape.** A table has no order of its own; go on with [`limit`](Sorted::limit),
    /// [`offset`](Sorted::offset) or [`over`](Sorted::over).
    /// **State.** All rows, sorted, on one worker. `group_by(..)` in front sorts each group, and
    /// spreads them over the workers.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// use std::cmp::Reverse;
    ///
    /// let app = Pipeline::new("example");
    /// let players = [("Ada", 7), ("Bob", 9), ("Cleo", 7)];
    /// let players = app.rows(players.map(|(name, points)| (name.to_owned(), points)));
    /// let best = players.sort_by(|(name, points)| (Reverse(*points), name.clone())).limit(2);
    /// assert_eq!(best.collect()?, [("Ada".to_owned(), 7), ("Bob".to_owned(), 9)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn sort_by<E, F>(&self, key: F) -> Sorted<T>
    where
        T: Schema,
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        Sorted {
            table: self.clone(),
            partition: stage::partition_key(|_: &T| ()),
            partition_type: <()>::data_type,
            partition_column: None,
            sort: stage::sort_key(key),
            sort_column: super::index::column_name::<T, E>(),
        }
    }
}

impl<T, K, G, Of> Grouped<T, K, G, Of> {
    /// Puts the rows of each group in order; see [`Table::sort_by`].
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// use std::cmp::Reverse;
    ///
    /// let app = Pipeline::new("example");
    /// let sales = app.rows(vec![("de", 5), ("fr", 7), ("de", 1), ("de", 6)]
    ///     .into_iter()
    ///     .map(|(shop, amount)| (shop.to_owned(), amount)));
    /// let top = sales.group_by(|(shop, _)| shop.clone()).sort_by(|(_, n)| Reverse(*n)).limit(2);
    /// let top = top.select(|(shop, amount)| format!("{shop}: {amount}"));
    /// assert_eq!(top.collect()?, ["de: 5", "de: 6", "fr: 7"]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn sort_by<E, F>(self, key: F) -> Sorted<T>
    where
        T: Schema,
        K: Expr<T>,
        G: Fn(&T) -> K + Send + Sync + 'static,
        E: Expr<T>,
        F: Fn(&T) -> E + Send + Sync + 'static,
    {
        Sorted {
            table: self.table,
            partition: stage::partition_key(self.key_of),
            partition_type: <K::Value as Schema>::data_type,
            partition_column: Some(super::index::column_name::<T, K>()),
            sort: stage::sort_key(key),
            sort_column: super::index::column_name::<T, E>(),
        }
    }
}

impl<T: Schema> Sorted<T> {
    fn push<U: Schema>(
        &self,
        verb: &'static str,
        location: &'static Location<'static>,
        extracts: Vec<Extract<T>>,
        output: SortedOutput,
    ) -> Table<U> {
        let (partition, sort) = (KeyOf::clone(&self.partition), KeyOf::clone(&self.sort));
        let terminal = match &output {
            SortedOutput::First { .. } => stage::first_terminal(partition, sort),
            _ => stage::sorted_terminal(partition, sort, extracts),
        };
        let operation = Operation::Sort(plan::Sorted {
            terminal,
            partition: self.partition_type,
            partition_column: self.partition_column,
            sort_column: self.sort_column,
            rows: T::data_type,
            output,
        });
        self.table.derive(verb, location, operation, &[], false)
    }

    /// Keeps the first `rows` rows, of each group where there are groups.
    ///
    /// `.offset(m)` behind it leaves out the first `m` and keeps `rows` of the others. Copies of a
    /// row count one by one.
    ///
    /// **Shape.** A [`Table`] of the same rows, whatever the input: a row can leave it again. The
    /// result is seen as a table wherever one is wanted.
    /// **Time.** An update emits what enters and leaves, found in O(log n).
    /// **State.** All rows, sorted; over a [`Stream`](super::Stream), where none is taken away,
    /// only as many as can be shown.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let least = app.rows(vec![3, 1, 2, 5]).sort_by(|n| *n).limit(2);
    /// assert_eq!(least.collect()?, [1, 2]);
    /// let next = app.rows(vec![3, 1, 2, 5]).sort_by(|n| *n).limit(2).offset(1);
    /// assert_eq!(next.collect()?, [2, 3]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    #[track_caller]
    pub fn limit(&self, rows: u64) -> Limited<T> {
        Limited::new(self.clone(), 0, rows, Location::caller())
    }

    /// Leaves out the first `rows` rows, of each group where there are groups. `.limit(n)` behind
    /// it keeps only `n` of the others; see [`limit`](Self::limit).
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let rest = app.rows(vec![3, 1, 2, 5]).sort_by(|n| *n).offset(2);
    /// assert_eq!(rest.collect()?, [3, 5]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    #[track_caller]
    pub fn offset(&self, rows: u64) -> Limited<T> {
        Limited::new(self.clone(), rows, u64::MAX, Location::caller())
    }

    /// Gives each row one output, or a tuple of several, that depend on its neighbours in order:
    /// its position, values of rows in front and behind, running and moving results.
    ///
    /// The closure is given a description of the sorted rows, so that the row's type is known
    /// inside: `.over(|o| (o.row_number(), o.lag(1, |t| t.price)))`. [`Over`] lists the outputs;
    /// all of one `over` share one state and one pass.
    ///
    /// **Shape.** One row per input row: a table of pairs, row and outputs, of which
    /// [`select`](Ordered::select) makes rows.
    /// **Time.** An update changes its row and those whose outputs differ; which ones are found
    /// in O(log n). By nature a position changes for all rows behind.
    /// **State.** All rows, sorted.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let prices = app.rows(vec![(1, 10.0), (2, 12.0), (3, 9.0)]);
    /// let moves = prices
    ///     .sort_by(|(at, _)| *at)
    ///     .over(|o| (o.difference(|(_, price)| *price), o.running_max(|(_, price)| *price)))
    ///     .select(|(at, _), (change, best)| (at, change, best));
    /// let expected = [(1, None, 10.0), (2, Some(2.0), 12.0), (3, Some(-3.0), 12.0)];
    /// assert_eq!(moves.collect()?, expected);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A sum or a difference that does not fit its type when an epoch closes ends the run with
    /// [`RunError::Operator`](crate::error::RunError::Operator).
    #[track_caller]
    pub fn over<P: Outputs<T>>(&self, outputs: impl FnOnce(Over<T>) -> P) -> Ordered<T, P::Output> {
        let location = Location::caller();
        let (parts, shape) = outputs(Over::new()).into_parts();
        let (mut placed, mut extracts) = (Vec::with_capacity(parts.len()), Vec::new());
        for part in parts {
            placed.push(part.part.with_argument(extracts.len()));
            extracts.extend(part.extracts);
        }
        let plan = OverPlan { parts: placed.into(), shape };
        let output = SortedOutput::Over { plan, root: pair_root::<T, P::Output> };
        Ordered { table: self.push("over", location, extracts, output) }
    }
}

fn pair_root<T: Schema, O: Schema>(next: AnyStep) -> Box<dyn stage::EncodedStep> {
    stage::pair_root::<T, O>(next)
}

/// The rows from one position of sorted rows to another: a table, whose bounds can still be given.
///
/// It is a [`Table`] wherever one is wanted, by reference or by `.into()`.
#[must_use = "a table does nothing until it reaches a sink"]
pub struct Limited<T> {
    sorted: Sorted<T>,
    offset: u64,
    limit: u64,
    location: &'static Location<'static>,
    /// Made when it is first wanted, because only then are the bounds known.
    table: OnceLock<Table<T>>,
}

impl<T> Limited<T> {
    fn new(
        sorted: Sorted<T>,
        offset: u64,
        limit: u64,
        location: &'static Location<'static>,
    ) -> Self {
        Self { sorted, offset, limit, location, table: OnceLock::new() }
    }

    /// Leaves out the first `rows` rows.
    pub fn offset(self, rows: u64) -> Self {
        Self::new(self.sorted, rows, self.limit, self.location)
    }

    /// Keeps at most `rows` of the rows that are not left out.
    pub fn limit(self, rows: u64) -> Self {
        Self::new(self.sorted, self.offset, rows, self.location)
    }
}

impl<T: Schema> Limited<T> {
    fn table(&self) -> &Table<T> {
        self.table.get_or_init(|| {
            let (offset, limit) = (self.offset, self.limit);
            let append_only = self.sorted.table.never_retracts();
            let output = match (append_only, offset) {
                (true, 0) if (1..=FIRST_MAX).contains(&limit) => SortedOutput::First { limit },
                _ => SortedOutput::Limit { offset, limit, append_only },
            };
            self.sorted.push("limit", self.location, Vec::new(), output)
        })
    }
}

impl<T: Schema> Clone for Limited<T> {
    fn clone(&self) -> Self {
        let table = OnceLock::from(self.table().clone());
        Self { sorted: self.sorted.clone(), table, ..*self }
    }
}

impl<T> fmt::Debug for Limited<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limited")
            .field("sorted", &self.sorted)
            .field("offset", &self.offset)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl<T: Schema> Deref for Limited<T> {
    type Target = Table<T>;

    fn deref(&self) -> &Table<T> {
        self.table()
    }
}

impl<T: Schema> From<Limited<T>> for Table<T> {
    fn from(limited: Limited<T>) -> Self {
        limited.table().clone()
    }
}

/// Sorted rows with their outputs: a table of pairs, row and outputs.
#[must_use = "a table does nothing until it reaches a sink"]
pub struct Ordered<T, O> {
    table: Table<(T, O)>,
}

impl<T, O> fmt::Debug for Ordered<T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ordered").field("table", &self.table).finish_non_exhaustive()
    }
}

impl<T, O> Clone for Ordered<T, O> {
    fn clone(&self) -> Self {
        Self { table: self.table.clone() }
    }
}

impl<T, O> Deref for Ordered<T, O> {
    type Target = Table<(T, O)>;

    fn deref(&self) -> &Table<(T, O)> {
        &self.table
    }
}

impl<T, O> From<Ordered<T, O>> for Table<(T, O)> {
    fn from(ordered: Ordered<T, O>) -> Self {
        ordered.table
    }
}

impl<T: Schema, O: Schema> Ordered<T, O> {
    /// Makes a row of each row and its outputs.
    #[track_caller]
    pub fn select<U, F>(&self, f: F) -> Table<U>
    where
        U: Schema,
        F: Fn(T, O) -> U + Send + Sync + 'static,
    {
        let factory = stage::map(move |(row, outputs): (T, O)| f(row, outputs));
        super::collection::step(&self.table, "select", Location::caller(), factory)
    }

    /// Names the table; see [`Table::named`].
    pub fn named(&self, name: &str) -> Self {
        Self { table: self.table.named(name) }
    }
}
