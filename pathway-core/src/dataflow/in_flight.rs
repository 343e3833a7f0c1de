//! How many chunks are on their way from one worker to another.
//!
//! Rows enter an epoch as fast as they are decoded, and a worker that is busy takes what others
//! send it late. So that this needs no more memory than it must, nothing enters while too much is
//! on its way.

use super::chunk::Chunk;
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Nothing enters while as many chunks are on their way: 16 MiB, beside what each turn adds.
const CHUNKS_MAX: usize = 256;

/// The chunks of a run that are between two workers.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    chunks: AtomicUsize,
    /// The most that there have been.
    most: AtomicUsize,
}

thread_local! {
    /// Those of the run that this thread is a worker of.
    static HERE: RefCell<Option<Arc<InFlight>>> = const { RefCell::new(None) };
}

impl InFlight {
    /// Makes this thread count for a run, until it counts for another.
    pub(crate) fn count_here(self: &Arc<Self>) {
        HERE.set(Some(Arc::clone(self)));
    }

    /// The chunks of the run of this thread.
    pub(super) fn here() -> Arc<Self> {
        HERE.with_borrow(|here| here.clone().unwrap_or_default())
    }

    /// Counts a chunk that is sent; answers the worker it is for.
    pub(super) fn send(&self, chunk: &Chunk) -> u64 {
        let chunks = self.chunks.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(chunks, Ordering::Relaxed);
        chunk.target as u64
    }

    /// Counts chunks that have arrived.
    pub(super) fn arrived(&self, chunks: usize) {
        self.chunks.fetch_sub(chunks, Ordering::Relaxed);
    }

    /// Whether nothing should enter for now.
    pub(crate) fn is_full(&self) -> bool {
        self.chunks.load(Ordering::Relaxed) >= CHUNKS_MAX
    }

    /// The most chunks that have been on their way at once.
    #[cfg(test)]
    pub(crate) fn most(&self) -> usize {
        self.most.load(Ordering::Relaxed)
    }
}
