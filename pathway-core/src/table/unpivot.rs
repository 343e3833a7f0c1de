//! `unpivot`: one row for each of several columns.

use super::collection::step;
use super::{Stream, Table};
use crate::schema::Schema;
use crate::stage;
use std::panic::Location;

fn factory<T, K, N, V, I, F, G>(id: F, columns: G) -> stage::StepFactory
where
    T: Schema,
    K: Schema,
    N: Into<String>,
    V: Schema,
    I: IntoIterator<Item = (N, V)>,
    F: Fn(&T) -> K + Send + Sync + 'static,
    G: Fn(&T) -> I + Send + Sync + 'static,
{
    stage::flat_map(move |row: T| {
        let rows = columns(&row).into_iter();
        rows.map(|(name, value)| (id(&row), name.into(), value)).collect::<Vec<_>>()
    })
}

/// The verb of both handles; that of a stream returns a stream.
macro_rules! unpivot {
    ($Handle:ident) => {
        impl<T> $Handle<T> {
            /// Makes a row of each of several columns: what identifies the row, the column's name
            /// and its value (SQL's `UNPIVOT`, pandas' `melt`). Null values are kept.
            ///
            /// ```
            /// # use pathway::prelude::*;
            /// let app = Pipeline::new("example");
            /// let sales = app.rows(vec![('a', 5, 7)]);
            /// let by_year = sales.unpivot(|row| row.0, |row| [("2024", row.1), ("2025", row.2)]);
            /// let expected = [('a', "2024".to_owned(), 5), ('a', "2025".to_owned(), 7)];
            /// assert_eq!(by_year.collect()?, expected);
            /// # Ok::<(), pathway::Error>(())
            /// ```
            #[track_caller]
            pub fn unpivot<K, N, V, I, F, G>(&self, id: F, columns: G) -> $Handle<(K, String, V)>
            where
                T: Schema,
                K: Schema,
                N: Into<String>,
                V: Schema,
                I: IntoIterator<Item = (N, V)>,
                F: Fn(&T) -> K + Send + Sync + 'static,
                G: Fn(&T) -> I + Send + Sync + 'static,
            {
                step(self, "unpivot", Location::caller(), factory(id, columns))
            }
        }
    };
}

unpivot!(Table);
unpivot!(Stream);
