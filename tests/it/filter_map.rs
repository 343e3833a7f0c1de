//! Verbs that work on one row at a time.

use crate::rows::Order;
use pathway::prelude::*;
use pathway::testing::{Harness, check_incremental};

#[test]
fn filter_map_and_select_follow_a_table() {
    check_incremental(|t| {
        t.table::<Order>()
            .filter(|order| order.1 > 0)
            .map(|(user, amount)| (user, amount * 2))
            .select(|order| (order.0, order.1, format!("{}", order.1)))
    })
    .cases(128)
    .run();
}

#[test]
fn filter_map_and_flat_map_follow_a_stream() {
    check_incremental(|t| {
        t.stream::<(u8, Option<String>)>()
            .filter_map(|(id, text)| text.map(|text| (id, text)))
            .flat_map(|(id, text)| (0..id % 4).map(move |at| (at, text.clone())))
    })
    .cases(128)
    .run();
}

#[test]
fn inspect_changes_nothing() {
    check_incremental(|t| t.table::<Order>().inspect(|_, _| ()).filter(|order| order.0 != 1))
        .cases(64)
        .run();
}

fn halves(rows: &Table<Order>) -> (Table<Order>, Table<RowError<Order>>) {
    rows.try_map(|(user, amount)| {
        if amount % 2 == 0 { Ok((user, amount / 2)) } else { Err(format!("{amount} is odd")) }
    })
    .or_errors()
}

#[test]
fn the_errors_of_a_fallible_step_follow_its_rows() {
    check_incremental(|t| halves(&t.table()).0).cases(64).run();
    check_incremental(|t| halves(&t.table()).1).cases(64).run();
    check_incremental(|t| {
        let (rows, errors) = halves(&t.table());
        rows.map(|row| (row, String::new())).concat(&errors.map(|bad| (bad.row, bad.error)))
    })
    .cases(64)
    .run();
}

#[test]
fn a_retracted_row_takes_its_error_along() {
    let mut t = Harness::new();
    let orders = t.table::<Order>();
    let errors = t.capture(halves(&orders.rows()).1);
    orders.insert((1, 3));
    t.step();
    assert_eq!(errors.rows(), [RowError { row: (1, 3), error: "3 is odd".to_owned() }]);
    orders.remove((1, 3));
    t.step();
    errors.assert_rows([]);
}
