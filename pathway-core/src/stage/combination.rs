//! Combinations: rows of several tables, one of each, as a join of many gives them.
//!
//! The tables have numbers. Where an optional table has no row for a combination, its place is
//! empty. Encoded, a combination is its rows one behind the other, each with its length.

use super::row_key::{RowKey, RowKeyReader};
use super::{AnyStep, Diff, EncodedStep, KeyedCollector, KeyedTerminal, Step, enter};
use crate::schema::{Bytes, Schema, put_len, take_bytes, take_len};
use std::sync::Arc;

/// Appends the row of one table, or that it has none.
pub(crate) fn put_row(row: Option<&[u8]>, out: &mut Vec<u8>) {
    match row {
        None => put_len(0, out),
        Some(row) => {
            put_len(row.len() + 1, out);
            out.extend_from_slice(row);
        }
    }
}

/// The row that [`put_row`] wrote.
pub(crate) fn take_row<'a>(input: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = take_len(input);
    (len > 0).then(|| take_bytes(input, len - 1))
}

/// The decoded row of one table, from the call before if its bytes are the same.
#[derive(Debug)]
pub struct Decoded<T> {
    bytes: Vec<u8>,
    row: Option<T>,
}

impl<T> Default for Decoded<T> {
    fn default() -> Self {
        Self { bytes: Vec::new(), row: None }
    }
}

impl<T: Schema> Decoded<T> {
    /// The row with these bytes.
    pub fn row(&mut self, bytes: Option<&[u8]>) -> Option<&T> {
        let bytes = bytes?;
        if self.row.is_none() || self.bytes != bytes {
            self.bytes.clear();
            self.bytes.extend_from_slice(bytes);
            self.row = None;
        }
        Some(self.row.get_or_insert_with(|| T::decode(&mut &*bytes)))
    }
}

struct CombinationRoot<D, U, F> {
    node: u32,
    select: Arc<F>,
    decoded: D,
    next: Box<dyn Step<U>>,
}

impl<D, U, F> EncodedStep for CombinationRoot<D, U, F>
where
    U: Schema,
    F: Fn(&mut D, &[Option<&[u8]>]) -> U,
{
    fn push(&mut self, _: &[u8], _: &[u8], _: Diff) {
        unreachable!("a join of many gives combinations of rows");
    }

    fn push_combination(&mut self, rows: &[Option<&[u8]>], diff: Diff) {
        enter(self.node);
        let row = (self.select)(&mut self.decoded, rows);
        self.next.push(row, diff);
    }
}

/// The root behind a join of many tables: `select` decodes the rows, which it keeps, and calls the
/// user's closure.
pub fn combination_root<D, U, F>(node: u32, select: Arc<F>, next: AnyStep) -> Box<dyn EncodedStep>
where
    D: Default + 'static,
    U: Schema,
    F: Fn(&mut D, &[Option<&[u8]>]) -> U + 'static,
{
    let next = next.typed::<U>();
    Box::new(CombinationRoot { node, select, decoded: D::default(), next })
}

/// What stands left in a join of two that is one of many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeftRow {
    /// A row of the first table.
    Plain,
    /// A combination of the tables in front, as one value.
    Combination,
}

impl LeftRow {
    /// The combination's bytes, from the encoded value that they are.
    fn combination(mut value: &[u8]) -> &[u8] {
        let len = take_len(&mut value);
        take_bytes(&mut value, len)
    }
}

/// Makes combinations of pairs, and keeps them as rows.
struct Combine {
    left: LeftRow,
    next: Box<dyn Step<Bytes>>,
}

impl Combine {
    fn combine(&mut self, left: &[u8], right: Option<&[u8]>, diff: Diff) {
        let mut combination = Vec::new();
        match self.left {
            LeftRow::Plain => put_row(Some(left), &mut combination),
            LeftRow::Combination => combination.extend_from_slice(LeftRow::combination(left)),
        }
        put_row(right, &mut combination);
        self.next.push(combination.into(), diff);
    }
}

impl EncodedStep for Combine {
    fn push(&mut self, left: &[u8], right: &[u8], diff: Diff) {
        self.combine(left, Some(right), diff);
    }

    fn push_left(&mut self, left: &[u8], diff: Diff) {
        self.combine(left, None, diff);
    }
}

/// The root behind a join of two whose pairs are kept for the next join.
pub(crate) fn combine_root(left: LeftRow, next: AnyStep) -> Box<dyn EncodedStep> {
    Box::new(Combine { left, next: next.typed::<Bytes>() })
}

/// Hands the pairs of the last join of two on as combinations.
struct Combined(Box<dyn EncodedStep>);

impl Combined {
    fn combined(&mut self, left: &[u8], right: Option<&[u8]>, diff: Diff) {
        let mut input = LeftRow::combination(left);
        let mut rows = Vec::new();
        while !input.is_empty() {
            rows.push(take_row(&mut input));
        }
        rows.push(right);
        self.0.push_combination(&rows, diff);
    }
}

impl EncodedStep for Combined {
    fn push(&mut self, left: &[u8], right: &[u8], diff: Diff) {
        self.combined(left, Some(right), diff);
    }

    fn push_left(&mut self, left: &[u8], diff: Diff) {
        self.combined(left, None, diff);
    }
}

/// The root behind the last of several joins of two, in front of that of the whole.
pub(crate) fn combined_root(root: Box<dyn EncodedStep>) -> Box<dyn EncodedStep> {
    Box::new(Combined(root))
}

/// Takes the key of a combination from rows in it.
pub(crate) struct CombinationKey {
    /// The tables and the keys of their rows; nothing of a table that has no row.
    parts: Vec<(usize, RowKeyReader)>,
}

impl CombinationKey {
    pub(crate) fn new(parts: &[(usize, RowKey)], node: u32) -> Self {
        let parts = parts.iter().map(|(table, key)| (*table, key.reader(node))).collect();
        Self { parts }
    }

    /// Writes the key; answers whether no part of it is null.
    pub(crate) fn write(&mut self, rows: &[Option<&[u8]>], key: &mut Vec<u8>) -> bool {
        key.clear();
        self.parts
            .iter_mut()
            .all(|(table, reader)| rows[*table].is_some_and(|row| reader.append(row, key)))
    }
}

struct ByCombinationKey {
    parts: CombinationKey,
    collector: Box<dyn KeyedCollector>,
    key: Vec<u8>,
    row: Vec<u8>,
}

impl Step<Bytes> for ByCombinationKey {
    fn push(&mut self, row: Bytes, diff: Diff) {
        self.push_ref(&row, diff);
    }

    fn push_ref(&mut self, row: &Bytes, diff: Diff) {
        let mut input: &[u8] = row;
        let mut rows = Vec::new();
        while !input.is_empty() {
            rows.push(take_row(&mut input));
        }
        let is_there = self.parts.write(&rows, &mut self.key);
        self.row.clear();
        row.encode(&mut self.row);
        self.collector.update(is_there.then_some(&self.key), &self.row, diff);
    }
}

/// A terminal that keeps combinations by keys of rows in them.
pub(crate) fn combination_terminal(parts: Vec<(usize, RowKey)>) -> KeyedTerminal {
    Arc::new(move |node, collector| {
        let parts = CombinationKey::new(&parts, node);
        AnyStep::new::<Bytes>(Box::new(ByCombinationKey {
            parts,
            collector,
            key: Vec::new(),
            row: Vec::new(),
        }))
    })
}
