//! `pivot` and `unpivot`.

use crate::oracle::{against, groups};
use pathway::prelude::*;
use pathway::testing::check_incremental;

type Sale = (Option<u8>, i64, Option<f64>, String);

#[test]
fn incremental_equals_recomputed() {
    check_incremental(|t| {
        let sales = t.table::<Sale>();
        sales.group_by(|sale| sale.0).pivot(|sale| sale.1 % 3, [0, 1, 2], |g| g.max(|sale| sale.2))
    })
    .cases(96)
    .run();
    check_incremental(|t| {
        let sales = t.table::<(u8, i64, i64)>();
        sales.unpivot(|row| row.0, |row| [("first", row.1), ("second", row.2)])
    })
    .cases(64)
    .run();
}

#[test]
fn a_naive_evaluation_agrees() {
    against(
        |rows: &Table<(u8, i64)>, _: &Table<()>| {
            rows.group_by(|row| row.0).pivot(|row| row.1 % 4, [0, 3], |g| g.min(|row| row.1))
        },
        |rows, _| {
            let least = |rows: &[&(u8, i64)], rest| {
                rows.iter().map(|row| row.1).filter(|n| n % 4 == rest).min()
            };
            groups(rows, |row| row.0)
                .into_iter()
                .map(|(key, rows)| (key, [least(&rows, 0), least(&rows, 3)]))
                .collect()
        },
        |random| (u8::try_from(random.below(3)).unwrap(), i64::try_from(random.below(9)).unwrap()),
        |_| (),
    );
}

#[test]
fn reducers_of_one_kind_make_an_array() {
    let app = Pipeline::new("test");
    let rows = app.rows([1, 5, 9]);
    let quantiles =
        rows.group_by(|_| ()).reduce(|g| [0.0, 0.5, 1.0].map(|q| g.quantile(q, |n| *n)));
    assert_eq!(quantiles.collect().unwrap(), [((), [1.0, 5.0, 9.0])]);
    let empty = rows.filter(|n| *n > 9).reduce(|g| [g.max(|n| *n), g.min(|n| *n)]);
    assert_eq!(empty.collect().unwrap(), [[None, None]]);
}

#[test]
fn unpivot_keeps_a_stream_and_its_nulls() {
    let app = Pipeline::new("test");
    let rows = app.rows([(1, Some(5), None)]);
    let long: Stream<(i32, String, Option<i32>)> =
        rows.unpivot(|row| row.0, |row| [("a", row.1), ("b", row.2)]);
    let expected = [(1, "a".to_owned(), Some(5)), (1, "b".to_owned(), None)];
    assert_eq!(long.collect().unwrap(), expected);
}
