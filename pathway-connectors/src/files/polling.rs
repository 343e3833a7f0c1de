//! The pace of watching.

use pathway_core::io::{SourceWriter, Stopped};
use std::time::{Duration, Instant};

/// How soon to look again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Next {
    /// At the usual time.
    Later,
    /// A file has changed and is about to come to rest.
    Soon,
    /// There is more to read already.
    Now,
}

/// One round of watching: a listing, and the reading of what has changed.
pub(super) struct Round {
    started: Instant,
    listing: Duration,
}

impl Round {
    pub(super) fn start() -> Self {
        Self { started: Instant::now(), listing: Duration::ZERO }
    }

    pub(super) fn listed(&mut self) {
        self.listing = self.started.elapsed();
    }

    /// Waits for the next round.
    pub(super) fn wait(
        &self,
        next: Next,
        interval: Duration,
        out: &SourceWriter,
    ) -> Result<(), Stopped> {
        if next != Next::Now {
            out.caught_up();
        }
        let wait = match next {
            Next::Later => interval,
            Next::Soon => interval.min(SOON),
            Next::Now => return out.sleep(Duration::ZERO),
        };
        out.sleep(wait.max(self.listing * LISTING_PAUSE))
    }
}

/// A little longer than most files take to count as resting.
const SOON: Duration = Duration::from_millis(55);
/// How many times longer to wait than a listing took.
const LISTING_PAUSE: u32 = 9;
