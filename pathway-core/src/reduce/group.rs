//! The description of a group that the closure of `reduce` is given.

use super::reducer::Reducer;
use crate::dataflow::fold::{AnyFold, Fold};
use crate::stage::{ColumnInput, Inputs};
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

/// A group of `T` rows: its methods are the reducers. Given to the closure of
/// [`reduce`](crate::table::Grouped::reduce).
///
/// Arguments are closures or columns: `g.sum(|o| o.amount)`, `g.sum(Order.amount)`.
pub struct Group<T> {
    pub(super) append_only: bool,
    rows: PhantomData<fn() -> T>,
}

impl<T> fmt::Debug for Group<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").finish_non_exhaustive()
    }
}

impl<T> Group<T> {
    pub(super) fn reducer<O, N>(
        fold: impl Fold + 'static,
        column: Option<ColumnInput>,
        extract: impl Fn(&T, &mut Inputs) + Send + Sync + 'static,
    ) -> Reducer<T, O, N> {
        Self::any_reducer(AnyFold::Acc(Arc::new(fold)), column, extract)
    }

    pub(super) fn any_reducer<O, N>(
        fold: AnyFold,
        column: Option<ColumnInput>,
        extract: impl Fn(&T, &mut Inputs) + Send + Sync + 'static,
    ) -> Reducer<T, O, N> {
        Reducer::new(fold, column, extract)
    }
}

/// A group of rows that are never taken away: a [`Group`], with the reducers that rely on it.
/// Given to the closure of `reduce` behind a [`Stream`](crate::table::Stream).
pub struct StreamGroup<T> {
    group: Group<T>,
}

impl<T> fmt::Debug for StreamGroup<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamGroup").finish_non_exhaustive()
    }
}

impl<T> Deref for StreamGroup<T> {
    type Target = Group<T>;

    fn deref(&self) -> &Group<T> {
        &self.group
    }
}

mod sealed {
    pub trait Sealed {}
    impl<T> Sealed for super::Group<T> {}
    impl<T> Sealed for super::StreamGroup<T> {}
}

/// What the closure of `reduce` is given: a [`Group`], or behind a stream a [`StreamGroup`].
///
/// You will rarely name this trait.
pub trait GroupOf<T>: sealed::Sealed {
    #[doc(hidden)]
    fn new(append_only: bool) -> Self;
}

impl<T> GroupOf<T> for Group<T> {
    fn new(append_only: bool) -> Self {
        Self { append_only, rows: PhantomData }
    }
}

impl<T> GroupOf<T> for StreamGroup<T> {
    fn new(append_only: bool) -> Self {
        debug_assert!(append_only, "a stream's plan node is append-only");
        Self { group: Group::new(append_only) }
    }
}
