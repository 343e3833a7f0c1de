//! The roots of stages: where encoded rows become typed ones.

use super::{AnyStep, Diff, Step, enter};
use crate::io::rows::{AnyRows, Rows};
use crate::schema::Schema;
use std::sync::Arc;

/// Receives encoded rows, and decodes them for the stage behind it.
///
/// What the two parts are depends on the operator in front: a row and nothing; a group's key and
/// its outputs; the left and the right row of a join.
pub trait EncodedStep {
    /// Takes a row in two parts.
    fn push(&mut self, first: &[u8], second: &[u8], diff: Diff);

    /// Notes that the rows which are given stay where they are until this is called again, so that
    /// one which is given twice is known by its place.
    fn hold(&mut self, _held: bool) {}

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

/// A root that takes rows of this process too, which were never encoded.
pub trait RowStep: EncodedStep {
    /// Takes the rows out of a batch.
    fn push_rows(&mut self, rows: &mut dyn AnyRows);
}

struct RowRoot<T> {
    next: Box<dyn Step<T>>,
}

impl<T: Schema> EncodedStep for RowRoot<T> {
    fn push(&mut self, mut row: &[u8], _: &[u8], diff: Diff) {
        self.next.push(T::decode(&mut row), diff);
    }
}

impl<T: Schema> RowStep for RowRoot<T> {
    fn push_rows(&mut self, rows: &mut dyn AnyRows) {
        let rows: &mut Rows<T> =
            rows.as_any().downcast_mut().expect("a source's rows have the type of its stage");
        for row in rows.drain() {
            self.next.push(row, 1);
        }
    }
}

pub(super) fn row_root<T: Schema>(next: AnyStep) -> Box<dyn RowStep> {
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
    held: bool,
    left: Cached<L>,
    right: Cached<R>,
}

/// A row of a join that was decoded, to be used again as long as it is given again.
struct Cached<T> {
    seen: Seen,
    row: Option<T>,
}

/// Which row was given last.
#[derive(Default)]
struct Seen {
    /// Its address and length, if it stays there.
    place: Option<(usize, usize)>,
    /// What it is, if it does not.
    bytes: Vec<u8>,
}

impl Seen {
    /// Whether the row is the one that was given last; remembers it.
    #[cfg_attr(not(debug_assertions), inline)]
    fn again(&mut self, bytes: &[u8], held: bool) -> bool {
        if held {
            let place = Some((bytes.as_ptr().addr(), bytes.len()));
            return std::mem::replace(&mut self.place, place) == place;
        }
        self.place = None;
        let again = self.bytes == bytes;
        if !again {
            self.bytes.clear();
            self.bytes.extend_from_slice(bytes);
        }
        again
    }
}

impl<T: Schema> Cached<T> {
    fn new() -> Self {
        Self { seen: Seen::default(), row: None }
    }

    fn get(&mut self, bytes: &[u8], held: bool) -> &T {
        if !self.seen.again(bytes, held) {
            self.row = None;
        }
        self.row.get_or_insert_with(|| T::decode(&mut &*bytes))
    }

    /// Forgets the row: others may come to stand in its place.
    fn forget(&mut self) {
        *self = Self::new();
    }
}

impl<L, R, U, F> EncodedStep for JoinRoot<L, R, U, F>
where
    L: Schema,
    R: Schema,
    U: Schema,
    F: Fn(&L, &R) -> U,
{
    fn push(&mut self, left: &[u8], right: &[u8], diff: Diff) {
        let left = self.left.get(left, self.held);
        let right = self.right.get(right, self.held);
        enter(self.node);
        let row = (self.select)(left, right);
        self.next.push(row, diff);
    }

    fn hold(&mut self, held: bool) {
        self.held = held;
        self.left.forget();
        self.right.forget();
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
        held: false,
        left: Cached::new(),
        right: Cached::new(),
    })
}

struct OuterJoinRoot<L, R, U, F> {
    node: u32,
    select: Arc<F>,
    next: Box<dyn Step<U>>,
    held: bool,
    left: Cached<L>,
    right: Cached<R>,
}

impl<L, R, U, F> OuterJoinRoot<L, R, U, F>
where
    L: Schema,
    R: Schema,
    U: Schema,
    F: Fn(Option<&L>, Option<&R>) -> U,
{
    fn pair(&mut self, left: Option<&[u8]>, right: Option<&[u8]>, diff: Diff) {
        let left = left.map(|left| self.left.get(left, self.held));
        let right = right.map(|right| self.right.get(right, self.held));
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

    fn hold(&mut self, held: bool) {
        self.held = held;
        self.left.forget();
        self.right.forget();
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
        held: false,
        left: Cached::new(),
        right: Cached::new(),
    })
}
