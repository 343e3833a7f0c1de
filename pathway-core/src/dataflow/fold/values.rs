//! Folds that keep all their values in order, and read them at the close of an epoch.

use super::multiset::Multiset;
use super::{Acc, Fold, Kept};
use crate::schema::{RowEncoder, Schema, put_len, take_bytes, take_len};
use crate::stage::{Diff, Input};
use std::fmt;

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
    values.for_each(|(value, count)| put_count(value, count, out));
}

/// Appends one of the values that [`merge_counts`] reads.
pub(super) fn put_count(value: &[u8], count: i64, out: &mut Vec<u8>) {
    put_len(value.len(), out);
    out.extend_from_slice(value);
    count.encode(out);
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

    /// Whether all arguments are kept as they are.
    fn keeps_all(&self) -> bool {
        false
    }
}

/// A fold that keeps all its values, and reads them at the close of an epoch.
pub struct Values<R>(pub R);

impl<R> fmt::Debug for Values<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Values")
    }
}

impl<R: Read> Fold for Values<R> {
    fn kept(&self) -> Option<Kept> {
        self.0.keeps_all().then_some(Kept::Sorted)
    }

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
