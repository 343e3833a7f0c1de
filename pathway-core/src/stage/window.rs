//! Windows: from a row to its pane, and from a window's bounds to what the user sees.

use super::{
    AnyStep, Diff, EncodedStep, Extract, Inputs, InputsCollector, ReduceTerminal, SharedBatch,
    Step, enter,
};
use crate::schema::{EventTime, Expr, Schema, TimePoint, Window};
use std::marker::PhantomData;
use std::sync::Arc;

/// Finds the pane that a time is in: its start, and the start of the next.
pub(crate) type PaneOf = Arc<dyn Fn(i128) -> (i128, i128) + Send + Sync>;

struct Windowed<T, F> {
    node: u32,
    key_of: Arc<F>,
    pane_of: PaneOf,
    extracts: Arc<[Extract<T>]>,
    collector: Box<dyn InputsCollector>,
    /// The pane of the row before, which most rows share.
    pane: (i128, i128),
    batch: SharedBatch,
}

impl<T: EventTime, E: Expr<T>, F: Fn(&T) -> E> Step<T> for Windowed<T, F> {
    fn push(&mut self, row: T, diff: Diff) {
        self.push_ref(&row, diff);
    }

    fn push_ref(&mut self, row: &T, diff: Diff) {
        // A row without a time has been refused in front.
        let Some(time) = row.event_time() else { return };
        let time = time.to_steps();
        if time < self.pane.0 || time >= self.pane.1 {
            self.pane = (self.pane_of)(time);
        }
        enter(self.node);
        let mut batch = self.batch.borrow_mut();
        let (keys, inputs) = batch.row();
        keys.extend_from_slice(&self.pane.0.to_le_bytes());
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

/// A terminal that takes pane, key and the reducers' arguments from each row.
pub(crate) fn windowed_terminal<T, E, F>(
    key_of: F,
    pane_of: PaneOf,
    extracts: Vec<Extract<T>>,
) -> ReduceTerminal
where
    T: EventTime,
    E: Expr<T>,
    F: Fn(&T) -> E + Send + Sync + 'static,
{
    let (key_of, extracts) = (Arc::new(key_of), Arc::<[Extract<T>]>::from(extracts));
    Arc::new(move |node, collector| {
        AnyStep::new::<T>(Box::new(Windowed {
            node,
            key_of: Arc::clone(&key_of),
            pane_of: Arc::clone(&pane_of),
            extracts: Arc::clone(&extracts),
            batch: collector.batch(),
            collector,
            pane: (0, 0),
        }))
    })
}

/// The groups that a row is in, each as what stands in front of its key and the key.
#[derive(Debug, Default)]
pub(crate) struct GroupKeys {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl GroupKeys {
    /// Adds a group; `f` writes its key.
    pub(crate) fn add(&mut self, f: impl FnOnce(&mut Vec<u8>)) {
        f(&mut self.bytes);
        self.ends.push(self.bytes.len());
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        self.ends.iter().map(move |&end| &self.bytes[std::mem::replace(&mut start, end)..end])
    }
}

/// Finds the groups that a row is in.
pub(crate) type GroupsOf<T> = Arc<dyn Fn(&T, &mut GroupKeys) + Send + Sync>;

struct Spread<T> {
    node: u32,
    groups_of: GroupsOf<T>,
    extracts: Arc<[Extract<T>]>,
    collector: Box<dyn InputsCollector>,
    batch: SharedBatch,
    groups: GroupKeys,
    inputs: Inputs,
}

impl<T: Schema> Step<T> for Spread<T> {
    fn push(&mut self, row: T, diff: Diff) {
        self.push_ref(&row, diff);
    }

    fn push_ref(&mut self, row: &T, diff: Diff) {
        enter(self.node);
        self.groups.clear();
        self.inputs.clear();
        (self.groups_of)(row, &mut self.groups);
        for extract in &*self.extracts {
            extract(row, &mut self.inputs);
        }
        for key in self.groups.iter() {
            if self.batch.borrow_mut().push(key, &self.inputs, diff) {
                self.collector.settle();
            }
        }
    }
}

/// A terminal that puts each row into the groups that `groups_of` finds.
pub(crate) fn groups_terminal<T: Schema>(
    groups_of: GroupsOf<T>,
    extracts: Vec<Extract<T>>,
) -> ReduceTerminal {
    let extracts = Arc::<[Extract<T>]>::from(extracts);
    Arc::new(move |node, collector| {
        AnyStep::new::<T>(Box::new(Spread {
            node,
            groups_of: Arc::clone(&groups_of),
            extracts: Arc::clone(&extracts),
            batch: collector.batch(),
            collector,
            groups: GroupKeys::default(),
            inputs: Inputs::default(),
        }))
    })
}

struct WindowRoot<P, K, O> {
    next: Box<dyn Step<((Window<P>, K), O)>>,
}

/// The bounds in front of a key.
fn take_window<P: TimePoint>(key: &mut &[u8]) -> Window<P> {
    let start = P::from_steps(i128::decode(key));
    Window { start, end: P::from_steps(i128::decode(key)) }
}

impl<P: TimePoint, K: Schema, O: Schema> EncodedStep for WindowRoot<P, K, O> {
    fn push(&mut self, mut key: &[u8], mut outputs: &[u8], diff: Diff) {
        let window = take_window(&mut key);
        self.next.push(((window, K::decode(&mut key)), O::decode(&mut outputs)), diff);
    }
}

/// The root behind windows by key: window and key, and the outputs.
pub(crate) fn window_root<P: TimePoint, K: Schema, O: Schema>(
    next: AnyStep,
) -> Box<dyn EncodedStep> {
    Box::new(WindowRoot::<P, K, O> { next: next.typed() })
}

struct WholeWindowRoot<P, O> {
    next: Box<dyn Step<(Window<P>, O)>>,
    types: PhantomData<fn() -> P>,
}

impl<P: TimePoint, O: Schema> EncodedStep for WholeWindowRoot<P, O> {
    fn push(&mut self, mut key: &[u8], mut outputs: &[u8], diff: Diff) {
        self.next.push((take_window(&mut key), O::decode(&mut outputs)), diff);
    }
}

/// The root behind windows of all rows: window and outputs.
pub(crate) fn whole_window_root<P: TimePoint, O: Schema>(next: AnyStep) -> Box<dyn EncodedStep> {
    Box::new(WholeWindowRoot::<P, O> { next: next.typed(), types: PhantomData })
}

struct IntervalRoot<A, O> {
    next: Box<dyn Step<(A, O)>>,
}

impl<A: Schema, O: Schema> EncodedStep for IntervalRoot<A, O> {
    fn push(&mut self, row: &[u8], mut outputs: &[u8], diff: Diff) {
        let mut row = &row[2 * size_of::<i128>()..];
        let copies = Diff::decode(&mut outputs);
        self.next.push((A::decode(&mut row), O::decode(&mut outputs)), diff * copies);
    }
}

/// The root behind intervals: the row of the other table behind their bounds, and the outputs
/// behind the copies of that row.
pub(crate) fn interval_root<A: Schema, O: Schema>(next: AnyStep) -> Box<dyn EncodedStep> {
    Box::new(IntervalRoot::<A, O> { next: next.typed() })
}
