//! From the matches of patterns to rows.

use super::{HasLimit, NOTHING_FOLLOWS, Pattern};
use crate::schema::{EventTime, Expr, Schema, TimePoint};
use crate::stage::{Captures, Outcome, PatternOf, PatternState, TakenRows};
use crate::table::{Stream, Table, TimedMachine};
use std::panic::Location;
use std::sync::Arc;

/// Makes an output row of what a pattern has come to.
type Select<T, U> = Box<dyn Fn(Outcome, TakenRows<'_, T>) -> Option<U> + Send + Sync>;

/// A row of a match, or of one that was not completed in time.
type MatchOrTimeout<U, V> = (Option<U>, Option<V>);

fn matches<T, C, U, F>(f: F) -> Select<T, U>
where
    T: Schema,
    C: Captures<T>,
    F: Fn(C::Rows) -> U + Send + Sync + 'static,
{
    Box::new(move |outcome, taken| (outcome == Outcome::Match).then(|| f(C::rows(taken))))
}

fn matches_and_timeouts<T, C, U, V, F, G>(f: F, g: G) -> Select<T, MatchOrTimeout<U, V>>
where
    T: Schema,
    C: Captures<T>,
    F: Fn(C::Rows) -> U + Send + Sync + 'static,
    G: Fn(C::Parts) -> V + Send + Sync + 'static,
{
    Box::new(move |outcome, taken| {
        Some(match outcome {
            Outcome::Match => (Some(f(C::rows(taken))), None),
            Outcome::TimedOut => (None, Some(g(C::parts(taken)))),
        })
    })
}

/// The last time at which a match that begins now may take a row.
fn until<P: TimePoint>(now: i128, within: Option<i128>) -> P {
    P::from_steps(within.map_or(i128::MAX, |within| now.saturating_add(within)))
}

impl<T, S, C, W> Pattern<T, S, C, W> {
    /// Notes what is wrong with the pattern.
    fn checked<U>(mut self, table: &Table<U>) -> (S, PatternOf<T>, Option<i128>) {
        if self.pattern.ends_in_forbidden() {
            self.mistakes.push(("not", Location::caller(), NOTHING_FOLLOWS.to_owned()));
        }
        for (verb, location, problem) in self.mistakes {
            table.mistake(verb, location, problem);
        }
        (self.source, self.pattern, self.within)
    }
}

impl<T, E, C, W> Pattern<T, TimedMachine<T, E, T::Time>, C, W>
where
    T: EventTime,
    E: Expr<T>,
{
    fn run<U: Schema>(self, select: Select<T, U>) -> Stream<U> {
        let table = self.source.table().clone();
        let (machine, pattern, within) = self.checked(&table);
        let both = Arc::new((pattern, select));
        let on_timer = Arc::clone(&both);
        machine.run::<PatternState<T>, U>(
            move |machine, row| {
                let (pattern, select) = &*both;
                let until: T::Time = until(machine.now().to_steps(), within);
                let mut state = machine.state().take().unwrap_or_default();
                let begins = state.row(pattern, row, until.to_steps(), &mut |outcome, taken| {
                    select(outcome, taken).into_iter().for_each(|row| machine.emit(row));
                });
                if state.is_empty() {
                    machine.cancel_timers();
                    return;
                }
                *machine.state() = Some(state);
                if begins {
                    machine.set_timer(until);
                }
            },
            move |machine, at| {
                let (pattern, select) = &*on_timer;
                let Some(mut state) = machine.state().take() else { return };
                state.expire(pattern, at.to_steps(), &mut |outcome, taken| {
                    select(outcome, taken).into_iter().for_each(|row| machine.emit(row));
                });
                if state.is_empty() {
                    machine.cancel_timers();
                } else {
                    *machine.state() = Some(state);
                }
            },
        )
    }

    /// Makes a row of each match.
    #[track_caller]
    pub fn select<U, F>(self, f: F) -> Stream<U>
    where
        C: Captures<T>,
        U: Schema,
        F: Fn(C::Rows) -> U + Send + Sync + 'static,
    {
        self.run(matches::<T, C, U, F>(f))
    }
}

impl<T, E, C, W> Pattern<T, TimedMachine<T, E, T::Time>, C, W>
where
    T: EventTime,
    E: Expr<T>,
{
    /// Makes a row of each match, and one of each that began and did not come to its end in time:
    /// of the steps that are missing there is no row.
    ///
    /// ```
    /// use pathway::prelude::*;
    ///
    /// #[derive(Clone, Debug, Schema)]
    /// struct Order {
    ///     id: u32,
    ///     #[schema(event_time)]
    ///     hour: i64,
    ///     paid: bool,
    /// }
    ///
    /// let app = Pipeline::new("orders");
    /// let order = |id, hour, paid| Order { id, hour, paid };
    /// let orders = vec![order(1, 0, false), order(2, 3, false), order(1, 5, true)];
    /// let (paid, unpaid) = app
    ///     .rows(orders)
    ///     .watermark(0)
    ///     .pattern(|order| order.id)
    ///     .one(|order| !order.paid)
    ///     .one(|_, order| order.paid)
    ///     .within(24)
    ///     .select_or_timeouts(|(order, _)| order.id, |(order, _)| order.map(|order| order.id));
    /// assert_eq!(unpaid.collect()?, [Some(2)]);
    /// # let _ = paid;
    /// # Ok::<(), pathway::Error>(())
    /// ```
    #[track_caller]
    pub fn select_or_timeouts<U, V, F, G>(self, f: F, g: G) -> (Stream<U>, Stream<V>)
    where
        W: HasLimit,
        C: Captures<T>,
        U: Schema,
        V: Schema,
        F: Fn(C::Rows) -> U + Send + Sync + 'static,
        G: Fn(C::Parts) -> V + Send + Sync + 'static,
    {
        let both = self.run(matches_and_timeouts::<T, C, U, V, F, G>(f, g));
        (both.filter_map(|(row, _)| row), both.filter_map(|(_, row)| row))
    }
}

impl<T, C, W> Pattern<T, Table<Vec<T>>, C, W>
where
    T: EventTime,
{
    #[track_caller]
    fn run<U: Schema>(self, select: Select<T, U>) -> Table<U> {
        let table = self.source.clone();
        let (by_key, pattern, within) = self.checked(&table);
        by_key.flat_map(move |rows: Vec<T>| {
            let mut found = Vec::new();
            let mut state = PatternState::default();
            let mut add = |outcome: Outcome, taken: TakenRows<'_, T>| {
                found.extend(select(outcome, taken));
            };
            for row in rows {
                let now = row.event_time().map_or(0, |time| time.to_steps());
                state.expire(&pattern, now.saturating_sub(1), &mut add);
                let until: T::Time = until(now, within);
                state.row(&pattern, row, until.to_steps(), &mut add);
            }
            state.expire(&pattern, i128::MAX, &mut add);
            found
        })
    }

    /// Makes a row of each match.
    #[track_caller]
    pub fn select<U, F>(self, f: F) -> Table<U>
    where
        C: Captures<T>,
        U: Schema,
        F: Fn(C::Rows) -> U + Send + Sync + 'static,
    {
        self.run(matches::<T, C, U, F>(f))
    }
}

impl<T, C, W> Pattern<T, Table<Vec<T>>, C, W>
where
    T: EventTime,
{
    /// Makes a row of each match, and one of each that began and did not come to its end in time:
    /// of the steps that are missing there is no row.
    #[track_caller]
    pub fn select_or_timeouts<U, V, F, G>(self, f: F, g: G) -> (Table<U>, Table<V>)
    where
        W: HasLimit,
        C: Captures<T>,
        U: Schema,
        V: Schema,
        F: Fn(C::Rows) -> U + Send + Sync + 'static,
        G: Fn(C::Parts) -> V + Send + Sync + 'static,
    {
        let both = self.run(matches_and_timeouts::<T, C, U, V, F, G>(f, g));
        (both.filter_map(|(row, _)| row), both.filter_map(|(_, row)| row))
    }
}
