//! The root behind an operator that gives rows the time of their epoch.

use super::{AnyStep, Diff, EncodedStep, Step, enter};
use crate::schema::{DateTime, Schema, TimePoint};
use std::marker::PhantomData;
use std::sync::Arc;

struct StampRoot<T, U, F> {
    node: u32,
    f: Arc<F>,
    next: Box<dyn Step<U>>,
    rows: PhantomData<fn(T)>,
}

impl<T: Schema, U: Schema, F: Fn(T, DateTime) -> U> EncodedStep for StampRoot<T, U, F> {
    fn push(&mut self, mut row: &[u8], mut now: &[u8], diff: Diff) {
        let now = DateTime::from_steps(i64::decode(&mut now).into());
        let row = T::decode(&mut row);
        enter(self.node);
        let row = (self.f)(row, now);
        self.next.push(row, diff);
    }
}

/// Calls `f` on each row and the time of its epoch.
pub fn stamp_root<T, U, F>(node: u32, f: Arc<F>, next: AnyStep) -> Box<dyn EncodedStep>
where
    T: Schema,
    U: Schema,
    F: Fn(T, DateTime) -> U + 'static,
{
    Box::new(StampRoot::<T, U, F> { node, f, next: next.typed::<U>(), rows: PhantomData })
}
