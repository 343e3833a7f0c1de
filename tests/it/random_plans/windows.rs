//! Windows over sorted rows: the pipeline's, and the same by hand.

use super::Row;
use super::closures::{digest, small, whole};
use crate::oracle::groups;
use pathway::prelude::*;

/// What is made of each row and its neighbours.
#[derive(Clone, Copy, Debug)]
pub(super) enum Window {
    Near,
    Ranks,
    Running,
    Around,
    Filled,
}

impl Window {
    pub(super) const ALL: &'static [Self] =
        &[Self::Near, Self::Ranks, Self::Running, Self::Around, Self::Filled];
}

fn placed(row: &Row, numbers: &[i64]) -> Row {
    (small(numbers[0]), row.1, digest(numbers.iter().copied()))
}

fn or(n: Option<i64>) -> i64 {
    n.unwrap_or(7)
}

pub(super) fn over(table: &Table<Row>, window: Window) -> Table<Row> {
    let sorted = table.group_by(|row| row.0 % 2).sort_by(|row| row.2);
    match window {
        Window::Near => sorted
            .over(|o| (o.row_number(), o.lag(1, |row| row.2), o.moving_sum(1, 0, |row| row.2)))
            .select(|row, (number, before, sum)| {
                placed(&row, &[number.cast_signed(), or(before), sum])
            }),
        Window::Ranks => table
            .sort_by(|row| row.2 / 4)
            .over(|o| {
                (
                    o.rank(),
                    o.dense_rank(),
                    o.lead(2, |row| row.2),
                    o.previous(|row| row.2),
                    o.next(|row| row.2),
                )
            })
            .select(|row, (rank, dense, ahead, previous, next)| {
                let (rank, dense) = (rank.cast_signed(), dense.cast_signed());
                placed(&row, &[rank, dense, or(ahead), or(previous), or(next)])
            }),
        Window::Running => sorted
            .over(|o| {
                (
                    o.running_count(),
                    o.running_sum(|row| row.2),
                    o.running_min(|row| row.0),
                    o.running_max(|row| row.0),
                    o.first(|row| row.2),
                    o.last(|row| row.2),
                    o.difference(|row| row.2),
                )
            })
            .select(|row, (count, sum, min, max, first, last, difference)| {
                let (count, min, max) = (count.cast_signed(), i64::from(min), i64::from(max));
                placed(&row, &[count, sum, min, max, first, last, or(difference)])
            }),
        Window::Around => sorted
            .over(|o| {
                (
                    o.moving_count(1, 2),
                    o.moving_mean(1, 1, |row| row.2),
                    o.moving_min(2, 0, |row| row.0),
                    o.moving_max(0, 1, |row| row.0),
                )
            })
            .select(|row, (count, mean, min, max)| {
                placed(&row, &[count.cast_signed(), whole(mean), min.into(), max.into()])
            }),
        Window::Filled => sorted
            .over(|o| o.interpolate(|row| row.2, |row| row.1))
            .select(|row, value| placed(&row, &[value.map_or(-3, whole)])),
    }
}

pub(super) fn naive(rows: &[Row], window: Window) -> Vec<Row> {
    match window {
        Window::Ranks => partition(&rows.iter().collect::<Vec<_>>(), window, |row| row.2 / 4),
        _ => groups(rows, |row| row.0 % 2)
            .values()
            .flat_map(|rows| partition(rows, window, |row| row.2))
            .collect(),
    }
}

fn partition(rows: &[&Row], window: Window, key: impl Fn(&Row) -> i64) -> Vec<Row> {
    let mut rows: Vec<Row> = rows.iter().map(|row| **row).collect();
    rows.sort_unstable_by_key(|row| (key(row), *row));
    let at = |at: usize| rows.get(at).map(|row| row.2);
    let outputs = |here: usize| {
        let row = &rows[here];
        let before = here.checked_sub(1).and_then(at);
        let around = |back: usize, on: usize| {
            &rows[here.saturating_sub(back)..(here + on + 1).min(rows.len())]
        };
        let until = &rows[..=here];
        let smaller = || rows.iter().map(&key).filter(|other| *other < key(row));
        let sum = |rows: &[Row]| rows.iter().map(|row| row.2).sum::<i64>();
        let least = |rows: &[Row]| rows.iter().map(|row| i64::from(row.0)).min().unwrap_or(0);
        let greatest = |rows: &[Row]| rows.iter().map(|row| i64::from(row.0)).max().unwrap_or(0);
        match window {
            Window::Near => vec![here as i64 + 1, or(before), sum(around(1, 0))],
            Window::Ranks => {
                let mut keys: Vec<i64> = smaller().collect();
                keys.dedup();
                let (rank, dense) = (smaller().count() as i64 + 1, keys.len() as i64 + 1);
                vec![rank, dense, or(at(here + 2)), or(before), or(at(here + 1))]
            }
            Window::Running => vec![
                until.len() as i64,
                sum(until),
                least(until),
                greatest(until),
                rows[0].2,
                rows[rows.len() - 1].2,
                or(before.map(|before| row.2 - before)),
            ],
            Window::Around => {
                let mean = sum(around(1, 1)) as f64 / around(1, 1).len() as f64;
                let count = around(1, 2).len() as i64;
                vec![count, whole(mean), least(around(2, 0)), greatest(around(0, 1))]
            }
            Window::Filled => vec![filled(&rows, here).map_or(-3, whole)],
        }
    };
    (0..rows.len()).map(|here| placed(&rows[here], &outputs(here))).collect()
}

/// The second column, or where it is null the line between the nearest rows that have one.
fn filled(rows: &[Row], here: usize) -> Option<f64> {
    let point = |row: &Row| Some((row.2 as f64, f64::from(row.1?)));
    let front = rows[..here].iter().rev().find_map(point);
    let behind = rows[here..].iter().find_map(point);
    match (front, behind) {
        (_, Some((_, value))) if rows[here].1.is_some() => Some(value),
        (Some((x0, y0)), Some((x1, y1))) if x0 < x1 => {
            Some(y0 + (y1 - y0) * ((rows[here].2 as f64 - x0) / (x1 - x0)))
        }
        (Some((_, value)), _) | (None, Some((_, value))) => Some(value),
        (None, None) => None,
    }
}
