//! Lookups by key, optional and required, and keys that must be unique.

use crate::oracle::against;
use crate::rows::{Price, price};
use pathway::prelude::*;
use pathway::testing::Harness;

type Sale = (Option<u8>, i64);

/// The latest price of each item: keys are unique.
fn latest(prices: &Table<Price>) -> Table<Price> {
    prices
        .group_by(|price| price.item)
        .reduce(|g| g.max(|price| (price.at, price.cents)))
        .select(|item, (at, cents)| price(item, at, cents))
}

fn found(sales: &[Sale], prices: &[Price]) -> Vec<(Sale, Option<i64>)> {
    let price_of = |item| {
        let rows = prices.iter().filter(|price| Some(price.item) == item);
        rows.map(|price| (price.at, price.cents)).max().map(|(_, cents)| cents)
    };
    sales.iter().map(|sale| (*sale, price_of(sale.0))).collect()
}

fn sale(random: &mut pathway::testing::Random) -> Sale {
    let item = random.value::<u8>() % 4;
    ((item > 0).then_some(item), random.value())
}

fn new_price(random: &mut pathway::testing::Random) -> Price {
    price(random.value::<u8>() % 4, random.value::<u8>() % 5, random.value())
}

#[test]
fn optional_lookups_agree_with_a_naive_evaluation() {
    against(
        |sales, prices| {
            let found = sales.lookup(&latest(prices), |sale| sale.0);
            found.select(|sale, price| (*sale, price.map(|price| price.cents)))
        },
        found,
        sale,
        new_price,
    );
}

#[test]
fn required_lookups_agree_with_a_naive_evaluation() {
    against(
        |sales, prices| {
            let found = sales.lookup(&latest(prices), |sale| sale.0).required();
            let (found, missing) =
                found.select(|sale, price| (*sale, Some(price.cents))).or_errors();
            found.concat(&missing.select(|missing| (missing.row, None)))
        },
        found,
        sale,
        new_price,
    );
}

#[test]
fn a_missing_row_ends_the_run_and_is_named() {
    let app = Pipeline::new("test");
    let prices = app.rows([price(1, 0, 250)]);
    let sales = app.rows([(Some(1), 5), (Some(7), 6)]);
    let found = sales.lookup(&prices, |sale| sale.0).required();
    let error = found.select(|sale, price| sale.1 * price.cents).collect().unwrap_err();
    let error = error.to_string();
    assert!(error.contains("no `Price` has the key 7"), "{error}");
    assert!(error.contains("tests/it/lookup.rs"), "{error}");
}

#[test]
fn two_rows_of_one_key_are_shown() {
    for threads in [1, 3] {
        let app = Pipeline::new("test").threads(threads);
        let prices = app.rows([price(1, 0, 250), price(2, 0, 9), price(1, 1, 199)]);
        let error = prices.unique_by(|price| price.item).collect().unwrap_err().to_string();
        for part in ["two rows have the same key", "250", "199", "tests/it/lookup.rs"] {
            assert!(error.contains(part), "`{part}` is not in: {error}");
        }
        let app = Pipeline::new("test").threads(threads);
        let (sales, prices) = (app.rows([(1, 5)]), app.rows([price(1, 0, 2), price(1, 0, 2)]));
        let found = sales.lookup(&prices, |sale| sale.0).select(|sale, _| sale.1);
        let error = found.collect().unwrap_err().to_string();
        assert!(error.contains("two rows have the same key"), "{error}");
    }
}

#[test]
fn a_row_may_be_replaced_within_an_epoch() {
    let mut t = Harness::new();
    let prices = t.table::<Price>();
    let unique = t.capture(prices.rows().unique_by(|price| price.item));
    prices.insert(price(1, 0, 250));
    t.step();
    prices.insert(price(1, 1, 199));
    prices.remove(price(1, 0, 250));
    t.step();
    unique.assert_rows([price(1, 1, 199)]);
    prices.insert(price(1, 2, 180));
    assert!(t.try_step().unwrap_err().to_string().contains("two rows have the same key"));
}
