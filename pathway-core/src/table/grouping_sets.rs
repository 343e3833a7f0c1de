//! Groups by several sets of key columns at once: rollup, cube, grouping sets.

use super::group::{Reduction, pair_root, reduction};
use super::{Reduced, Stream, Table};
use crate::plan::{Mistake, Operation};
use crate::reduce::{Group, GroupOf, Reducers, StreamGroup};
use crate::schema::{RowEncoder, Schema};
use crate::stage;
use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;

/// A key of several columns, of which a grouping set may leave some out: a tuple of up to eight.
///
/// You will rarely name this trait; see [`Table::rollup`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no tuple of key columns",
    label = "this is `{Self}`",
    note = "return a tuple of up to eight columns: `.rollup(|row| (row.country.clone(), row.city.clone()))`"
)]
pub trait KeyColumns: Schema {
    /// The key of a group: each column, or `None` where the group has all its values.
    type Partial: Schema;
    /// Which columns a grouping set has.
    type Set;
    #[doc(hidden)]
    const COLUMNS: u32;
    #[doc(hidden)]
    fn set(set: &Self::Set) -> u32;
    #[doc(hidden)]
    fn encode_set(&self, set: u32, out: &mut Vec<u8>);
}

macro_rules! key_columns {
    ($len:literal: $($name:ident $index:tt),+) => {
        impl<$($name: Schema),+> KeyColumns for ($($name,)+) {
            type Partial = ($(Option<$name>,)+);
            type Set = [bool; $len];
            const COLUMNS: u32 = $len;

            fn set(set: &Self::Set) -> u32 {
                0 $(| u32::from(set[$index]) << $index)+
            }

            fn encode_set(&self, set: u32, out: &mut Vec<u8>) {
                let mut row = RowEncoder::new(out, $len);
                $(if set >> $index & 1 == 1 {
                    self.$index.encode(row.present());
                } else {
                    row.null();
                })+
            }
        }
    };
}

key_columns!(1: A 0);
key_columns!(2: A 0, B 1);
key_columns!(3: A 0, B 1, C 2);
key_columns!(4: A 0, B 1, C 2, D 3);
key_columns!(5: A 0, B 1, C 2, D 3, E 4);
key_columns!(6: A 0, B 1, C 2, D 3, E 4, F 5);
key_columns!(7: A 0, B 1, C 2, D 3, E 4, F 5, G 6);
key_columns!(8: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);

/// A table divided into groups by several sets of key columns. Made by [`Table::rollup`],
/// [`Table::cube`] and [`Table::grouping_sets`]; ends in [`reduce`](GroupedSets::reduce).
#[must_use = "groups do nothing until they are reduced: `.reduce(|g| ..)`"]
pub struct GroupedSets<T, K, F, G = Group<T>> {
    table: Table<T>,
    verb: &'static str,
    key_of: F,
    sets: Vec<u32>,
    location: &'static Location<'static>,
    key: PhantomData<fn() -> (K, G)>,
}

impl<T, K, F, G> fmt::Debug for GroupedSets<T, K, F, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupedSets").field("table", &self.table).finish_non_exhaustive()
    }
}

/// All key columns, then one less from the back at a time, down to none.
fn rollup_sets(columns: u32) -> Vec<u32> {
    (0..=columns).rev().map(|kept| (1 << kept) - 1).collect()
}

fn cube_sets(columns: u32) -> Vec<u32> {
    (0..1 << columns).rev().collect()
}

/// The verbs of both handles; the groups of a stream are those of a stream.
macro_rules! set_verbs {
    ($Handle:ident, $Group:ident) => {
        impl<T> $Handle<T> {
            /// Groups by all columns of the key, by all but the last, and so on to none: sums with
            /// their subtotals and the total (SQL's `ROLLUP`).
            ///
            /// **Shape.** One row for each group that has rows. A column of its key is `Some`, or
            /// `None` where the group has all values of the column; so a null of the column itself
            /// is `Some(None)`. A table without rows has no groups, and no total either.
            /// **State.** One entry per group.
            ///
            /// ```
            /// # use pathway::prelude::*;
            /// let app = Pipeline::new("example");
            /// let sales = app.rows(vec![('a', 1, 5i64), ('a', 2, 7), ('b', 1, 1)]);
            /// let totals = sales.rollup(|sale| (sale.0, sale.1)).reduce(|g| g.sum(|sale| sale.2));
            /// let expected = [
            ///     ((None, None), 13),
            ///     ((Some('a'), None), 12),
            ///     ((Some('a'), Some(1)), 5),
            ///     ((Some('a'), Some(2)), 7),
            ///     ((Some('b'), None), 1),
            ///     ((Some('b'), Some(1)), 1),
            /// ];
            /// assert_eq!(totals.collect()?, expected);
            /// # Ok::<(), pathway::Error>(())
            /// ```
            #[track_caller]
            pub fn rollup<K, F>(&self, key: F) -> GroupedSets<T, K, F, $Group<T>>
            where
                T: Schema,
                K: KeyColumns,
                F: Fn(&T) -> K + Send + Sync + 'static,
            {
                GroupedSets::new(self, "rollup", key, rollup_sets(K::COLUMNS), Location::caller())
            }

            /// Groups by every selection of the key's columns (SQL's `CUBE`); otherwise as
            /// [`rollup`](Self::rollup).
            ///
            /// ```
            /// # use pathway::prelude::*;
            /// let app = Pipeline::new("example");
            /// let sales = app.rows(vec![('a', 1, 5i64), ('b', 1, 1)]);
            /// let totals = sales.cube(|sale| (sale.0, sale.1)).reduce(|g| g.sum(|sale| sale.2));
            /// assert!(totals.collect()?.contains(&((None, Some(1)), 6)));
            /// # Ok::<(), pathway::Error>(())
            /// ```
            #[track_caller]
            pub fn cube<K, F>(&self, key: F) -> GroupedSets<T, K, F, $Group<T>>
            where
                T: Schema,
                K: KeyColumns,
                F: Fn(&T) -> K + Send + Sync + 'static,
            {
                GroupedSets::new(self, "cube", key, cube_sets(K::COLUMNS), Location::caller())
            }

            /// Groups by the given selections of the key's columns (SQL's `GROUPING SETS`): each
            /// says of every column whether it is part of the key. Otherwise as
            /// [`rollup`](Self::rollup).
            ///
            /// ```
            /// # use pathway::prelude::*;
            /// let app = Pipeline::new("example");
            /// let sales = app.rows(vec![('a', 1, 5), ('b', 1, 1)]);
            /// let sets = [[true, false], [false, true]];
            /// let totals = sales.grouping_sets(|sale| (sale.0, sale.1), sets).reduce(|g| g.count());
            /// let expected =
            ///     [((None, Some(1)), 2), ((Some('a'), None), 1), ((Some('b'), None), 1)];
            /// assert_eq!(totals.collect()?, expected);
            /// # Ok::<(), pathway::Error>(())
            /// ```
            ///
            /// # Errors
            ///
            /// No set at all, or the same one twice, is refused when the pipeline starts.
            #[track_caller]
            pub fn grouping_sets<K, F>(
                &self,
                key: F,
                sets: impl IntoIterator<Item = K::Set>,
            ) -> GroupedSets<T, K, F, $Group<T>>
            where
                T: Schema,
                K: KeyColumns,
                F: Fn(&T) -> K + Send + Sync + 'static,
            {
                let sets: Vec<u32> = sets.into_iter().map(|set| K::set(&set)).collect();
                let (verb, location) = ("grouping_sets", Location::caller());
                let repeated = (1..sets.len()).any(|at| sets[..at].contains(&sets[at]));
                let problem = match (sets.is_empty(), repeated) {
                    (true, _) => Some("there are no sets"),
                    (_, true) => Some("a set is there twice, so its groups would count rows twice"),
                    _ => None,
                };
                if let Some(problem) = problem {
                    let mistake = Mistake { verb, location, problem: problem.to_owned() };
                    self.graph.change(|plan| plan.add_mistake(mistake));
                }
                GroupedSets::new(self, verb, key, sets, location)
            }
        }
    };
}

set_verbs!(Table, Group);
set_verbs!(Stream, StreamGroup);

impl<T, K, F, G> GroupedSets<T, K, F, G>
where
    T: Schema,
    K: KeyColumns,
    F: Fn(&T) -> K + Send + Sync + 'static,
    G: GroupOf<T>,
{
    fn new(
        table: &Table<T>,
        verb: &'static str,
        key_of: F,
        sets: Vec<u32>,
        location: &'static Location<'static>,
    ) -> Self {
        Self { table: table.clone(), verb, key_of, sets, location, key: PhantomData }
    }

    /// Folds each group with one reducer, or with several that share one pass; see
    /// [`Grouped::reduce`](super::Grouped::reduce).
    ///
    /// # Errors
    ///
    /// A sum that does not fit its type when an epoch closes ends the run with
    /// [`RunError::Operator`](crate::error::RunError::Operator).
    pub fn reduce<R: Reducers<T>>(
        self,
        reducers: impl FnOnce(G) -> R,
    ) -> Reduced<K::Partial, R::Output> {
        let parts = reducers(G::new(self.table.never_retracts())).into_parts();
        let Reduction { plan, extracts, .. } = reduction(&self.table.graph, parts);
        let terminal = stage::reduce_sets_terminal(self.key_of, self.sets, K::encode_set, extracts);
        let operation = Operation::Reduce {
            terminal,
            plan,
            root: pair_root::<K::Partial, R::Output>,
            key: K::Partial::data_type,
            key_column: None,
            columns: None,
        };
        Reduced::new(self.table.derive(self.verb, self.location, operation, &[], false))
    }
}
