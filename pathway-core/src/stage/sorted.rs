//! The leaf in front of a sorted table: partition key, sort key and arguments of each row.

use super::terminal::Extract;
use super::{AnyStep, Diff, Inputs, KeyedCollector, KeyedTerminal, Step, enter};
use crate::schema::{Expr, Schema, ordered, put_len};
use std::sync::Arc;

/// Appends a key of a row. The second buffer is for what is written on the way to it.
pub(crate) type KeyOf<T> = Arc<dyn Fn(&T, &mut Vec<u8>, &mut Vec<u8>) + Send + Sync>;

/// Appends the partition that a row belongs to, compact.
pub(crate) fn partition_key<T, E, F>(key: F) -> KeyOf<T>
where
    E: Expr<T>,
    F: Fn(&T) -> E + Send + Sync + 'static,
{
    Arc::new(move |row, out, _| key(row).with(row, |value| value.encode(out)))
}

/// Appends what a row is sorted by, in the ordered encoding.
pub(crate) fn sort_key<T, E, F>(key: F) -> KeyOf<T>
where
    E: Expr<T>,
    F: Fn(&T) -> E + Send + Sync + 'static,
{
    Arc::new(move |row, out, compact| key(row).with(row, |value| put_ordered(value, out, compact)))
}

fn put_ordered<V: Schema>(value: &V, out: &mut Vec<u8>, compact: &mut Vec<u8>) {
    compact.clear();
    value.encode(compact);
    ordered::from_compact(V::data_type(), &mut compact.as_slice(), out);
}

/// Appends what stands in front of a row on its way to a sorted table: how long its sort key is,
/// and how long the key and the row are together.
pub(crate) fn put_sort_header(key_len: usize, sort_len: usize, out: &mut Vec<u8>) {
    put_len(key_len, out);
    put_len(sort_len, out);
}

struct Sorted<T> {
    node: u32,
    keys: Arc<Keys<T>>,
    collector: Box<dyn KeyedCollector>,
    partition: Vec<u8>,
    sort: Vec<u8>,
    compact: Vec<u8>,
    message: Vec<u8>,
    inputs: Inputs,
}

struct Keys<T> {
    partition: KeyOf<T>,
    sort: KeyOf<T>,
    /// Nothing where only the first rows matter, which travel in the compact encoding.
    extracts: Option<Vec<Extract<T>>>,
}

impl<T: Schema> Step<T> for Sorted<T> {
    fn push(&mut self, row: T, diff: Diff) {
        self.push_ref(&row, diff);
    }

    fn push_ref(&mut self, row: &T, diff: Diff) {
        self.partition.clear();
        self.sort.clear();
        self.message.clear();
        self.inputs.clear();
        enter(self.node);
        (self.keys.partition)(row, &mut self.partition, &mut self.compact);
        (self.keys.sort)(row, &mut self.sort, &mut self.compact);
        let key_len = self.sort.len();
        if let Some(extracts) = &self.keys.extracts {
            put_ordered(row, &mut self.sort, &mut self.compact);
            for extract in extracts {
                extract(row, &mut self.inputs);
            }
            put_sort_header(key_len, self.sort.len(), &mut self.message);
            self.message.extend_from_slice(&self.sort);
            self.inputs.write(&mut self.message);
        } else {
            put_len(key_len, &mut self.message);
            self.message.extend_from_slice(&self.sort);
            row.encode(&mut self.message);
        }
        self.collector.update(Some(&self.partition), &self.message, diff);
    }
}

/// A terminal in front of a sorted table: takes the partition, the sort key and the arguments of
/// a window from each row.
pub(crate) fn sorted_terminal<T: Schema>(
    partition: KeyOf<T>,
    sort: KeyOf<T>,
    extracts: Vec<Extract<T>>,
) -> KeyedTerminal {
    terminal(Keys { partition, sort, extracts: Some(extracts) })
}

/// A terminal in front of the first rows of a sorted table: takes the partition and the sort key
/// from each row.
pub(crate) fn first_terminal<T: Schema>(partition: KeyOf<T>, sort: KeyOf<T>) -> KeyedTerminal {
    terminal(Keys { partition, sort, extracts: None })
}

fn terminal<T: Schema>(keys: Keys<T>) -> KeyedTerminal {
    let keys = Arc::new(keys);
    Arc::new(move |node, collector| {
        AnyStep::new::<T>(Box::new(Sorted {
            node,
            keys: Arc::clone(&keys),
            collector,
            partition: Vec::new(),
            sort: Vec::new(),
            compact: Vec::new(),
            message: Vec::new(),
            inputs: Inputs::default(),
        }))
    })
}
