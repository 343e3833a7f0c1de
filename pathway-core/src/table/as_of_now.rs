//! Joins of a stream with a table as it is now.

use super::index::{SameKey, index, new_index};
use super::join::{present, push};
use super::{Stream, Table};
use crate::dataflow::{Alone, JoinKind};
use crate::plan::{NodeId, Operation, Rooted};
use crate::schema::{Expr, Schema};
use crate::stage;
use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;

/// A stream to be joined with a table as of now, before the keys are named.
#[must_use = "name the keys: `.on(|left| .., |right| ..)`"]
pub struct AsOfNowBuilder<L, R> {
    left: Stream<L>,
    right: Table<R>,
    location: &'static Location<'static>,
}

/// A stream to be joined with a table as of now, by key.
#[must_use = "make rows of the pairs: `.select(|left, right| ..)`"]
pub struct AsOfNowPair<L, R> {
    left: Stream<L>,
    indexes: (NodeId, NodeId),
    location: &'static Location<'static>,
    right: PhantomData<fn() -> R>,
}

impl<L, R> fmt::Debug for AsOfNowBuilder<L, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsOfNowBuilder").finish_non_exhaustive()
    }
}

impl<L, R> fmt::Debug for AsOfNowPair<L, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsOfNowPair").finish_non_exhaustive()
    }
}

impl<T> Stream<T> {
    /// Joins each row, once, with the rows of a table as they stand when the row's epoch closes.
    /// What the table becomes later changes nothing: the result is a stream.
    ///
    /// This is a function of the history, not of the rows alone: the same rows, cut into epochs in
    /// another way, may meet other rows.
    ///
    /// **State.** The table by key; nothing of the stream.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// # use pathway::testing::Harness;
    /// let mut t = Harness::new();
    /// let (orders, prices) = (t.stream::<(u32, u32)>(), t.table::<(u32, u32)>());
    /// let paid = orders
    ///     .rows()
    ///     .as_of_now_join(&prices.rows())
    ///     .on(|order| order.0, |price| price.0)
    ///     .select(|order, price| (order.1, price.1));
    /// let paid = t.capture(paid);
    /// prices.insert((1, 250));
    /// orders.push([(1, 7)]);
    /// t.step();
    /// prices.remove((1, 250));
    /// prices.insert((1, 199));
    /// orders.push([(1, 8)]);
    /// t.step();
    /// paid.assert_rows([(7, 250), (8, 199)]);
    /// ```
    #[track_caller]
    pub fn as_of_now_join<R>(&self, right: &Table<R>) -> AsOfNowBuilder<T, R> {
        let (left, right) = (self.clone(), right.clone());
        AsOfNowBuilder { left, right, location: Location::caller() }
    }
}

impl<L, R> AsOfNowBuilder<L, R> {
    /// Names the keys: closures or columns, `.on(Order.user, User.id)`.
    pub fn on<E, G, EL, ER>(self, left: E, right: G) -> AsOfNowPair<L, R>
    where
        L: Schema,
        R: Schema,
        EL: Expr<L, Value: SameKey<ER::Value>>,
        ER: Expr<R>,
        E: Fn(&L) -> EL + Send + Sync + 'static,
        G: Fn(&R) -> ER + Send + Sync + 'static,
    {
        // Not shared: it keeps nothing.
        let left_index = new_index(&self.left, left, false, self.location);
        let right_index = index(&self.right, right, self.location).node;
        AsOfNowPair {
            left: self.left,
            indexes: (left_index, right_index),
            location: self.location,
            right: PhantomData,
        }
    }
}

impl<L: Schema, R: Schema> AsOfNowPair<L, R> {
    /// Makes a row of each pair of rows whose keys are equal.
    pub fn select<U, F>(self, f: F) -> Stream<U>
    where
        U: Schema,
        F: Fn(&L, &R) -> U + Send + Sync + 'static,
    {
        let f = Arc::new(f);
        let root: Rooted =
            Arc::new(move |node, next| stage::join_root::<L, R, U, F>(node, Arc::clone(&f), next));
        self.push(Alone::No, root)
    }

    /// Makes a row of each pair of rows whose keys are equal, and of each left row that meets
    /// nothing.
    pub fn select_all<U, F>(self, f: F) -> Stream<U>
    where
        U: Schema,
        F: Fn(&L, Option<&R>) -> U + Send + Sync + 'static,
    {
        let f = Arc::new(move |left: Option<&L>, right: Option<&R>| f(present(left), right));
        let root: Rooted = Arc::new(move |node, next| {
            stage::outer_join_root::<L, R, U, _>(node, Arc::clone(&f), next)
        });
        self.push(Alone::Unmatched, root)
    }

    fn push<U: Schema>(self, left: Alone, root: Rooted) -> Stream<U> {
        let kind = JoinKind { left, as_of_now: true, ..JoinKind::INNER };
        let operation = Operation::Join { kind, root: Some(root) };
        push(&self.left, self.indexes, "as_of_now_join", self.location, operation).into_stream()
    }
}
