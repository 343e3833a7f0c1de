//! Counting distinct values.

use super::multiset::{ENTRY_BYTES, TAKEN_AWAY};
use super::values::{merge_counts, write_counts};
use super::{Acc, Fold};
use crate::schema::{RowEncoder, Schema, put_len};
use crate::stage::{Diff, Input};
use hashbrown::HashMap;

/// Counts the distinct values of a group that are not null; arguments are in the compact
/// encoding.
#[derive(Debug)]
pub struct CountDistinct;

/// Values, with how often each was added.
#[derive(Debug, Default)]
pub struct Counts {
    pub(super) values: HashMap<Box<[u8]>, i64, foldhash::fast::RandomState>,
    /// How many values were taken away more often than added.
    negative: usize,
}

impl Counts {
    fn add(&mut self, value: &[u8], diff: Diff) {
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
}

fn counts(acc: &mut Acc) -> &mut Counts {
    if !matches!(acc, Acc::Counts(_)) {
        *acc = Acc::Counts(Box::default());
    }
    let Acc::Counts(values) = acc else { unreachable!("the state was made a table above") };
    values
}

impl Fold for CountDistinct {
    fn update(&self, acc: &mut Acc, input: Input<'_>, diff: Diff) {
        if let Input::Bytes(value) = input {
            counts(acc).add(value, diff);
        }
    }

    fn write(&self, acc: &Acc, out: &mut Vec<u8>) {
        match acc {
            Acc::Counts(counts) => {
                let values = counts.values.iter().map(|(value, &count)| (&**value, count));
                write_counts(values, counts.values.len(), out);
            }
            _ => put_len(0, out),
        }
    }

    fn merge(&self, acc: &mut Acc, input: &mut &[u8]) {
        merge_counts(input, |value, count| counts(acc).add(value, count));
    }

    fn memory(&self, acc: &Acc) -> usize {
        match acc {
            Acc::Counts(counts) => {
                counts.values.keys().map(|value| value.len() + ENTRY_BYTES).sum()
            }
            _ => 0,
        }
    }

    fn finish(&self, acc: &Acc, _rows: i64, out: &mut RowEncoder<'_>) -> Result<(), String> {
        let count = match acc {
            Acc::Counts(counts) if counts.negative > 0 => return Err(TAKEN_AWAY.to_owned()),
            Acc::Counts(counts) => counts.values.len(),
            _ => 0,
        };
        (count as u64).encode(out.value());
        Ok(())
    }
}
