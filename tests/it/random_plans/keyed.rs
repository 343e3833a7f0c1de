//! Verbs on rows with a key: the pipeline's, and the same by hand.

use super::Row;
use crate::oracle::groups;
use pathway::prelude::*;
use std::collections::BTreeMap;

/// A row whose first column is its key.
#[derive(Clone, Debug, PartialEq, Schema)]
struct Item {
    #[schema(key)]
    key: u8,
    second: Option<u8>,
    number: i64,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum KeyedVerb {
    Lookup,
    Required,
    UniqueBy,
    UpdateRows,
    UpdateCells,
    Restrict,
}

impl KeyedVerb {
    pub(super) const ALL: &'static [Self] = &[
        Self::Lookup,
        Self::Required,
        Self::UniqueBy,
        Self::UpdateRows,
        Self::UpdateCells,
        Self::Restrict,
    ];
}

fn found(row: &Row, item: Option<(Option<u8>, i64)>) -> Row {
    item.map_or((row.0, None, row.2 - 1), |(second, number)| (row.0, second, (row.2 + number) % 50))
}

fn patched(number: i64, patch: i64) -> i64 {
    (number - 2 * patch) % 50
}

/// The greatest row of each key.
fn items(table: &Table<Row>) -> Table<Item> {
    let greatest = table.group_by(|row| row.0).reduce(|g| g.max(|row| (row.2, row.1)));
    greatest.select(|key, (number, second)| Item { key, second, number })
}

fn rows(items: &Table<Item>) -> Table<Row> {
    items.select(|item| (item.key, item.second, item.number))
}

pub(super) fn keyed(verb: KeyedVerb, a: &Table<Row>, b: &Table<Row>) -> Table<Row> {
    match verb {
        KeyedVerb::Lookup => a
            .lookup(&items(b), |row| row.1)
            .select(|row, item| found(row, item.map(|item| (item.second, item.number)))),
        KeyedVerb::Required => {
            let lookup = a.lookup(&items(b), |row| row.0).required();
            let (found, missing) =
                lookup.select(|row, item| found(row, Some((item.second, item.number)))).or_errors();
            found.concat(&missing.select(|missing| found_none(&missing.row)))
        }
        KeyedVerb::UniqueBy => rows(&items(a).unique_by(|item| item.key)),
        KeyedVerb::UpdateRows => rows(&items(a).update_rows(&items(b))),
        KeyedVerb::UpdateCells => {
            let patch = |item: &Item, patch: &Item| Item {
                number: patched(item.number, patch.number),
                ..item.clone()
            };
            rows(&items(a).update_cells(&items(b), patch))
        }
        KeyedVerb::Restrict => rows(&items(a).restrict(&items(b))),
    }
}

fn found_none(row: &Row) -> Row {
    found(row, None)
}

type Items = BTreeMap<u8, (Option<u8>, i64)>;

fn naive_items(table: &[Row]) -> Items {
    let greatest = |rows: &Vec<&Row>| rows.iter().map(|row| (row.2, row.1)).max();
    let groups = groups(table, |row| row.0).into_iter();
    groups
        .filter_map(|(key, rows)| greatest(&rows).map(|(number, second)| (key, (second, number))))
        .collect()
}

pub(super) fn naive(verb: KeyedVerb, a: &[Row], b: &[Row]) -> Vec<Row> {
    let (left, right) = (naive_items(a), naive_items(b));
    let row = |(key, (second, number)): (u8, (Option<u8>, i64))| (key, second, number);
    match verb {
        KeyedVerb::Lookup => {
            a.iter().map(|row| found(row, row.1.and_then(|key| right.get(&key).copied()))).collect()
        }
        KeyedVerb::Required => a.iter().map(|row| found(row, right.get(&row.0).copied())).collect(),
        KeyedVerb::UniqueBy => left.into_iter().map(row).collect(),
        KeyedVerb::UpdateRows => {
            left.into_iter().chain(right).collect::<Items>().into_iter().map(row).collect()
        }
        KeyedVerb::UpdateCells => {
            let patch = |(key, (second, number)): (u8, (Option<u8>, i64))| {
                let number = right.get(&key).map_or(number, |patch| patched(number, patch.1));
                (key, second, number)
            };
            left.into_iter().map(patch).collect()
        }
        KeyedVerb::Restrict => {
            left.into_iter().filter(|(key, _)| right.contains_key(key)).map(row).collect()
        }
    }
}
