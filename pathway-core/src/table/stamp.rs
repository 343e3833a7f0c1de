//! `stamped`: the time by the clock at which a row came.

use super::needs_stream::NeedsStream;
use super::{Stream, Table};
use crate::plan::Operation;
use crate::schema::{DateTime, Schema};
use crate::stage;
use std::panic::Location;
use std::sync::Arc;

impl<T> Table<T> {
    /// Only the rows of a [`Stream`] can be stamped: see [`Stream::stamped`].
    #[doc(hidden)]
    pub fn stamped<U, F>(&self, _f: F) -> Stream<U>
    where
        Self: NeedsStream,
        T: Schema,
        U: Schema,
        F: Fn(T, DateTime) -> U + Send + Sync + 'static,
    {
        unreachable!("no table is append-only by its type")
    }
}

impl<T> Stream<T> {
    /// Turns every row into another one, with the time by the clock at which it came: that of the
    /// close of its epoch, the same for all rows of the epoch.
    ///
    /// A row of a table has no such time of its own, because its retraction comes at another one;
    /// `table.changes().stamped(..)` gives the time of each update.
    ///
    /// **Time.** A function of the history. In tests, the clock is that of the
    /// [`Harness`](crate::testing::Harness).
    /// **State.** None.
    ///
    /// ```
    /// use pathway::prelude::*;
    /// use pathway::testing::Harness;
    ///
    /// let mut t = Harness::new();
    /// let orders = t.stream::<u32>();
    /// let stamped = t.capture(orders.rows().stamped(|order, now| (order, now)));
    /// let opened = t.now();
    /// orders.push([17]);
    /// t.step();
    /// t.advance(Duration::from_secs(5));
    /// orders.push([18]);
    /// t.step();
    /// stamped.assert_rows([(17, opened), (18, opened + Duration::from_secs(5))]);
    /// ```
    #[track_caller]
    pub fn stamped<U, F>(&self, f: F) -> Stream<U>
    where
        T: Schema,
        U: Schema,
        F: Fn(T, DateTime) -> U + Send + Sync + 'static,
    {
        let f = Arc::new(f);
        let root = Arc::new(move |node, next| stage::stamp_root(node, Arc::clone(&f), next));
        let operation = Operation::Stamp { root };
        self.derive::<U>("stamped", Location::caller(), operation, &[], true).into_stream()
    }
}
