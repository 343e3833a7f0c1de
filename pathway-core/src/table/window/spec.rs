//! Which windows: `tumbling(..)`, `sliding(..)`, `sessions(..)`, `days(..)` and their like.

use super::calendar::{CalendarWindows, Unit};
use crate::dataflow::window::{Division, Joins, Windows};
use crate::schema::{DateTime, TimePoint};
use std::fmt;
use std::sync::Arc;

/// A division of time into windows, for [`Table::window`](crate::table::Table::window). Made by
/// [`tumbling`], [`sliding`], [`cumulating`], [`sessions`], [`days`], [`weeks`], [`months`] and
/// [`global`].
#[must_use = "a division does nothing until rows are put into it: `.window(..)`"]
pub struct WindowSpec<P: TimePoint> {
    kind: Kind<P::Span>,
    origin: Option<P>,
}

enum Kind<S> {
    Tumbling(S),
    Sliding(S, S),
    Cumulating(S, S),
    Calendar(Unit, String),
    Sessions(S),
    Global,
}

impl<P: TimePoint> fmt::Debug for WindowSpec<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Tumbling(size) => f.debug_tuple("tumbling").field(size).finish(),
            Kind::Sliding(size, hop) => f.debug_tuple("sliding").field(size).field(hop).finish(),
            Kind::Cumulating(size, step) => {
                f.debug_tuple("cumulating").field(size).field(step).finish()
            }
            Kind::Calendar(unit, zone) => f.debug_tuple(unit.name()).field(zone).finish(),
            Kind::Sessions(gap) => f.debug_tuple("sessions").field(gap).finish(),
            Kind::Global => f.write_str("global"),
        }
    }
}

impl<P: TimePoint> WindowSpec<P> {
    fn new(kind: Kind<P::Span>) -> Self {
        Self { kind, origin: None }
    }

    /// Moves the windows so that one starts at `time`. By default one starts on Monday,
    /// 1970-01-05, at midnight; among integers, at zero.
    pub fn starting_at(mut self, time: P) -> Self {
        self.origin = Some(time);
        self
    }

    /// The division in steps.
    ///
    /// # Errors
    ///
    /// What makes no sense about it.
    pub(in crate::table) fn windows(self) -> Result<Windows, String> {
        let origin = self.origin.as_ref().map_or(P::ORIGIN, P::to_steps);
        let positive = |what: &str, span: P::Span| match P::span_steps(span) {
            steps @ 1.. => Ok(steps),
            _ => Err(format!("the {what} {span:?} of the windows is not positive")),
        };
        Ok(Windows::Fixed(match self.kind {
            Kind::Tumbling(size) => Division::Tumbling { size: positive("size", size)?, origin },
            Kind::Sliding(size, hop) => {
                let (long, short) = (positive("size", size)?, positive("hop", hop)?);
                if short > long {
                    return Err(format!(
                        "the hop {hop:?} is longer than the size {size:?}, so some times are in \
                         no window"
                    ));
                }
                Division::sliding(long, short, origin)
            }
            Kind::Cumulating(size, step) => {
                let (long, short) = (positive("size", size)?, positive("step", step)?);
                if short > long {
                    return Err(format!("the step {step:?} is longer than the size {size:?}"));
                }
                Division::Cumulating { size: long, step: short, origin }
            }
            Kind::Calendar(unit, zone) => {
                Division::Calendar(Arc::new(CalendarWindows::new(unit, &zone)?))
            }
            Kind::Sessions(gap) => {
                return Ok(Windows::Sessions(Joins::Gap(positive("gap", gap)?)));
            }
            Kind::Global => Division::Global,
        }))
    }
}

/// Windows of one size, one behind the other: each time is in one.
///
/// ```
/// use pathway::prelude::*;
///
/// #[derive(Clone, Debug, Schema)]
/// struct Sale {
///     #[schema(event_time)]
///     second: i64,
///     amount: i64,
/// }
///
/// let app = Pipeline::new("example");
/// let sales = [(1, 10), (59, 5), (60, 7)].map(|(second, amount)| Sale { second, amount });
/// let totals = app
///     .rows(sales)
///     .window(tumbling(60))
///     .reduce(|g| g.sum(|sale| sale.amount))
///     .select(|window, total| (window.start, window.end, total));
/// assert_eq!(totals.collect()?, [(0, 60, 15), (60, 120, 7)]);
/// # Ok::<(), pathway::Error>(())
/// ```
pub fn tumbling<P: TimePoint>(size: P::Span) -> WindowSpec<P> {
    WindowSpec::new(Kind::Tumbling(size))
}

/// Windows of one size, a new one every `hop`: each time is in `size / hop` of them.
///
/// ```
/// use pathway::prelude::*;
///
/// #[derive(Clone, Debug, Schema)]
/// struct Tick {
///     #[schema(event_time)]
///     second: i64,
/// }
///
/// let app = Pipeline::new("example");
/// let ticks = app.rows(vec![Tick { second: 25 }, Tick { second: 31 }]);
/// let counts = ticks.window(sliding(20, 10)).reduce(|g| g.count());
/// let counts = counts.select(|window, count| (window.start, count));
/// assert_eq!(counts.collect()?, [(10, 1), (20, 2), (30, 1)]);
/// # Ok::<(), pathway::Error>(())
/// ```
pub fn sliding<P: TimePoint>(size: P::Span, hop: P::Span) -> WindowSpec<P> {
    WindowSpec::new(Kind::Sliding(size, hop))
}

/// Windows that share a start and grow by `step` up to `size`; then the next start. So of every
/// day, for example, the total of each hour so far.
///
/// ```
/// use pathway::prelude::*;
///
/// #[derive(Clone, Debug, Schema)]
/// struct Tick {
///     #[schema(event_time)]
///     second: i64,
/// }
///
/// let app = Pipeline::new("example");
/// let ticks = app.rows(vec![Tick { second: 5 }, Tick { second: 25 }]);
/// let counts = ticks.window(cumulating(30, 10)).reduce(|g| g.count());
/// let counts = counts.select(|window, count| (window.end, count));
/// assert_eq!(counts.collect()?, [(10, 1), (20, 1), (30, 2)]);
/// # Ok::<(), pathway::Error>(())
/// ```
pub fn cumulating<P: TimePoint>(size: P::Span, step: P::Span) -> WindowSpec<P> {
    WindowSpec::new(Kind::Cumulating(size, step))
}

/// Sessions of each key: rows of which none is `gap` or more behind the one before. A session starts
/// with its first row, and ends `gap` behind its last one.
///
/// A row that comes between two sessions may bring them together, and one that is taken away may
/// split its session; each change costs as much as the sessions that it touches have moments, or,
/// in a stream, where nothing is taken away, as much as it brings sessions together.
///
/// ```
/// use pathway::prelude::*;
///
/// #[derive(Clone, Debug, Schema)]
/// struct Click {
///     user: String,
///     #[schema(event_time)]
///     second: i64,
/// }
///
/// let app = Pipeline::new("example");
/// let clicks = [1, 20, 100, 45].map(|second| Click { user: "ada".into(), second });
/// let visits = app
///     .rows(clicks)
///     .window(sessions(30))
///     .group_by(|click| click.user.clone())
///     .reduce(|g| g.count())
///     .select(|(visit, user), clicks| (user, visit.start, visit.end, clicks));
/// assert_eq!(visits.collect()?, [("ada".into(), 1, 75, 3), ("ada".into(), 100, 130, 1)]);
/// # Ok::<(), pathway::Error>(())
/// ```
pub fn sessions<P: TimePoint>(gap: P::Span) -> WindowSpec<P> {
    WindowSpec::new(Kind::Sessions(gap))
}

/// One window of all time: from the first time that there is to the last one. It is over when the
/// stream ends. With [`early`](super::Windowed::early) its results come out at intervals until then.
///
/// ```
/// use pathway::prelude::*;
///
/// #[derive(Clone, Debug, Schema)]
/// struct Tick {
///     #[schema(event_time)]
///     second: i64,
/// }
///
/// let app = Pipeline::new("example");
/// let ticks = app.rows(vec![Tick { second: 5 }, Tick { second: 25 }]).watermark(0);
/// let counts = ticks.window(global()).when_final().reduce(|g| g.count());
/// assert_eq!(counts.select(|_, count| count).collect()?, [2]);
/// # Ok::<(), pathway::Error>(())
/// ```
pub fn global<P: TimePoint>() -> WindowSpec<P> {
    WindowSpec::new(Kind::Global)
}

/// Days from midnight to midnight in a time zone, named as in `Europe/Berlin`. A day on which the
/// clocks change has 23 or 25 hours; one that begins in a gap begins behind it.
///
/// ```
/// use pathway::prelude::*;
///
/// #[derive(Clone, Debug, Schema)]
/// struct Tick {
///     #[schema(event_time)]
///     at: DateTime,
/// }
///
/// let app = Pipeline::new("example");
/// let ticks = ["2024-03-30T22:30:00Z", "2024-03-30T23:30:00Z", "2024-03-31T21:59:59Z"];
/// let ticks = app.rows(ticks.map(|at| Tick { at: at.parse().unwrap() }));
/// let counts = ticks.window(days("Europe/Berlin")).reduce(|g| g.count());
/// let hours = counts.select(|day, count| (day.end.duration_since(day.start).as_hours(), count));
/// // The clocks go forward on the second day.
/// assert_eq!(hours.collect()?, [(23, 2), (24, 1)]);
/// # Ok::<(), pathway::Error>(())
/// ```
pub fn days(time_zone: &str) -> WindowSpec<DateTime> {
    WindowSpec::new(Kind::Calendar(Unit::Day, time_zone.to_owned()))
}

/// Weeks from Monday to Monday in a time zone; see [`days`].
pub fn weeks(time_zone: &str) -> WindowSpec<DateTime> {
    WindowSpec::new(Kind::Calendar(Unit::Week, time_zone.to_owned()))
}

/// Months in a time zone; see [`days`].
pub fn months(time_zone: &str) -> WindowSpec<DateTime> {
    WindowSpec::new(Kind::Calendar(Unit::Month, time_zone.to_owned()))
}
