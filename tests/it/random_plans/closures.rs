//! What the closures of both sides compute.

use super::Row;
use super::plan::Key;

pub(super) fn small(n: i64) -> u8 {
    u8::try_from(n.rem_euclid(4)).unwrap_or(0)
}

/// A number for a list of numbers.
pub(super) fn digest(numbers: impl IntoIterator<Item = i64>) -> i64 {
    numbers.into_iter().fold(7, |sum, n| (sum * 31 + n).rem_euclid(997)) % 50
}

/// A whole number for a float; none that is computed here lies between two.
pub(super) fn whole(n: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "the numbers are small")]
    let whole = (n * 7.3 + 0.123).floor() as i64;
    whole % 50
}

pub(super) fn mapped(row: &Row, n: i64) -> Row {
    (row.0, row.1.map(|key| (key + small(n)) % 4), row.2.wrapping_mul(3) % 50 + n)
}

pub(super) fn is_kept(row: &Row, n: i64) -> bool {
    (row.2 + i64::from(row.0)).rem_euclid(3) != n.rem_euclid(3)
}

pub(super) fn tried(row: &Row) -> Result<Row, &'static str> {
    if row.2 % 3 == 0 { Err("three") } else { Ok((row.0, None, row.2 / 2)) }
}

pub(super) fn flat(row: &Row) -> Vec<Row> {
    (0..row.0 % 3).map(|n| (n, row.1, row.2 - i64::from(n))).collect()
}

pub(super) fn unpivoted(row: &Row) -> [(&'static str, i64); 2] {
    [("first", i64::from(row.0)), ("third", row.2)]
}

/// A row of an unpivoted one.
pub(super) fn named(id: u8, name: &str, value: i64) -> Row {
    (id, (name == "third").then_some(id % 4), value)
}

pub(super) fn paired(left: Option<&Row>, right: Option<&Row>) -> Row {
    let key = left.or(right).map_or(0, |row| row.0);
    let sum = left.map_or(100, |row| row.2) - right.map_or(200, |row| row.2);
    (key, right.and_then(|row| row.1), sum % 50)
}

/// What is reached over a row; there are few such rows.
pub(super) fn reached(from: &Row, over: &Row) -> Row {
    (over.0, over.1, (from.2 + over.2) % 3)
}

pub(super) fn left_key(key: Key, row: &Row) -> (Option<u8>, Option<u8>) {
    match key {
        Key::First | Key::Mixed => (Some(row.0), Some(0)),
        Key::Second => (row.1, Some(0)),
        Key::Both => (Some(row.0), row.1),
    }
}

pub(super) fn right_key(key: Key, row: &Row) -> (Option<u8>, Option<u8>) {
    match key {
        Key::Mixed => (row.1, Some(0)),
        other => left_key(other, row),
    }
}

pub(super) fn summed_up(count: u64, max: Option<i64>, odd: i64) -> Row {
    (small(count.cast_signed()), None, (max.unwrap_or(9) + odd) % 50)
}

/// The row of a grouping set.
pub(super) fn of_set(first: Option<u8>, second: Option<Option<u8>>, count: u64, sum: i64) -> Row {
    (first.unwrap_or(9), second.flatten(), (count.cast_signed() * 7 + sum) % 50)
}

/// The row of a pivoted group.
pub(super) fn of_pivot(key: Option<u8>, [none, one]: [Option<i64>; 2]) -> Row {
    (3, key, digest([none.unwrap_or(-1), one.unwrap_or(-2)]))
}

pub(super) fn is_met(left: &Row, right: &Row) -> bool {
    left.2 > right.2
}
