//! The leaves of stages: where typed rows are encoded for the next operator.

use super::{AnyStep, Diff, Inputs, SharedBatch, Step, enter};
use crate::schema::{EventTime, Expr, Schema, TimePoint};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

/// Receives encoded rows by key.
pub trait KeyedCollector {
    /// Takes an update: the key's and the row's compact bytes. `None` is a key that is null, or
    /// of which a part is; it equals no other key.
    fn update(&mut self, key: Option<&[u8]>, row: &[u8], diff: Diff);

    /// Whether it looks at the rows. They are not encoded for one that does not.
    fn wants_rows(&self) -> bool {
        true
    }
}

/// Receives the arguments of a group's reducers, in batches.
pub trait InputsCollector {
    /// Where rows are written: the key's compact bytes and the reducers' arguments.
    fn batch(&self) -> SharedBatch;

    /// Takes the rows of the batch, which is full. What is in it when an epoch ends is taken
    /// without this call.
    fn settle(&mut self);
}

/// Encodes whole rows; the row is its own key.
pub struct RowTerminal<T> {
    collector: Box<dyn KeyedCollector>,
    wants_rows: bool,
    row: Vec<u8>,
    rows: PhantomData<fn(T)>,
}

impl<T: Schema> RowTerminal<T> {
    pub(super) fn build(collector: Box<dyn KeyedCollector>) -> AnyStep {
        let wants_rows = collector.wants_rows();
        let terminal = Self { collector, wants_rows, row: Vec::new(), rows: PhantomData };
        AnyStep::new::<T>(Box::new(terminal))
    }
}

impl<T> fmt::Debug for RowTerminal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RowTerminal")
    }
}

impl<T: Schema> Step<T> for RowTerminal<T> {
    fn push(&mut self, row: T, diff: Diff) {
        self.push_ref(&row, diff);
    }

    fn push_ref(&mut self, row: &T, diff: Diff) {
        self.row.clear();
        if self.wants_rows {
            row.encode(&mut self.row);
        }
        self.collector.update(Some(&self.row), &[], diff);
    }
}

/// Builds a terminal in front of a keyed collector.
pub type KeyedTerminal = Arc<dyn Fn(u32, Box<dyn KeyedCollector>) -> AnyStep + Send + Sync>;

struct Keyed<T, F> {
    node: u32,
    /// Appends the key to the first buffer and what stands in front of the row to the second;
    /// answers whether the key is null.
    key_of: Arc<F>,
    collector: Box<dyn KeyedCollector>,
    key: Vec<u8>,
    row: Vec<u8>,
    rows: PhantomData<fn(T)>,
}

impl<T: Schema, F: Fn(&T, &mut Vec<u8>, &mut Vec<u8>) -> bool> Step<T> for Keyed<T, F> {
    fn push(&mut self, row: T, diff: Diff) {
        self.push_ref(&row, diff);
    }

    fn push_ref(&mut self, row: &T, diff: Diff) {
        self.key.clear();
        self.row.clear();
        enter(self.node);
        let null = (self.key_of)(row, &mut self.key, &mut self.row);
        row.encode(&mut self.row);
        let key = if null { None } else { Some(self.key.as_slice()) };
        self.collector.update(key, &self.row, diff);
    }
}

pub(super) fn keyed<T, F>(key_of: F) -> KeyedTerminal
where
    T: Schema,
    F: Fn(&T, &mut Vec<u8>, &mut Vec<u8>) -> bool + Send + Sync + 'static,
{
    let key_of = Arc::new(key_of);
    Arc::new(move |node, collector| {
        AnyStep::new::<T>(Box::new(Keyed {
            node,
            key_of: Arc::clone(&key_of),
            collector,
            key: Vec::new(),
            row: Vec::new(),
            rows: PhantomData,
        }))
    })
}

/// A terminal that encodes each row with the key that `key_of` takes from it.
pub fn keyed_terminal<T, E, F>(key_of: F) -> KeyedTerminal
where
    T: Schema,
    E: Expr<T>,
    F: Fn(&T) -> E + Send + Sync + 'static,
{
    keyed(move |row: &T, key, _| {
        key_of(row).with(row, |value| {
            value.encode_key(key);
            value.has_null()
        })
    })
}

/// A terminal in front of an upsert. `key_of` appends the key to its first buffer and, where rows
/// have a version, its length and its ordered encoding to the second.
pub fn upsert_terminal<T, F>(key_of: F) -> KeyedTerminal
where
    T: Schema,
    F: Fn(&T, &mut Vec<u8>, &mut Vec<u8>) + Send + Sync + 'static,
{
    keyed(move |row: &T, key, version| {
        key_of(row, key, version);
        false
    })
}

/// A terminal that encodes each row with a key, and its event time in front of it, as sixteen
/// bytes. All its rows have one.
pub(crate) fn timed_terminal<T, E, F>(key_of: F) -> KeyedTerminal
where
    T: EventTime,
    E: Expr<T>,
    F: Fn(&T) -> E + Send + Sync + 'static,
{
    keyed(move |row: &T, key, front| {
        key_of(row).with(row, |value| value.encode(key));
        let time = row.event_time().expect("a row behind a watermark has a time");
        front.extend_from_slice(&time.to_steps().to_le_bytes());
        false
    })
}

/// Appends the key of a row that is to be compared with that of a row of another table. Answers
/// whether it has a null, so that it equals no other.
pub(crate) type JoinKeyOf<T> = Arc<dyn Fn(&T, &mut Vec<u8>) -> bool + Send + Sync>;

/// What `key` takes from a row, to be compared with what is taken from a row of another table.
pub(crate) fn join_key<T, E, F>(key: F) -> JoinKeyOf<T>
where
    E: Expr<T>,
    F: Fn(&T) -> E + Send + Sync + 'static,
{
    Arc::new(move |row, out| {
        key(row).with(row, |value| {
            value.encode_key(out);
            value.has_null()
        })
    })
}

/// The same as [`timed_terminal`], for rows that are compared with those of another table.
pub(crate) fn timed_join_terminal<T: EventTime>(key_of: JoinKeyOf<T>) -> KeyedTerminal {
    keyed(move |row: &T, key, front| {
        let time = row.event_time().expect("a row without a time has been refused in front");
        front.extend_from_slice(&time.to_steps().to_le_bytes());
        key_of(row, key)
    })
}

/// Builds a terminal in front of a reduction.
pub type ReduceTerminal = Arc<dyn Fn(u32, Box<dyn InputsCollector>) -> AnyStep + Send + Sync>;

/// Takes the argument of one reducer from a row.
pub(crate) type Extract<T> = Arc<dyn Fn(&T, &mut Inputs) + Send + Sync>;

struct Reduce<T, F> {
    node: u32,
    key_of: Arc<F>,
    extracts: Arc<[Extract<T>]>,
    collector: Box<dyn InputsCollector>,
    batch: SharedBatch,
}

impl<T: Schema, E: Expr<T>, F: Fn(&T) -> E> Step<T> for Reduce<T, F> {
    fn push(&mut self, row: T, diff: Diff) {
        self.push_ref(&row, diff);
    }

    fn push_ref(&mut self, row: &T, diff: Diff) {
        enter(self.node);
        let mut batch = self.batch.borrow_mut();
        let (keys, inputs) = batch.row();
        (self.key_of)(row).with(row, |value| value.encode(keys));
        for extract in &*self.extracts {
            extract(row, inputs);
        }
        if batch.end_row(diff) {
            drop(batch);
            self.collector.settle();
        }
    }
}

/// A terminal that takes the group's key and the reducers' arguments from each row.
pub fn reduce_terminal<T, E, F>(key_of: F, extracts: Vec<Extract<T>>) -> ReduceTerminal
where
    T: Schema,
    E: Expr<T>,
    F: Fn(&T) -> E + Send + Sync + 'static,
{
    let (key_of, extracts) = (Arc::new(key_of), Arc::<[Extract<T>]>::from(extracts));
    Arc::new(move |node, collector| {
        AnyStep::new::<T>(Box::new(Reduce {
            node,
            key_of: Arc::clone(&key_of),
            extracts: Arc::clone(&extracts),
            batch: collector.batch(),
            collector,
        }))
    })
}

struct ReduceSets<T, K, F> {
    node: u32,
    key_of: Arc<F>,
    sets: Arc<[u32]>,
    encode: fn(&K, u32, &mut Vec<u8>),
    extracts: Arc<[Extract<T>]>,
    collector: Box<dyn InputsCollector>,
    batch: SharedBatch,
    inputs: Inputs,
}

impl<T: Schema, K: Schema, F: Fn(&T) -> K> Step<T> for ReduceSets<T, K, F> {
    fn push(&mut self, row: T, diff: Diff) {
        self.push_ref(&row, diff);
    }

    fn push_ref(&mut self, row: &T, diff: Diff) {
        self.inputs.clear();
        enter(self.node);
        let key = (self.key_of)(row);
        for extract in &*self.extracts {
            extract(row, &mut self.inputs);
        }
        for &set in &*self.sets {
            let mut batch = self.batch.borrow_mut();
            let (keys, inputs) = batch.row();
            (self.encode)(&key, set, keys);
            inputs.append(&self.inputs);
            if batch.end_row(diff) {
                drop(batch);
                self.collector.settle();
            }
        }
    }
}

/// A terminal that puts each row into one group for each set of key columns; `encode` writes the
/// columns of a key that are in a set.
pub(crate) fn reduce_sets_terminal<T, K, F>(
    key_of: F,
    sets: Vec<u32>,
    encode: fn(&K, u32, &mut Vec<u8>),
    extracts: Vec<Extract<T>>,
) -> ReduceTerminal
where
    T: Schema,
    K: Schema,
    F: Fn(&T) -> K + Send + Sync + 'static,
{
    let (key_of, extracts) = (Arc::new(key_of), Arc::<[Extract<T>]>::from(extracts));
    let sets = Arc::<[u32]>::from(sets);
    Arc::new(move |node, collector| {
        AnyStep::new::<T>(Box::new(ReduceSets {
            node,
            key_of: Arc::clone(&key_of),
            sets: Arc::clone(&sets),
            encode,
            extracts: Arc::clone(&extracts),
            batch: collector.batch(),
            collector,
            inputs: Inputs::default(),
        }))
    })
}
