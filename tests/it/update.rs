//! Rows that take the place of others by key, and rows divided, taken apart and put together.

use crate::oracle::against;
use crate::rows::{Price, price};
use pathway::prelude::*;
use pathway::testing::{Random, check_incremental};
use std::collections::{BTreeMap, BTreeSet};

fn any_price(random: &mut Random) -> Price {
    price(random.value::<u8>() % 5, random.value::<u8>() % 3, random.value())
}

#[test]
fn updated_rows_agree_with_a_naive_evaluation() {
    let keys = |rows: &[Price]| rows.iter().map(|row| row.item).collect::<BTreeSet<_>>();
    against(
        |list, sale| list.update_rows(sale),
        |list, sale| {
            let theirs = keys(sale);
            let kept = list.iter().filter(|row| !theirs.contains(&row.item));
            kept.chain(sale).cloned().collect()
        },
        any_price,
        any_price,
    );
    against(
        |list, sale| list.restrict(sale),
        |list, sale| {
            let theirs = keys(sale);
            list.iter().filter(|row| theirs.contains(&row.item)).cloned().collect()
        },
        any_price,
        any_price,
    );
}

#[test]
fn updated_cells_agree_with_a_naive_evaluation() {
    against(
        |list, sale| {
            let latest = sale
                .group_by(|row| row.item)
                .reduce(|g| g.max(|row| row.cents))
                .select(|item, cents| price(item, 0, cents));
            list.update_cells(&latest, |row, new| price(row.item, row.at, new.cents))
        },
        |list, sale| {
            let mut latest: BTreeMap<u8, i64> = BTreeMap::new();
            for row in sale {
                let cents = latest.entry(row.item).or_insert(row.cents);
                *cents = row.cents.max(*cents);
            }
            let cents = |row: &Price| latest.get(&row.item).copied().unwrap_or(row.cents);
            list.iter().map(|row| price(row.item, row.at, cents(row))).collect()
        },
        any_price,
        any_price,
    );
}

#[test]
fn sets_agree_with_a_naive_evaluation() {
    let number = |random: &mut Random| random.value::<u8>() % 6;
    let set = |rows: &[u8]| rows.iter().copied().collect::<BTreeSet<_>>();
    against(
        |left, right| left.union(right),
        |left, right| set(left).union(&set(right)).copied().collect(),
        number,
        number,
    );
    against(
        |left, right| left.distinct().difference(&right.distinct()),
        |left, right| set(left).difference(&set(right)).copied().collect(),
        number,
        number,
    );
    against(
        |left, right| left.intersect(right).distinct(),
        |left, right| set(left).intersection(&set(right)).copied().collect(),
        number,
        number,
    );
}

#[test]
fn rows_taken_apart_and_put_together() {
    check_incremental(|t| {
        let lists = t.table::<Vec<u8>>();
        let (small, large) = lists.flatten().split(|n| *n < 100);
        small.concat(&large).group_by(|n| *n).reduce(|g| g.count())
    })
    .cases(128)
    .run();
    check_incremental(|t| {
        let numbers: Stream<u8> = t.stream();
        let (odd, even): (Stream<u8>, Stream<u8>) = numbers.split(|n| n % 2 == 1);
        let all: Stream<u8> = odd.union(&even);
        all
    })
    .cases(64)
    .run();
}
