//! Verbs on whole rows: distinct, difference, intersect.

use super::Table;
use crate::plan::Operation;
use crate::schema::Schema;
use std::panic::Location;

impl<T> Table<T> {
    /// Keeps one copy of each row.
    ///
    /// **State.** Every distinct row, with how often it occurs.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// assert_eq!(app.rows(vec![2, 1, 2]).distinct().collect()?, [1, 2]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    #[track_caller]
    pub fn distinct(&self) -> Self
    where
        T: Schema,
    {
        self.derive("distinct", Location::caller(), Operation::Distinct, &[], self.is_append_only())
    }

    /// The rows that either table has, each once (SQL's `UNION`). To keep all copies, SQL's
    /// `UNION ALL`, use [`concat`](Self::concat).
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let either = app.rows(vec![1, 2, 2]).union(&app.rows(vec![2, 3]));
    /// assert_eq!(either.collect()?, [1, 2, 3]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    #[track_caller]
    pub fn union(&self, other: &Self) -> Self
    where
        T: Schema,
    {
        self.concat(other).distinct()
    }

    /// The rows of this table that the other does not have, copy by copy: a row that is here
    /// three times and there once is kept twice (SQL's `EXCEPT ALL`).
    ///
    /// For SQL's `EXCEPT`, each row once, and none that the other has:
    /// `a.distinct().difference(&b.distinct())`.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let left = app.rows(vec![1, 2, 2, 2]);
    /// assert_eq!(left.difference(&app.rows(vec![2, 3])).collect()?, [1, 2, 2]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    #[track_caller]
    pub fn difference(&self, other: &Self) -> Self
    where
        T: Schema,
    {
        let operation = Operation::Set { intersect: false };
        self.derive("difference", Location::caller(), operation, &[other.port], false)
    }

    /// The rows that both tables have, copy by copy: a row that is here three times and there
    /// twice is kept twice (SQL's `INTERSECT ALL`).
    ///
    /// For SQL's `INTERSECT`, each row once: `a.intersect(&b).distinct()`.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let left = app.rows(vec![1, 2, 2, 2]);
    /// assert_eq!(left.intersect(&app.rows(vec![2, 2, 3])).collect()?, [2, 2]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    #[track_caller]
    pub fn intersect(&self, other: &Self) -> Self
    where
        T: Schema,
    {
        let operation = Operation::Set { intersect: true };
        self.derive("intersect", Location::caller(), operation, &[other.port], false)
    }
}

impl<T> super::Stream<T> {
    /// Keeps the first copy of each row: a stream again, because what was seen once stays seen.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let seen: Stream<i32> = app.rows(vec![2, 1, 2]).distinct();
    /// # let _ = seen;
    /// ```
    #[track_caller]
    pub fn distinct(&self) -> Self
    where
        T: Schema,
    {
        let table: &Table<T> = self;
        let distinct: Table<T> =
            table.derive("distinct", Location::caller(), Operation::Distinct, &[], true);
        distinct.into_stream()
    }

    /// The rows that either stream has, each once, when it is seen first.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// let app = Pipeline::new("example");
    /// let either: Stream<i32> = app.rows(vec![1, 2, 2]).union(&app.rows(vec![2, 3]));
    /// # let _ = either;
    /// ```
    #[track_caller]
    pub fn union(&self, other: &Self) -> Self
    where
        T: Schema,
    {
        self.concat(other).distinct()
    }
}
