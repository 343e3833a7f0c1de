//! Joins: inner, chained, of a table with itself and with what is derived from it.

use crate::oracle::against;
use crate::rows::{Order, User};
use pathway::prelude::*;
use pathway::testing::{Harness, add, check_incremental, remove};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

fn totals(orders: &Table<Order>, users: &Table<User>) -> Table<(String, i64)> {
    orders
        .group_by(|order| order.0)
        .reduce(|g| g.sum(|order| order.1))
        .join(users)
        .on(|total| total.0, |user| user.0)
        .select(|total, user| (user.1.clone(), total.1))
}

#[test]
fn two_tables() {
    check_incremental(|t| {
        t.table::<Order>()
            .join(&t.table::<User>())
            .on(|order| order.0, |user| user.0)
            .select(|order, user| (order.1, user.1.clone()))
    })
    .cases(256)
    .run();
}

#[test]
fn a_stream_and_a_table() {
    check_incremental(|t| {
        t.stream::<Order>()
            .join(&t.table::<User>())
            .on(|order| order.0, |user| user.0)
            .select(|order, user| (order.1, user.1.clone()))
    })
    .cases(128)
    .run();
}

#[test]
fn an_aggregate_and_a_table() {
    check_incremental(|t| totals(&t.stream(), &t.table())).cases(128).run();
}

#[test]
fn a_table_with_itself() {
    check_incremental(|t| {
        let orders = t.table::<Order>();
        orders
            .join(&orders)
            .on(|order| order.0, |order| order.0)
            .select(|left, right| (left.0, left.1, right.1))
    })
    .cases(128)
    .run();
}

#[test]
fn an_index_with_itself() {
    check_incremental(|t| {
        let orders = t.table::<Order>().index_by(|order| order.0);
        orders.join(&orders).select(|left, right| (left.0, left.1, right.1))
    })
    .cases(128)
    .run();
}

#[test]
fn a_table_with_an_aggregate_of_itself() {
    check_incremental(|t| {
        let orders = t.table::<Order>();
        let largest = orders.group_by(|order| order.0).reduce(|g| g.max(|order| order.1));
        orders
            .join(&largest)
            .on(|order| order.0, |largest| largest.0)
            .select(|order, largest| (*order, largest.1 - order.1))
    })
    .cases(128)
    .run();
}

#[test]
fn an_index_shared_by_several_joins() {
    check_incremental(|t| {
        let orders = t.table::<Order>().index_by(|order| order.0);
        let users = t.table::<User>().index_by(|user| user.0);
        let cities = t.table::<User>().index_by(|city| city.0);
        let named = orders.join(&users).select(|order, user| (order.1, user.1.clone()));
        let placed = orders
            .left_join(&cities)
            .select(|order, city| (order.1, city.map_or_else(String::new, |city| city.1.clone())));
        let twice = cities.join(&users).select(|city, user| (i64::from(city.0), user.1.clone()));
        named.concat(&placed).concat(&twice)
    })
    .cases(128)
    .run();
}

#[test]
fn a_diamond() {
    check_incremental(|t| {
        let orders = t.table::<Order>();
        let small = orders.filter(|order| order.1 < 3).map(|(user, amount)| (user, amount + 1));
        let counts = orders.group_by(|order| order.1).reduce(|g| g.count());
        small
            .join(&counts)
            .on(|small| small.1, |count| count.0)
            .select(|small, count| (small.0, small.1, count.1))
    })
    .cases(128)
    .run();
}

#[test]
fn a_chain_of_three() {
    check_incremental(|t| {
        let (orders, users, countries) =
            (t.stream::<Order>(), t.table::<(u8, u8)>(), t.table::<User>());
        let placed = orders
            .join(&users)
            .on(|order| order.0, |user| user.0)
            .select(|order, user| (user.1, order.1));
        let named = placed
            .left_join(&countries)
            .on(|order| order.0, |country| country.0)
            .select(|order, country| (country.map(|country| country.1.clone()), order.1));
        let rates = t.table::<(Option<String>, i64)>();
        named
            .join(&rates)
            .on(|order| order.0.clone(), |rate| rate.0.clone())
            .select(|order, rate| (order.0.clone(), order.1 * rate.1))
    })
    .rows::<Order>(|random| (u8::try_from(random.below(3)).unwrap(), random.value::<i64>()))
    .rows::<(u8, u8)>(|random| {
        (u8::try_from(random.below(3)).unwrap(), u8::try_from(random.below(3)).unwrap())
    })
    .rows_per_epoch(16)
    .cases(128)
    .run();
}

#[test]
fn keys_that_are_tuples_options_and_text() {
    check_incremental(|t| {
        t.table::<(Option<u8>, String, i64)>()
            .join(&t.table::<(Option<u8>, String, bool)>())
            .on(|left| (left.0, left.1.clone()), |right| (right.0, right.1.clone()))
            .select(|left, right| (left.0, left.1.clone(), left.2, right.2))
    })
    .rows_per_epoch(20)
    .cases(128)
    .run();
}

#[test]
fn many_rows_of_one_key() {
    check_incremental(|t| {
        t.table::<(bool, i64)>()
            .join(&t.table::<(bool, String)>())
            .on(|left| left.0, |right| right.0)
            .select(|left, right| (left.1, right.1.clone()))
            .group_by(|pair| pair.0)
            .reduce(|g| (g.count(), g.count_distinct(|pair| pair.1.clone())))
    })
    .rows::<(bool, i64)>(|random| (random.one_in(4), i64::try_from(random.below(200)).unwrap()))
    .rows_per_epoch(200)
    .epochs(10)
    .cases(24)
    .run();
}

#[test]
fn a_naive_evaluation_agrees() {
    against(
        |orders: &Table<(Option<u8>, i64)>, users: &Table<User>| {
            orders
                .join(users)
                .on(|order| order.0, |user| user.0)
                .select(|order, user| (order.1, user.1.clone()))
        },
        |orders, users| {
            let mut pairs = Vec::new();
            for order in orders {
                for user in users.iter().filter(|user| order.0 == Some(user.0)) {
                    pairs.push((order.1, user.1.clone()));
                }
            }
            pairs
        },
        |random| {
            let user = u8::try_from(random.below(4)).unwrap();
            ((user > 0).then_some(user), random.value())
        },
        |random| (u8::try_from(random.below(4)).unwrap(), random.value()),
    );
}

#[test]
fn a_replaced_row_replaces_its_pairs() {
    let mut t = Harness::new();
    let (orders, users) = (t.table::<Order>(), t.table::<User>());
    let totals = t.capture(totals(&orders.rows(), &users.rows()));
    orders.insert((1, 10));
    orders.insert((1, 20));
    users.insert((1, "Ada".to_owned()));
    t.step();
    totals.assert_changes([add(("Ada".to_owned(), 30))]);
    users.remove((1, "Ada".to_owned()));
    users.insert((1, "Ada L.".to_owned()));
    orders.remove((1, 10));
    t.step();
    totals.assert_changes([remove(("Ada".to_owned(), 30)), add(("Ada L.".to_owned(), 20))]);
}

/// A closure behind a join is given the pairs that are there before an epoch or after it, and no
/// others, whatever the two sides bring in the same epoch.
#[test]
fn no_pair_is_given_that_never_is() {
    for threads in [1, 2] {
        let mut t = Harness::with_threads(threads);
        let (orders, users) = (t.table::<Order>(), t.table::<User>());
        let named =
            orders.rows().full_join(&users.rows()).on(|order| order.0, |user| user.0).select(
                |order, user| (order.map(|order| order.1), user.map(|user| user.1.clone())),
            );
        let seen: Arc<Mutex<BTreeSet<(Option<i64>, Option<String>)>>> = Arc::default();
        let given = Arc::clone(&seen);
        let named = named.inspect(move |row, _| {
            given.lock().unwrap().insert(row.clone());
        });
        let named = t.capture(named);
        let row = |amount: Option<i64>, name: &str| {
            (amount, Some(name.to_owned()).filter(|name| !name.is_empty()))
        };
        let mut step = |rows: &[(Option<i64>, Option<String>)],
                        given: &[(Option<i64>, Option<String>)]| {
            t.step();
            named.assert_rows(rows.to_vec());
            let seen = std::mem::take(&mut *seen.lock().unwrap());
            assert_eq!(seen, given.iter().cloned().collect());
        };
        orders.insert((1, 10));
        users.insert((1, "Ada".to_owned()));
        step(&[row(Some(10), "Ada")], &[row(Some(10), "Ada")]);
        // Both sides replace their row.
        orders.remove((1, 10));
        orders.insert((1, 20));
        users.remove((1, "Ada".to_owned()));
        users.insert((1, "Alan".to_owned()));
        step(&[row(Some(20), "Alan")], &[row(Some(10), "Ada"), row(Some(20), "Alan")]);
        // One goes as the other side's is replaced.
        users.remove((1, "Alan".to_owned()));
        orders.remove((1, 20));
        orders.insert((1, 30));
        step(&[row(Some(30), "")], &[row(Some(20), "Alan"), row(Some(30), "")]);
        orders.remove((1, 30));
        users.insert((1, "Grace".to_owned()));
        step(&[row(None, "Grace")], &[row(Some(30), ""), row(None, "Grace")]);
    }
}

#[test]
fn of_pairs_that_are_never_retracted_the_least_alone_are_kept() {
    let kept = |is_stream: bool| {
        let mut t = Harness::new();
        let (stream, table) = (t.stream::<(u32, u32)>(), t.table::<(u32, u32)>());
        let rows: Table<(u32, u32)> = if is_stream { stream.rows().into() } else { table.rows() };
        let pairs = rows.join(&rows).on(|row| row.0, |row| row.0).select(|left, _| left.1);
        let least = t.capture(pairs.sort_by(|n| *n).limit(3));
        for row in (0..100).map(|n| (n, n)) {
            if is_stream { stream.push([row]) } else { table.insert(row) }
        }
        t.step();
        least.assert_rows([0, 1, 2]);
        t.stats().states.iter().map(|state| state.rows).sum::<u64>()
    };
    let [stream, table] = [true, false].map(kept);
    assert_eq!(table - stream, 97);
}
