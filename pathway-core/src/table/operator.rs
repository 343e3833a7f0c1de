//! What `#[operator]` expands to.

use super::collection::{kept_step, step};
use super::{Collection, Fallible, RowError, Table};
use crate::schema::Schema;
use std::fmt;

/// What `#[operator]` knows about a function.
#[derive(Clone, Copy, Debug)]
pub struct OperatorInfo {
    /// The function's name, or the one it was given.
    pub name: &'static str,
    /// Its doc comment.
    pub doc: &'static str,
    /// A version of its code: its tokens' hash, or the one it was given.
    pub version: u64,
}

/// The verbs behind `#[operator]`, for streams and tables alike.
pub mod operators {
    use super::*;
    use crate::stage;
    use std::panic::Location;
    use std::sync::Arc;

    fn noted<C: Collection>(collection: C, info: OperatorInfo) -> C {
        let table = collection.as_table();
        note(table, info);
        collection
    }

    fn note<T>(table: &Table<T>, info: OperatorInfo) {
        let node = table.port.node;
        table.graph.change(|plan| {
            let node = plan.node_mut(node);
            node.name = Some(info.name.to_owned());
            node.doc = info.doc;
            node.version = Some(info.version);
        });
    }

    /// A function from a row to a row.
    #[track_caller]
    pub fn map<C, U, F>(input: &C, info: OperatorInfo, f: F) -> C::Of<U>
    where
        C: Collection,
        U: Schema,
        F: Fn(C::Row) -> U + Send + Sync + 'static,
    {
        noted(step(input, "map", Location::caller(), stage::map(f)), info)
    }

    /// A function that decides which rows to keep.
    #[track_caller]
    pub fn filter<C, F>(input: &C, info: OperatorInfo, f: F) -> C::Of<C::Row>
    where
        C: Collection,
        F: Fn(&C::Row) -> bool + Send + Sync + 'static,
    {
        noted(kept_step(input, "filter", Location::caller(), stage::filter(f)), info)
    }

    /// A function from a row to a row or nothing.
    #[track_caller]
    pub fn filter_map<C, U, F>(input: &C, info: OperatorInfo, f: F) -> C::Of<U>
    where
        C: Collection,
        U: Schema,
        F: Fn(C::Row) -> Option<U> + Send + Sync + 'static,
    {
        noted(step(input, "filter_map", Location::caller(), stage::filter_map(f)), info)
    }

    /// A function from a row to any number of rows.
    #[track_caller]
    pub fn flat_map<C, I, F>(input: &C, info: OperatorInfo, f: F) -> C::Of<I::Item>
    where
        C: Collection,
        I: IntoIterator<Item: Schema> + 'static,
        F: Fn(C::Row) -> I + Send + Sync + 'static,
    {
        noted(step(input, "flat_map", Location::caller(), stage::flat_map(f)), info)
    }

    /// A function from a row to a row or an error.
    #[track_caller]
    pub fn try_map<C, U, E, F>(
        input: &C,
        info: OperatorInfo,
        f: F,
    ) -> Fallible<C::Of<U>, C::Of<RowError<C::Row>>>
    where
        C: Collection,
        U: Schema,
        E: fmt::Display,
        F: Fn(C::Row) -> Result<U, E> + Send + Sync + 'static,
    {
        let result = crate::table::rows::try_step(input, Location::caller(), f);
        note(result.as_table(), info);
        result
    }

    #[cfg(feature = "async")]
    pub use asynchronous::*;

    #[cfg(feature = "async")]
    mod asynchronous {
        use super::*;
        use crate::table::async_calls::{attempts, calling, trying};
        use crate::table::{Batches, Calls, RetryIf};
        use std::future::Future;

        /// An asynchronous function from a row to a row.
        #[track_caller]
        pub fn map_async<C, U, F, Fut>(
            input: &C,
            info: OperatorInfo,
            calls: Calls,
            f: F,
        ) -> C::Of<U>
        where
            C: Collection,
            U: Schema,
            F: Fn(C::Row) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = U> + 'static,
        {
            let location = Location::caller();
            noted(calling(input, "map_async", location, calls, attempts::map(f)), info)
        }

        /// An asynchronous function from a row to a row or nothing.
        #[track_caller]
        pub fn filter_map_async<C, U, F, Fut>(
            input: &C,
            info: OperatorInfo,
            calls: Calls,
            f: F,
        ) -> C::Of<U>
        where
            C: Collection,
            U: Schema,
            F: Fn(C::Row) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = Option<U>> + 'static,
        {
            let location = Location::caller();
            let attempt = attempts::filter_map(f);
            noted(calling(input, "filter_map_async", location, calls, attempt), info)
        }

        /// An asynchronous function from a row to a row or an error.
        #[track_caller]
        pub fn try_map_async<C, U, E, R, F, Fut>(
            input: &C,
            info: OperatorInfo,
            calls: Calls<R>,
            f: F,
        ) -> Fallible<C::Of<U>, C::Of<RowError<C::Row>>>
        where
            C: Collection,
            U: Schema,
            E: fmt::Display,
            R: RetryIf<E>,
            F: Fn(C::Row) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = Result<U, E>> + 'static,
        {
            let (calls, retry) = calls.apart();
            let attempt = attempts::try_map(f, retry);
            let result = trying(input, "try_map_async", Location::caller(), calls, attempt);
            note(result.as_table(), info);
            result
        }

        /// An asynchronous function from a batch of rows to as many rows.
        #[track_caller]
        pub fn map_batches_async<C, U, F, Fut>(
            input: &C,
            info: OperatorInfo,
            batches: Batches,
            f: F,
        ) -> C::Of<U>
        where
            C: Collection,
            U: Schema,
            F: Fn(Vec<C::Row>) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = Vec<U>> + 'static,
        {
            let (location, attempt) = (Location::caller(), attempts::map_batches(f));
            let calls = batches.into_calls();
            noted(calling(input, "map_batches_async", location, calls, attempt), info)
        }

        /// An asynchronous function from a batch of rows to as many rows or an error.
        #[track_caller]
        pub fn try_map_batches_async<C, U, E, R, F, Fut>(
            input: &C,
            info: OperatorInfo,
            batches: Batches<R>,
            f: F,
        ) -> Fallible<C::Of<U>, C::Of<RowError<C::Row>>>
        where
            C: Collection,
            U: Schema,
            E: fmt::Display,
            R: RetryIf<E>,
            F: Fn(Vec<C::Row>) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = Result<Vec<U>, E>> + 'static,
        {
            let (calls, retry) = batches.into_calls().apart();
            let attempt = attempts::try_map_batches(f, retry);
            let verb = "try_map_batches_async";
            let result = trying(input, verb, Location::caller(), calls, attempt);
            note(result.as_table(), info);
            result
        }
    }

    /// A function from tables to tables: one box in the plan.
    pub fn scope<C: Collection, R>(input: &C, info: OperatorInfo, f: impl FnOnce() -> R) -> R {
        /// Closes the scope also if the function panics.
        struct Open<'a>(&'a crate::table::Graph);

        impl Drop for Open<'_> {
            fn drop(&mut self) {
                self.0.change(crate::plan::Plan::close_scope);
            }
        }

        let graph = Arc::clone(&input.as_table().graph);
        graph.change(|plan| plan.open_scope(info.name, info.doc));
        let _open = Open(&graph);
        f()
    }
}
