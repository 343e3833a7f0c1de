//! The keys by which one table more is joined.

use super::JoinChain;
use super::sides::{Fifth, First, Fourth, Grown, RowsOf, Second, Side, TableAt, Third, With};
use super::steps::{Chain, ChainKey};
use crate::schema::{Expr, Schema};
use crate::table::Table;
use crate::table::index::{Indexed, SameKey};
use std::fmt;
use std::marker::PhantomData;

/// Tables that are joined, and one more, before the keys are named. `N` is the row type of the new
/// one, or [`Optional`](super::Optional) of it.
#[must_use = "name the keys: `.on(Row.column, Other.column)`"]
pub struct ChainBuilder<Ts, N> {
    chain: Chain,
    rows: PhantomData<fn() -> (Ts, N)>,
}

/// Tables that are joined, and the index of one more, before the key is named.
#[must_use = "name the key: `.on(Row.column)`"]
pub struct ChainIndexBuilder<Ts, N, K> {
    chain: Chain,
    key: ChainKey,
    rows: PhantomData<fn() -> (Ts, N, K)>,
}

impl<Ts, N> fmt::Debug for ChainBuilder<Ts, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChainBuilder").finish_non_exhaustive()
    }
}

impl<Ts, N, K> fmt::Debug for ChainIndexBuilder<Ts, N, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChainIndexBuilder").finish_non_exhaustive()
    }
}

impl<Ts, N: Side> ChainBuilder<Ts, N> {
    pub(super) fn new(mut chain: Chain, table: &Table<N::Row>) -> Self {
        chain.add_table(table);
        Self { chain, rows: PhantomData }
    }

    /// Names the keys: a column of one of the tables in front, and one of the new table. The
    /// column tells which table it is of, unless two of them have the same row type: then
    /// [`on_first`](Self::on_first), [`on_second`](Self::on_second) and so on say it. They take
    /// closures too; here a closure must name its argument's type: `|user: &User| ..`.
    pub fn on<S, P, E, G, EL, ER>(self, left: E, right: G) -> JoinChain<Ts::Tables>
    where
        Ts: RowsOf<S, P> + With<N>,
        S: Schema,
        EL: Expr<S, Value: SameKey<ER::Value>>,
        ER: Expr<N::Row>,
        E: Fn(&S) -> EL + Send + Sync + 'static,
        G: Fn(&N::Row) -> ER + Send + Sync + 'static,
    {
        self.by(<Ts as RowsOf<S, P>>::AT, ChainKey::new(left), ChainKey::new(right))
    }

    fn by(mut self, table: usize, left: ChainKey, right: ChainKey) -> JoinChain<Ts::Tables>
    where
        Ts: With<N>,
    {
        self.chain.add_condition(table, left, right, N::OPTIONAL);
        JoinChain::new(self.chain)
    }
}

impl<Ts, N: Side, K> ChainIndexBuilder<Ts, N, K> {
    pub(super) fn new(mut chain: Chain, index: &Indexed<N::Row, K>) -> Self {
        chain.add_table(&index.table);
        let key = chain.key_of(index.node);
        Self { chain, key, rows: PhantomData }
    }

    /// Names the key: a column of one of the tables in front; see [`ChainBuilder::on`].
    pub fn on<S, P, E, EL>(self, left: E) -> JoinChain<Ts::Tables>
    where
        Ts: RowsOf<S, P> + With<N>,
        S: Schema,
        EL: Expr<S, Value: SameKey<K>>,
        E: Fn(&S) -> EL + Send + Sync + 'static,
    {
        self.by(<Ts as RowsOf<S, P>>::AT, ChainKey::new(left))
    }

    fn by(mut self, table: usize, left: ChainKey) -> JoinChain<Ts::Tables>
    where
        Ts: With<N>,
    {
        self.chain.add_condition(table, left, self.key, N::OPTIONAL);
        JoinChain::new(self.chain)
    }
}

impl<Ts> JoinChain<Ts> {
    /// Asks for one equality more between the table that was joined last and one in front of it.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// #[derive(Clone, Debug, Schema)]
    /// struct Edge {
    ///     from: u32,
    ///     to: u32,
    /// }
    ///
    /// let app = Pipeline::new("example");
    /// let edge = |(from, to)| Edge { from, to };
    /// let edges = app.rows([(1, 2), (2, 3), (3, 1), (3, 4)].map(edge).to_vec());
    /// let triangles = edges
    ///     .join(&edges)
    ///     .on(Edge.to, Edge.from)
    ///     .join(&edges)
    ///     .on_second(Edge.to, Edge.from)
    ///     .on_first(Edge.from, Edge.to)
    ///     .filter(|a, b, c| a.from < b.from && a.from < c.from)
    ///     .select(|a, b, c| (a.from, b.from, c.from));
    /// assert_eq!(triangles.collect()?, [(1, 2, 3)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn on<S, P, E, G, EL, ER>(self, left: E, right: G) -> Self
    where
        Ts: Grown<Before: RowsOf<S, P>>,
        S: Schema,
        EL: Expr<S, Value: SameKey<ER::Value>>,
        ER: Expr<Ts::Last>,
        E: Fn(&S) -> EL + Send + Sync + 'static,
        G: Fn(&Ts::Last) -> ER + Send + Sync + 'static,
    {
        let table = <Ts::Before as RowsOf<S, P>>::AT;
        self.further(table, ChainKey::new(left), ChainKey::new(right))
    }

    fn further(mut self, table: usize, left: ChainKey, right: ChainKey) -> Self {
        self.chain.add_condition(table, left, right, false);
        self
    }
}

/// The rows of the table at a position.
type RowAt<Ts, P> = <Ts as TableAt<P>>::Row;

macro_rules! positions {
    ($($verb:ident, $position:ident, $text:literal;)*) => {
        impl<Ts, N: Side> ChainBuilder<Ts, N> {$(
            #[doc = concat!(
                "Names the keys: a column or closure of the ", $text, " table, and one of the new one."
            )]
            pub fn $verb<E, G, EL, ER>(self, left: E, right: G) -> JoinChain<Ts::Tables>
            where
                Ts: TableAt<$position> + With<N>,
                EL: Expr<RowAt<Ts, $position>, Value: SameKey<ER::Value>>,
                ER: Expr<N::Row>,
                E: Fn(&RowAt<Ts, $position>) -> EL + Send + Sync + 'static,
                G: Fn(&N::Row) -> ER + Send + Sync + 'static,
            {
                self.by(<Ts as TableAt<$position>>::AT, ChainKey::new(left), ChainKey::new(right))
            }
        )*}

        impl<Ts, N: Side, K> ChainIndexBuilder<Ts, N, K> {$(
            #[doc = concat!("Names the key: a column or closure of the ", $text, " table.")]
            pub fn $verb<E, EL>(self, left: E) -> JoinChain<Ts::Tables>
            where
                Ts: TableAt<$position> + With<N>,
                EL: Expr<RowAt<Ts, $position>, Value: SameKey<K>>,
                E: Fn(&RowAt<Ts, $position>) -> EL + Send + Sync + 'static,
            {
                self.by(<Ts as TableAt<$position>>::AT, ChainKey::new(left))
            }
        )*}

        impl<Ts: Grown> JoinChain<Ts> {$(
            #[doc = concat!(
                "Asks for one equality more, between the ", $text,
                " table and the one that was joined last; see [`on`](Self::on)."
            )]
            pub fn $verb<E, G, EL, ER>(self, left: E, right: G) -> Self
            where
                Ts::Before: TableAt<$position>,
                EL: Expr<RowAt<Ts::Before, $position>, Value: SameKey<ER::Value>>,
                ER: Expr<Ts::Last>,
                E: Fn(&RowAt<Ts::Before, $position>) -> EL + Send + Sync + 'static,
                G: Fn(&Ts::Last) -> ER + Send + Sync + 'static,
            {
                let table = <Ts::Before as TableAt<$position>>::AT;
                self.further(table, ChainKey::new(left), ChainKey::new(right))
            }
        )*}
    };
}

positions! {
    on_first, First, "first";
    on_second, Second, "second";
    on_third, Third, "third";
    on_fourth, Fourth, "fourth";
    on_fifth, Fifth, "fifth";
}
