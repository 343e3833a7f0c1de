//! Folds whose result has many values: lists, maps, joined text, and functions of the user.

use super::column::{Output, behind, second_of_pair};
use super::multiset::Multiset;
use super::values::Read;
use crate::schema::{DataType, RowEncoder, Schema, ordered, put_len, take_bytes};
use std::sync::Arc;

fn length(len: u64) -> Result<usize, String> {
    usize::try_from(len).map_err(|_| format!("a list of {len} values does not fit memory"))
}

/// Appends `value` to a list, `times` times.
fn repeat(element: DataType, mut value: &[u8], times: u64, out: &mut Vec<u8>) {
    let start = out.len();
    ordered::to_compact(element, &mut value, out);
    let end = out.len();
    for _ in 1..times {
        out.extend_from_within(start..end);
    }
}

fn times(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

/// Collects the values of a group into a list, in row order.
#[derive(Debug)]
pub struct Collect {
    /// The type of the values.
    pub element: DataType,
}

impl Read for Collect {
    fn read(&self, values: &Multiset, out: &mut RowEncoder<'_>) -> Result<(), String> {
        let out = out.value();
        put_len(length(values.len())?, out);
        for (value, count) in values.iter() {
            repeat(self.element, value, times(count), out);
        }
        Ok(())
    }
}

/// Collects the second values of pairs, in the order of the pairs.
#[derive(Debug)]
pub struct CollectSorted {
    /// The type of the first of a pair.
    pub by: DataType,
    /// The type of the second.
    pub element: DataType,
}

impl Read for CollectSorted {
    fn read(&self, values: &Multiset, out: &mut RowEncoder<'_>) -> Result<(), String> {
        let out = out.value();
        put_len(length(values.len())?, out);
        for (pair, count) in values.iter() {
            let value = second_of_pair(self.by, false, pair);
            repeat(self.element, value, times(count), out);
        }
        Ok(())
    }
}

/// The least or the greatest values, as a list from the best on.
#[derive(Debug)]
pub struct Top {
    /// How many.
    pub k: u64,
    /// Whether the greatest, rather than the least.
    pub greatest: bool,
    /// The type of the values.
    pub element: DataType,
    /// Whether nothing is ever retracted, so that no other values are kept.
    pub append_only: bool,
}

impl Read for Top {
    fn trim(&self, values: &mut Multiset) {
        // A value that was there before the worst was added may be in its place.
        while self.append_only && values.distinct() as u64 > self.k {
            if self.greatest { values.forget_first() } else { values.forget_last() }
        }
    }

    fn read(&self, values: &Multiset, out: &mut RowEncoder<'_>) -> Result<(), String> {
        let mut left = self.k.min(values.len());
        let out = out.value();
        put_len(length(left)?, out);
        let mut put = |(value, count): (&[u8], i64)| {
            let count = times(count).min(left);
            if count > 0 {
                repeat(self.element, value, count, out);
            }
            left -= count;
            left > 0
        };
        if self.greatest {
            let _all = values.iter().rev().all(&mut put);
        } else {
            let _all = values.iter().all(&mut put);
        }
        Ok(())
    }
}

/// Joins the texts of pairs, in the order of the pairs.
#[derive(Debug)]
pub struct JoinText {
    /// What stands between two texts.
    pub separator: String,
    /// The type of the first of a pair.
    pub by: DataType,
    /// The type of the texts, and of the result.
    pub text: Output,
}

impl Read for JoinText {
    fn nullable(&self) -> bool {
        self.text.nullable
    }

    fn read(&self, values: &Multiset, out: &mut RowEncoder<'_>) -> Result<(), String> {
        if values.is_empty() && self.text.nullable {
            out.null();
            return Ok(());
        }
        let (mut joined, mut text) = (Vec::new(), Vec::new());
        for (pair, count) in values.iter() {
            let mut value = second_of_pair(self.by, false, pair);
            let mut data_type = self.text.data_type;
            while let DataType::Option(inner) = data_type {
                take_bytes(&mut value, 1);
                data_type = inner();
            }
            text.clear();
            ordered::to_compact(data_type, &mut value, &mut text);
            let mut text = text.as_slice();
            let len = crate::schema::take_len(&mut text);
            for _ in 0..times(count) {
                joined.extend_from_slice(take_bytes(&mut { text }, len));
                joined.extend_from_slice(self.separator.as_bytes());
            }
        }
        joined.truncate(joined.len().saturating_sub(self.separator.len()));
        let out = if self.text.nullable { out.present() } else { out.value() };
        put_len(joined.len(), out);
        out.extend_from_slice(&joined);
        Ok(())
    }
}

/// Collects keys and values into a map.
#[derive(Debug)]
pub struct CollectMap {
    /// The type of the keys.
    pub key: DataType,
    /// The type of the values.
    pub value: DataType,
}

impl Read for CollectMap {
    fn read(&self, values: &Multiset, out: &mut RowEncoder<'_>) -> Result<(), String> {
        let out = out.value();
        put_len(values.distinct(), out);
        let mut last: Option<(&[u8], &[u8])> = None;
        for (mut entry, _) in values.iter() {
            let value = behind(self.key, false, entry);
            let key = &entry[..entry.len() - value.len()];
            if let Some((last_key, last_value)) = last
                && last_key == key
            {
                let shown = |data_type, value| Output { data_type, nullable: false }.display(value);
                return Err(format!(
                    "the key {} of `collect_map` has two values, {} and {}",
                    shown(self.key, key),
                    shown(self.value, last_value),
                    shown(self.value, value),
                ));
            }
            last = Some((key, value));
            ordered::to_compact(self.key, &mut entry, out);
            ordered::to_compact(self.value, &mut entry, out);
        }
        Ok(())
    }
}

/// Folds the values of a group with a function of the user, from the start at every change.
pub struct FoldValues {
    finish: Finish,
    nullable: bool,
}

type Finish = Arc<dyn Fn(&Multiset, &mut RowEncoder<'_>) + Send + Sync>;

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
            let decode = |(mut value, count): (&[u8], i64)| {
                let mut compact = Vec::new();
                ordered::to_compact(V::data_type(), &mut value, &mut compact);
                (V::decode(&mut compact.as_slice()), times(count))
            };
            let values: Vec<(V, u64)> = values.iter().map(decode).collect();
            f(&values).encode_column(out);
        }),
    }
}

impl Read for FoldValues {
    fn nullable(&self) -> bool {
        self.nullable
    }

    fn read(&self, values: &Multiset, out: &mut RowEncoder<'_>) -> Result<(), String> {
        (self.finish)(values, out);
        Ok(())
    }
}
