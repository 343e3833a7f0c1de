//! Times in the data: which types are times, and which column of a row is its event time.

use super::{Date, DateTime, Duration, NaiveDateTime, Schema};
use std::fmt;

/// A type whose values are points on a time line: instants, dates and integers.
///
/// The engine counts in steps: nanoseconds for instants and date-times, days for dates, ones for
/// integers.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a time",
    label = "an event time is a `DateTime`, a `NaiveDateTime`, a `Date` or an integer",
    note = "turn the column into one of these, for example with `map`"
)]
pub trait TimePoint: Schema + Ord + Copy + fmt::Display {
    /// A length of time on this line: [`Duration`] for instants and date-times, a number of days
    /// for dates, an integer for integers.
    type Span: Copy + fmt::Debug + Send + Sync + 'static;

    /// Where windows start by default, in steps: a Monday where the line has days.
    #[doc(hidden)]
    const ORIGIN: i128;

    /// The steps from the origin of the line to this point.
    fn to_steps(&self) -> i128;

    /// The point at that many steps from the origin, or the first or last one that there is.
    fn from_steps(steps: i128) -> Self;

    /// The steps of a length.
    fn span_steps(span: Self::Span) -> i128;
}

/// The first Monday since 1970-01-01, in days.
const MONDAY: i128 = 4;

/// Nanoseconds in a second.
const SECOND: i128 = 1_000_000_000;

fn duration_steps(span: Duration) -> i128 {
    span.as_nanos()
}

impl TimePoint for DateTime {
    type Span = Duration;

    const ORIGIN: i128 = MONDAY * 86_400 * SECOND;

    fn to_steps(&self) -> i128 {
        self.as_nanosecond()
    }

    fn from_steps(steps: i128) -> Self {
        let steps = steps.clamp(Self::MIN.as_nanosecond(), Self::MAX.as_nanosecond());
        Self::from_nanosecond(steps).expect("clamped to the years that there are")
    }

    fn span_steps(span: Duration) -> i128 {
        duration_steps(span)
    }
}

/// Counted as if in UTC: no hour is missing and none comes twice.
impl TimePoint for NaiveDateTime {
    type Span = Duration;

    const ORIGIN: i128 = MONDAY * 86_400 * SECOND;

    fn to_steps(&self) -> i128 {
        let day = i128::from(days(self.date()));
        let seconds = (i128::from(self.hour()) * 60 + i128::from(self.minute())) * 60
            + i128::from(self.second());
        (day * 86_400 + seconds) * SECOND + i128::from(self.subsec_nanosecond())
    }

    fn from_steps(steps: i128) -> Self {
        let day = steps.div_euclid(86_400 * SECOND);
        let within = steps.rem_euclid(86_400 * SECOND);
        let within = i64::try_from(within).expect("a day has fewer nanoseconds than that");
        match i64::try_from(day).ok().and_then(date) {
            Some(date) => {
                let midnight = date.to_datetime(super::Time::midnight());
                midnight.saturating_add(Duration::from_nanos(within))
            }
            None if day < 0 => Self::MIN,
            None => Self::MAX,
        }
    }

    fn span_steps(span: Duration) -> i128 {
        duration_steps(span)
    }
}

/// Days since 1970-01-01.
fn days(date: Date) -> i64 {
    let since = date.duration_since(Date::constant(1970, 1, 1));
    since.as_hours() / 24
}

fn date(days: i64) -> Option<Date> {
    let hours = days.checked_mul(24)?;
    // The hours of ten thousand years are far from the end of a duration's range.
    let reach = 24 * 366 * 20_000;
    if !(-reach..=reach).contains(&hours) {
        return None;
    }
    Date::constant(1970, 1, 1).checked_add(Duration::from_hours(hours)).ok()
}

impl TimePoint for Date {
    type Span = i64;

    const ORIGIN: i128 = MONDAY;

    fn to_steps(&self) -> i128 {
        days(*self).into()
    }

    fn from_steps(steps: i128) -> Self {
        match i64::try_from(steps).ok().and_then(date) {
            Some(date) => date,
            None if steps < 0 => Self::MIN,
            None => Self::MAX,
        }
    }

    fn span_steps(span: i64) -> i128 {
        span.into()
    }
}

macro_rules! integer {
    ($($integer:ty)*) => { $(
        impl TimePoint for $integer {
            type Span = i64;

            const ORIGIN: i128 = 0;

            fn to_steps(&self) -> i128 {
                i128::from(*self)
            }

            fn from_steps(steps: i128) -> Self {
                let steps = steps.clamp(Self::MIN.into(), Self::MAX.into());
                Self::try_from(steps).expect("clamped to the integers that there are")
            }

            fn span_steps(span: i64) -> i128 {
                span.into()
            }
        }
    )* };
}

integer!(i32 i64 u32 u64);

/// A column that can hold an event time: a [`TimePoint`], or an `Option` of one.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an event time",
    label = "an event time is a `DateTime`, a `NaiveDateTime`, a `Date`, an integer, or an `Option` of one of them",
    note = "turn the column into one of these, for example with `map`"
)]
pub trait EventTimeColumn {
    /// The type of the time.
    type Time: TimePoint;

    /// The time, unless it is null.
    fn time(&self) -> Option<Self::Time>;
}

impl<T: TimePoint> EventTimeColumn for T {
    type Time = T;

    fn time(&self) -> Option<T> {
        Some(*self)
    }
}

impl<T: TimePoint> EventTimeColumn for Option<T> {
    type Time = T;

    fn time(&self) -> Self {
        *self
    }
}

/// A row type with an event time: the derive implements it where a field is marked
/// `#[schema(event_time)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no event time",
    label = "`{Self}` names no event-time column",
    note = "mark the column that says when a row happened with `#[schema(event_time)]`"
)]
pub trait EventTime: Schema {
    /// The type of the time.
    type Time: TimePoint;

    /// When the row happened; nothing if its column is null.
    fn event_time(&self) -> Option<Self::Time>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_come_back_and_keep_their_order() {
        fn check<T: TimePoint + PartialEq + fmt::Debug>(points: &[T]) {
            for pair in points.windows(2) {
                assert!(pair[0].to_steps() < pair[1].to_steps(), "{:?} {:?}", pair[0], pair[1]);
            }
            for point in points {
                assert_eq!(&T::from_steps(point.to_steps()), point);
            }
            assert_eq!(T::from_steps(i128::MIN / 2), *points.first().unwrap());
            assert_eq!(T::from_steps(i128::MAX / 2), *points.last().unwrap());
        }
        let instant = |text: &str| text.parse::<DateTime>().unwrap();
        check(&[
            DateTime::MIN,
            instant("1900-01-01T00:00:00.000000001Z"),
            instant("1969-12-31T23:59:59.5Z"),
            instant("1970-01-01T00:00:00Z"),
            DateTime::MAX,
        ]);
        let civil = |text: &str| text.parse::<NaiveDateTime>().unwrap();
        check(&[
            NaiveDateTime::MIN,
            civil("1969-12-31T23:59:59.999999999"),
            civil("1970-01-01T00:00:00"),
            civil("2024-03-10T02:30:00"),
            NaiveDateTime::MAX,
        ]);
        let day = |text: &str| text.parse::<Date>().unwrap();
        check(&[Date::MIN, day("1969-12-31"), day("1970-01-01"), day("2024-02-29"), Date::MAX]);
        check(&[i64::MIN, -1, 0, 1, i64::MAX]);
        check(&[0, 1, u32::MAX]);
    }

    #[test]
    fn a_date_time_without_zone_counts_as_in_utc() {
        let civil: NaiveDateTime = "2013-07-04T05:06:07.25".parse().unwrap();
        let utc: DateTime = "2013-07-04T05:06:07.25Z".parse().unwrap();
        assert_eq!(civil.to_steps(), utc.to_steps());
        let date: Date = "2013-07-04".parse().unwrap();
        assert_eq!(date.to_steps(), 15_890);
    }
}
