//! The loop of one sink.

use super::durable::Messages;
use super::shared::Shared;
use crate::dataflow::sink::Batch;
use crate::error::RunError;
use crate::io::{SinkError, SinkWriter, Updates};
use crate::persistence::writer::Message;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How many epochs may wait for a sink before it holds the sources back.
pub(super) const EPOCHS_WAITING_MAX: usize = 16;
/// How often a sink without new rows may publish what it has put off.
const FLUSH_EVERY: Duration = Duration::from_millis(200);

/// A sink, as its thread has it.
pub(super) struct SinkThread {
    pub(super) label: String,
    pub(super) writer: Box<dyn SinkWriter>,
    pub(super) batches: Receiver<Batch>,
    /// In a durable pipeline.
    pub(super) durable: Option<DurableSink>,
}

/// What a sink has to do with the log.
pub(super) struct DurableSink {
    /// Its place among the sinks of the pipeline.
    pub(super) rank: usize,
    pub(super) messages: Messages,
    /// Whether it cannot be brought back to a checkpoint, so that the log notes what it has taken.
    pub(super) notes: bool,
    /// It has taken the epochs up to this one.
    pub(super) delivered: Option<u64>,
}

pub(super) fn run(thread: SinkThread, shared: &Arc<Shared>) {
    let label = thread.label.clone();
    let result = catch_unwind(AssertUnwindSafe(|| thread.serve(shared)));
    match result {
        Ok(Ok(())) => {}
        Ok(Err(error)) => shared.fail(RunError::Sink { label, error }.into()),
        Err(panic) => {
            let message = super::running::panic_message(&*panic);
            shared.fail(RunError::Panic { operator: label, message }.into());
        }
    }
}

impl SinkThread {
    fn serve(mut self, shared: &Shared) -> Result<(), SinkError> {
        let mut flushed = Instant::now();
        loop {
            // What is made again was published before, with what came behind it. Asked before what
            // is waiting is taken, so that none of it is left when the answer is no.
            let may_flush = !shared.repeats_outputs();
            match self.batches.recv_timeout(FLUSH_EVERY) {
                Ok(Batch::Epoch(epoch, updates)) => {
                    if !self.write(epoch, &updates, shared)? {
                        return Ok(());
                    }
                    // Under load nothing is ever waited for.
                    if !may_flush || flushed.elapsed() < FLUSH_EVERY {
                        continue;
                    }
                }
                Ok(Batch::Checkpoint(epoch)) => {
                    self.save(epoch)?;
                    continue;
                }
                Err(RecvTimeoutError::Timeout) if may_flush => {}
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) if shared.has_failed() => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => return self.writer.finish(),
            }
            self.writer.flush()?;
            flushed = Instant::now();
        }
    }

    /// Writes an epoch, once the log has it. Answers whether it has: if not, the run has failed,
    /// and nothing behind the epoch may be written.
    fn write(&mut self, epoch: u64, updates: &Updates, shared: &Shared) -> Result<bool, SinkError> {
        let Some(durable) = &self.durable else {
            self.writer.write(epoch, updates)?;
            return Ok(true);
        };
        let is_logged = || shared.is_logged(epoch);
        shared.wait_until(None, || shared.has_failed() || is_logged());
        if !is_logged() {
            return Ok(false);
        }
        if durable.delivered.is_some_and(|delivered| epoch <= delivered) {
            return Ok(true);
        }
        self.writer.write(epoch, updates)?;
        if durable.notes {
            // What is put off is not delivered.
            self.writer.flush()?;
            durable.messages.send(Message::Delivered { sink: durable.rank, epoch });
        }
        Ok(true)
    }

    /// Hands over what the sink needs to go on from here.
    fn save(&mut self, epoch: u64) -> Result<(), SinkError> {
        let Some(DurableSink { rank, messages, .. }) = &self.durable else { return Ok(()) };
        let mut state = Vec::new();
        self.writer.save(&mut state)?;
        messages.send(Message::Sink { sink: *rank, epoch, state });
        Ok(())
    }
}
