//! Dates and times, by the `jiff` crate.
//!
//! An instant is seconds and nanoseconds, so no precision that a source has is lost.

use super::{DataType, Schema, put_str, take_str};
use jiff::civil;
use jiff::tz::{Offset, TimeZone};

/// An instant on the UTC time line, to the nanosecond.
pub type DateTime = jiff::Timestamp;
/// An instant with its time zone.
pub type Zoned = jiff::Zoned;
/// A date and time of day in no time zone.
pub type NaiveDateTime = civil::DateTime;
/// A calendar date.
pub type Date = civil::Date;
/// A time of day.
pub type Time = civil::Time;
/// A signed length of time.
pub type Duration = jiff::SignedDuration;

/// What day and time of day it is at an instant, in UTC.
///
/// ```
/// use pathway::prelude::*;
///
/// let at: DateTime = "2015-07-15T09:30:00Z".parse().unwrap();
/// assert_eq!(at.utc().hour(), 9);
/// assert_eq!(at.utc().date().to_string(), "2015-07-15");
///
/// // A day is a key of groups.
/// let app = Pipeline::new("example");
/// let visits = app.rows(vec![at, at + Duration::from_hours(20)]);
/// let by_day = visits.group_by(|at| at.utc().date()).reduce(|g| g.count());
/// let by_day = by_day.select(|day, visits| format!("{day}: {visits}"));
/// assert_eq!(by_day.collect()?, ["2015-07-15: 1", "2015-07-16: 1"]);
/// # Ok::<(), pathway::Error>(())
/// ```
pub trait InUtc {
    /// The civil date and time in UTC.
    fn utc(self) -> NaiveDateTime;
}

impl InUtc for DateTime {
    fn utc(self) -> NaiveDateTime {
        Offset::UTC.to_datetime(self)
    }
}

fn put_seconds(seconds: i64, nanoseconds: i32, out: &mut Vec<u8>) {
    out.extend_from_slice(&seconds.to_le_bytes());
    out.extend_from_slice(&nanoseconds.to_le_bytes());
}

fn take_seconds(input: &mut &[u8]) -> (i64, i32) {
    (i64::decode(input), i32::decode(input))
}

impl Schema for jiff::Timestamp {
    type OrNull = Option<Self>;

    fn data_type() -> DataType {
        DataType::DateTime
    }

    // Both numbers have the same sign, also before 1970, so that the pair is ordered.
    fn encode(&self, out: &mut Vec<u8>) {
        put_seconds(self.as_second(), self.subsec_nanosecond(), out);
    }

    fn is_canonical(&self) -> bool {
        true
    }

    fn decode(input: &mut &[u8]) -> Self {
        let (seconds, nanoseconds) = take_seconds(input);
        Self::new(seconds, nanoseconds).expect("an encoded instant is in range")
    }
}

impl Schema for jiff::SignedDuration {
    type OrNull = Option<Self>;

    fn data_type() -> DataType {
        DataType::Duration
    }

    // As for instants.
    fn encode(&self, out: &mut Vec<u8>) {
        put_seconds(self.as_secs(), self.subsec_nanos(), out);
    }

    fn is_canonical(&self) -> bool {
        true
    }

    fn decode(input: &mut &[u8]) -> Self {
        let (seconds, nanoseconds) = take_seconds(input);
        Self::new(seconds, nanoseconds)
    }
}

impl Schema for std::time::Duration {
    type OrNull = Option<Self>;

    fn data_type() -> DataType {
        DataType::UnsignedDuration
    }

    fn encode(&self, out: &mut Vec<u8>) {
        self.as_secs().encode(out);
        self.subsec_nanos().encode(out);
    }

    fn is_canonical(&self) -> bool {
        true
    }

    fn decode(input: &mut &[u8]) -> Self {
        let seconds = u64::decode(input);
        Self::new(seconds, u32::decode(input))
    }
}

impl Schema for civil::Date {
    type OrNull = Option<Self>;

    fn data_type() -> DataType {
        DataType::Date
    }

    fn encode(&self, out: &mut Vec<u8>) {
        self.year().encode(out);
        self.month().encode(out);
        self.day().encode(out);
    }

    fn is_canonical(&self) -> bool {
        true
    }

    fn decode(input: &mut &[u8]) -> Self {
        Self::new(i16::decode(input), i8::decode(input), i8::decode(input))
            .expect("an encoded date exists")
    }
}

impl Schema for civil::Time {
    type OrNull = Option<Self>;

    fn data_type() -> DataType {
        DataType::Time
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let seconds = (i64::from(self.hour()) * 60 + i64::from(self.minute())) * 60
            + i64::from(self.second());
        (seconds * 1_000_000_000 + i64::from(self.subsec_nanosecond())).encode(out);
    }

    fn is_canonical(&self) -> bool {
        true
    }

    fn decode(input: &mut &[u8]) -> Self {
        Self::midnight()
            .checked_add(jiff::SignedDuration::from_nanos(i64::decode(input)))
            .expect("an encoded time of day is under 24 hours")
    }
}

impl Schema for civil::DateTime {
    type OrNull = Option<Self>;

    fn data_type() -> DataType {
        DataType::NaiveDateTime
    }

    fn encode(&self, out: &mut Vec<u8>) {
        self.date().encode(out);
        self.time().encode(out);
    }

    fn is_canonical(&self) -> bool {
        true
    }

    fn decode(input: &mut &[u8]) -> Self {
        let date = civil::Date::decode(input);
        date.to_datetime(civil::Time::decode(input))
    }
}

/// The instant first, then the name of the zone (or its offset, where it has no name).
impl Schema for jiff::Zoned {
    type OrNull = Option<Self>;

    fn data_type() -> DataType {
        DataType::Zoned
    }

    fn encode(&self, out: &mut Vec<u8>) {
        self.timestamp().encode(out);
        match self.time_zone().iana_name() {
            Some(name) => put_str(name, out),
            None => put_str(&self.offset().to_string(), out),
        }
    }

    fn decode(input: &mut &[u8]) -> Self {
        let timestamp = jiff::Timestamp::decode(input);
        let zone = zone(take_str(input)).expect("the zone of an encoded time is known here");
        timestamp.to_zoned(zone)
    }
}

/// The time zone of that name, or with that offset: `+hh[:mm[:ss]]`, as an offset prints itself.
fn zone(name: &str) -> Result<TimeZone, jiff::Error> {
    let (sign, offset) = match name.split_at_checked(1) {
        Some(("+", offset)) => (1, offset),
        Some(("-", offset)) => (-1, offset),
        _ => return TimeZone::get(name),
    };
    // An offset of whole seconds, which the text of a time cannot hold.
    let seconds = offset.split(':').zip([3600, 60, 1]).fold(0, |sum, (part, unit)| {
        sum + unit * part.parse::<i32>().expect("an offset consists of numbers")
    });
    Ok(TimeZone::fixed(Offset::from_seconds(sign * seconds)?))
}
