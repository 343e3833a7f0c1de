//! Several threads that read files.

use pathway_core::io::{PartitionId, SourceError, SourceWriter, Stopped};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What one of several readers writes to: it also ends when another of them fails.
pub(super) struct Lane<'a> {
    pub(super) out: &'a SourceWriter,
    failed: &'a AtomicBool,
}

impl Lane<'_> {
    pub(super) fn send(&self, partition: PartitionId, bytes: Vec<u8>) -> Result<(), Stopped> {
        self.check_failed()?;
        self.out.send(partition, bytes)
    }

    /// Whether to go on, where nothing is sent for a while.
    pub(super) fn check(&self) -> Result<(), Stopped> {
        self.check_failed()?;
        self.out.sleep(Duration::ZERO)
    }

    fn check_failed(&self) -> Result<(), Stopped> {
        if self.failed.load(Ordering::Relaxed) { Err(Stopped) } else { Ok(()) }
    }
}

/// Does the work for each item, on up to `readers` threads.
///
/// Items are taken in order, one thread at a time, so that what happens in `next` (opening the
/// next file) happens in order. After a failure no more are taken, and the failure is returned.
pub(super) fn in_parallel<T>(
    readers: usize,
    items: impl ExactSizeIterator<Item = Result<T, SourceError>> + Send,
    out: &SourceWriter,
    work: impl Fn(T, &Lane<'_>) -> Result<(), SourceError> + Sync,
) -> Result<(), SourceError> {
    let threads = readers.min(items.len());
    let items = Mutex::new(items);
    let failed = AtomicBool::new(false);
    let failure = Mutex::new(None);
    let read = || {
        let lane = Lane { out, failed: &failed };
        while !failed.load(Ordering::Relaxed) {
            let Some(item) = lock(&items).next() else { return };
            if let Err(error) = item.and_then(|item| work(item, &lane)) {
                failed.store(true, Ordering::Relaxed);
                let mut failure = lock(&failure);
                // The others are stopped by the failure; it is the failure that matters.
                if !matches!(&*failure, Some(first) if !matches!(first, SourceError::Stopped)) {
                    *failure = Some(error);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(read);
        }
        read();
    });
    failure.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
}

/// A panic on another thread is passed on by the scope, so a lock's poison says nothing new.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
