//! Calls of asynchronous functions, as data.

use crate::stage::{Attempt, ErrorRow};
use std::fmt;
use std::time::Duration;

/// An operator that calls an asynchronous function on each row.
pub struct CallsNode {
    /// How it calls.
    pub settings: CallSettings,
    /// One attempt, for one row or a batch of them.
    pub attempt: Attempt,
    /// Makes the row of the error stream, where there is one.
    pub error_row: Option<ErrorRow>,
}

/// How an operator calls its function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallSettings {
    /// The most calls at once, over all workers.
    pub capacity: usize,
    /// How often a call that failed is tried again.
    pub retries: u32,
    /// How long it waits before it tries again for the first time; each further time twice as
    /// long.
    pub backoff: Duration,
    /// The longest that it waits before it tries again.
    pub backoff_max: Duration,
    /// How long one attempt may take.
    pub timeout: Option<Duration>,
    /// How many attempts may begin in so much time.
    pub rate: Option<(u32, Duration)>,
    /// How many results are remembered.
    pub cache: usize,
    /// The most rows of one call; nothing where a call takes one row.
    pub batch: Option<usize>,
    /// How long a batch waits for more rows.
    pub linger: Duration,
    /// Whether results join a later epoch.
    pub detached: bool,
    /// Whether results of an epoch wait for those of earlier epochs.
    pub ordered: bool,
    /// How long calls may go on once the run has been asked to stop.
    pub grace: Duration,
}

impl Default for CallSettings {
    fn default() -> Self {
        Self {
            capacity: 64,
            retries: 0,
            backoff: Duration::from_millis(100),
            backoff_max: Duration::from_secs(30),
            timeout: None,
            rate: None,
            cache: 0,
            batch: None,
            linger: Duration::ZERO,
            detached: false,
            ordered: false,
            grace: Duration::from_secs(10),
        }
    }
}

impl CallSettings {
    /// What cannot be meant, if anything.
    pub fn mistake(&self) -> Option<String> {
        let zero = |what: &str, help: &str| Some(format!("{what} is zero, so {help}"));
        if self.capacity == 0 {
            return zero("its capacity", "no call would ever begin");
        }
        if self.batch == Some(0) {
            return zero("its batch size", "no row would ever be in a batch");
        }
        if self.timeout == Some(Duration::ZERO) {
            return zero("its timeout", "no call could answer in time");
        }
        if self.rate.is_some_and(|(calls, per)| calls == 0 || per.is_zero()) {
            return zero("its rate", "no call would ever begin");
        }
        if self.ordered && !self.detached {
            let problem = "only a detached operator can be ordered: \
                           the results of any other come with their epoch";
            return Some(problem.to_owned());
        }
        None
    }

    /// What differs from calling one row after the other as fast as it goes, in words.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = vec![match self.capacity {
            1 => "one call at once".to_owned(),
            calls => format!("{calls} calls at once"),
        }];
        if let Some(rows) = self.batch {
            notes.push(format!("batches of {rows}"));
        }
        if let Some((calls, per)) = self.rate {
            notes.push(format!("at most {calls} in {per:?}"));
        }
        if let Some(timeout) = self.timeout {
            notes.push(format!("timeout {timeout:?}"));
        }
        match self.retries {
            0 => {}
            1 => notes.push("1 retry".to_owned()),
            retries => notes.push(format!("{retries} retries")),
        }
        if self.cache > 0 {
            notes.push(format!("cache of {} rows", self.cache));
        }
        if self.detached {
            notes.push(if self.ordered { "detached, ordered" } else { "detached" }.to_owned());
        }
        notes
    }
}

impl fmt::Debug for CallsNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CallsNode").field(&self.settings).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_meant_is_found() {
        let ok = CallSettings::default();
        assert_eq!(ok.mistake(), None);
        for wrong in [
            CallSettings { capacity: 0, ..ok.clone() },
            CallSettings { batch: Some(0), ..ok.clone() },
            CallSettings { timeout: Some(Duration::ZERO), ..ok.clone() },
            CallSettings { rate: Some((0, Duration::from_secs(1))), ..ok.clone() },
            CallSettings { ordered: true, ..ok.clone() },
        ] {
            assert!(wrong.mistake().is_some(), "{wrong:?}");
        }
    }
}
