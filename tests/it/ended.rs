//! What a join keeps once one of its sides has ended.

use crate::rows::{Order, User};
use pathway::testing::Harness;
use std::time::{Duration, Instant};

fn kept(t: &Harness) -> u64 {
    t.stats().states.iter().map(|state| state.rows).sum()
}

/// A worker that has much to do tells later what it keeps.
fn assert_kept(t: &Harness, expected: u64, what: &str) {
    let limit = Instant::now() + Duration::from_secs(10);
    while kept(t) != expected && Instant::now() < limit {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(kept(t), expected, "{what}");
}

#[test]
fn rows_that_nobody_will_meet_are_not_kept() {
    for threads in [1, 3] {
        let mut t = Harness::with_threads(threads);
        let (orders, users) = (t.table::<Order>(), t.table::<User>());
        let named = orders
            .rows()
            .left_join(&users.rows())
            .on(|order| order.0, |user| user.0)
            .select(|order, user| (order.1, user.map(|user| user.1.clone())));
        let named = t.capture(named);
        let ada = || Some("Ada".to_owned());
        users.insert((1, "Ada".to_owned()));
        orders.insert((1, 10));
        orders.insert((2, 20));
        t.step();
        assert_kept(&t, 3, "the rows of both sides");
        users.close();
        orders.insert((1, 30));
        t.step();
        named.assert_rows([(10, ada()), (20, None), (30, ada())]);
        // Retractions need no memory of what they retract.
        orders.remove((2, 20));
        orders.insert((3, 40));
        t.step();
        orders.insert((1, 50));
        t.step();
        named.assert_rows([(10, ada()), (30, ada()), (40, None), (50, ada())]);
        assert_kept(&t, 1, "the users alone");
    }
}

#[test]
fn a_long_epoch_keeps_the_small_side_alone() {
    let mut t = Harness::new();
    let (orders, users) = (t.stream::<Order>(), t.table::<User>());
    let totals = orders
        .rows()
        .join(&users.rows())
        .on(|order| order.0, |user| user.0)
        .select(|order, _| order.1)
        .group_by(|_| ())
        .reduce(|g| g.sum(|amount| *amount));
    let totals = t.capture(totals);
    (0..10).for_each(|user| users.insert((user, user.to_string())));
    users.close();
    t.step();
    t.step();
    let rows = |part: i64| {
        (part * 50_000..(part + 1) * 50_000).map(|n| (u8::try_from(n % 20).unwrap(), n))
    };
    for part in 0..4 {
        orders.push(rows(part));
        // The epoch is open still, and its rows have come.
        while t.stats().sources.iter().map(|source| source.rows).max()
            < Some(50_000 * (part.unsigned_abs() + 1))
        {}
        assert!(kept(&t) < 6_000, "{} rows are kept", kept(&t));
    }
    t.step();
    totals.assert_rows([((), (0..200_000).filter(|n| n % 20 < 10).sum())]);
}

/// The last rows of a side come in the epoch in which it ends, and meet what the other side has
/// kept until then.
#[test]
fn the_last_rows_of_a_side_meet_the_rows_of_epochs_before() {
    for threads in [1, 2, 4] {
        for last in 1..4_u32 {
            let mut t = Harness::with_threads(threads);
            let (left, right) = (t.table::<(u32, u32)>(), t.stream::<(u32, u32)>());
            let (kept, ending) = (left.rows(), right.rows());
            let key = |row: &(u32, u32)| row.0;
            let pair = |one: &(u32, u32), other: &(u32, u32)| (one.0, one.1, other.1);
            let one_way = t.capture(kept.join(&ending).on(key, key).select(pair));
            let other_way = t.capture(
                ending.join(&kept).on(key, key).select(move |one, other| pair(other, one)),
            );
            (0..10).for_each(|n| left.insert((n % 5, n)));
            t.step();
            right.push((0..last).map(|n| (n, 100 + n)));
            right.close();
            t.step();
            let all = |later: u32| {
                let rows = (0..10 + later).flat_map(move |n| {
                    (0..last).filter(move |m| n % 5 == *m).map(move |m| (m, n, 100 + m))
                });
                rows.collect::<Vec<_>>()
            };
            one_way.assert_rows(all(0));
            other_way.assert_rows(all(0));
            // What comes later still meets what has ended.
            left.insert((10 % 5, 10));
            t.step();
            one_way.assert_rows(all(1));
            other_way.assert_rows(all(1));
        }
    }
}
