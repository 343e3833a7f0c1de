//! Which rows are out of time.

use super::{START, Watermark};
use crate::dataflow::epoch_clock::Alarm;
use crate::dataflow::logic::Fail;
use crate::stage::{Diff, EncodedStep};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Why a row is out of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OutOfTime {
    /// It has no time.
    Missing,
    /// Its time is below the watermark.
    Late,
    /// Its time is too far behind the clock's, which is this.
    Ahead(i64),
    /// Another update of its key is out of time, or has been.
    WithOthers,
}

/// Tells rows that are in time from those that are not, and hands over the latter.
pub(crate) struct Judge {
    pub(crate) watermark: Rc<Watermark>,
    /// How far a row may be ahead of the clock, in nanoseconds.
    pub(crate) ahead: Option<i64>,
    pub(crate) clock: Alarm,
    pub(crate) late: Box<dyn EncodedStep>,
    /// Whether late rows are an output, rather than an error.
    pub(crate) late_taken: bool,
    pub(crate) late_rows: Arc<AtomicU64>,
    /// A time and a row, to a person.
    pub(crate) describe: Box<dyn Fn(i128) -> String>,
    pub(crate) describe_row: Box<dyn Fn(&[u8]) -> String>,
    pub(crate) fail: Fail,
}

impl Judge {
    /// What is wrong with a time, by the clock as it was when the epoch before closed or, when
    /// this one closes, as it is.
    pub(super) fn judge(&self, time: i128) -> Option<OutOfTime> {
        if time == START {
            return Some(OutOfTime::Missing);
        }
        if time < self.watermark.get() {
            return Some(OutOfTime::Late);
        }
        self.is_ahead(time).then(|| OutOfTime::Ahead(self.clock.now()))
    }

    /// Whether a time is too far behind that of the clock.
    pub(super) fn is_ahead(&self, time: i128) -> bool {
        let Some(ahead) = self.ahead else { return false };
        time > i128::from(self.clock.now()) + i128::from(ahead)
    }

    /// Hands over a row that is out of time.
    pub(super) fn refuse(&mut self, row: &[u8], time: i128, diff: Diff, why: OutOfTime) {
        if self.late_taken {
            self.late_rows.fetch_add(1, Ordering::Relaxed);
            self.late.push(row, &[], diff);
            return;
        }
        let at = (self.describe)(self.watermark.get());
        let shown = (self.describe)(time);
        let (problem, help) = match why {
            OutOfTime::Missing => (
                "a row has no event time: it is null".to_owned(),
                "filter such rows out in front of `watermark(..)`, or take them as late rows with `or_late()`",
            ),
            OutOfTime::Late => (
                format!("a row is late: its time {shown} is before the watermark {at}"),
                "allow more lateness in `watermark(..)`, or take late rows with `or_late()`",
            ),
            OutOfTime::Ahead(now) => (
                format!(
                    "a row is ahead of time: its time {shown} is too far after that of the \
                     clock, {}",
                    (self.describe)(now.into())
                ),
                "mend the clock of its source, allow more in `ahead_at_most(..)`, or take such rows with `or_late()`",
            ),
            OutOfTime::WithOthers => (
                format!(
                    "an update of a row, with the time {shown}, belongs to one that is out of \
                     time: the watermark is {at}"
                ),
                "allow more lateness in `watermark(..)`, or take late updates with `or_late()`",
            ),
        };
        let row = (self.describe_row)(row);
        (self.fail)(None, format!("{problem}\nrow: {row}\nhelp: {help}"));
    }
}
