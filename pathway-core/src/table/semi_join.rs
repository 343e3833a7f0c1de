//! Joins that keep left rows as they are: semi and anti.

use super::Table;
use super::index::{Indexed, SameKey, index};
use super::join::{push, whole};
use crate::dataflow::JoinKind;
use crate::plan::{NodeId, Operation};
use crate::schema::{Bytes, Expr, Schema};
use std::fmt;
use std::panic::Location;

/// A table whose rows are kept by their matches in another, before the keys are named.
#[must_use = "name the keys: `.on(|left| .., |right| ..)`"]
pub struct SemiBuilder<L, R> {
    left: Table<L>,
    right: Table<R>,
    verb: Verb,
    location: &'static Location<'static>,
}

#[derive(Clone, Copy)]
enum Verb {
    Semi,
    Anti,
}

impl<L, R> fmt::Debug for SemiBuilder<L, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SemiBuilder").finish_non_exhaustive()
    }
}

impl<L, R> SemiBuilder<L, R> {
    /// Names the keys: closures or columns, `.on(Order.user, User.id)`.
    pub fn on<E, G, EL, ER>(self, left: E, right: G) -> Table<L>
    where
        L: Schema,
        R: Schema,
        EL: Expr<L, Value: SameKey<ER::Value>>,
        ER: Expr<R>,
        E: Fn(&L) -> EL + Send + Sync + 'static,
        G: Fn(&R) -> ER + Send + Sync + 'static,
    {
        let left_index = index(&self.left, left, self.location).node;
        let right_index = index(&self.right, right, self.location).node;
        kept(&self.left, (left_index, right_index), self.verb, self.location)
    }
}

impl<L, R> SemiBuilder<L, R> {
    /// Counts as matches only those rows of the other table for which a condition holds too. Name
    /// the keys behind it.
    ///
    /// **State.** The pairs for which it holds, as rows of this table.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let orders = app.rows(vec![('a', 7), ('b', 3)]);
    /// let limits = app.rows(vec![('a', 5), ('b', 5)]);
    /// let within = orders
    ///     .anti_join(&limits)
    ///     .and(|order, limit| order.1 > limit.1)
    ///     .on(|order| order.0, |limit| limit.0);
    /// assert_eq!(within.collect()?, [('b', 3)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    pub fn and<C>(self, condition: C) -> SemiWhere<L, R, C>
    where
        C: Fn(&L, &R) -> bool + Send + Sync + 'static,
    {
        SemiWhere { builder: self, condition }
    }
}

/// A [`SemiBuilder`] whose matches must meet a condition.
#[must_use = "name the keys: `.on(|left| .., |right| ..)`"]
pub struct SemiWhere<L, R, C> {
    builder: SemiBuilder<L, R>,
    condition: C,
}

impl<L, R, C> fmt::Debug for SemiWhere<L, R, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SemiWhere").finish_non_exhaustive()
    }
}

impl<L, R, C> SemiWhere<L, R, C> {
    /// Names the keys that must be equal; see [`SemiBuilder::on`].
    #[track_caller]
    pub fn on<E, G, EL, ER>(self, left: E, right: G) -> Table<L>
    where
        L: Schema,
        R: Schema,
        C: Fn(&L, &R) -> bool + Send + Sync + 'static,
        EL: Expr<L, Value: SameKey<ER::Value>>,
        ER: Expr<R>,
        E: Fn(&L) -> EL + Send + Sync + 'static,
        G: Fn(&R) -> ER + Send + Sync + 'static,
    {
        let Self { builder: SemiBuilder { left: rows, right: others, verb, .. }, condition } = self;
        let matched = rows.join(&others).on(left, right).and(condition);
        let matched = matched.select(|row, _| whole(row));
        // Equal rows have equal matches.
        match verb {
            Verb::Semi => rows.semi_join(&matched).on(whole, Bytes::clone),
            Verb::Anti => rows.anti_join(&matched).on(whole, Bytes::clone),
        }
    }
}

fn kept<L: Schema>(
    left: &Table<L>,
    indexes: (NodeId, NodeId),
    verb: Verb,
    location: &'static Location<'static>,
) -> Table<L> {
    let (name, kind) = match verb {
        Verb::Semi => ("semi_join", JoinKind::SEMI),
        Verb::Anti => ("anti_join", JoinKind::ANTI),
    };
    push(left, indexes, name, location, Operation::Join { kind, root: None })
}

impl<T> Table<T> {
    /// Keeps the rows whose key the other table has; each as often as it is there, however many
    /// rows it matches.
    ///
    /// **State.** Both tables, by key, as in [`join`](Self::join).
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let users = app.rows(vec![(1, "Ada".to_owned()), (2, "Alan".to_owned())]);
    /// let orders = app.rows(vec![(1, 10), (1, 20)]);
    /// let buyers = users.semi_join(&orders).on(|user| user.0, |order| order.0);
    /// assert_eq!(buyers.collect()?, [(1, "Ada".to_owned())]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    #[track_caller]
    pub fn semi_join<R>(&self, right: &Table<R>) -> SemiBuilder<T, R> {
        let (left, right) = (self.clone(), right.clone());
        SemiBuilder { left, right, verb: Verb::Semi, location: Location::caller() }
    }

    /// Keeps the rows whose key the other table does not have. A null key is had by no table.
    ///
    /// **State.** Both tables, by key, as in [`join`](Self::join).
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let users = app.rows(vec![(1, "Ada".to_owned()), (2, "Alan".to_owned())]);
    /// let orders = app.rows(vec![(1, 10), (1, 20)]);
    /// let others = users.anti_join(&orders).on(|user| user.0, |order| order.0);
    /// assert_eq!(others.collect()?, [(2, "Alan".to_owned())]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    #[track_caller]
    pub fn anti_join<R>(&self, right: &Table<R>) -> SemiBuilder<T, R> {
        let (left, right) = (self.clone(), right.clone());
        SemiBuilder { left, right, verb: Verb::Anti, location: Location::caller() }
    }
}

impl<T, K> Indexed<T, K> {
    /// Keeps the rows whose key the other index has; see [`Table::semi_join`].
    #[track_caller]
    pub fn semi_join<R, J>(&self, right: &Indexed<R, J>) -> Table<T>
    where
        T: Schema,
        K: SameKey<J>,
    {
        kept(&self.table, (self.node, right.node), Verb::Semi, Location::caller())
    }

    /// Keeps the rows whose key the other index does not have; see [`Table::anti_join`].
    #[track_caller]
    pub fn anti_join<R, J>(&self, right: &Indexed<R, J>) -> Table<T>
    where
        T: Schema,
        K: SameKey<J>,
    {
        kept(&self.table, (self.node, right.node), Verb::Anti, Location::caller())
    }
}
