//! Joins of three tables and more, as one.

mod keys;
mod sides;
mod steps;

pub use keys::{ChainBuilder, ChainIndexBuilder};
pub use sides::{
    Fifth, First, Fourth, Grown, Optional, RowsOf, Second, Side, TableAt, Third, With,
};

use super::index::Indexed;
use super::join::{Inner, JoinPair, Left};
use super::{Graph, Table};
use crate::plan::Rooted;
use crate::schema::Schema;
use crate::stage::{self, Decoded, RowType};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use steps::Chain;

/// Three tables or more to be joined, by key. `Ts` is the tuple of their row types; the rows of a
/// `left_join` are [`Optional`] ones.
///
/// Continue with [`join`](Self::join) and [`left_join`](Self::left_join) for one table more, with
/// [`on`](Self::on) for a further condition, and with [`select`](Self::select).
///
/// **State.** Each table by each of the keys that it is joined by. What the first joins give is
/// not kept: a row that changes is looked up in all the other tables. Indexes by column are shared
/// with other joins.
#[must_use = "make rows of the combinations: `.select(|first, second, third| ..)`"]
pub struct JoinChain<Ts> {
    chain: Chain,
    rows: PhantomData<fn() -> Ts>,
}

/// A [`JoinChain`] whose combinations are filtered.
#[must_use = "make rows of the combinations: `.select(|first, second, third| ..)`"]
pub struct FilteredChain<Ts, C> {
    chain: JoinChain<Ts>,
    condition: C,
}

impl<Ts> fmt::Debug for JoinChain<Ts> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinChain").finish_non_exhaustive()
    }
}

impl<Ts, C> fmt::Debug for FilteredChain<Ts, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilteredChain").finish_non_exhaustive()
    }
}

impl<Ts> JoinChain<Ts> {
    fn new(chain: Chain) -> Self {
        Self { chain, rows: PhantomData }
    }

    /// Joins one table more; see [`JoinPair::join`].
    pub fn join<C: Schema>(self, table: &Table<C>) -> ChainBuilder<Ts, C> {
        ChainBuilder::new(self.chain, table)
    }

    /// Joins one table more, and keeps the combinations that match nothing in it.
    pub fn left_join<C: Schema>(self, table: &Table<C>) -> ChainBuilder<Ts, Optional<C>> {
        ChainBuilder::new(self.chain, table)
    }

    /// Joins one table more by the key of an index; see [`JoinPair::join_index`].
    pub fn join_index<C: Schema, K>(self, index: &Indexed<C, K>) -> ChainIndexBuilder<Ts, C, K> {
        ChainIndexBuilder::new(self.chain, index)
    }

    /// As [`join_index`](Self::join_index), and keeps the combinations that match nothing.
    pub fn left_join_index<C: Schema, K>(
        self,
        index: &Indexed<C, K>,
    ) -> ChainIndexBuilder<Ts, Optional<C>, K> {
        ChainIndexBuilder::new(self.chain, index)
    }

    /// Keeps what the first joins give, by the key of the next one, as several joins of two tables
    /// do.
    ///
    /// Better than looking rows up in all tables where the first tables have few combinations, and
    /// the last one has many changes. In a loop it is so in any case.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let pairs = app.rows(vec![(1, 2)]);
    /// let all = pairs
    ///     .join(&pairs)
    ///     .on(|left| left.0, |right| right.0)
    ///     .join(&pairs)
    ///     .on_second(|second| second.1, |third| third.1)
    ///     .materialise()
    ///     .select(|first, _, third| (first.0, third.1));
    /// assert_eq!(all.collect()?, [(1, 2)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn materialise(mut self) -> Self {
        self.chain.materialises = true;
        self
    }

    fn push<U: Schema>(self, root: Rooted) -> Table<U> {
        let (graph, node): (Arc<Graph>, _) = self.chain.push(RowType::of::<U>(), root);
        Table::new(graph, node, 0)
    }
}

macro_rules! starts {
    ($($kind:ident, $right:ty;)*) => {$(
        impl<L: Schema, R: Schema> JoinPair<L, R, $kind> {
            /// Joins one table more. Name the keys next: [`on`](ChainBuilder::on) finds by its
            /// column which of the tables in front is meant.
            ///
            /// A chain of joins is one join of all its tables. A row that changes is looked up in
            /// the others by the keys that they share, and what the first joins give is not kept.
            ///
            /// **Time.** A change of any table changes exactly the combinations that it is part of.
            /// **State.** Each table by each key that it is joined by; see [`JoinChain`].
            ///
            /// ```
            /// # use pathway::prelude::*;
            /// #[derive(Clone, Debug, Schema)]
            /// struct Order {
            ///     user: u32,
            ///     amount: i64,
            /// }
            /// #[derive(Clone, Debug, Schema)]
            /// struct User {
            ///     id: u32,
            ///     country: String,
            /// }
            /// #[derive(Clone, Debug, Schema)]
            /// struct Country {
            ///     code: String,
            ///     name: String,
            /// }
            ///
            /// let app = Pipeline::new("example");
            /// let orders = app.rows(vec![Order { user: 1, amount: 10 }]);
            /// let users = app.rows(vec![User { id: 1, country: "SE".to_owned() }]);
            /// let countries =
            ///     app.rows(vec![Country { code: "SE".to_owned(), name: "Sweden".to_owned() }]);
            /// let placed = orders
            ///     .join(&users)
            ///     .on(Order.user, User.id)
            ///     .join(&countries)
            ///     .on(User.country, Country.code)
            ///     .select(|order, _, country| (country.name.clone(), order.amount));
            /// assert_eq!(placed.collect()?, [("Sweden".to_owned(), 10)]);
            /// # Ok::<(), pathway::Error>(())
            /// ```
            pub fn join<C: Schema>(self, table: &Table<C>) -> ChainBuilder<(L, $right), C> {
                ChainBuilder::new(self.into_chain(), table)
            }

            /// Joins one table more, and keeps the pairs that match nothing in it: the closure of
            /// `select` is given an `Option` of its row.
            ///
            /// ```
            /// # use pathway::prelude::*;
            /// let app = Pipeline::new("example");
            /// let orders = app.rows(vec![(1, 10), (2, 20)]);
            /// let users = app.rows(vec![(1, 'a'), (2, 'b')]);
            /// let notes = app.rows(vec![('a', true)]);
            /// let noted = orders
            ///     .join(&users)
            ///     .on(|order| order.0, |user| user.0)
            ///     .left_join(&notes)
            ///     .on_second(|user| user.1, |note| note.0)
            ///     .select(|order, _, note| (order.1, note.is_some()));
            /// assert_eq!(noted.collect()?, [(10, true), (20, false)]);
            /// # Ok::<(), pathway::Error>(())
            /// ```
            pub fn left_join<C: Schema>(
                self,
                table: &Table<C>,
            ) -> ChainBuilder<(L, $right), Optional<C>> {
                ChainBuilder::new(self.into_chain(), table)
            }

            /// Joins one table more by the key of an index, which it shares.
            ///
            /// ```
            /// # use pathway::prelude::*;
            /// let app = Pipeline::new("example");
            /// let orders = app.rows(vec![(1, 10)]);
            /// let users = app.rows(vec![(1, "se".to_owned())]);
            /// let codes = app.rows(vec![("SE".to_owned(), 46)]);
            /// let by_code = codes.index_by(|code| code.0.to_lowercase());
            /// let calls = orders
            ///     .join(&users)
            ///     .on(|order| order.0, |user| user.0)
            ///     .join_index(&by_code)
            ///     .on_second(|user| user.1.clone())
            ///     .select(|order, _, code| (order.1, code.1));
            /// assert_eq!(calls.collect()?, [(10, 46)]);
            /// # Ok::<(), pathway::Error>(())
            /// ```
            pub fn join_index<C: Schema, K>(
                self,
                index: &Indexed<C, K>,
            ) -> ChainIndexBuilder<(L, $right), C, K> {
                ChainIndexBuilder::new(self.into_chain(), index)
            }

            /// As [`join_index`](Self::join_index), and keeps the pairs that match nothing.
            pub fn left_join_index<C: Schema, K>(
                self,
                index: &Indexed<C, K>,
            ) -> ChainIndexBuilder<(L, $right), Optional<C>, K> {
                ChainIndexBuilder::new(self.into_chain(), index)
            }
        }
    )*};
}

starts! {
    Inner, R;
    Left, Optional<R>;
}

macro_rules! selects {
    ($($(#[$doc:meta])* ($($name:ident $at:tt $row:ident),*);)*) => {$(
        impl<$($name: Side),*> JoinChain<($($name,)*)> {
            $(#[$doc])*
            pub fn select<U, F>(self, f: F) -> Table<U>
            where
                U: Schema,
                F: for<'a> Fn($($name::Ref<'a>),*) -> U + Send + Sync + 'static,
            {
                let select = move |rows: &mut ($(Decoded<$name::Row>,)*), bytes: &[Option<&[u8]>]| {
                    f($($name::side(rows.$at.row(bytes[$at]))),*)
                };
                let select = Arc::new(select);
                self.push(Arc::new(move |node, next| {
                    stage::combination_root(node, Arc::clone(&select), next)
                }))
            }

            /// Keeps the combinations for which the condition holds. Rows of a `left_join` that
            /// are not there are given to it as such.
            pub fn filter<C>(self, condition: C) -> FilteredChain<($($name,)*), C>
            where
                C: for<'a> Fn($($name::Ref<'a>),*) -> bool + Send + Sync + 'static,
            {
                FilteredChain { chain: self, condition }
            }
        }

        impl<$($name: Side,)* C> FilteredChain<($($name,)*), C>
        where
            C: for<'a> Fn($($name::Ref<'a>),*) -> bool + Send + Sync + 'static,
        {
            /// Makes a row of each combination.
            pub fn select<U, F>(self, f: F) -> Table<U>
            where
                U: Schema,
                F: for<'a> Fn($($name::Ref<'a>),*) -> U + Send + Sync + 'static,
            {
                let Self { chain, condition } = self;
                chain
                    .select(move |$($row: $name::Ref<'_>),*| {
                        condition($($row),*).then(|| f($($row),*))
                    })
                    .filter_map(|row| row)
            }
        }
    )*};
}

selects! {
    /// Makes a row of each combination of rows whose keys are equal.
    (A 0 a, B 1 b, C2 2 c);
    /// Makes a row of each combination of rows whose keys are equal.
    (A 0 a, B 1 b, C2 2 c, D 3 d);
    /// Makes a row of each combination of rows whose keys are equal.
    (A 0 a, B 1 b, C2 2 c, D 3 d, E 4 e);
    /// Makes a row of each combination of rows whose keys are equal.
    (A 0 a, B 1 b, C2 2 c, D 3 d, E 4 e, G 5 g);
}
