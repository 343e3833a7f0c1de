//! Verbs that let the rows of another table take the place of rows by key.

use super::Table;
use crate::schema::Keyed;

impl<T> Table<T> {
    /// The rows of both tables; where both have a row of one key, the other's.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// #[derive(Clone, Debug, PartialEq, Schema)]
    /// struct Price {
    ///     #[schema(key)]
    ///     item: u32,
    ///     cents: u64,
    /// }
    ///
    /// let app = Pipeline::new("example");
    /// let price = |item, cents| Price { item, cents };
    /// let list = app.rows(vec![price(1, 100), price(2, 200)]);
    /// let sale = app.rows(vec![price(2, 150), price(3, 50)]);
    /// let now = list.update_rows(&sale);
    /// assert_eq!(now.collect()?, [price(1, 100), price(2, 150), price(3, 50)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    #[track_caller]
    pub fn update_rows(&self, other: &Self) -> Self
    where
        T: Keyed,
    {
        self.anti_join(other).on(|row: &T| row.key(), |row: &T| row.key()).concat(other)
    }

    /// Changes the rows for which another table has one of the same key; the others stay as they
    /// are.
    ///
    /// Keys of the other table are unique, as in [`lookup`](Self::lookup).
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// #[derive(Clone, Debug, PartialEq, Schema)]
    /// struct Price {
    ///     #[schema(key)]
    ///     item: u32,
    ///     cents: u64,
    /// }
    ///
    /// #[derive(Clone, Debug, Schema)]
    /// struct Rebate {
    ///     #[schema(key)]
    ///     item: u32,
    ///     cents: u64,
    /// }
    ///
    /// let app = Pipeline::new("example");
    /// let price = |item, cents| Price { item, cents };
    /// let list = app.rows(vec![price(1, 100), price(2, 200)]);
    /// let rebates = app.rows(vec![Rebate { item: 2, cents: 50 }]);
    /// let now = list.update_cells(&rebates, |price, rebate| Price {
    ///     cents: price.cents - rebate.cents,
    ///     ..price.clone()
    /// });
    /// assert_eq!(now.collect()?, [price(1, 100), price(2, 150)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Two rows of the other table that have one key when an epoch closes end the run.
    #[track_caller]
    pub fn update_cells<P, F>(&self, other: &Table<P>, f: F) -> Self
    where
        T: Keyed,
        P: Keyed<Key = T::Key>,
        F: Fn(&T, &P) -> T + Send + Sync + 'static,
    {
        self.lookup(other, |row: &T| row.key()).select(move |row, patch| match patch {
            Some(patch) => f(row, patch),
            None => row.duplicate(),
        })
    }

    /// Keeps the rows whose key the other table has.
    ///
    /// ```
    /// # use pathway::prelude::*;
    /// #[derive(Clone, Debug, PartialEq, Schema)]
    /// struct Price {
    ///     #[schema(key)]
    ///     item: u32,
    ///     cents: u64,
    /// }
    ///
    /// let app = Pipeline::new("example");
    /// let price = |item, cents| Price { item, cents };
    /// let list = app.rows(vec![price(1, 100), price(2, 200)]);
    /// let known = list.restrict(&app.rows(vec![price(2, 0)]));
    /// assert_eq!(known.collect()?, [price(2, 200)]);
    /// # Ok::<(), pathway::Error>(())
    /// ```
    #[track_caller]
    pub fn restrict<R>(&self, other: &Table<R>) -> Self
    where
        T: Keyed,
        R: Keyed<Key = T::Key>,
    {
        self.semi_join(other).on(|row: &T| row.key(), |row: &R| row.key())
    }
}
