//! Which rows of a key are of one session.

use crate::dataflow::watermark::END;
use std::fmt;
use std::sync::Arc;

/// Whether the second of two times is of the session of the first, which is not behind it.
pub(crate) type Near = Arc<dyn Fn(i128, i128) -> bool + Send + Sync>;

/// Which rows of a key are of one session. A row *reaches* a time: a session has all rows that
/// what it reaches touches.
#[derive(Clone)]
pub enum Joins {
    /// Those of which none is so many steps or more behind the one before: a row reaches so far.
    Gap(i128),
    /// Each row says how far it reaches: that stands in front of its key.
    ByRow,
    /// Those whose times a function of the user's finds near each other: a row reaches its time.
    Where(#[doc(hidden)] Near),
}

impl fmt::Debug for Joins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gap(gap) => f.debug_tuple("Gap").field(gap).finish(),
            Self::ByRow => f.write_str("ByRow"),
            Self::Where(_) => f.write_str("Where"),
        }
    }
}

impl Joins {
    /// How far a row at that time reaches, unless it says so itself.
    pub(super) fn reach(&self, time: i128) -> i128 {
        match self {
            Self::Gap(gap) => time.saturating_add(*gap),
            Self::ByRow | Self::Where(_) => time,
        }
    }

    /// When a session ends that reaches so far.
    pub(super) fn end(&self, reach: i128) -> i128 {
        match self {
            Self::Gap(_) | Self::ByRow => reach,
            Self::Where(_) => reach.saturating_add(1),
        }
    }

    /// Whether a row is of a session that starts no later and reaches so far.
    pub(super) fn touches(&self, reach: i128, time: i128) -> bool {
        match self {
            Self::Gap(_) | Self::ByRow => time < reach,
            Self::Where(near) => time <= reach || near(reach, time),
        }
    }

    /// Whether no row at the watermark or behind it is of a session that reaches so far.
    pub(super) fn is_over(&self, reach: i128, watermark: i128) -> bool {
        watermark == END || !self.touches(reach, watermark)
    }
}
