//! Folds that keep all their values: collect, and user folds without an inverse.

use super::{Acc, Fold};
use crate::schema::{DataType, RowEncoder, Schema, ordered, put_len, take_bytes, take_len};
use crate::stage::{Diff, Input};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Adds a value to a sorted multiset.
pub(super) fn add(acc: &mut Acc, value: &[u8], diff: Diff) {
    if !matches!(acc, Acc::Sorted(_)) {
        *acc = Acc::Sorted(Box::default());
    }
    let Acc::Sorted(values) = acc else { unreachable!("the state was made sorted above") };
    if let Some(count) = values.get_mut(value) {
        *count += diff;
        if *count == 0 {
            values.remove(value);
        }
    } else {
        values.insert(value.into(), diff);
    }
}

pub(super) fn write_counts<'a>(
    values: impl Iterator<Item = (&'a Box<[u8]>, &'a i64)>,
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

const TAKEN_AWAY: &str = "a value was taken away more often than it had been added";

/// Refuses values that are there less than no times.
pub(super) fn check(counts: impl IntoIterator<Item = i64>) -> Result<(), String> {
    if counts.into_iter().any(|count| count < 0) { Err(TAKEN_AWAY.to_owned()) } else { Ok(()) }
}

/// Roughly what a value costs in a tree or a table beyond its bytes.
const ENTRY_BYTES: usize = 32;

pub(super) fn memory(acc: &Acc) -> usize {
    match acc {
        Acc::Best(best) => best.len(),
        Acc::Sorted(values) => values.keys().map(|value| value.len() + ENTRY_BYTES).sum(),
        Acc::Counts(values) => values.keys().map(|value| value.len() + ENTRY_BYTES).sum(),
        _ => 0,
    }
}

fn write(acc: &Acc, out: &mut Vec<u8>) {
    match acc {
        Acc::Sorted(values) => write_counts(values.iter(), values.len(), out),
        _ => put_len(0, out),
    }
}

/// Collects the values of a group into a list, in row order.
#[derive(Debug)]
pub struct Collect {
    /// The type of the values.
    pub element: DataType,
}

impl Fold for Collect {
    fn update(&self, acc: &mut Acc, input: Input<'_>, diff: Diff) {
        if let Input::Bytes(value) = input {
            add(acc, value, diff);
        }
    }

    fn write(&self, acc: &Acc, out: &mut Vec<u8>) {
        write(acc, out);
    }

    fn merge(&self, acc: &mut Acc, input: &mut &[u8]) {
        merge_counts(input, |value, count| add(acc, value, count));
    }

    fn memory(&self, acc: &Acc) -> usize {
        memory(acc)
    }

    fn finish(&self, acc: &Acc, _rows: i64, out: &mut RowEncoder<'_>) -> Result<(), String> {
        let empty = BTreeMap::new();
        let values = if let Acc::Sorted(values) = acc { &**values } else { &empty };
        check(values.values().copied())?;
        let len: i64 = values.values().sum();
        let out = out.value();
        put_len(usize::try_from(len).map_err(|_| TAKEN_AWAY)?, out);
        let mut element = Vec::new();
        for (value, &count) in values {
            element.clear();
            ordered::to_compact(self.element, &mut &**value, &mut element);
            for _ in 0..count {
                out.extend_from_slice(&element);
            }
        }
        Ok(())
    }
}

/// Folds the values of a group with a function of the user, from the start at every change.
pub struct FoldValues {
    finish: Finish,
    nullable: bool,
}

type Finish = Arc<dyn Fn(&BTreeMap<Box<[u8]>, i64>, &mut RowEncoder<'_>) + Send + Sync>;

impl std::fmt::Debug for FoldValues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FoldValues")
    }
}

/// A fold of the values of type `V`, each with how often it occurs, in row order.
pub fn fold_values<V, U, F>(f: F) -> FoldValues
where
    V: Schema,
    U: Schema,
    F: Fn(&[(V, u64)]) -> U + Send + Sync + 'static,
{
    FoldValues {
        nullable: U::NULLABLE,
        finish: Arc::new(move |values, out| {
            let decode = |value: &[u8], count: i64| {
                let mut compact = Vec::new();
                ordered::to_compact(V::data_type(), &mut &*value, &mut compact);
                (V::decode(&mut compact.as_slice()), u64::try_from(count).unwrap_or(0))
            };
            let values: Vec<(V, u64)> =
                values.iter().map(|(value, &count)| decode(value, count)).collect();
            f(&values).encode_column(out);
        }),
    }
}

impl Fold for FoldValues {
    fn update(&self, acc: &mut Acc, input: Input<'_>, diff: Diff) {
        if let Input::Bytes(value) = input {
            add(acc, value, diff);
        }
    }

    fn write(&self, acc: &Acc, out: &mut Vec<u8>) {
        write(acc, out);
    }

    fn merge(&self, acc: &mut Acc, input: &mut &[u8]) {
        merge_counts(input, |value, count| add(acc, value, count));
    }

    fn memory(&self, acc: &Acc) -> usize {
        memory(acc)
    }

    fn nullable(&self) -> bool {
        self.nullable
    }

    fn finish(&self, acc: &Acc, _rows: i64, out: &mut RowEncoder<'_>) -> Result<(), String> {
        match acc {
            Acc::Sorted(values) => {
                check(values.values().copied())?;
                (self.finish)(values, out);
            }
            _ => (self.finish)(&BTreeMap::new(), out),
        }
        Ok(())
    }
}
