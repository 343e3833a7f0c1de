//! Rows that come when they are due, whether or not what takes them is ready, and how long each
//! then waits for its effect.
//!
//! A program that sends its next row when it has seen the effect of the last one measures little
//! of a stall: while there is one, it sends nothing that could wait. Here the time of every row is
//! settled before the run, and a row waits from then on, also where it was pushed late.

use hdrhistogram::Histogram;
use std::time::Duration;

/// Rows that are due at fixed times, the same number at each.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// From one time to the next.
    pub period: Duration,
    /// How many rows are due at each.
    pub rows_per_tick: u64,
    /// How many times there are.
    pub ticks: u64,
}

impl Schedule {
    /// So many rows a second, for so long.
    ///
    /// # Panics
    ///
    /// If not even one row is due in a period.
    pub fn new(rows_per_s: u64, period: Duration, length: Duration) -> Self {
        let ticks_per_s = (1.0 / period.as_secs_f64()).round();
        let rows_per_tick = (rows_per_s as f64 / ticks_per_s).round();
        assert!(rows_per_tick >= 1.0, "{rows_per_s} rows a second are not one in {period:?}");
        let ticks = (length.as_secs_f64() * ticks_per_s).round();
        Self { period, rows_per_tick: whole(rows_per_tick), ticks: whole(ticks) }
    }

    /// How long after the start the rows of a tick are due.
    pub fn due(&self, tick: u64) -> Duration {
        nanoseconds(self.period.as_nanos() * u128::from(tick))
    }

    /// How many rows there are in all.
    pub fn rows(&self) -> u64 {
        self.rows_per_tick * self.ticks
    }
}

fn nanoseconds(count: u128) -> Duration {
    Duration::from_nanos(u64::try_from(count).expect("a run takes less than centuries"))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rounded count")]
fn whole(count: f64) -> u64 {
    count as u64
}

/// Waits in nanoseconds, to three digits.
#[derive(Clone, Debug)]
pub struct Waits(Histogram<u64>);

impl Default for Waits {
    fn default() -> Self {
        Self(Histogram::new(3).expect("three digits are among those that there are"))
    }
}

impl Waits {
    /// Adds the wait of so many rows.
    ///
    /// # Panics
    ///
    /// If there is no memory for the histogram to grow.
    pub fn add(&mut self, wait: Duration, rows: u64) {
        let wait = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
        self.0.record_n(wait, rows).expect("the histogram grows");
    }

    /// The wait that this part of all rows does not exceed, in microseconds: 0.5 for the median.
    pub fn quantile_us(&self, part: f64) -> f64 {
        self.0.value_at_quantile(part) as f64 / 1e3
    }

    /// How many rows were added.
    pub fn rows(&self) -> u64 {
        self.0.len()
    }
}

/// The rows of a schedule as their effects arrive, in the order in which they were pushed.
#[derive(Clone, Debug)]
pub struct Arrivals {
    schedule: Schedule,
    /// Rows of earlier ticks are not counted among the waits.
    counted_from: u64,
    rows: u64,
    waits: Waits,
}

impl Arrivals {
    /// No rows yet. Those of ticks before `counted_from` will be awaited, but their waits left
    /// out: the program is warming up.
    pub fn new(schedule: Schedule, counted_from: u64) -> Self {
        Self { schedule, counted_from, rows: 0, waits: Waits::default() }
    }

    /// Notes that the effects of so many more rows are visible, that long after the start.
    ///
    /// # Panics
    ///
    /// If that are more rows than there are.
    pub fn visible(&mut self, rows: u64, since_start: Duration) {
        let end = self.rows + rows;
        assert!(end <= self.schedule.rows(), "{end} rows of {} are visible", self.schedule.rows());
        while self.rows < end {
            let tick = self.rows / self.schedule.rows_per_tick;
            let of_tick = ((tick + 1) * self.schedule.rows_per_tick).min(end) - self.rows;
            if tick >= self.counted_from {
                // A row cannot be seen before it is due: it was pushed behind that time.
                self.waits.add(since_start.saturating_sub(self.schedule.due(tick)), of_tick);
            }
            self.rows += of_tick;
        }
    }

    /// How many rows are visible.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// How long they took.
    pub fn waits(&self) -> &Waits {
        &self.waits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_schedule_has_its_rate() {
        let schedule = Schedule::new(100_000, Duration::from_micros(100), Duration::from_secs(3));
        assert_eq!(
            (schedule.rows_per_tick, schedule.ticks, schedule.rows()),
            (10, 30_000, 300_000)
        );
        assert_eq!(schedule.due(10), MS);
    }

    #[test]
    fn each_row_waits_from_when_it_was_due() {
        // Two rows a millisecond; nothing is visible for a second, then everything.
        let schedule = Schedule::new(2_000, MS, Duration::from_secs(1));
        let mut arrivals = Arrivals::new(schedule, 0);
        arrivals.visible(2_000, MS * 1_000);
        // Who had waited for the effect of one row before the next would have seen one long wait.
        assert_eq!(arrivals.waits().rows(), 2_000);
        let close = |part: f64, ms: f64| {
            let us = arrivals.waits().quantile_us(part);
            assert!((us / 1e3 - ms).abs() < 1.5, "{part}: {us} µs rather than {ms} ms");
        };
        close(0.5, 500.0);
        close(0.99, 990.0);
        close(1.0, 1_000.0);
    }

    #[test]
    fn a_tick_may_arrive_in_parts_and_the_first_ones_are_left_out() {
        let schedule = Schedule::new(3_000, MS, MS * 4);
        let mut arrivals = Arrivals::new(schedule, 1);
        for (rows, at) in [(2, MS), (2, MS * 2), (8, MS * 5)] {
            arrivals.visible(rows, at);
        }
        // Of tick 1, one row at 2 ms and two at 5 ms; of ticks 2 and 3, all at 5 ms.
        assert_eq!((arrivals.rows(), arrivals.waits().rows()), (12, 9));
        let within =
            |part, ms: f64| (arrivals.waits().quantile_us(part) - ms * 1e3).abs() < ms * 2.0;
        assert!(within(1.0 / 9.0, 1.0) && within(4.0 / 9.0, 2.0) && within(1.0, 4.0));
    }

    #[test]
    #[should_panic(expected = "13 rows of 12 are visible")]
    fn more_rows_than_were_pushed_are_a_mistake() {
        Arrivals::new(Schedule::new(3_000, MS, MS * 4), 0).visible(13, MS);
    }
}
