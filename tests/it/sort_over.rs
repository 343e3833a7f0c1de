//! Outputs of sorted rows that depend on their neighbours.

use crate::oracle::{against, groups};
use pathway::prelude::*;
use pathway::testing::{Check, Harness, Random, add, check_incremental, remove};
use std::cmp::Reverse;

/// Shop, time, price, note.
type Sale = (Option<u8>, i64, Option<f64>, String);

/// Checks a pipeline over a table and over a stream.
fn over_both<U: Schema>(pipeline: impl Fn(&Table<Sale>) -> Table<U>) {
    let (table, stream): (&dyn Fn(&Check) -> Table<Sale>, &dyn Fn(&Check) -> Table<Sale>) =
        (&|t| t.table(), &|t| t.stream().into());
    for input in [table, stream] {
        check_incremental(|t| pipeline(&input(t))).cases(96).run();
    }
}

#[test]
fn positions() {
    over_both(|sales| {
        let sorted = sales.group_by(|sale| sale.0).sort_by(|sale| sale.1);
        sorted.over(|o| (o.row_number(), o.rank(), o.dense_rank(), o.running_count())).into()
    });
    over_both(|sales| sales.sort_by(|sale| Reverse(sale.2)).over(|o| o.rank()).into());
    over_both(|sales| sales.sort_by(|sale| sale.2).over(|o| o.dense_rank()).into());
}

#[test]
fn neighbours() {
    over_both(|sales| {
        let sorted = sales.group_by(|sale| sale.0).sort_by(|sale| sale.1);
        sorted
            .over(|o| {
                (
                    o.lag(2, |sale| sale.2),
                    o.lead(1, |sale| sale.3.clone()),
                    o.previous(|sale| sale.1),
                    o.next(|sale| sale.2),
                    o.lag(0, |sale| sale.1),
                    o.lead(u64::MAX, |sale| sale.1),
                )
            })
            .into()
    });
    over_both(|sales| sales.sort_by(|sale| sale.1).over(|o| o.lag(1, |sale| sale.2)).into());
}

#[test]
fn edges() {
    over_both(|sales| {
        let sorted = sales.group_by(|sale| sale.0).sort_by(|sale| sale.1);
        sorted
            .over(|o| {
                (o.first(|sale| sale.2), o.last(|sale| sale.2), o.first(|sale| sale.3.clone()))
            })
            .into()
    });
}

#[test]
fn running_results() {
    over_both(|sales| {
        let sorted = sales.group_by(|sale| sale.0).sort_by(|sale| sale.1);
        sorted
            .over(|o| {
                (
                    o.running_sum(|sale| sale.1),
                    o.running_sum(|sale| sale.2),
                    o.running_min(|sale| sale.2),
                    o.running_max(|sale| sale.3.clone()),
                    o.running_max(|sale| sale.2),
                )
            })
            .into()
    });
    over_both(|sales| {
        sales.sort_by(|sale| sale.3.clone()).over(|o| o.running_max(|sale| sale.1)).into()
    });
    over_both(|sales| {
        sales.sort_by(|sale| sale.3.clone()).over(|o| o.running_sum(|sale| sale.2)).into()
    });
}

#[test]
fn moving_results() {
    over_both(|sales| {
        let sorted = sales.group_by(|sale| sale.0).sort_by(|sale| sale.1);
        sorted
            .over(|o| {
                (
                    o.moving_sum(2, 0, |sale| sale.2),
                    o.moving_mean(1, 1, |sale| sale.1),
                    o.moving_mean(1, 1, |sale| sale.2),
                    o.moving_min(0, 2, |sale| sale.2),
                    o.moving_max(3, 1, |sale| sale.3.clone()),
                    o.moving_count(1, 2),
                    o.moving_sum(u64::MAX, u64::MAX, |sale| sale.1),
                )
            })
            .into()
    });
    over_both(|sales| {
        sales.sort_by(|sale| sale.1).over(|o| o.moving_sum(1, 1, |sale| sale.2)).into()
    });
}

#[test]
fn differences_and_gaps() {
    over_both(|sales| {
        let sorted = sales.group_by(|sale| sale.0).sort_by(|sale| sale.1);
        sorted
            .over(|o| {
                (
                    o.difference(|sale| sale.1),
                    o.difference(|sale| sale.2),
                    o.interpolate(|sale| sale.1, |sale| sale.2),
                    o.interpolate(|sale| sale.2, |sale| sale.0),
                )
            })
            .into()
    });
    over_both(|sales| {
        let sorted = sales.sort_by(|sale| sale.1);
        sorted.over(|o| o.interpolate(|sale| sale.1, |sale| sale.2)).into()
    });
}

/// Rows of few shops, times and prices, so that ties and copies are many.
type Trade = (u8, i64, Option<i64>);

fn trade(random: &mut Random) -> Trade {
    let at = random.below(60).cast_signed();
    let price = (!random.one_in(3)).then(|| random.below(12).cast_signed() - 4);
    (u8::from(random.one_in(2)), at, price)
}

/// Partitions of many leaves, of which an epoch changes a small part.
fn large(pipeline: impl Fn(&Table<Trade>) -> Table<(Trade, u64)>) {
    check_incremental(|t| pipeline(&t.table::<Trade>()))
        .rows(trade)
        .rows_per_epoch(120)
        .epochs(12)
        .cases(12)
        .run();
}

#[test]
fn partitions_larger_than_a_leaf() {
    large(|rows| rows.sort_by(|row| row.1).over(|o| o.row_number()).into());
    large(|rows| rows.sort_by(|row| row.1).over(|o| o.rank()).into());
    large(|rows| rows.sort_by(|row| row.2).over(|o| o.dense_rank()).into());
    large(|rows| rows.sort_by(|row| row.1).over(|o| o.moving_count(2, 90)).into());
}

/// The outputs of every row, by plain loops over a sorted vector.
fn naive(rows: &[Trade]) -> Vec<(Trade, Outputs)> {
    let mut found = Vec::new();
    for (_, mut group) in groups(rows, |row| row.0) {
        group.sort_by_key(|row| (Reverse(row.1 / 10), **row));
        let n = group.len();
        let price = |at: usize| group[at].2;
        let frame = |from: usize, to: usize| group[from..to].iter().filter_map(|row| row.2);
        for (at, row) in group.iter().enumerate() {
            let key = |row: &Trade| row.1 / 10;
            let greater: Vec<i64> =
                group.iter().map(|other| key(other)).filter(|k| *k > key(row)).collect();
            let distinct = greater.iter().collect::<std::collections::BTreeSet<_>>().len();
            let (low, high) = (at.saturating_sub(2), (at + 2).min(n));
            let moving: Vec<i64> = frame(low, high).collect();
            let sum = |values: &[i64]| (!values.is_empty()).then(|| values.iter().sum::<i64>());
            let front = (0..at).rev().find(|&at| price(at).is_some());
            let behind = (at + 1..n).find(|&at| price(at).is_some());
            let of = |at: usize| (group[at].1 as f64, price(at).expect("it was looked for") as f64);
            let line = match (row.2, front.map(of), behind.map(of)) {
                (Some(price), ..) => Some(price as f64),
                (_, Some((x0, y0)), Some((x1, y1))) if x0 != x1 => {
                    Some(y0 + (y1 - y0) * ((row.1 as f64 - x0) / (x1 - x0)))
                }
                (_, Some((_, y)), _) | (_, None, Some((_, y))) => Some(y),
                (None, None, None) => None,
            };
            let outputs = (
                (at as u64 + 1, greater.len() as u64 + 1, distinct as u64 + 1),
                (at.checked_sub(2).map(price), (at + 1 < n).then(|| price(at + 1))),
                (price(0), price(n - 1)),
                (
                    sum(&frame(0, at + 1).collect::<Vec<_>>()),
                    frame(0, at + 1).min(),
                    frame(0, at + 1).max(),
                ),
                (sum(&moving), moving.iter().min().copied(), (high - low) as u64),
                sum(&moving).map(|sum| sum as f64 / moving.len() as f64),
                at.checked_sub(1).and_then(|at| Some(row.2? - price(at)?)),
                line,
            );
            found.push((**row, outputs));
        }
    }
    found
}

type Price = Option<i64>;
type Outputs = (
    (u64, u64, u64),
    (Option<Price>, Option<Price>),
    (Price, Price),
    (Price, Price, Price),
    (Price, Price, u64),
    Option<f64>,
    Price,
    Option<f64>,
);

fn outputs(rows: &Table<Trade>) -> Table<(Trade, Outputs)> {
    let sorted = rows.group_by(|row| row.0).sort_by(|row| Reverse(row.1 / 10));
    // More than twelve outputs: two windows, joined by the position, which is unique.
    let left = sorted.over(|o| {
        (
            o.row_number(),
            o.rank(),
            o.dense_rank(),
            o.lag(2, |row| row.2),
            o.next(|row| row.2),
            o.first(|row| row.2),
            o.last(|row| row.2),
            o.running_sum(|row| row.2),
            o.running_min(|row| row.2),
            o.running_max(|row| row.2),
        )
    });
    let right = sorted.over(|o| {
        (
            o.row_number(),
            o.moving_sum(2, 1, |row| row.2),
            o.moving_min(2, 1, |row| row.2),
            o.moving_count(2, 1),
            o.moving_mean(2, 1, |row| row.2),
            o.difference(|row| row.2),
            o.interpolate(|row| row.1, |row| row.2),
        )
    });
    left.join(&right)
        .on(|(row, outputs)| (row.0, outputs.0), |(row, outputs)| (row.0, outputs.0))
        .select(|(row, a), (_, b)| {
            let outputs = (
                (a.0, a.1, a.2),
                (a.3, a.4),
                (a.5, a.6),
                (a.7, a.8, a.9),
                (b.1, b.2, b.3),
                b.4,
                b.5,
                b.6,
            );
            (*row, outputs)
        })
}

#[test]
fn a_naive_evaluation_agrees() {
    against(|rows, _: &Table<()>| outputs(rows), |rows, _| naive(rows), trade, |_| ());
}

#[test]
fn a_naive_evaluation_of_a_large_partition_agrees() {
    // Few changes to many rows, where ranges are looked for.
    for seed in 0..6 {
        let mut random = Random::new(seed);
        let mut t = Harness::new();
        let table = t.table::<Trade>();
        let captured = t.capture(outputs(&table.rows()));
        let mut rows: Vec<Trade> = Vec::new();
        for epoch in 0..40 {
            let changes = if epoch == 0 { 300 } else { random.below(6) };
            for _ in 0..changes {
                if epoch > 0 && random.one_in(2) {
                    let at = random.index(rows.len());
                    table.remove(rows.swap_remove(at));
                } else {
                    let row = trade(&mut random);
                    rows.push(row);
                    table.insert(row);
                }
            }
            t.step();
            captured.assert_rows(naive(&rows));
        }
    }
}

#[test]
fn an_update_emits_only_what_differs() {
    let mut t = Harness::new();
    let rows = t.table::<(i64, i64)>();
    let sorted = rows.rows().sort_by(|row| row.0);
    let best = t.capture(sorted.over(|o| (o.running_max(|row| row.1), o.lag(1, |row| row.1))));
    let numbers = t.capture(sorted.over(|o| (o.row_number(), o.rank())));
    for at in 0..200 {
        rows.insert((at * 10, at));
    }
    t.step();
    // A maximum holds until a greater value comes.
    rows.insert((505, 52));
    t.step();
    best.assert_changes([
        add(((505, 52), (52, Some(50)))),
        remove(((510, 51), (51, Some(50)))),
        add(((510, 51), (52, Some(52)))),
    ]);
    // A row that is replaced in its place changes no position behind it.
    rows.remove((700, 70));
    rows.insert((701, 0));
    t.step();
    numbers.assert_changes([remove(((700, 70), (72, 72))), add(((701, 0), (72, 72)))]);
}

#[test]
fn times_differ_by_durations() {
    let app = Pipeline::new("times");
    let at = |second: i64| DateTime::from_second(second).unwrap();
    let rows = app.rows(vec![(at(10), Some(1.0)), (at(40), None), (at(70), Some(4.0))]);
    let gaps = rows
        .sort_by(|row| row.0)
        .over(|o| (o.difference(|row| row.0), o.interpolate(|row| row.0, |row| row.1)))
        .select(|_, outputs| outputs);
    let half = Some(Duration::from_secs(30));
    assert_eq!(gaps.collect().unwrap(), [(None, Some(1.0)), (half, Some(2.5)), (half, Some(4.0))]);
}

#[test]
fn a_running_sum_that_does_not_fit_names_the_partition() {
    let mut t = Harness::new();
    let rows = t.table::<(String, i64)>();
    let sorted = rows.rows().group_by(|row| row.0.clone()).sort_by(|row| row.1);
    let sums = t.capture(sorted.over(|o| o.running_sum(|row| row.1)));
    rows.insert(("a".to_owned(), i64::MAX));
    t.step();
    sums.assert_rows([(("a".to_owned(), i64::MAX), i64::MAX)]);
    rows.insert(("a".to_owned(), 1));
    let error = t.try_step().unwrap_err().to_string();
    for part in ["the sum 9223372036854775808 does not fit `i64`", "in the group \"a\"", "`over`"] {
        assert!(error.contains(part), "`{part}` is not in: {error}");
    }
}
