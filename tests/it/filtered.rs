//! Reducers with a condition.

use crate::oracle::{against, groups};
use pathway::prelude::*;
use pathway::testing::check_incremental;

type Sale = (Option<u8>, i64, Option<f64>, String);

#[test]
fn every_kind_of_state_behind_a_condition() {
    check_incremental(|t| {
        t.table::<Sale>().group_by(|sale| sale.0).reduce(|g| {
            (
                g.count().when(|sale| sale.1 > 0),
                g.sum(|sale| sale.1).when(|sale| sale.2.is_some()),
                g.sum(|sale| sale.2).when(|sale| sale.1 > 0),
                g.mean(|sale| sale.2).when(|sale| sale.1 > 0),
                g.min(|sale| sale.3.clone()).when(|sale| sale.1 > 0),
                g.max(|sale| sale.2).when(|sale| sale.1 > 0),
                g.argmax(|sale| sale.2, |sale| sale.1).when(|sale| sale.1 < 0),
                g.count_distinct(|sale| sale.3.clone()).when(|sale| sale.1 < 0),
                g.collect(|sale| sale.2).when(|sale| sale.1 < 0),
                g.variance_population(|sale| sale.1).when(|sale| sale.1 < 0),
                g.median(|sale| sale.1).when(|sale| sale.1 < 0).when(|sale| sale.2.is_some()),
                g.bool_and(|sale| sale.1 < 10).when(|sale| sale.1 > 0),
            )
        })
    })
    .cases(128)
    .run();
}

#[test]
fn a_naive_evaluation_agrees() {
    against(
        |rows: &Table<(u8, i64)>, _: &Table<()>| {
            rows.group_by(|row| row.0).reduce(|g| {
                (
                    g.count(),
                    g.count().when(|row| row.1 > 2),
                    g.sum(|row| row.1).when(|row| row.1 > 2),
                    g.mean(|row| row.1).when(|row| row.1 > 2),
                    g.max(|row| row.1).when(|row| row.1 < 2),
                    g.min(|row| (row.1 != 0).then_some(row.1)).when(|row| row.1 < 2),
                )
            })
        },
        |rows, _| {
            let of = |(key, rows): (u8, Vec<&(u8, i64)>)| {
                let large: Vec<i64> = rows.iter().map(|row| row.1).filter(|n| *n > 2).collect();
                let small = || rows.iter().map(|row| row.1).filter(|n| *n < 2);
                let sum: i64 = large.iter().sum();
                let mean = (!large.is_empty()).then(|| sum as f64 / large.len() as f64);
                let least = small().filter(|n| *n != 0).min();
                (key, (rows.len() as u64, large.len() as u64, sum, mean, small().max(), least))
            };
            groups(rows, |row| row.0).into_iter().map(of).collect()
        },
        |random| (u8::try_from(random.below(3)).unwrap(), i64::try_from(random.below(5)).unwrap()),
        |_| (),
    );
}
