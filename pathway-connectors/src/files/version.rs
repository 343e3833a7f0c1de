//! Whether a file has changed, and whether it has come to rest.

use std::fs::Metadata;
use std::time::{Duration, Instant, SystemTime};

/// What the file system says about one state of a file: two states with equal versions have the
/// same content, if the first was [at rest](Settling::at_rest).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Version {
    /// The length in bytes.
    pub(super) len: u64,
    /// Device and inode: another file under the same path has another identity.
    pub(super) identity: (u64, u64),
    modified: Option<SystemTime>,
    /// The time of the last change of any kind, in seconds and nanoseconds. Unlike the time of
    /// modification, it cannot be set back, as `touch -d` and `cp -p` do.
    changed: (i64, i64),
}

impl Version {
    pub(super) fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let (identity, changed) = {
            use std::os::unix::fs::MetadataExt;
            ((metadata.dev(), metadata.ino()), (metadata.ctime(), metadata.ctime_nsec()))
        };
        #[cfg(not(unix))]
        let (identity, changed) = ((0, 0), (0, 0));
        Self { len: metadata.len(), identity, modified: metadata.modified().ok(), changed }
    }

    /// How long a version has to be unchanged before later changes surely show in its times.
    fn margin(&self) -> Duration {
        let whole_seconds = |time: &SystemTime| {
            time.duration_since(SystemTime::UNIX_EPOCH).is_ok_and(|age| age.subsec_nanos() == 0)
        };
        let coarse = self.modified.as_ref().is_none_or(whole_seconds) && self.changed.1 == 0;
        if coarse { MARGIN_OF_COARSE_CLOCKS } else { MARGIN }
    }

    /// Whether the last change is long ago by this machine's clock.
    fn is_old(&self, now: SystemTime) -> bool {
        let changed = u64::try_from(self.changed.0).unwrap_or(0);
        let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(changed);
        let last = self.modified.map_or(changed, |modified| modified.max(changed));
        now.duration_since(last).is_ok_and(|age| age > OLD)
    }
}

/// File times come from a clock that ticks a few hundred times a second.
const MARGIN: Duration = Duration::from_millis(50);
/// Some file systems keep times in steps of one or two seconds.
const MARGIN_OF_COARSE_CLOCKS: Duration = Duration::from_secs(2);
/// Enough for either, and for a few seconds' difference from a file server's clock.
const OLD: Duration = Duration::from_secs(10);

/// Waits for a file to come to rest.
///
/// A file may be changed twice within one tick of the clock that stamps it, so that the second
/// change does not show. A state that was observed unchanged for longer than a tick has no such
/// twin: every later change gets a later time. Resting also keeps files from being read while
/// they are being written.
#[derive(Debug)]
pub(super) struct Settling {
    version: Version,
    since: Instant,
}

impl Settling {
    pub(super) fn new(version: Version) -> Self {
        Self { version, since: Instant::now() }
    }

    /// Takes note of the file's version as it is now.
    pub(super) fn observe(&mut self, version: Version) {
        if self.version != version {
            *self = Self::new(version);
        }
    }

    /// How long the file has been seen unchanged.
    pub(super) fn unchanged(&self) -> Duration {
        self.since.elapsed()
    }

    /// Whether any later change would give another version.
    pub(super) fn at_rest(&self) -> bool {
        self.unchanged() >= self.version.margin() || self.version.is_old(SystemTime::now())
    }
}
