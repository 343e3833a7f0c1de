//! Windows of a calendar.

use crate::dataflow::window::Calendar;
use crate::schema::{DateTime, TimePoint};
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};
use std::fmt;

/// The stretches of a calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Day,
    Week,
    Month,
}

impl Unit {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Day => "days",
            Self::Week => "weeks",
            Self::Month => "months",
        }
    }

    /// The first day of the stretch that a day is in.
    fn first(self, day: Date) -> Date {
        match self {
            Self::Day => day,
            Self::Week => {
                let since = i64::from(day.weekday().since(Weekday::Monday));
                day.saturating_sub(since.days())
            }
            Self::Month => day.first_of_month(),
        }
    }

    fn length(self) -> Span {
        match self {
            Self::Day => 1.day(),
            Self::Week => 1.week(),
            Self::Month => 1.month(),
        }
    }
}

/// Days, weeks or months in a time zone.
pub(super) struct CalendarWindows {
    unit: Unit,
    zone: TimeZone,
    name: String,
}

impl fmt::Debug for CalendarWindows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.unit.name(), self.name)
    }
}

impl CalendarWindows {
    /// # Errors
    ///
    /// A time zone that does not exist.
    pub(super) fn new(unit: Unit, name: &str) -> Result<Self, String> {
        match TimeZone::get(name) {
            Ok(zone) => Ok(Self { unit, zone, name: name.to_owned() }),
            Err(error) => Err(format!(
                "the time zone `{name}` is not known ({error}); name one as in `Europe/Berlin`, \
                 or `UTC`"
            )),
        }
    }

    /// The first moment of a day: behind a gap, if midnight is in one.
    fn midnight(&self, day: Date) -> i128 {
        let start = day.to_zoned(self.zone.clone());
        start.map_or(DateTime::MAX, |start| start.timestamp()).to_steps()
    }

    fn day(&self, time: i128) -> Date {
        self.zone.to_datetime(DateTime::from_steps(time)).date()
    }
}

impl Calendar for CalendarWindows {
    fn start(&self, time: i128) -> i128 {
        // No stretch starts behind its times, even where a calendar begins.
        self.midnight(self.unit.first(self.day(time))).min(time)
    }

    fn next(&self, start: i128) -> i128 {
        let next =
            self.midnight(self.unit.first(self.day(start)).saturating_add(self.unit.length()));
        if next > start { next } else { i128::MAX }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_follow_each_other_without_gaps() {
        for (unit, zone) in [
            (Unit::Day, "Europe/Berlin"),
            (Unit::Week, "America/New_York"),
            (Unit::Month, "Asia/Kolkata"),
            // Midnight is in a gap there when summer begins.
            (Unit::Day, "America/Santiago"),
            (Unit::Day, "UTC"),
        ] {
            let calendar = CalendarWindows::new(unit, zone).unwrap();
            let first: DateTime = "2023-12-30T12:00:00Z".parse().unwrap();
            let mut start = calendar.start(first.to_steps());
            for _ in 0..800 {
                let next = calendar.next(start);
                assert_eq!(calendar.start(start), start, "{zone}");
                assert_eq!(calendar.start(next - 1), start, "{zone}");
                assert_eq!(calendar.start(next), next, "{zone}");
                start = next;
            }
        }
    }

    #[test]
    fn weeks_start_on_monday_and_months_on_the_first() {
        let at = |text: &str| text.parse::<DateTime>().unwrap().to_steps();
        let weeks = CalendarWindows::new(Unit::Week, "UTC").unwrap();
        assert_eq!(weeks.start(at("2024-02-29T13:00:00Z")), at("2024-02-26T00:00:00Z"));
        let months = CalendarWindows::new(Unit::Month, "UTC").unwrap();
        let start = months.start(at("2024-02-29T13:00:00Z"));
        assert_eq!(start, at("2024-02-01T00:00:00Z"));
        assert_eq!(months.next(start), at("2024-03-01T00:00:00Z"));
    }

    #[test]
    fn an_unknown_time_zone_is_named() {
        let problem = CalendarWindows::new(Unit::Day, "Europe/Berlinn").unwrap_err();
        assert!(problem.contains("`Europe/Berlinn` is not known"), "{problem}");
    }
}
