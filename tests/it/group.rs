//! Groups and every reducer, over tables and over streams.

use crate::oracle::{against, groups};
use pathway::prelude::*;
use pathway::testing::{Check, Random, check_incremental};
use std::collections::BTreeSet;

/// Key, whole number, optional float, text.
type Sale = (Option<u8>, i64, Option<f64>, String);

/// Checks a reduction over a table and over a stream.
fn over_both<C: pathway::table::IntoTable>(reduce: impl Fn(&Table<Sale>) -> C) {
    let (table, stream): (&dyn Fn(&Check) -> Table<Sale>, &dyn Fn(&Check) -> Table<Sale>) =
        (&|t| t.table(), &|t| t.stream().into());
    for input in [table, stream] {
        check_incremental(|t| reduce(&input(t)).into_table()).cases(128).run();
    }
}

#[test]
fn count_sum_and_mean() {
    over_both(|sales| {
        sales.group_by(|sale| sale.0).reduce(|g| {
            (
                g.count(),
                g.sum(|sale| sale.1),
                g.sum(|sale| sale.2),
                g.mean(|sale| sale.1),
                g.mean(|sale| sale.2),
                g.sum(|sale| sale.2.unwrap_or(0.0)),
                g.sum(|sale| sale.0),
            )
        })
    });
}

#[test]
fn a_single_reducer_of_each_kind() {
    over_both(|sales| sales.group_by(|sale| sale.0).reduce(|g| g.count()));
    over_both(|sales| sales.group_by(|sale| sale.0).reduce(|g| g.sum(|sale| sale.2)));
    over_both(|sales| sales.group_by(|sale| sale.3.clone()).reduce(|g| g.max(|sale| sale.2)));
    over_both(|sales| sales.group_by(|_| ()).reduce(|g| g.collect(|sale| sale.2)));
}

#[test]
fn min_max_and_any() {
    over_both(|sales| {
        sales.group_by(|sale| sale.0).reduce(|g| {
            (
                g.min(|sale| sale.1),
                g.max(|sale| sale.1),
                g.min(|sale| sale.2),
                g.max(|sale| sale.2),
                g.min(|sale| sale.3.clone()),
                g.max(|sale| sale.3.clone()),
                g.any(|sale| (sale.3.clone(), sale.2)),
            )
        })
    });
}

#[test]
fn argmin_and_argmax() {
    over_both(|sales| {
        sales.group_by(|sale| sale.0).reduce(|g| {
            (
                g.argmin(|sale| sale.2, |sale| sale.3.clone()),
                g.argmax(|sale| sale.2, |sale| sale.3.clone()),
                g.argmin(|sale| sale.3.clone(), |sale| sale.2),
                g.argmax(|sale| sale.3.clone(), |sale| sale.2),
                g.argmax(|sale| (sale.2, sale.3.clone()), |sale| sale.1),
            )
        })
    });
}

#[test]
fn count_distinct_and_collect() {
    over_both(|sales| {
        sales.group_by(|sale| sale.0).reduce(|g| {
            (
                g.count_distinct(|sale| sale.3.clone()),
                g.count_distinct(|sale| sale.2),
                g.collect(|sale| sale.2),
                g.collect(|sale| (sale.3.clone(), sale.1)),
            )
        })
    });
}

/// The sum of squares.
pub(crate) struct SumOfSquares;

impl Accumulate for SumOfSquares {
    type Input = i64;
    type State = i64;
    type Output = i64;

    fn zero(&self) -> i64 {
        0
    }

    fn add(&self, state: &mut i64, input: &i64, times: i64) {
        *state += input * input * times;
    }

    fn merge(&self, state: &mut i64, other: &i64) {
        *state += other;
    }

    fn output(&self, state: &i64) -> i64 {
        *state
    }
}

#[test]
fn reducers_of_ones_own() {
    over_both(|sales| {
        sales.group_by(|sale| sale.0).reduce(|g| {
            (
                g.accumulate(SumOfSquares, |sale| sale.1),
                g.fold(
                    |sale| sale.1,
                    |values| values.windows(2).map(|two| two[1].0 - two[0].0).max(),
                ),
                g.fold(
                    |sale| sale.2,
                    |values| values.iter().map(|(_, copies)| *copies).sum::<u64>(),
                ),
            )
        })
    });
}

#[test]
fn groups_larger_than_an_epoch() {
    check_incremental(|t| {
        t.table::<Sale>().group_by(|sale| sale.1 > 3).reduce(|g| {
            (g.count(), g.sum(|sale| sale.2), g.max(|sale| sale.3.clone()), g.collect(|s| s.1))
        })
    })
    .rows_per_epoch(150)
    .epochs(10)
    .cases(32)
    .run();
}

/// Values of no width, of one word and of several, more than stand beside the sorted runs.
#[test]
fn extremes_of_groups_larger_than_an_epoch() {
    check_incremental(|t| {
        t.table::<Sale>().group_by(|sale| sale.0.is_some()).reduce(|g| {
            (
                g.min(|sale| sale.1),
                g.max(|sale| sale.1),
                g.max(|sale| sale.2),
                g.min(|sale| sale.3.clone()),
                g.max(|sale| sale.3.clone()),
                g.argmin(|sale| sale.1, |sale| sale.2.unwrap_or(0.0)),
                g.argmax(|sale| sale.2, |sale| sale.3.clone()),
            )
        })
    })
    .rows_per_epoch(250)
    .epochs(10)
    .cases(32)
    .run();
}

#[test]
fn keys_of_every_length() {
    let key = |random: &mut Random| {
        let len = *random.pick(&[0usize, 1, 13, 14, 15, 16, 40]);
        ("k".repeat(len), i64::try_from(random.below(3)).unwrap())
    };
    check_incremental(|t| {
        let rows = t.table::<(String, i64)>();
        rows.group_by(|row| row.0.clone()).reduce(|g| (g.count(), g.sum(|row| row.1)))
    })
    .rows(key)
    .cases(128)
    .run();
}

fn least(random: &mut Random) -> i64 {
    (-10..10).nth(random.index(20)).expect("a position below the length")
}

#[test]
fn a_naive_evaluation_agrees() {
    against(
        |rows: &Table<(u8, i64)>, _: &Table<()>| {
            rows.group_by(|row| row.0).reduce(|g| {
                (
                    g.count(),
                    g.sum(|row| row.1),
                    g.min(|row| row.1),
                    g.max(|row| row.1),
                    g.count_distinct(|row| row.1),
                    g.collect(|row| row.1),
                    g.mean(|row| row.1),
                    g.argmax(|row| row.1 % 3, |row| row.1),
                )
            })
        },
        |rows, _| {
            groups(rows, |row| row.0)
                .into_iter()
                .map(|(key, rows)| {
                    let mut values: Vec<i64> = rows.iter().map(|row| row.1).collect();
                    values.sort_unstable();
                    let sum: i64 = values.iter().sum();
                    let distinct = values.iter().collect::<BTreeSet<_>>().len() as u64;
                    let count = values.len() as u64;
                    let best = values.iter().map(|v| v % 3).max().unwrap();
                    let arg = values.iter().find(|v| *v % 3 == best).unwrap();
                    let mean = sum as f64 / count as f64;
                    let (min, max) = (values[0], values[values.len() - 1]);
                    (key, (count, sum, min, max, distinct, values.clone(), mean, *arg))
                })
                .collect()
        },
        |random| (u8::try_from(random.below(4)).unwrap(), least(random)),
        |_| (),
    );
}
