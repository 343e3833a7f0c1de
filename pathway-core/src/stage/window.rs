//! Windows: from a row to its pane, and from a window's bounds to what the user sees.

use super::{
    AnyStep, Diff, EncodedStep, Extract, InputsCollector, ReduceTerminal, SharedBatch, Step, enter,
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
