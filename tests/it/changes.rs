//! A table's updates as rows.

use crate::rows::Order;
use pathway::prelude::*;
use pathway::testing::{Harness, add, check_incremental};

/// What a table's changes add up to.
fn replayed(rows: &Table<Order>) -> Table<(Order, i64)> {
    rows.changes()
        .group_by(|change| change.0)
        .reduce(|g| g.sum(|change| change.1))
        .filter(|(_, copies)| *copies != 0)
}

#[test]
fn changes_add_up_to_the_table() {
    check_incremental(|t| replayed(&t.table())).cases(128).run();
    check_incremental(|t| {
        let orders = t.table::<Order>();
        let counts = orders.group_by(|order| order.0).reduce(|g| g.sum(|order| order.1));
        replayed(&counts.concat(&orders))
    })
    .cases(128)
    .run();
}

#[test]
fn each_epoch_is_consolidated() {
    let mut t = Harness::new();
    let orders = t.table::<Order>();
    let changes = t.capture(orders.rows().changes());
    orders.insert((1, 1));
    orders.insert((1, 1));
    orders.insert((2, 2));
    orders.remove((2, 2));
    t.step();
    changes.assert_changes([add(((1, 1), 2))]);
    orders.remove((1, 1));
    t.step();
    changes.assert_changes([add(((1, 1), -1))]);
}
