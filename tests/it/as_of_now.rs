//! Joins with a table as it is now: equal to a replay of the history.

use crate::rows::{Order, User};
use pathway::prelude::*;
use pathway::testing::{Harness, Random};

#[test]
fn a_replay_of_the_history_agrees() {
    for threads in [1, 2, 4] {
        for seed in 0..20 {
            let mut random = Random::new(seed);
            let mut t = Harness::with_threads(threads);
            let (orders, users) = (t.stream::<Order>(), t.table::<User>());
            let pairs = || {
                let join = orders.rows().as_of_now_join(&users.rows());
                join.on(|order| order.0, |user| user.0)
            };
            let met: Stream<_> = pairs().select(|order, user| (order.1, user.1.clone()));
            let all: Stream<_> =
                pairs().select_all(|order, user| (order.1, user.map(|user| user.1.clone())));
            let (met, all) = (t.capture(met), t.capture(all));
            let mut there: Vec<User> = Vec::new();
            let (mut expected_met, mut expected_all) = (Vec::new(), Vec::new());
            for _ in 0..10 {
                for _ in 0..random.below(4) {
                    if random.one_in(2) && !there.is_empty() {
                        users.remove(there.swap_remove(random.index(there.len())));
                    } else {
                        let user = (random.value::<u8>() % 3, random.value::<String>());
                        users.insert(user.clone());
                        there.push(user);
                    }
                }
                let rows: Vec<Order> = (0..random.below(5))
                    .map(|_| (random.value::<u8>() % 4, random.value()))
                    .collect();
                orders.push(rows.clone());
                t.step();
                for (key, amount) in rows {
                    let matches = there.iter().filter(|user| user.0 == key);
                    let before = expected_met.len();
                    expected_met.extend(matches.map(|user| (amount, user.1.clone())));
                    let new = &expected_met[before..];
                    expected_all.extend(new.iter().map(|(n, name)| (*n, Some(name.clone()))));
                    if new.is_empty() {
                        expected_all.push((amount, None));
                    }
                }
                met.assert_rows(expected_met.clone());
                all.assert_rows(expected_all.clone());
            }
        }
    }
}

#[test]
fn nothing_of_the_stream_is_kept() {
    let mut t = Harness::new();
    let (orders, users) = (t.stream::<Order>(), t.table::<User>());
    let met = orders.rows().as_of_now_join(&users.rows());
    let met = met.on(|order| order.0, |user| user.0).select(|order, _| order.1);
    let met = t.capture(met);
    users.insert((1, "Ada".to_owned()));
    for amount in 0..50 {
        orders.push([(1, amount)]);
        t.step();
    }
    met.assert_rows(0..50);
    let kept: u64 = t.stats().states.iter().map(|state| state.rows).sum();
    assert_eq!(kept, 1);
}
