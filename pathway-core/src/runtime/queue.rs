//! The bounded queue from a source's reader to one worker.

use super::shared::{Shared, SourceShared, lock};
use crate::io::source::SourcePort;
use crate::io::{PartitionId, SourceEvent, Stopped};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::thread::Thread;
use std::time::Duration;

/// A reader waits once a worker has this much to do.
const BYTES_MAX: usize = 8 << 20;

#[derive(Default)]
struct Contents {
    events: VecDeque<SourceEvent>,
    bytes: usize,
    worker: Option<Thread>,
    /// How many readers wait for space: to wake nobody is a system call too.
    waiting: usize,
}

/// Events for one worker.
#[derive(Default)]
pub(super) struct Queue {
    contents: Mutex<Contents>,
    space: Condvar,
    stopped: AtomicBool,
}

fn weight(event: &SourceEvent) -> usize {
    match event {
        SourceEvent::Data { bytes, .. } => bytes.len() + 64,
        SourceEvent::Rows { rows, .. } => rows.bytes() + 64,
        _ => 64,
    }
}

impl Queue {
    pub(super) fn register(&self) {
        lock(&self.contents).worker = Some(std::thread::current());
    }

    pub(super) fn push(&self, events: Vec<SourceEvent>) -> Result<(), Stopped> {
        let mut contents = lock(&self.contents);
        while contents.bytes >= BYTES_MAX && !self.stopped.load(Ordering::SeqCst) {
            contents.waiting += 1;
            contents = self.space.wait(contents).unwrap_or_else(PoisonError::into_inner);
            contents.waiting -= 1;
        }
        if self.stopped.load(Ordering::SeqCst) {
            return Err(Stopped);
        }
        contents.bytes += events.iter().map(weight).sum::<usize>();
        let was_empty = contents.events.is_empty();
        contents.events.extend(events);
        let worker = if was_empty { contents.worker.clone() } else { None };
        // The worker wakes up to a queue that is not locked.
        drop(contents);
        if let Some(worker) = worker {
            worker.unpark();
        }
        Ok(())
    }

    /// Moves up to about `bytes` of what is queued to the worker.
    pub(super) fn take(&self, bytes: usize, into: &mut VecDeque<SourceEvent>) {
        let mut contents = lock(&self.contents);
        let mut taken = 0;
        while taken < bytes
            && let Some(event) = contents.events.pop_front()
        {
            taken += weight(&event);
            into.push_back(event);
        }
        if taken > 0 {
            contents.bytes -= taken;
            if contents.waiting > 0 {
                self.space.notify_all();
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        lock(&self.contents).events.is_empty()
    }

    /// The bytes that wait.
    pub(super) fn backlog(&self) -> usize {
        lock(&self.contents).bytes
    }

    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        drop(lock(&self.contents));
        self.space.notify_all();
    }
}

/// A source's reader's way into a run.
pub(super) struct Port {
    pub(super) source: Arc<SourceShared>,
    pub(super) shared: Weak<Shared>,
}

impl SourcePort for Port {
    fn partition(&self, label: &str) -> PartitionId {
        if let Some(known) = lock(&self.source.partitions).get_mut(label)
            && let Some(number) = known.pop_front()
        {
            return PartitionId(number);
        }
        let number = self.source.next_partition.fetch_add(1, Ordering::SeqCst);
        PartitionId(u32::try_from(number).expect("a source has under four billion partitions"))
    }

    fn send(&self, partition: PartitionId, events: Vec<SourceEvent>) -> Result<(), Stopped> {
        let queues = &self.source.queues;
        queues[partition.0 as usize % queues.len()].push(events)
    }

    fn sleep(&self, duration: Duration) -> Result<(), Stopped> {
        let Some(shared) = self.shared.upgrade() else { return Err(Stopped) };
        shared.wait_until(Some(duration), || shared.is_over());
        if shared.is_over() { Err(Stopped) } else { Ok(()) }
    }

    fn caught_up(&self) {
        if self.source.bounded || self.source.caught_up.swap(true, Ordering::SeqCst) {
            return;
        }
        for queue in &self.source.queues {
            // A run that is over waits for nothing.
            if queue.push(vec![SourceEvent::CaughtUp]).is_err() {
                return;
            }
        }
    }

    fn end(&self) {
        self.source.ended.store(true, Ordering::SeqCst);
        if let Some(shared) = self.shared.upgrade() {
            shared.wake();
        }
    }
}
