//! Joins that give pairs of rows: inner, left, right and full.

use super::Table;
use super::index::{Indexed, SameKey, index};
use crate::dataflow::{Alone, JoinKind};
use crate::plan::{NodeId, Operation, Port, Rooted};
use crate::schema::{Bytes, Expr, Schema};
use crate::stage::{self, RowType};
use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;

/// A kind of join, which decides what its closures are given.
pub trait PairJoin: sealed::Sealed {
    #[doc(hidden)]
    const KIND: JoinKind;
    #[doc(hidden)]
    const VERB: &'static str;
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident, $kind:ident, $verb:literal;)*) => {
        mod sealed {
            pub trait Sealed {}
            $(impl Sealed for super::$name {})*
        }
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            pub struct $name;

            impl PairJoin for $name {
                const KIND: JoinKind = JoinKind::$kind;
                const VERB: &'static str = $verb;
            }
        )*
    };
}

kinds! {
    /// Pairs of rows whose keys are equal.
    Inner, INNER, "join";
    /// Pairs, and left rows without a match.
    Left, LEFT, "left_join";
    /// Pairs, and right rows without a match.
    Right, RIGHT, "right_join";
    /// Pairs, and the rows of both sides without a match.
    Full, FULL, "full_join";
}

/// Two tables to be joined, before the keys are named.
#[must_use = "name the keys: `.on(|left| .., |right| ..)`"]
pub struct JoinBuilder<L, R, K> {
    left: Table<L>,
    right: Table<R>,
    location: &'static Location<'static>,
    kind: PhantomData<K>,
}

/// Two tables to be joined, by key.
#[must_use = "make rows of the pairs: `.select(|left, right| ..)`"]
pub struct JoinPair<L, R, K> {
    pub(super) left: Indexed<L, ()>,
    pub(super) right: Indexed<R, ()>,
    pub(super) location: &'static Location<'static>,
    kind: PhantomData<K>,
}

/// Two tables to be joined by key and a further condition.
#[must_use = "make rows of the pairs: `.select(|left, right| ..)`"]
pub struct JoinWhere<L, R, K, C> {
    pair: JoinPair<L, R, K>,
    condition: Arc<C>,
}

impl<L, R, K> fmt::Debug for JoinBuilder<L, R, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinBuilder").finish_non_exhaustive()
    }
}

impl<L, R, K> fmt::Debug for JoinPair<L, R, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinPair").finish_non_exhaustive()
    }
}

impl<L, R, K, C> fmt::Debug for JoinWhere<L, R, K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinWhere").finish_non_exhaustive()
    }
}

impl<L, R, K: PairJoin> JoinBuilder<L, R, K> {
    fn new(left: &Table<L>, right: &Table<R>, location: &'static Location<'static>) -> Self {
        Self { left: left.clone(), right: right.clone(), location, kind: PhantomData }
    }

    /// Names the keys: closures or columns, `.on(Order.user, User.id)`. Several columns are a
    /// tuple: `.on(|o| (o.shop, o.item), |p| (p.shop, p.item))`.
    pub fn on<E, G, EL, ER>(self, left: E, right: G) -> JoinPair<L, R, K>
    where
        L: Schema,
        R: Schema,
        EL: Expr<L, Value: SameKey<ER::Value>>,
        ER: Expr<R>,
        E: Fn(&L) -> EL + Send + Sync + 'static,
        G: Fn(&R) -> ER + Send + Sync + 'static,
    {
        let left = index(&self.left, left, self.location);
        let right = index(&self.right, right, self.location);
        JoinPair::new(&left, &right, self.location)
    }
}

impl<L, R, K: PairJoin> JoinPair<L, R, K> {
    pub(super) fn new<A, B>(
        left: &Indexed<L, A>,
        right: &Indexed<R, B>,
        location: &'static Location<'static>,
    ) -> Self {
        let (left, right) = (left.without_key(), right.without_key());
        Self { left, right, location, kind: PhantomData }
    }

    /// Asks more of a pair than equal keys. An outer join keeps a row alone that has no match for
    /// which the condition holds.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let orders = app.rows(vec![(1, 10), (1, 99), (2, 20)]);
    /// let limits = app.rows(vec![(1, 50), (2, 50)]);
    /// let large = orders
    ///     .left_join(&limits)
    ///     .on(|order| order.0, |limit| limit.0)
    ///     .and(|order, limit| order.1 > limit.1)
    ///     .select(|order, limit| (order.1, limit.is_some()));
    /// assert_eq!(large.collect()?, [(10, false), (20, false), (99, true)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn and<C>(self, condition: C) -> JoinWhere<L, R, K, C>
    where
        C: Fn(&L, &R) -> bool + Send + Sync + 'static,
    {
        JoinWhere { pair: self, condition: Arc::new(condition) }
    }

    fn outer<U, F>(self, f: F) -> Table<U>
    where
        L: Schema,
        R: Schema,
        U: Schema,
        F: Fn(Option<&L>, Option<&R>) -> U + Send + Sync + 'static,
    {
        let f = Arc::new(f);
        let root: Rooted = Arc::new(move |node, next| {
            stage::outer_join_root::<L, R, U, F>(node, Arc::clone(&f), next)
        });
        let operation = Operation::Join { kind: K::KIND, root: Some(root) };
        let indexes = (self.left.node, self.right.node);
        push(&self.left.table, indexes, K::VERB, self.location, operation)
    }
}

pub(super) fn push<L, U: Schema>(
    left: &Table<L>,
    (left_index, right_index): (NodeId, NodeId),
    verb: &'static str,
    location: &'static Location<'static>,
    operation: Operation,
) -> Table<U> {
    let port = |node| Port { node, output: 0 };
    let graph = &left.graph;
    // The rows of a stream meet the other side once and for all.
    let as_of_now = matches!(&operation, Operation::Join { kind, .. } if kind.as_of_now);
    let node = graph.push(
        verb,
        location,
        operation,
        vec![port(left_index), port(right_index)],
        vec![const { RowType::of::<U>() }],
        as_of_now,
    );
    Table::new(Arc::clone(graph), node, 0)
}

impl<L, R> JoinPair<L, R, Inner> {
    /// Makes a row of each pair of rows whose keys are equal.
    pub fn select<U, F>(self, f: F) -> Table<U>
    where
        L: Schema,
        R: Schema,
        U: Schema,
        F: Fn(&L, &R) -> U + Send + Sync + 'static,
    {
        let f = Arc::new(f);
        let root: Rooted =
            Arc::new(move |node, next| stage::join_root::<L, R, U, F>(node, Arc::clone(&f), next));
        let operation = Operation::Join { kind: JoinKind::INNER, root: Some(root) };
        let indexes = (self.left.node, self.right.node);
        push(&self.left.table, indexes, Inner::VERB, self.location, operation)
    }
}

/// The row of a side that the join keeps.
pub(super) fn present<T>(row: Option<&T>) -> &T {
    row.unwrap_or_else(|| unreachable!("a join gives each row the side that it keeps"))
}

impl<L, R> JoinPair<L, R, Left> {
    /// Makes a row of each pair of rows whose keys are equal, and of each left row without one.
    pub fn select<U, F>(self, f: F) -> Table<U>
    where
        L: Schema,
        R: Schema,
        U: Schema,
        F: Fn(&L, Option<&R>) -> U + Send + Sync + 'static,
    {
        self.outer(move |left, right| f(present(left), right))
    }
}

impl<L, R> JoinPair<L, R, Right> {
    /// Makes a row of each pair of rows whose keys are equal, and of each right row without one.
    pub fn select<U, F>(self, f: F) -> Table<U>
    where
        L: Schema,
        R: Schema,
        U: Schema,
        F: Fn(Option<&L>, &R) -> U + Send + Sync + 'static,
    {
        self.outer(move |left, right| f(left, present(right)))
    }
}

impl<L, R> JoinPair<L, R, Full> {
    /// Makes a row of each pair of rows whose keys are equal, and of each row of either side
    /// without one: at least one of the two is there.
    pub fn select<U, F>(self, f: F) -> Table<U>
    where
        L: Schema,
        R: Schema,
        U: Schema,
        F: Fn(Option<&L>, Option<&R>) -> U + Send + Sync + 'static,
    {
        self.outer(f)
    }
}

pub(super) fn whole<T: Schema>(row: &T) -> Bytes {
    Bytes::from(row.to_row_bytes())
}

impl<L, R, K, C> JoinWhere<L, R, K, C>
where
    L: Schema,
    R: Schema,
    K: PairJoin,
    C: Fn(&L, &R) -> bool + Send + Sync + 'static,
{
    /// The pairs for which the condition holds.
    fn pairs<U, F>(&self, f: F) -> Table<U>
    where
        U: Schema,
        F: Fn(&L, &R) -> U + Send + Sync + 'static,
    {
        let JoinPair { left, right, location, .. } = &self.pair;
        let condition = Arc::clone(&self.condition);
        JoinPair::<L, R, Inner>::new(left, right, location)
            .select(move |left, right| condition(left, right).then(|| f(left, right)))
            .filter_map(|row| row)
    }

    /// The pairs and, of the sides that the join keeps, the rows that are in none of them.
    fn outer<U, F>(self, f: F) -> Table<U>
    where
        U: Schema,
        F: Fn(Option<&L>, Option<&R>) -> U + Send + Sync + 'static,
    {
        let f = Arc::new(f);
        let of_pair = Arc::clone(&f);
        let mut rows = self.pairs(move |left, right| of_pair(Some(left), Some(right)));
        if K::KIND.left != Alone::No {
            let of_left = Arc::clone(&f);
            let paired = self.pairs(|left, _| whole(left));
            let alone = self.pair.left.table.anti_join(&paired).on(whole, Bytes::clone);
            rows = rows.concat(&alone.select(move |left| of_left(Some(left), None)));
        }
        if K::KIND.right != Alone::No {
            let paired = self.pairs(|_, right| whole(right));
            let alone = self.pair.right.table.anti_join(&paired).on(whole, Bytes::clone);
            rows = rows.concat(&alone.select(move |right| f(None, Some(right))));
        }
        rows
    }
}

impl<L, R, C> JoinWhere<L, R, Inner, C>
where
    L: Schema,
    R: Schema,
    C: Fn(&L, &R) -> bool + Send + Sync + 'static,
{
    /// Makes a row of each pair.
    pub fn select<U, F>(self, f: F) -> Table<U>
    where
        U: Schema,
        F: Fn(&L, &R) -> U + Send + Sync + 'static,
    {
        self.pairs(f)
    }
}

impl<L, R, C> JoinWhere<L, R, Left, C>
where
    L: Schema,
    R: Schema,
    C: Fn(&L, &R) -> bool + Send + Sync + 'static,
{
    /// Makes a row of each pair, and of each left row that is in none.
    pub fn select<U, F>(self, f: F) -> Table<U>
    where
        U: Schema,
        F: Fn(&L, Option<&R>) -> U + Send + Sync + 'static,
    {
        self.outer(move |left, right| f(present(left), right))
    }
}

impl<L, R, C> JoinWhere<L, R, Right, C>
where
    L: Schema,
    R: Schema,
    C: Fn(&L, &R) -> bool + Send + Sync + 'static,
{
    /// Makes a row of each pair, and of each right row that is in none.
    pub fn select<U, F>(self, f: F) -> Table<U>
    where
        U: Schema,
        F: Fn(Option<&L>, &R) -> U + Send + Sync + 'static,
    {
        self.outer(move |left, right| f(left, present(right)))
    }
}

impl<L, R, C> JoinWhere<L, R, Full, C>
where
    L: Schema,
    R: Schema,
    C: Fn(&L, &R) -> bool + Send + Sync + 'static,
{
    /// Makes a row of each pair, and of each row of either side that is in none.
    pub fn select<U, F>(self, f: F) -> Table<U>
    where
        U: Schema,
        F: Fn(Option<&L>, Option<&R>) -> U + Send + Sync + 'static,
    {
        self.outer(f)
    }
}

macro_rules! pair_verbs {
    ($($(#[$doc:meta])* $verb:ident, $kind:ident;)*) => {
        impl<T> Table<T> {
            $(
                $(#[$doc])*
                #[track_caller]
                pub fn $verb<R>(&self, right: &Table<R>) -> JoinBuilder<T, R, $kind> {
                    JoinBuilder::new(self, right, Location::caller())
                }
            )*
        }

        impl<T, K> Indexed<T, K> {
            $(
                #[doc = concat!(
                    "Joins two indexes by their keys; see [`Table::", stringify!($verb), "`]."
                )]
                #[track_caller]
                pub fn $verb<R, J>(&self, right: &Indexed<R, J>) -> JoinPair<T, R, $kind>
                where
                    K: SameKey<J>,
                {
                    JoinPair::new(self, right, Location::caller())
                }
            )*
        }
    };
}

pair_verbs! {
    /// Joins the rows of two tables whose keys are equal.
    ///
    /// Continue with [`on`](JoinBuilder::on), which names the keys, and
    /// [`select`](JoinPair::select), which makes a row of each pair. A key that is null, or a
    /// tuple with a null in it, matches nothing; this holds for all joins.
    ///
    /// **Time.** A change on either side changes exactly the pairs it is part of.
    /// **State.** Both tables, by key; an index is shared with other joins by the same column.
    /// Once one side has ended, the other is not kept.
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
    join, Inner;
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
    left_join, Left;
    /// As [`join`](Self::join), and keeps the right rows that match nothing.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let orders = app.rows(vec![(1, 10)]);
    /// let users = app.rows(vec![(1, "Ada".to_owned()), (2, "Alan".to_owned())]);
    /// let spent = orders
    ///     .right_join(&users)
    ///     .on(|order| order.0, |user| user.0)
    ///     .select(|order, user| (user.1.clone(), order.map(|order| order.1)));
    /// assert_eq!(spent.collect()?, [("Ada".to_owned(), Some(10)), ("Alan".to_owned(), None)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    right_join, Right;
    /// As [`join`](Self::join), and keeps the rows of both sides that match nothing.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let planned = app.rows(vec![(1, 5), (2, 5)]);
    /// let done = app.rows(vec![(2, 4), (3, 1)]);
    /// let both = planned
    ///     .full_join(&done)
    ///     .on(|planned| planned.0, |done| done.0)
    ///     .select(|planned, done| (planned.map(|p| p.1), done.map(|d| d.1)));
    /// assert_eq!(both.collect()?, [(None, Some(1)), (Some(5), None), (Some(5), Some(4))]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    full_join, Full;
}

impl<T> Table<T> {
    /// Pairs every row of this table with every row of the other.
    ///
    /// **Shape.** As many rows as the product of both. All of them are made by one worker.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let sizes = app.rows(vec!['S', 'M']);
    /// let colours = app.rows(vec![1, 2]);
    /// let all = sizes.cross_join(&colours).select(|size, colour| (*size, *colour));
    /// assert_eq!(all.collect()?, [('M', 1), ('M', 2), ('S', 1), ('S', 2)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    #[track_caller]
    pub fn cross_join<R>(&self, right: &Table<R>) -> JoinPair<T, R, Inner>
    where
        T: Schema,
        R: Schema,
    {
        let location = Location::caller();
        JoinBuilder::<T, R, Inner>::new(self, right, location).on(|_| (), |_| ())
    }
}
