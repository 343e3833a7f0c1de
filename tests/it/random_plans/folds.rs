//! Reducers: the pipeline's groups, and the same by hand.

use super::Row;
use super::closures::{digest, whole};
use crate::group::SumOfSquares;
use crate::oracle::groups;
use pathway::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// What a group is folded with; each makes one number of it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fold {
    Count,
    Sum,
    Min,
    Max,
    /// Of a column that can be null.
    MaxOrNull,
    Several,
    When,
    Any,
    Argmin,
    Argmax,
    First,
    Last,
    Mode,
    Unique,
    Distinct,
    Mean,
    Variance,
    Deviation,
    Median,
    Quantile,
    Discrete,
    Approx,
    Histogram,
    Bools,
    Bits,
    Collect,
    CollectSorted,
    CollectMap,
    JoinText,
    TopK,
    BottomK,
    Frequent,
    Own,
    OwnSubtracting,
}

impl Fold {
    pub(super) const ALL: &'static [Self] = &[
        Self::Count,
        Self::Sum,
        Self::Min,
        Self::Max,
        Self::MaxOrNull,
        Self::Several,
        Self::When,
        Self::Any,
        Self::Argmin,
        Self::Argmax,
        Self::First,
        Self::Last,
        Self::Mode,
        Self::Unique,
        Self::Distinct,
        Self::Mean,
        Self::Variance,
        Self::Deviation,
        Self::Median,
        Self::Quantile,
        Self::Discrete,
        Self::Approx,
        Self::Histogram,
        Self::Bools,
        Self::Bits,
        Self::Collect,
        Self::CollectSorted,
        Self::CollectMap,
        Self::JoinText,
        Self::TopK,
        Self::BottomK,
        Self::Frequent,
        Self::Own,
        Self::OwnSubtracting,
    ];
}

fn or_null(n: Option<u8>) -> i64 {
    n.map_or(-5, i64::from)
}

fn text(row: &Row) -> String {
    format!("{}/{}", row.0, row.2)
}

fn of_text(text: &str) -> i64 {
    digest(text.bytes().map(i64::from))
}

fn counted<T: Into<i64>>(values: impl IntoIterator<Item = (T, u64)>) -> i64 {
    digest(values.into_iter().flat_map(|(value, count)| [value.into(), count.cast_signed()]))
}

/// A row of a column that depends on the group's key.
fn constant(row: &Row) -> u8 {
    row.1.map_or(9, |key| key * 2)
}

fn bits(row: &Row) -> u8 {
    row.0 | row.1.unwrap_or(0) << 2
}

pub(super) fn reduce(table: &Table<Row>, fold: Fold) -> Table<Row> {
    let groups = table.group_by(|row| row.1);
    match fold {
        Fold::Count => groups.reduce(|g| g.count()).select(|key, n| (0, key, n.cast_signed())),
        Fold::Sum => groups.reduce(|g| g.sum(|row| row.2)).select(|key, n| (0, key, n % 50)),
        Fold::Min => groups.reduce(|g| g.min(|row| row.2)).select(|key, n| (0, key, n)),
        Fold::Max => groups.reduce(|g| g.max(|row| row.2)).select(|key, n| (0, key, n)),
        Fold::MaxOrNull => table
            .group_by(|row| row.0)
            .reduce(|g| g.max(|row| row.1))
            .select(|key, n| (key, n, or_null(n))),
        Fold::Several => groups
            .reduce(|g| (g.count(), g.sum(|row| row.2), g.mean(|row| row.2), g.min(|row| row.0)))
            .select(|key, (n, sum, mean, min)| {
                (0, key, digest([n.cast_signed(), sum, whole(mean), min.into()]))
            }),
        Fold::When => groups
            .reduce(|g| (g.count().when(|row| row.2 > 0), g.max(|row| row.2).when(|row| row.0 > 1)))
            .select(|key, (n, max)| (0, key, digest([n.cast_signed(), max.unwrap_or(77)]))),
        Fold::Any => groups.reduce(|g| g.any(|row| row.2)).select(|key, n| (0, key, n)),
        Fold::Argmin => {
            groups.reduce(|g| g.argmin(|row| row.2, |row| row.0)).select(|key, n| (n, key, 1))
        }
        Fold::Argmax => {
            groups.reduce(|g| g.argmax(|row| row.2, |row| row.0)).select(|key, n| (n, key, 2))
        }
        Fold::First => {
            groups.reduce(|g| g.first(|row| row.0, |row| row.2)).select(|key, n| (0, key, n))
        }
        Fold::Last => {
            groups.reduce(|g| g.last(|row| row.0, |row| row.2)).select(|key, n| (0, key, n))
        }
        Fold::Mode => groups.reduce(|g| g.mode(|row| row.0)).select(|key, n| (n, key, 3)),
        Fold::Unique => groups.reduce(|g| g.unique(constant)).select(|key, n| (n, key, 4)),
        Fold::Distinct => groups
            .reduce(|g| g.count_distinct(|row| row.0))
            .select(|key, n| (0, key, n.cast_signed())),
        Fold::Mean => groups.reduce(|g| g.mean(|row| row.2)).select(|key, n| (0, key, whole(n))),
        Fold::Variance => groups
            .reduce(|g| (g.variance(|row| row.2), g.variance_population(|row| row.0)))
            .select(|key, (a, b)| (0, key, digest([whole(a.unwrap_or(-1.0)), whole(b)]))),
        Fold::Deviation => groups
            .reduce(|g| (g.std_dev(|row| row.2), g.std_dev_population(|row| row.0)))
            .select(|key, (a, b)| (0, key, digest([whole(a.unwrap_or(-1.0)), whole(b)]))),
        Fold::Median => {
            groups.reduce(|g| g.median(|row| row.2)).select(|key, n| (0, key, whole(n)))
        }
        Fold::Quantile => {
            groups.reduce(|g| g.quantile(0.25, |row| row.2)).select(|key, n| (0, key, whole(n)))
        }
        Fold::Discrete => {
            groups.reduce(|g| g.quantile_discrete(0.5, |row| row.2)).select(|key, n| (0, key, n))
        }
        Fold::Approx => groups
            .reduce(|g| g.approx_quantile(0.5, |row| row.2))
            .select(|key, n| (0, key, whole(n))),
        Fold::Histogram => groups
            .reduce(|g| g.histogram([-3.0, 5.0], |row| row.2))
            .select(|key, n| (0, key, digest(n.into_iter().map(u64::cast_signed)))),
        Fold::Bools => groups
            .reduce(|g| (g.bool_and(|row| row.2 > 0), g.bool_or(|row| row.0 > 2)))
            .select(|key, (all, some)| (all.into(), key, some.into())),
        Fold::Bits => groups
            .reduce(|g| (g.bit_and(bits), g.bit_or(bits), g.bit_xor(bits)))
            .select(|key, (and, or, xor)| (and % 4, key, digest([or.into(), xor.into()]))),
        Fold::Collect => {
            groups.reduce(|g| g.collect(|row| row.2)).select(|key, n| (0, key, digest(n)))
        }
        Fold::CollectSorted => groups
            .reduce(|g| g.collect_sorted_by(|row| row.0, |row| row.2))
            .select(|key, n| (0, key, digest(n))),
        Fold::CollectMap => groups
            .reduce(|g| g.collect_map(|row| row.2, |row| row.2 + 1))
            .select(|key, n| (0, key, digest(n.into_iter().flat_map(|(a, b)| [a, b])))),
        Fold::JoinText => groups
            .reduce(|g| g.join_text("; ", |row| row.0, text))
            .select(|key, text| (0, key, of_text(&text))),
        Fold::TopK => {
            groups.reduce(|g| g.top_k(2, |row| row.2)).select(|key, n| (0, key, digest(n)))
        }
        Fold::BottomK => {
            groups.reduce(|g| g.bottom_k(3, |row| row.2)).select(|key, n| (0, key, digest(n)))
        }
        Fold::Frequent => {
            groups.reduce(|g| g.most_frequent(2, |row| row.0)).select(|key, n| (0, key, counted(n)))
        }
        Fold::Own => groups
            .reduce(|g| g.fold(|row| row.0, |values| counted(values.iter().copied())))
            .select(|key, n| (0, key, n)),
        Fold::OwnSubtracting => groups
            .reduce(|g| g.accumulate(SumOfSquares, |row| row.2 % 10))
            .select(|key, n| (0, key, n % 50)),
    }
}

fn mean(numbers: &[i64]) -> f64 {
    numbers.iter().sum::<i64>() as f64 / numbers.len() as f64
}

/// The sum of the squares of the distances from the mean.
fn squares(numbers: &[i64]) -> f64 {
    let (n, sum) = (numbers.len() as i64, numbers.iter().sum::<i64>());
    (n * numbers.iter().map(|number| number * number).sum::<i64>() - sum * sum) as f64 / n as f64
}

fn variance(numbers: &[i64]) -> f64 {
    if numbers.len() < 2 { -1.0 } else { squares(numbers) / (numbers.len() - 1) as f64 }
}

fn deviation(numbers: &[i64]) -> f64 {
    if numbers.len() < 2 { -1.0 } else { variance(numbers).sqrt() }
}

/// Of sorted numbers.
fn quantile(numbers: &[i64], q: f64) -> f64 {
    let place = q * (numbers.len() - 1) as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is a place")]
    let below = place.floor() as usize;
    let (low, high) = (numbers[below] as f64, numbers[(below + 1).min(numbers.len() - 1)] as f64);
    low + (high - low) * (place - below as f64)
}

/// Of sorted numbers, the one that half of them do not exceed.
fn discrete(numbers: &[i64]) -> i64 {
    numbers[(numbers.len().div_ceil(2)).max(1) - 1]
}

fn counts<T: Ord>(values: impl Iterator<Item = T>) -> BTreeMap<T, u64> {
    let mut counts = BTreeMap::new();
    values.for_each(|value| *counts.entry(value).or_insert(0) += 1);
    counts
}

fn most_frequent(rows: &[&Row], k: usize) -> Vec<(u8, u64)> {
    let mut counts: Vec<(u8, u64)> = counts(rows.iter().map(|row| row.0)).into_iter().collect();
    counts.sort_by_key(|(value, count)| (std::cmp::Reverse(*count), *value));
    counts.truncate(k);
    counts
}

/// The row of one group.
fn group(fold: Fold, key: Option<u8>, rows: &[&Row]) -> Row {
    let mut numbers: Vec<i64> = rows.iter().map(|row| row.2).collect();
    numbers.sort_unstable();
    let firsts: Vec<i64> = rows.iter().map(|row| row.0.into()).collect();
    let count = rows.len() as i64;
    let sum: i64 = numbers.iter().sum();
    let (least, greatest) = (numbers[0], numbers[numbers.len() - 1]);
    // The first of the rows with the least of something, by something else.
    let least_by = |by: &dyn Fn(&Row) -> i64, of: &dyn Fn(&Row) -> i64| {
        rows.iter().map(|row| (by(row), of(row))).min().map_or(0, |(_, of)| of)
    };
    let narrow = |n: i64| u8::try_from(n).expect("it is a key");
    let bytes = || rows.iter().map(|row| bits(row));
    let number = match fold {
        Fold::Count => count,
        Fold::Sum => sum % 50,
        Fold::Min | Fold::Any => least,
        Fold::Max => greatest,
        Fold::MaxOrNull => unreachable!("it has a key of its own"),
        Fold::Several => {
            let first = firsts.iter().copied().min().unwrap_or(0);
            digest([count, sum, whole(mean(&numbers)), first])
        }
        Fold::When => {
            let positive = numbers.iter().filter(|n| **n > 0).map(|_| 1).sum();
            let max = rows.iter().filter(|row| row.0 > 1).map(|row| row.2).max();
            digest([positive, max.unwrap_or(77)])
        }
        Fold::Argmin => return (narrow(least_by(&|row| row.2, &|row| row.0.into())), key, 1),
        Fold::Argmax => return (narrow(least_by(&|row| -row.2, &|row| row.0.into())), key, 2),
        Fold::First => least_by(&|row| row.0.into(), &|row| row.2),
        Fold::Last => least_by(&|row| -i64::from(row.0), &|row| row.2),
        Fold::Mode => return (most_frequent(rows, 1)[0].0, key, 3),
        Fold::Unique => return (constant(rows[0]), key, 4),
        Fold::Distinct => firsts.iter().collect::<BTreeSet<_>>().len() as i64,
        Fold::Mean => whole(mean(&numbers)),
        Fold::Variance => {
            digest([whole(variance(&numbers)), whole(squares(&firsts) / count as f64)])
        }
        Fold::Deviation => {
            digest([whole(deviation(&numbers)), whole((squares(&firsts) / count as f64).sqrt())])
        }
        Fold::Median => whole(quantile(&numbers, 0.5)),
        Fold::Quantile => whole(quantile(&numbers, 0.25)),
        Fold::Discrete => discrete(&numbers),
        Fold::Approx => whole(discrete(&numbers) as f64),
        Fold::Histogram => {
            let between = |from: i64, to: i64| {
                numbers.iter().filter(|n| (from..to).contains(*n)).map(|_| 1).sum()
            };
            digest([between(i64::MIN, -3), between(-3, 5), between(5, i64::MAX)])
        }
        Fold::Bools => {
            let all = u8::from(numbers.iter().all(|n| *n > 0));
            return (all, key, firsts.iter().any(|n| *n > 2).into());
        }
        Fold::Bits => {
            let and = bytes().fold(u8::MAX, |a, b| a & b);
            let (or, xor) = (bytes().fold(0, |a, b| a | b), bytes().fold(0, |a, b| a ^ b));
            return (and % 4, key, digest([or.into(), xor.into()]));
        }
        Fold::Collect => digest(numbers),
        Fold::CollectSorted => {
            let mut pairs: Vec<(u8, i64)> = rows.iter().map(|row| (row.0, row.2)).collect();
            pairs.sort_unstable();
            digest(pairs.into_iter().map(|(_, n)| n))
        }
        Fold::CollectMap => {
            let set: BTreeSet<i64> = numbers.into_iter().collect();
            digest(set.into_iter().flat_map(|n| [n, n + 1]))
        }
        Fold::JoinText => {
            let mut texts: Vec<(u8, String)> = rows.iter().map(|row| (row.0, text(row))).collect();
            texts.sort();
            let texts: Vec<String> = texts.into_iter().map(|(_, text)| text).collect();
            of_text(&texts.join("; "))
        }
        Fold::TopK => digest(numbers.into_iter().rev().take(2)),
        Fold::BottomK => digest(numbers.into_iter().take(3)),
        Fold::Frequent => counted(most_frequent(rows, 2)),
        Fold::Own => counted(counts(rows.iter().map(|row| row.0))),
        Fold::OwnSubtracting => {
            numbers.into_iter().map(|n| n % 10).map(|n| n * n).sum::<i64>() % 50
        }
    };
    (0, key, number)
}

pub(super) fn naive(rows: &[Row], fold: Fold) -> Vec<Row> {
    if let Fold::MaxOrNull = fold {
        let of = |(key, rows): (u8, Vec<&Row>)| {
            let max = rows.iter().filter_map(|row| row.1).max();
            (key, max, or_null(max))
        };
        return groups(rows, |row| row.0).into_iter().map(of).collect();
    }
    groups(rows, |row| row.1).iter().map(|(key, rows)| group(fold, *key, rows)).collect()
}
