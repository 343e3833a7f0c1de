//! Every reducer beyond those in `group`: over tables and over streams, against recomputation and
//! against naive evaluation.

use crate::oracle::{against, groups};
use pathway::prelude::*;
use pathway::table::IntoTable;
use pathway::testing::{Check, Harness, Random, check_incremental};
use std::collections::BTreeMap;

/// Key, whole number, optional float, text.
type Sale = (Option<u8>, i64, Option<f64>, String);

/// Checks a reduction over a table and over a stream.
fn over_both<C: IntoTable>(reduce: impl Fn(&Table<Sale>) -> C) {
    let (table, stream): (&dyn Fn(&Check) -> Table<Sale>, &dyn Fn(&Check) -> Table<Sale>) =
        (&|t| t.table(), &|t| t.stream().into());
    for input in [table, stream] {
        check_incremental(|t| reduce(&input(t)).into_table()).cases(96).run();
    }
}

#[test]
fn variance_and_std_dev() {
    over_both(|sales| {
        sales.group_by(|sale| sale.0).reduce(|g| {
            (
                g.variance(|sale| sale.1),
                g.variance(|sale| sale.2),
                g.variance_population(|sale| sale.1),
                g.variance_population(|sale| sale.2),
                g.std_dev(|sale| sale.1),
                g.std_dev(|sale| sale.2),
                g.std_dev_population(|sale| sale.1),
                g.std_dev_population(|sale| sale.2.unwrap_or(0.0)),
            )
        })
    });
}

#[test]
fn quantiles_and_histograms() {
    over_both(|sales| {
        sales.group_by(|sale| sale.0).reduce(|g| {
            (
                g.quantile(0.3, |sale| sale.1),
                g.quantile(0.9, |sale| sale.2),
                g.median(|sale| sale.1),
                g.median(|sale| sale.2),
                g.quantile_discrete(0.25, |sale| sale.3.clone()),
                g.quantile_discrete(0.75, |sale| sale.2),
                g.approx_quantile(0.5, |sale| sale.1),
                g.approx_quantile(0.99, |sale| sale.2),
                g.histogram([-1.0, 0.0, 2.5], |sale| sale.1),
                g.histogram([0.0, f64::INFINITY], |sale| sale.2),
            )
        })
    });
}

#[test]
fn one_value_of_the_group() {
    over_both(|sales| {
        sales.group_by(|sale| sale.0).reduce(|g| {
            (
                g.first(|sale| sale.2, |sale| sale.3.clone()),
                g.last(|sale| sale.3.clone(), |sale| sale.2),
                g.unique(|sale| sale.0.map(|key| format!("name of {key}"))),
                g.unique(|sale| sale.0.is_some()),
                g.mode(|sale| sale.1),
                g.mode(|sale| sale.2),
                g.most_frequent(2, |sale| sale.3.clone()),
                g.most_frequent(3, |sale| sale.2),
            )
        })
    });
}

#[test]
fn booleans_and_bits() {
    over_both(|sales| {
        sales.group_by(|sale| sale.0).reduce(|g| {
            (
                g.bool_and(|sale| sale.1 > 0),
                g.bool_or(|sale| sale.2.map(|n| n > 0.0)),
                g.bool_and(|sale| sale.2.map(|n| n > 0.0)),
                g.bit_and(|sale| sale.1),
                g.bit_or(|sale| sale.1),
                g.bit_xor(|sale| sale.1),
                g.bit_xor(|sale| sale.0),
                g.bit_or(|sale| i128::from(sale.1) << 60),
            )
        })
    });
}

#[test]
fn lists_maps_and_text() {
    over_both(|sales| {
        sales.group_by(|sale| sale.0).reduce(|g| {
            (
                g.top_k(2, |sale| sale.1),
                g.top_k(3, |sale| sale.2),
                g.bottom_k(2, |sale| (sale.3.clone(), sale.1)),
                g.bottom_k(1, |sale| sale.2),
                g.collect_sorted_by(|sale| sale.2, |sale| sale.3.clone()),
                g.collect_sorted_by(|sale| sale.3.clone(), |sale| sale.2),
                g.collect_map(|sale| sale.1, |sale| sale.1.checked_neg()),
                g.join_text(", ", |sale| sale.1, |sale| sale.3.clone()),
                g.join_text("", |sale| sale.2, |sale| sale.0.map(|key| key.to_string())),
            )
        })
    });
}

#[test]
fn approximate_reducers_of_streams() {
    check_incremental(|t| {
        let sales = t.stream::<Sale>();
        sales.group_by(|sale| sale.1 > 0).reduce(|g| {
            (g.approx_count_distinct(|sale| sale.3.clone()), g.approx_count_distinct(|s| s.2))
        })
    })
    .cases(64)
    .run();
}

/// More values than a sketch keeps exactly.
#[test]
fn an_estimate_depends_on_the_set_of_values_alone() {
    let rows: Vec<u64> = (0..5_000).map(|n| n * n % 4_999).collect();
    let estimate = |rows: &[u64], threads| {
        let app = Pipeline::new("test").threads(threads).epoch_rows_max(700);
        let rows = app.rows(rows.iter().copied());
        rows.reduce(|g| g.approx_count_distinct(|n| *n)).collect().unwrap()
    };
    let once = estimate(&rows, 1);
    let reversed: Vec<u64> = rows.iter().rev().chain(&rows).copied().collect();
    for threads in [1, 2, 4] {
        assert_eq!(estimate(&reversed, threads), once);
    }
    let exact = 2_500.0;
    assert!((once[0] as f64 - exact).abs() < 0.05 * exact, "{once:?}");
}

fn key(random: &mut Random) -> u8 {
    *random.pick(&[0, 1, 2])
}

fn below(random: &mut Random, end: u64) -> i64 {
    i64::try_from(random.below(end)).expect("a small number")
}

fn row(random: &mut Random) -> (u8, i64) {
    (key(random), 1_000_000_000 + below(random, 12))
}

fn values(rows: &[&(u8, i64)]) -> Vec<i64> {
    let mut values: Vec<i64> = rows.iter().map(|row| row.1).collect();
    values.sort_unstable();
    values
}

fn counted(values: &[i64]) -> Vec<(i64, u64)> {
    let mut counts: BTreeMap<i64, u64> = BTreeMap::new();
    values.iter().for_each(|value| *counts.entry(*value).or_default() += 1);
    let mut counts: Vec<(i64, u64)> = counts.into_iter().collect();
    counts.sort_by_key(|(value, count)| (std::cmp::Reverse(*count), *value));
    counts
}

/// The quantile `quarters / 4` as numpy's default computes it.
fn quantile(values: &[i64], quarters: usize) -> f64 {
    let position = quarters * (values.len() - 1);
    let (below, above) = (values[position / 4], values[position.div_ceil(4)]);
    below as f64 + (above - below) as f64 * (position % 4) as f64 / 4.0
}

#[test]
fn a_naive_evaluation_agrees_on_numbers() {
    against(
        |rows: &Table<(u8, i64)>, _: &Table<()>| {
            rows.group_by(|row| row.0).reduce(|g| {
                (
                    g.variance(|row| row.1),
                    g.variance_population(|row| row.1),
                    g.std_dev_population(|row| row.1 as f64),
                    g.median(|row| row.1),
                    g.quantile(0.25, |row| row.1),
                    g.quantile_discrete(0.4, |row| row.1),
                    g.histogram([1e9 + 2.0, 1e9 + 7.5], |row| row.1),
                    g.approx_quantile(0.5, |row| row.1 - 1_000_000_000),
                )
            })
        },
        |rows, _| {
            let of = |(key, rows): (u8, Vec<&(u8, i64)>)| {
                let values = values(&rows);
                let n = values.len() as f64;
                let small: Vec<i64> = values.iter().map(|value| value - 1_000_000_000).collect();
                // Sums of small integers are exact.
                let (sum, squares) =
                    (small.iter().sum::<i64>(), small.iter().map(|n| n * n).sum::<i64>());
                let spread = (small.len() as i64 * squares - sum * sum) as f64;
                let population = spread / (n * n);
                let sample = (values.len() > 1).then(|| spread / (n * (n - 1.0)));
                let below =
                    |bound: f64| small.iter().filter(|n| (**n as f64) < bound).count() as u64;
                let histogram =
                    vec![below(2.0), below(7.5) - below(2.0), small.len() as u64 - below(7.5)];
                let outputs = (
                    sample,
                    population,
                    population.sqrt(),
                    quantile(&values, 2),
                    quantile(&values, 1),
                    values[(2 * values.len()).div_ceil(5) - 1],
                    histogram,
                    small[small.len().div_ceil(2) - 1] as f64,
                );
                (key, outputs)
            };
            groups(rows, |row| row.0).into_iter().map(of).collect()
        },
        row,
        |_| (),
    );
}

#[test]
fn sums_of_the_widest_integers() {
    let sums = |rows: &Table<(u8, u128, Option<i128>)>| {
        rows.group_by(|row| row.0).reduce(|g| (g.sum(|row| row.1), g.sum(|row| row.2))).into()
    };
    check_incremental(|t| -> Table<_> { sums(&t.table()) }).run();
    check_incremental(|t| -> Table<_> { sums(&t.stream()) }).run();
    against(
        |rows: &Table<(u8, u128, Option<i128>)>, _: &Table<()>| sums(rows),
        |rows, _| {
            let of = |(key, rows): (u8, Vec<&(u8, u128, Option<i128>)>)| {
                let signed: Vec<i128> = rows.iter().filter_map(|row| row.2).collect();
                let some = (!signed.is_empty()).then(|| signed.iter().sum());
                (key, (rows.iter().map(|row| row.1).sum(), some))
            };
            groups(rows, |row| row.0).into_iter().map(of).collect()
        },
        |random| {
            // Sums of a hundred still fit.
            let wide = [0, 1, u128::from(u64::MAX), 1 << 64, u128::MAX / 100];
            let signed = [0, -1, 1 << 64, i128::MIN / 100, i128::MAX / 100];
            let signed = (!random.one_in(4)).then(|| *random.pick(&signed));
            (key(random), *random.pick(&wide), signed)
        },
        |_| (),
    );
}

#[test]
fn a_sum_of_wide_integers_may_be_too_large_in_between() {
    let mut t = Harness::new();
    let rows = t.table::<(u128, i128)>();
    let sums = rows.rows().group_by(|_| ()).reduce(|g| (g.sum(|row| row.0), g.sum(|row| row.1)));
    let sums = t.capture(sums);
    rows.insert((u128::MAX, i128::MAX));
    rows.insert((u128::MAX, i128::MAX));
    rows.remove((u128::MAX, i128::MAX));
    t.step();
    sums.assert_rows([((), (u128::MAX, i128::MAX))]);
    rows.insert((0, -1));
    t.step();
    sums.assert_rows([((), (u128::MAX, i128::MAX - 1))]);
    rows.insert((1, 0));
    let error = t.try_step().unwrap_err().to_string();
    assert!(error.contains("does not fit `u128`"), "{error}");
}

#[test]
fn a_naive_evaluation_agrees_on_values() {
    against(
        |rows: &Table<(u8, i64)>, _: &Table<()>| {
            rows.group_by(|row| row.0).reduce(|g| {
                (
                    g.mode(|row| row.1),
                    g.most_frequent(2, |row| row.1),
                    g.top_k(3, |row| row.1),
                    g.bottom_k(2, |row| row.1),
                    g.first(|row| row.1 % 3, |row| row.1),
                    g.last(|row| row.1 % 3, |row| row.1),
                    g.bool_and(|row| row.1 % 2 == 0),
                    g.bool_or(|row| row.1 % 2 == 0),
                    g.bit_and(|row| row.1),
                    g.bit_or(|row| row.1),
                    g.bit_xor(|row| row.1),
                    g.collect_map(|row| row.1 % 5, |row| row.1 % 5 + 1),
                )
            })
        },
        |rows, _| {
            let of = |(key, rows): (u8, Vec<&(u8, i64)>)| {
                let values = values(&rows);
                let counted = counted(&values);
                let mut by: Vec<(i64, i64)> = values.iter().map(|n| (n % 3, *n)).collect();
                by.sort_unstable();
                let last = by.iter().filter(|pair| pair.0 == by[by.len() - 1].0).min();
                let outputs = (
                    counted[0].0,
                    counted.iter().copied().take(2).collect::<Vec<_>>(),
                    values.iter().rev().copied().take(3).collect::<Vec<_>>(),
                    values.iter().copied().take(2).collect::<Vec<_>>(),
                    by[0].1,
                    last.unwrap().1,
                    values.iter().all(|n| n % 2 == 0),
                    values.iter().any(|n| n % 2 == 0),
                    values.iter().fold(-1, |a, b| a & b),
                    values.iter().fold(0, |a, b| a | b),
                    values.iter().fold(0, |a, b| a ^ b),
                    values.iter().map(|n| (n % 5, n % 5 + 1)).collect::<BTreeMap<_, _>>(),
                );
                (key, outputs)
            };
            groups(rows, |row| row.0).into_iter().map(of).collect()
        },
        row,
        |_| (),
    );
}

#[test]
fn a_naive_evaluation_agrees_on_text() {
    against(
        |rows: &Table<(u8, Option<String>, i64)>, _: &Table<()>| {
            rows.group_by(|row| row.0).reduce(|g| {
                (
                    g.join_text("; ", |row| row.2, |row| row.1.clone()),
                    g.collect_sorted_by(|row| row.2, |row| row.1.clone()),
                )
            })
        },
        |rows, _| {
            let of = |(key, mut rows): (u8, Vec<&(u8, Option<String>, i64)>)| {
                rows.sort_by_key(|row| (row.2, row.1.clone()));
                let texts: Vec<&str> = rows.iter().filter_map(|row| row.1.as_deref()).collect();
                let joined = (!texts.is_empty()).then(|| texts.join("; "));
                (key, (joined, rows.iter().map(|row| row.1.clone()).collect()))
            };
            groups(rows, |row| row.0).into_iter().map(of).collect()
        },
        |random| {
            let text = (!random.one_in(3)).then(|| "x".repeat(random.index(3)));
            (key(random), text, below(random, 4))
        },
        |_| (),
    );
}
