//! Where the results of joins by time go.

use super::LEFT;
use crate::stage::{Diff, EncodedStep};

/// Where a result stands in time, among those of its key: the times of both rows, or, where its
/// bounds say when it is final, those.
pub(super) type At = (i128, i128);

/// Where the results of one key go.
pub(super) trait Output {
    /// Gives a pair.
    fn pair(&mut self, at: At, left: &[u8], right: &[u8], diff: Diff);

    /// Gives a row of a side without a match.
    fn alone(&mut self, side: usize, at: At, row: &[u8], diff: Diff);

    /// Notes that the results whose bounds start at that time or before change no more.
    fn over(&mut self, last: i128);
}

/// On at once.
pub(super) struct Direct<'a>(pub(super) &'a mut dyn EncodedStep);

impl Output for Direct<'_> {
    fn pair(&mut self, _at: At, left: &[u8], right: &[u8], diff: Diff) {
        self.0.push(left, right, diff);
    }

    fn alone(&mut self, side: usize, _at: At, row: &[u8], diff: Diff) {
        match side {
            LEFT => self.0.push_left(row, diff),
            _ => self.0.push_right(row, diff),
        }
    }

    fn over(&mut self, _last: i128) {}
}
