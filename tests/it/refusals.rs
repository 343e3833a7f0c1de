//! What the field refuses, item by item: here each works incrementally and equals recomputation,
//! with updates and deletes in its input. The list is that of Spark Structured Streaming's
//! unsupported operations; what concerns event time, serving and operations is tested elsewhere.

use crate::rows::{Order, Price, User, price};
use pathway::prelude::*;
use pathway::table::IntoTable;
use pathway::testing::{Harness, check_incremental};
use std::cmp::Reverse;

#[test]
fn limit_and_offset() {
    check_incremental(|t| {
        t.table::<Order>().sort_by(|order| *order).limit(3).offset(1).into_table()
    })
    .cases(64)
    .run();
}

#[test]
fn distinct_and_several_distinct_aggregates() {
    check_incremental(|t| {
        let orders = t.table::<Order>();
        orders.distinct().group_by(|order| order.0 % 2).reduce(|g| {
            (g.count_distinct(|order| order.1), g.count_distinct(|order| order.0), g.count())
        })
    })
    .cases(64)
    .run();
}

#[test]
fn sorting_and_window_functions_over_rows() {
    check_incremental(|t| {
        t.table::<Order>()
            .group_by(|order| order.0 % 3)
            .sort_by(|order| order.1)
            .over(|o| (o.row_number(), o.rank(), o.lag(1, |order| order.1), o.running_count()))
            .select(|order, outputs| (order, outputs))
    })
    .cases(64)
    .run();
}

#[test]
fn top_k_per_group() {
    check_incremental(|t| {
        let best = t.table::<Order>().group_by(|order| order.0 % 3);
        best.sort_by(|order| Reverse(order.1)).limit(2).into_table()
    })
    .cases(64)
    .run();
}

#[test]
fn grouping_sets_rollup_and_cube() {
    check_incremental(|t| {
        let orders = t.table::<Order>().map(|order| (order.0 % 2, order.1 % 2, order.1));
        let rollup = orders.rollup(|order| (order.0, order.1)).reduce(|g| g.count());
        let cube = orders.cube(|order| (order.0, order.1)).reduce(|g| g.count());
        rollup.concat(&cube)
    })
    .cases(64)
    .run();
}

#[test]
fn outer_joins_of_a_stream_with_what_is_fixed() {
    check_incremental(|t| {
        let fixed = t.pipeline().rows((0..3).map(|n| (n, n.to_string())).collect::<Vec<User>>());
        let orders = t.stream::<Order>().map(|order| (order.0 % 5, order.1));
        let all = orders
            .full_join(&fixed)
            .on(|order| order.0, |user| user.0)
            .select(|order, user| (order.copied(), user.cloned()));
        let others = fixed.anti_join(&orders).on(|user| user.0, |order| order.0);
        all.concat(&others.select(|user| (None, Some(user.clone()))))
    })
    .cases(64)
    .run();
}

#[test]
fn outer_semi_and_anti_joins_of_streams_without_a_watermark() {
    check_incremental(|t| {
        let (orders, users) = (t.stream::<Order>(), t.stream::<User>());
        let both = orders
            .left_join(&users)
            .on(|order| order.0, |user| user.0)
            .select(|order, user| (*order, user.map(|user| user.1.clone())));
        let known = orders.semi_join(&users).on(|order| order.0, |user| user.0);
        let unknown = orders.anti_join(&users).on(|order| order.0, |user| user.0);
        both.concat(&known.concat(&unknown).select(|order| (*order, None)))
    })
    .cases(64)
    .run();
}

#[test]
fn several_stateful_operators_in_a_row() {
    check_incremental(|t| {
        t.table::<Order>()
            .distinct()
            .group_by(|order| order.0 % 4)
            .reduce(|g| g.sum(|order| order.1 % 100))
            .group_by(|total| total.1)
            .reduce(|g| g.count())
            .sort_by(|count| *count)
            .limit(3)
            .into_table()
    })
    .cases(64)
    .run();
}

#[test]
fn two_stateful_maps() {
    let mut t = Harness::new();
    let orders = t.stream::<Order>();
    let sum = |_: &u8, sum: &mut Option<i64>, n: i64| {
        let total = sum.unwrap_or(0) + n;
        *sum = Some(total);
        [total]
    };
    let once =
        orders.rows().stateful_map(|order| order.0, move |key, s, order| sum(key, s, order.1));
    let twice = once.stateful_map(|_| 0u8, sum);
    let twice = t.capture(twice);
    orders.push([(1, 1), (1, 2), (2, 10)]);
    t.step();
    orders.push([(1, 3)]);
    t.step();
    // 1, 3, 10 and 6, added up as they come.
    twice.assert_rows([1, 4, 14, 20]);
}

#[test]
fn the_changes_of_an_aggregate_as_a_stream() {
    let mut t = Harness::new();
    let orders = t.table::<Order>();
    let totals = orders.rows().group_by(|order| order.0).reduce(|g| g.sum(|order| order.1));
    let changes: Stream<((u8, i64), i64)> = totals.changes();
    let changes = t.capture(changes);
    orders.insert((1, 5));
    t.step();
    orders.insert((1, 2));
    t.step();
    changes.assert_rows([((1, 5), 1), ((1, 5), -1), ((1, 7), 1)]);
}

#[test]
fn intersect_except_and_union_of_bounded_and_unbounded() {
    check_incremental(|t| {
        let fixed = t.pipeline().rows((0..4).map(|n| (n, 0)).collect::<Vec<Order>>());
        let live = t.stream::<Order>().map(|order| (order.0 % 6, 0));
        let live: Table<Order> = live.into();
        let both = live.intersect(&fixed).concat(&fixed.difference(&live));
        both.concat(&live.difference(&fixed)).union(&fixed)
    })
    .cases(64)
    .run();
}

#[test]
fn a_self_join_of_an_updating_aggregate() {
    check_incremental(|t| {
        let totals = t.table::<Order>().group_by(|order| order.0 % 4).reduce(|g| g.count());
        totals
            .join(&totals)
            .on(|left| left.1, |right| right.1)
            .select(|left, right| (left.0, right.0, left.1))
    })
    .cases(64)
    .run();
}

#[test]
fn updates_and_deletes_by_key_in_the_input() {
    let mut t = Harness::new();
    let prices = t.table::<Price>();
    let all = prices.rows().reduce(|g| (g.count(), g.max(|price| price.cents)));
    let all = t.capture(all);
    prices.insert(price(1, 0, 250));
    prices.insert(price(2, 0, 900));
    t.step();
    all.assert_rows([(2, Some(900))]);
    prices.replace(price(2, 1, 100));
    t.step();
    all.assert_rows([(2, Some(250))]);
    prices.remove(price(1, 0, 250));
    prices.remove(price(2, 1, 100));
    t.step();
    all.assert_rows([(0, None)]);
}

#[test]
fn point_lookups_of_live_state() {
    let app = Pipeline::new("test").progress(false);
    let (prices, rows) = app.input_table::<Price>();
    let view = rows.view();
    let running = app.start().unwrap();
    prices.insert(price(1, 0, 250)).unwrap();
    while view.get(&1).is_none() {
        std::thread::yield_now();
    }
    prices.replace(price(1, 1, 199)).unwrap();
    while view.get(&1) != Some(price(1, 1, 199)) {
        std::thread::yield_now();
    }
    running.stop();
}
