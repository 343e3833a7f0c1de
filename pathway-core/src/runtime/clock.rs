//! What time it is: by the system, or by a test.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// A clock, in nanoseconds since 1970.
///
/// A run reads its clock when it closes an epoch, so that all operators and all workers see one
/// time for each epoch. Times of epochs never go back, whatever the clock does.
#[derive(Clone, Debug, Default)]
pub(crate) enum Clock {
    /// The system's.
    #[default]
    System,
    /// A test's, which moves by hand.
    Virtual(Arc<AtomicI64>),
}

impl Clock {
    /// A virtual clock.
    pub(crate) fn starting_at(time: i64) -> Self {
        Self::Virtual(Arc::new(AtomicI64::new(time)))
    }

    /// Now.
    pub(crate) fn now(&self) -> i64 {
        match self {
            Self::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
            }
            Self::Virtual(time) => time.load(Ordering::SeqCst),
        }
    }

    /// Moves a virtual clock on.
    pub(crate) fn advance(&self, by: i64) {
        if let Self::Virtual(time) = self {
            let later = |now: i64| Some(now.saturating_add(by.max(0)));
            // The closure always has a new time, so this cannot fail.
            let _before = time.fetch_update(Ordering::SeqCst, Ordering::SeqCst, later);
        }
    }
}
