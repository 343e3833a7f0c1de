//! Tables put together.

use crate::rows::Order;
use pathway::prelude::*;
use pathway::testing::check_incremental;

#[test]
fn tables_streams_and_both() {
    check_incremental(|t| t.table::<Order>().concat(&t.table())).cases(128).run();
    check_incremental(|t| t.stream::<Order>().concat(&t.stream())).cases(128).run();
    check_incremental(|t| {
        let stream: Table<Order> = t.stream().into();
        t.table().concat(&stream)
    })
    .cases(128)
    .run();
}

#[test]
fn a_table_with_itself() {
    check_incremental(|t| {
        let orders = t.table::<Order>();
        let twice = orders.concat(&orders);
        twice.concat(&twice.filter(|order| order.0 > 1)).concat(&orders)
    })
    .cases(128)
    .run();
}

#[test]
fn what_follows_sees_both_sides() {
    check_incremental(|t| {
        let all = t.table::<Order>().concat(&t.table());
        let counts = all.group_by(|order| order.0).reduce(|g| (g.count(), g.max(|o| o.1)));
        counts
            .join(&all)
            .on(|count| count.0, |order| order.0)
            .select(|(user, (count, largest)), order| (*user, *count, *largest, order.1))
    })
    .cases(128)
    .run();
}
