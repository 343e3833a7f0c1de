//! The roots of stages: where encoded rows become typed ones.

use super::{AnyStep, Diff, Step, enter};
use crate::schema::Schema;
use std::sync::Arc;

/// Receives encoded rows, and decodes them for the stage behind it.
///
/// What the two parts are depends on the operator in front: a row and nothing; a group's key and
/// its outputs; the left and the right row of a join.
pub trait EncodedStep {
    /// Takes a row in two parts.
    fn push(&mut self, first: &[u8], second: &[u8], diff: Diff);

    /// Takes the left row of an outer join that has no right row.
    fn push_left(&mut self, _left: &[u8], _diff: Diff) {
        unreachable!("only the root of a left join is given left rows alone");
    }

    /// Takes the right row of an outer join that has no left row.
    fn push_right(&mut self, _right: &[u8], _diff: Diff) {
        unreachable!("only the root of a right join is given right rows alone");
    }

    /// Takes a row of each table of a join of many; an optional table may have none.
    fn push_combination(&mut self, _rows: &[Option<&[u8]>], _diff: Diff) {
        unreachable!("only the root of a join of many is given combinations");
    }
}

struct RowRoot<T> {
    next: Box<dyn Step<T>>,
}

impl<T: Schema> EncodedStep for RowRoot<T> {
    fn push(&mut self, mut row: &[u8], _: &[u8], diff: Diff) {
        self.next.push(T::decode(&mut row), diff);
    }
}

pub(super) fn row_root<T: Schema>(next: AnyStep) -> Box<dyn EncodedStep> {
    Box::new(RowRoot { next: next.typed::<T>() })
}

struct PairRoot<K, V> {
    next: Box<dyn Step<(K, V)>>,
}

impl<K: Schema, V: Schema> EncodedStep for PairRoot<K, V> {
    fn push(&mut self, mut key: &[u8], mut value: &[u8], diff: Diff) {
        self.next.push((K::decode(&mut key), V::decode(&mut value)), diff);
    }
}

/// The root behind a reduction: the group's key and its outputs.
pub fn pair_root<K: Schema, V: Schema>(next: AnyStep) -> Box<dyn EncodedStep> {
    Box::new(PairRoot { next: next.typed::<(K, V)>() })
}

struct JoinRoot<L, R, U, F> {
    node: u32,
    select: Arc<F>,
    next: Box<dyn Step<U>>,
    /// The rows of the call before, which a join repeats for every match of one row.
    left: (Vec<u8>, Option<L>),
    right: (Vec<u8>, Option<R>),
}

/// The decoded row, from the call before if its bytes are the same.
fn cached<'c, T: Schema>(cache: &'c mut (Vec<u8>, Option<T>), bytes: &[u8]) -> &'c T {
    if cache.1.is_none() || cache.0 != bytes {
        cache.0.clear();
        cache.0.extend_from_slice(bytes);
        cache.1 = None;
    }
    cache.1.get_or_insert_with(|| T::decode(&mut &*bytes))
}

impl<L, R, U, F> EncodedStep for JoinRoot<L, R, U, F>
where
    L: Schema,
    R: Schema,
    U: Schema,
    F: Fn(&L, &R) -> U,
{
    fn push(&mut self, left: &[u8], right: &[u8], diff: Diff) {
        let left = cached(&mut self.left, left);
        let right = cached(&mut self.right, right);
        enter(self.node);
        let row = (self.select)(left, right);
        self.next.push(row, diff);
    }
}

/// The root behind an inner join.
pub fn join_root<L, R, U, F>(node: u32, select: Arc<F>, next: AnyStep) -> Box<dyn EncodedStep>
where
    L: Schema,
    R: Schema,
    U: Schema,
    F: Fn(&L, &R) -> U + 'static,
{
    let next = next.typed::<U>();
    Box::new(JoinRoot::<L, R, U, F> {
        node,
        select,
        next,
        left: (Vec::new(), None),
        right: (Vec::new(), None),
    })
}

struct OuterJoinRoot<L, R, U, F> {
    node: u32,
    select: Arc<F>,
    next: Box<dyn Step<U>>,
    /// The rows of the call before.
    left: (Vec<u8>, Option<L>),
    right: (Vec<u8>, Option<R>),
}

impl<L, R, U, F> OuterJoinRoot<L, R, U, F>
where
    L: Schema,
    R: Schema,
    U: Schema,
    F: Fn(Option<&L>, Option<&R>) -> U,
{
    fn pair(&mut self, left: Option<&[u8]>, right: Option<&[u8]>, diff: Diff) {
        let left = left.map(|left| cached(&mut self.left, left));
        let right = right.map(|right| cached(&mut self.right, right));
        enter(self.node);
        let row = (self.select)(left, right);
        self.next.push(row, diff);
    }
}

impl<L, R, U, F> EncodedStep for OuterJoinRoot<L, R, U, F>
where
    L: Schema,
    R: Schema,
    U: Schema,
    F: Fn(Option<&L>, Option<&R>) -> U,
{
    fn push(&mut self, left: &[u8], right: &[u8], diff: Diff) {
        self.pair(Some(left), Some(right), diff);
    }

    fn push_left(&mut self, left: &[u8], diff: Diff) {
        self.pair(Some(left), None, diff);
    }

    fn push_right(&mut self, right: &[u8], diff: Diff) {
        self.pair(None, Some(right), diff);
    }
}

/// The root behind an outer join: of a left join, every row has a left one, and so on.
pub fn outer_join_root<L, R, U, F>(node: u32, select: Arc<F>, next: AnyStep) -> Box<dyn EncodedStep>
where
    L: Schema,
    R: Schema,
    U: Schema,
    F: Fn(Option<&L>, Option<&R>) -> U + 'static,
{
    let next = next.typed::<U>();
    Box::new(OuterJoinRoot::<L, R, U, F> {
        node,
        select,
        next,
        left: (Vec::new(), None),
        right: (Vec::new(), None),
    })
}
