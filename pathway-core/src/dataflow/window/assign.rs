//! How time is divided into windows of fixed bounds.

use std::fmt;
use std::sync::Arc;

/// Stretches of a calendar: days, weeks, months in a time zone.
pub trait Calendar: fmt::Debug + Send + Sync {
    /// The start of the stretch that a time is in.
    fn start(&self, time: i128) -> i128;

    /// The start of the stretch behind the one that starts there.
    fn next(&self, start: i128) -> i128;
}

/// A division of time, in steps. A window holds its start and not its end.
#[derive(Clone, Debug)]
pub enum Division {
    /// One behind the other.
    Tumbling {
        /// How long each is.
        size: i128,
        /// Where one starts.
        origin: i128,
    },
    /// A new one every `hop`.
    Sliding {
        /// How long each is.
        size: i128,
        /// From the start of one to the start of the next.
        hop: i128,
        /// Where one starts.
        origin: i128,
        /// The longest length that divides both.
        pane: i128,
    },
    /// Longer and longer ones with one start, up to `size`; then from a new start.
    Cumulating {
        /// How long the longest is.
        size: i128,
        /// By how much each is longer than the one before.
        step: i128,
        /// Where one starts.
        origin: i128,
    },
    /// Stretches of a calendar.
    Calendar(Arc<dyn Calendar>),
    /// One for all of time.
    Global,
    /// Those that a function of the user's finds for each row: its bounds stand in front of a key.
    Own,
}

/// The greatest multiple of `size` from `origin` on that is not behind `time`.
fn floor(time: i128, size: i128, origin: i128) -> i128 {
    let since = time.saturating_sub(origin);
    // Division of 128 bits is slow, and rarely needed.
    let within = match (i64::try_from(since), i64::try_from(size)) {
        (Ok(since), Ok(size)) => i128::from(since.rem_euclid(size)),
        _ => since.rem_euclid(size),
    };
    time.saturating_sub(within)
}

fn greatest_common_divisor(a: i128, b: i128) -> i128 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

impl Division {
    /// Windows that slide; both lengths are positive.
    pub fn sliding(size: i128, hop: i128, origin: i128) -> Self {
        Self::Sliding { size, hop, origin, pane: greatest_common_divisor(size, hop) }
    }

    /// The start of the pane that a time is in.
    #[inline]
    pub(crate) fn pane(&self, time: i128) -> i128 {
        match self {
            Self::Tumbling { size, origin } => floor(time, *size, *origin),
            Self::Sliding { pane, origin, .. } => floor(time, *pane, *origin),
            Self::Cumulating { step, size, origin } => {
                // A pane does not reach over the start of the next windows.
                let first = floor(time, *size, *origin);
                floor(time, *step, first)
            }
            Self::Calendar(calendar) => calendar.start(time),
            Self::Global => i128::MIN,
            Self::Own => time,
        }
    }

    /// The pane that a time is in: its start, and the start of the next.
    pub(crate) fn pane_bounds(&self, time: i128) -> (i128, i128) {
        let pane = self.pane(time);
        let end = match self {
            Self::Tumbling { size, .. } => pane.saturating_add(*size),
            Self::Sliding { pane: length, .. } => pane.saturating_add(*length),
            Self::Cumulating { step, .. } => pane.saturating_add(*step).min(self.over(pane)),
            Self::Calendar(calendar) => calendar.next(pane),
            Self::Global => i128::MAX,
            Self::Own => time.saturating_add(1),
        };
        (pane, end)
    }

    /// Whether each pane is a window of its own.
    pub(crate) fn panes_are_windows(&self) -> bool {
        matches!(self, Self::Tumbling { .. } | Self::Calendar(_) | Self::Global)
    }

    /// The windows that a pane is in, as start and end.
    pub(crate) fn of_pane(&self, pane: i128) -> Vec<(i128, i128)> {
        match self {
            Self::Tumbling { size, .. } => vec![(pane, pane.saturating_add(*size))],
            Self::Calendar(calendar) => vec![(pane, calendar.next(pane))],
            Self::Global => vec![(pane, i128::MAX)],
            Self::Own => Vec::new(),
            Self::Sliding { size, hop, origin, .. } => {
                let last = floor(pane, *hop, *origin);
                let starts = std::iter::successors(Some(last), |start| start.checked_sub(*hop));
                let mut windows: Vec<_> = starts
                    .map(|start| (start, start.saturating_add(*size)))
                    .take_while(|(_, end)| *end > pane)
                    .collect();
                windows.reverse();
                windows
            }
            Self::Cumulating { size, step, origin } => {
                let start = floor(pane, *size, *origin);
                let end = start.saturating_add(*size);
                let first = pane.saturating_add(*step).min(end);
                let ends = std::iter::successors(Some(first), |at| {
                    (*at < end).then(|| at.saturating_add(*step).min(end))
                });
                ends.map(|end| (start, end)).collect()
            }
        }
    }

    /// When the last window that a pane is in ends.
    pub(crate) fn over(&self, pane: i128) -> i128 {
        match self {
            Self::Tumbling { size, .. } => pane.saturating_add(*size),
            Self::Calendar(calendar) => calendar.next(pane),
            Self::Global | Self::Own => i128::MAX,
            Self::Sliding { size, hop, origin, .. } => {
                floor(pane, *hop, *origin).saturating_add(*size)
            }
            Self::Cumulating { size, origin, .. } => {
                floor(pane, *size, *origin).saturating_add(*size)
            }
        }
    }
}

impl fmt::Display for Division {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tumbling { .. } => f.write_str("tumbling windows"),
            Self::Sliding { .. } => f.write_str("sliding windows"),
            Self::Cumulating { .. } => f.write_str("cumulating windows"),
            Self::Calendar(calendar) => write!(f, "calendar windows ({calendar:?})"),
            Self::Global => f.write_str("one window of all time"),
            Self::Own => f.write_str("windows by closure"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What follows from the definition alone: the windows that hold a time.
    fn holding(windows: &Division, time: i128) -> Vec<(i128, i128)> {
        let mut holding = Vec::new();
        for start in -80..80 {
            let ends: Vec<i128> = match windows {
                Division::Tumbling { size, origin } if (start - origin) % size == 0 => {
                    vec![start + size]
                }
                Division::Sliding { size, hop, origin, .. } if (start - origin) % hop == 0 => {
                    vec![start + size]
                }
                Division::Cumulating { size, step, origin } if (start - origin) % size == 0 => {
                    let steps = (1..).map(|n| n * step).take_while(|length| length < size);
                    steps.chain([*size]).map(|length| start + length).collect()
                }
                _ => Vec::new(),
            };
            holding.extend(
                ends.into_iter()
                    .map(|end| (start, end))
                    .filter(|(_, end)| start <= time && time < *end),
            );
        }
        holding.sort_unstable();
        holding
    }

    #[test]
    fn the_windows_of_a_pane_are_those_of_each_of_its_times() {
        let divisions = [
            Division::Tumbling { size: 5, origin: 0 },
            Division::Tumbling { size: 7, origin: 3 },
            Division::sliding(6, 2, 0),
            Division::sliding(5, 3, 1),
            Division::sliding(4, 4, -1),
            Division::Cumulating { size: 9, step: 3, origin: 0 },
            Division::Cumulating { size: 10, step: 4, origin: 2 },
        ];
        for windows in divisions {
            for time in -30..30 {
                let pane = windows.pane(time);
                let (start, end) = windows.pane_bounds(time);
                assert!(start == pane && pane <= time && time < end);
                assert_eq!(windows.pane(end), end, "{windows:?} at {time}");
                let mut of_pane = windows.of_pane(pane);
                of_pane.sort_unstable();
                assert_eq!(of_pane, holding(&windows, time), "{windows:?} at {time}");
                let last = of_pane.iter().map(|(_, end)| *end).max().unwrap();
                assert_eq!(windows.over(pane), last, "{windows:?} at {time}");
            }
        }
    }

    #[test]
    fn times_at_the_ends_of_the_line_do_no_harm() {
        for windows in [Division::Tumbling { size: 60, origin: 0 }, Division::sliding(60, 10, 0)] {
            for time in [i128::MIN / 2, i128::MAX / 2, i128::from(i64::MIN), i128::from(i64::MAX)] {
                let pane = windows.pane(time);
                assert!(pane <= time && time < windows.over(pane));
            }
        }
    }
}
