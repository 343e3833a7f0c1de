//! The loop of one sink.

use super::shared::Shared;
use crate::dataflow::sink::Batch;
use crate::error::RunError;
use crate::io::{SinkError, SinkWriter};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

/// How many epochs may wait for a sink before it holds the sources back.
pub(super) const EPOCHS_WAITING_MAX: usize = 16;
/// How often a sink without new rows may publish what it has put off.
const FLUSH_EVERY: Duration = Duration::from_millis(200);

pub(super) fn run(
    label: &str,
    writer: Box<dyn SinkWriter>,
    batches: &Receiver<Batch>,
    shared: &Arc<Shared>,
) {
    let result = catch_unwind(AssertUnwindSafe(|| serve(writer, batches, shared)));
    let label = label.to_owned();
    match result {
        Ok(Ok(())) => {}
        Ok(Err(error)) => shared.fail(RunError::Sink { label, error }.into()),
        Err(panic) => {
            let message = super::running::panic_message(&*panic);
            shared.fail(RunError::Panic { operator: label, message }.into());
        }
    }
}

fn serve(
    mut writer: Box<dyn SinkWriter>,
    batches: &Receiver<Batch>,
    shared: &Shared,
) -> Result<(), SinkError> {
    loop {
        match batches.recv_timeout(FLUSH_EVERY) {
            Ok((epoch, updates)) => writer.write(epoch, &updates)?,
            Err(RecvTimeoutError::Timeout) => writer.flush()?,
            Err(RecvTimeoutError::Disconnected) if shared.has_failed() => return Ok(()),
            Err(RecvTimeoutError::Disconnected) => return writer.finish(),
        }
    }
}
