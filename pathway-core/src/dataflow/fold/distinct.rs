//! Counting distinct values.

use super::multiset::{memory, merge_counts, write_counts};
use super::{Acc, Fold};
use crate::schema::{RowEncoder, Schema, put_len};
use crate::stage::{Diff, Input};

/// Counts the distinct values of a group that are not null; arguments are in the compact
/// encoding.
#[derive(Debug)]
pub struct CountDistinct;

fn add(acc: &mut Acc, value: &[u8], diff: Diff) {
    if !matches!(acc, Acc::Counts(_)) {
        *acc = Acc::Counts(Box::default());
    }
    let Acc::Counts(values) = acc else { unreachable!("the state was made a table above") };
    if let Some(count) = values.get_mut(value) {
        *count += diff;
        if *count == 0 {
            values.remove(value);
        }
    } else {
        values.insert(value.into(), diff);
    }
}

impl Fold for CountDistinct {
    fn update(&self, acc: &mut Acc, input: Input<'_>, diff: Diff) {
        if let Input::Bytes(value) = input {
            add(acc, value, diff);
        }
    }

    fn write(&self, acc: &Acc, out: &mut Vec<u8>) {
        match acc {
            Acc::Counts(values) => write_counts(values.iter(), values.len(), out),
            _ => put_len(0, out),
        }
    }

    fn merge(&self, acc: &mut Acc, input: &mut &[u8]) {
        merge_counts(input, |value, count| add(acc, value, count));
    }

    fn memory(&self, acc: &Acc) -> usize {
        memory(acc)
    }

    fn finish(&self, acc: &Acc, _rows: i64, out: &mut RowEncoder<'_>) -> Result<(), String> {
        let count = if let Acc::Counts(values) = acc { values.len() } else { 0 };
        (count as u64).encode(out.value());
        Ok(())
    }
}
