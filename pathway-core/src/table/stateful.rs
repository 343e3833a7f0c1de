//! State of one's own for each key.

use super::{Stream, Table};
use crate::plan::Operation;
use crate::schema::{Expr, Schema};
use crate::stage::{self, Diff};
use std::panic::Location;

impl<T> Stream<T> {
    /// Calls `f` on every row with the state of its key, and makes rows of what it returns.
    ///
    /// The state is `None` at a key's first row; what `f` leaves in it is there at the next one,
    /// and a key whose state is left `None` takes no memory.
    ///
    /// **Time.** A function of the history: the rows of a key come in the order of epochs and,
    /// within one, of their source; rows that have no order by their source come in the order of
    /// rows. What was emitted is never taken back, so the result is a stream.
    /// **State.** One state for each key that has one.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let readings = [("a", 3), ("a", 9), ("b", 4), ("a", 10)];
    /// let readings = app.rows(readings.map(|(sensor, value)| (sensor.to_owned(), value)));
    /// // A jump is a reading that is far from the one before.
    /// let jumps = readings.stateful_map(
    ///     |(sensor, _)| sensor.clone(),
    ///     |sensor, last: &mut Option<i32>, (_, value)| {
    ///         let before = last.replace(value);
    ///         before.filter(|before| value - before > 5).map(|_| (sensor.clone(), value))
    ///     },
    /// );
    /// assert_eq!(jumps.collect()?, [("a".to_owned(), 9)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    #[track_caller]
    pub fn stateful_map<E, S, I, G, F>(&self, key: G, f: F) -> Stream<I::Item>
    where
        T: Schema,
        E: Expr<T>,
        S: Schema,
        I: IntoIterator<Item: Schema> + 'static,
        G: Fn(&T) -> E + Send + Sync + 'static,
        F: Fn(&E::Value, &mut Option<S>, T) -> I + Send + Sync + 'static,
    {
        let logic = move |key: &E::Value,
                          state: &mut Option<S>,
                          row: T,
                          emit: &mut dyn FnMut(I::Item, Diff)| {
            for row in f(key, state, row) {
                emit(row, 1);
            }
        };
        let verb = "stateful_map";
        self.stateful(verb, Location::caller(), key, stage::stateful(logic), true).into_stream()
    }

    /// Keeps one row for each key: the last one that was accepted. The first row of a key is
    /// accepted, and then each for which `accept(new, last)` holds.
    ///
    /// **Time.** A function of the history, as [`stateful_map`](Self::stateful_map) is.
    /// **State.** One row for each key.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let readings = app.rows(vec![(1, 20.0_f64), (1, 20.4), (1, 21.5), (2, 7.0)]);
    /// // A new reading counts if it differs by a degree.
    /// let steady = readings.deduplicate(|row| row.0, |new, last| (new.1 - last.1).abs() >= 1.0);
    /// assert_eq!(steady.collect()?, [(1, 21.5), (2, 7.0)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    #[track_caller]
    pub fn deduplicate<E, G, F>(&self, key: G, accept: F) -> Table<T>
    where
        T: Schema,
        E: Expr<T>,
        G: Fn(&T) -> E + Send + Sync + 'static,
        F: Fn(&T, &T) -> bool + Send + Sync + 'static,
    {
        let logic =
            move |_: &E::Value, last: &mut Option<T>, row: T, emit: &mut dyn FnMut(T, Diff)| {
                if last.as_ref().is_none_or(|last| accept(&row, last)) {
                    emit(row.duplicate(), 1);
                    if let Some(last) = last.replace(row) {
                        emit(last, -1);
                    }
                }
            };
        self.stateful("deduplicate", Location::caller(), key, stage::stateful(logic), false)
    }

    fn stateful<U, E, G>(
        &self,
        verb: &'static str,
        location: &'static Location<'static>,
        key: G,
        logic: stage::KeyedLogicFactory,
        append_only: bool,
    ) -> Table<U>
    where
        T: Schema,
        U: Schema,
        E: Expr<T>,
        G: Fn(&T) -> E + Send + Sync + 'static,
    {
        let terminal = stage::upsert_terminal(move |row: &T, out, _| {
            key(row).with(row, |value| value.encode(out));
        });
        self.derive(verb, location, Operation::Stateful { terminal, logic }, &[], append_only)
    }
}
