//! The latest row of each key.

use crate::rows::{Price, price};
use pathway::prelude::*;
use pathway::testing::{Harness, Random, add, check_incremental, remove};
use std::collections::BTreeMap;

fn random_price(random: &mut Random) -> Price {
    let item = *random.pick(&[0, 1, 2, 3]);
    price(item, random.value(), random.value())
}

#[test]
fn the_last_row_of_a_key_wins() {
    check_incremental(|t| t.stream::<Price>().upsert()).rows(random_price).cases(256).run();
}

#[test]
fn the_greatest_version_wins() {
    check_incremental(|t| t.stream::<Price>().upsert_by(|price| price.at))
        .rows(random_price)
        .cases(256)
        .run();
    check_incremental(|t| {
        let prices = t.stream::<Price>().concat(&t.stream());
        prices.upsert_by(|price| price.at % 2 == 0).map(|price| (price.item, price.cents))
    })
    .rows(random_price)
    .cases(128)
    .run();
}

#[test]
fn what_follows_sees_replacements() {
    check_incremental(|t| {
        let latest = t.stream::<Price>().upsert();
        latest.group_by(|_| ()).reduce(|g| (g.count(), g.sum(|price| price.cents), g.max(|p| p.at)))
    })
    .rows(random_price)
    .cases(128)
    .run();
}

#[test]
fn a_naive_evaluation_agrees() {
    for threads in [1, 2, 4] {
        for seed in 0..32 {
            let mut random = Random::new(seed);
            let mut t = Harness::with_threads(threads);
            let prices = t.stream::<Price>();
            let latest = t.capture(prices.rows().upsert());
            let newest = t.capture(prices.rows().upsert_by(|price| price.at));
            let (mut last, mut greatest) = (BTreeMap::new(), BTreeMap::<u8, Price>::new());
            for _ in 0..8 {
                let rows: Vec<_> =
                    (0..random.below(8)).map(|_| random_price(&mut random)).collect();
                for row in &rows {
                    last.insert(row.item, row.clone());
                    let known = greatest.entry(row.item).or_insert_with(|| row.clone());
                    // Rows of one version differ in the amount alone, and which of them wins is
                    // up to their bytes: so compare versions alone below.
                    if row.at > known.at {
                        *known = row.clone();
                    }
                }
                prices.push(rows);
                t.step();
                latest.assert_rows(last.values().cloned());
                let versions = |price: Price| (price.item, price.at);
                let actual: Vec<_> = newest.rows().into_iter().map(versions).collect();
                let expected: Vec<_> = greatest.values().cloned().map(versions).collect();
                assert_eq!(actual, expected);
            }
        }
    }
}

#[test]
fn equal_rows_change_nothing() {
    let mut t = Harness::new();
    let prices = t.stream::<Price>();
    let latest = t.capture(prices.rows().upsert());
    prices.push([price(1, 0, 5)]);
    t.step();
    latest.assert_changes([add(price(1, 0, 5))]);
    prices.push([price(1, 0, 6), price(1, 0, 5)]);
    t.step();
    latest.assert_changes([]);
    prices.push([price(1, 0, 7)]);
    t.step();
    latest.assert_changes([remove(price(1, 0, 5)), add(price(1, 0, 7))]);
}

#[test]
fn rows_of_two_partitions_may_agree_in_the_end() {
    // Which partition is read first does not matter: both end with the same row.
    for swap in [false, true] {
        let app = Pipeline::new("test");
        let one = app.rows([price(1, 0, 5), price(1, 0, 6)]);
        let other = app.rows([price(1, 0, 6)]);
        let both = if swap { other.concat(&one) } else { one.concat(&other) };
        assert_eq!(both.upsert().collect().unwrap(), [price(1, 0, 6)]);
    }
}

#[test]
fn rows_that_come_by_two_ways_have_no_order() {
    let app = Pipeline::new("test");
    let prices = app.rows([price(1, 0, 5), price(2, 0, 5), price(1, 0, 6)]);
    let doubled = prices.filter(|price| price.cents == 5).map(|p| price(p.item, 0, p.cents * 2));
    let error = prices.concat(&doubled).upsert().collect().unwrap_err().to_string();
    assert!(error.contains("nothing orders them"), "{error}");
}
