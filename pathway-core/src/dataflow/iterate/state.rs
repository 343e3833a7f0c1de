//! How much a loop keeps.

use super::keyed::Spine;
use super::weights::{Weight, WeightSpine};
use super::{LoopTime, Row};
use crate::dataflow::state::{Saved, State, StateSize};
use crate::persistence::records::Record;
use crate::stage::Diff;
use differential_dataflow::operators::arrange::TraceAgent;
use differential_dataflow::operators::arrange::arrangement::Arranged;
use differential_dataflow::trace::Trace;
use std::cell::RefCell;
use std::rc::Rc;

/// The tables that a node keeps in a loop, with their changes from round to round.
///
/// They are not saved: a loop is restored by recomputation from its restored inputs.
#[derive(Clone, Default)]
pub(crate) struct Kept(Rc<RefCell<Vec<Box<dyn Fn() -> StateSize>>>>);

impl Kept {
    /// Takes a table into account, for as long as somebody reads it.
    pub(super) fn keep<Tr: Measured>(&self, arranged: &Arranged<'_, TraceAgent<Tr>>) {
        let trace = Rc::downgrade(&arranged.trace.trace_box_unstable());
        self.0.borrow_mut().push(Box::new(move || {
            let mut size = StateSize::default();
            if let Some(trace) = trace.upgrade() {
                trace.borrow().trace().map_spans(|span| {
                    if let Some(batch) = &span.inner {
                        let StateSize { rows, bytes } = Tr::measure(batch);
                        size.rows += rows;
                        size.bytes += bytes;
                    }
                });
            }
            size
        }));
    }
}

impl State for Kept {
    fn size(&self) -> StateSize {
        self.0.borrow().iter().map(|size| size()).fold(StateSize::default(), |sum, size| {
            StateSize { rows: sum.rows + size.rows, bytes: sum.bytes + size.bytes }
        })
    }

    fn save(&mut self, _out: &mut Saved) {}

    fn load(&mut self, _part: &[u8], _record: Record<'_>) {}
}

/// A trace whose batches can be measured.
pub(super) trait Measured: Trace + 'static {
    fn measure(batch: &Self::Batch) -> StateSize;
}

/// So many rows of a batch are looked at, to know how long its rows are.
const SAMPLE: usize = 1_000;

/// The memory of rows, with what long ones point to.
fn rows_bytes(rows: &[Row]) -> usize {
    let sample = rows.iter().step_by(rows.len().div_ceil(SAMPLE).max(1));
    let (seen, long) = sample.fold((0, 0), |(seen, long), row| (seen + 1, long + row.heap_bytes()));
    size_of_val(rows) + (rows.len() * long).checked_div(seen).unwrap_or(0)
}

/// The memory of updates and of the positions that lead to them.
fn updates_bytes<R>(times: usize, positions: usize) -> usize {
    times * (size_of::<LoopTime>() + size_of::<R>()) + positions * size_of::<u32>()
}

impl Measured for Spine {
    fn measure(batch: &Self::Batch) -> StateSize {
        let (keys, rows) = (&batch.storage.keys, &batch.storage.vals.vals);
        let updates =
            updates_bytes::<Diff>(batch.storage.upds.times.len(), keys.len() + rows.len());
        StateSize { rows: rows.len(), bytes: rows_bytes(keys) + rows_bytes(rows) + updates }
    }
}

impl Measured for WeightSpine {
    fn measure(batch: &Self::Batch) -> StateSize {
        let keys = &batch.storage.keys;
        let updates = updates_bytes::<Weight>(batch.storage.upds.times.len(), keys.len());
        StateSize { rows: keys.len(), bytes: rows_bytes(keys) + updates }
    }
}
