//! Windows: reductions of the rows of a stretch of time.
//!
//! Rows are reduced in *panes*, the longest stretches that no window divides, and windows are put
//! together from panes. So a row is reduced once, however many windows it is in: where windows
//! slide, the change of a pane is merged into each window that has it once an epoch, and where
//! windows come out when they are final, panes alone are kept and merged once for each window.
//!
//! Each pane and each window has a [`GroupTable`] of its own, so one that is over goes as a whole.

mod assign;
mod table;

pub use assign::{Calendar, Windows};
pub(crate) use table::{DirectWindows, PANE_LEN, RunWindows, WindowTable};

/// When the rows of a window come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emission {
    /// In every epoch that changes them.
    EveryChange,
    /// Once, when the watermark has passed the window.
    WhenFinal,
    /// At intervals of the clock, in nanoseconds, and when the window is final.
    Early(i64),
}
