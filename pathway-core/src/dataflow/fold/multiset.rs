//! Values in order, with how often each is there.

use super::{Acc, Fold};
use crate::schema::{RowEncoder, Schema, put_len, take_bytes, take_len};
use crate::stage::{Diff, Input};
use std::collections::BTreeMap;
use std::fmt;

pub(super) const TAKEN_AWAY: &str = "a value was taken away more often than it had been added";

/// Roughly what a value costs in a tree or a table beyond its bytes.
pub(super) const ENTRY_BYTES: usize = 32;

/// Values in the ordered encoding, with how often each was added.
#[derive(Debug, Default)]
pub struct Multiset {
    values: BTreeMap<Box<[u8]>, i64>,
    /// How many values were taken away more often than added.
    negative: usize,
}

impl Multiset {
    /// Adds a value `diff` times.
    pub fn add(&mut self, value: &[u8], diff: Diff) {
        if let Some(count) = self.values.get_mut(value) {
            let before = *count;
            *count += diff;
            self.negative += usize::from(*count < 0);
            self.negative -= usize::from(before < 0);
            if *count == 0 {
                self.values.remove(value);
            }
        } else if diff != 0 {
            self.values.insert(value.into(), diff);
            self.negative += usize::from(diff < 0);
        }
    }

    /// The values in order, each with how often it is there.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&[u8], i64)> {
        self.values.iter().map(|(value, &count)| (&**value, count))
    }

    /// How many different values there are.
    pub fn distinct(&self) -> usize {
        self.values.len()
    }

    /// How many values there are, each as often as it is there.
    pub fn len(&self) -> u64 {
        self.values.values().map(|&count| u64::try_from(count).unwrap_or(0)).sum()
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Removes the last value altogether.
    pub(super) fn forget_last(&mut self) {
        if let Some((_, count)) = self.values.pop_last() {
            self.negative -= usize::from(count < 0);
        }
    }

    /// Removes the first value altogether.
    pub(super) fn forget_first(&mut self) {
        if let Some((_, count)) = self.values.pop_first() {
            self.negative -= usize::from(count < 0);
        }
    }

    /// Removes all values but the first and the last.
    pub(super) fn keep_ends(&mut self) {
        let ends = [self.values.pop_first(), self.values.pop_last()];
        self.values = ends.into_iter().flatten().collect();
        self.negative = self.values.values().filter(|count| **count < 0).count();
    }

    /// Refuses values that are there less than no times.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.negative > 0 { Err(TAKEN_AWAY.to_owned()) } else { Ok(()) }
    }

    pub(super) fn memory(&self) -> usize {
        self.values.keys().map(|value| value.len() + ENTRY_BYTES).sum()
    }
}

/// The multiset of a group, made if there is none.
pub(super) fn multiset(acc: &mut Acc) -> &mut Multiset {
    if !matches!(acc, Acc::Sorted(_)) {
        *acc = Acc::Sorted(Box::default());
    }
    let Acc::Sorted(values) = acc else { unreachable!("the state was made sorted above") };
    values
}

pub(super) fn write_counts<'a>(
    values: impl Iterator<Item = (&'a [u8], i64)>,
    len: usize,
    out: &mut Vec<u8>,
) {
    put_len(len, out);
    for (value, count) in values {
        put_len(value.len(), out);
        out.extend_from_slice(value);
        count.encode(out);
    }
}

pub(super) fn merge_counts(input: &mut &[u8], mut add: impl FnMut(&[u8], i64)) {
    for _ in 0..take_len(input) {
        let len = take_len(input);
        let value = take_bytes(input, len);
        add(value, i64::decode(input));
    }
}

/// What a fold makes of all its values.
pub trait Read: Send + Sync {
    /// Writes the result. No value is there less than no times.
    ///
    /// # Errors
    ///
    /// What is wrong with the values.
    fn read(&self, values: &Multiset, out: &mut RowEncoder<'_>) -> Result<(), String>;

    /// Whether the output can be null.
    fn nullable(&self) -> bool {
        false
    }

    /// Adds an argument; null ones are skipped.
    fn add(&self, values: &mut Multiset, input: Input<'_>, diff: Diff) {
        if let Input::Bytes(value) = input {
            values.add(value, diff);
        }
    }

    /// Forgets values that cannot matter any more, where nothing is ever retracted.
    fn trim(&self, _values: &mut Multiset) {}
}

/// A fold that keeps all its values, and reads them at the close of an epoch.
pub struct Values<R>(pub R);

impl<R> fmt::Debug for Values<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Values")
    }
}

impl<R: Read> Fold for Values<R> {
    fn update(&self, acc: &mut Acc, input: Input<'_>, diff: Diff) {
        if input != Input::Null {
            let values = multiset(acc);
            self.0.add(values, input, diff);
            self.0.trim(values);
        }
    }

    fn write(&self, acc: &Acc, out: &mut Vec<u8>) {
        match acc {
            Acc::Sorted(values) => write_counts(values.iter(), values.distinct(), out),
            _ => put_len(0, out),
        }
    }

    fn merge(&self, acc: &mut Acc, input: &mut &[u8]) {
        merge_counts(input, |value, count| {
            let values = multiset(acc);
            values.add(value, count);
            self.0.trim(values);
        });
    }

    fn memory(&self, acc: &Acc) -> usize {
        if let Acc::Sorted(values) = acc { values.memory() } else { 0 }
    }

    fn nullable(&self) -> bool {
        self.0.nullable()
    }

    fn finish(&self, acc: &Acc, _rows: i64, out: &mut RowEncoder<'_>) -> Result<(), String> {
        if let Acc::Sorted(values) = acc {
            values.check()?;
            self.0.read(values, out)
        } else {
            self.0.read(&Multiset::default(), out)
        }
    }
}
