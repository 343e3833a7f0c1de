//! State of one's own: equal to a replay of the history.

use pathway::prelude::*;
use pathway::testing::{Harness, Random};
use std::collections::BTreeMap;

/// A key that can be null, and a number.
type Event = (Option<u8>, i64);

fn event(random: &mut Random) -> Event {
    let key = random.value::<u8>() % 5;
    ((key > 0).then_some(key), random.value::<i64>() % 10)
}

/// Emits each running sum that is even, and forgets the key at a multiple of seven.
fn step(key: Option<u8>, state: &mut Option<i64>, n: i64) -> Option<(Option<u8>, i64)> {
    let sum = state.take().unwrap_or(0) + n;
    *state = (sum % 7 != 0).then_some(sum);
    (sum % 2 == 0).then_some((key, sum))
}

#[test]
fn a_replay_of_the_history_agrees() {
    for threads in [1, 2, 4] {
        for seed in 0..20 {
            let mut random = Random::new(seed);
            let mut t = Harness::with_threads(threads);
            let events = t.stream::<Event>();
            let sums: Stream<(Option<u8>, i64)> = events.rows().stateful_map(
                |event| event.0,
                |key, state: &mut Option<i64>, event| step(*key, state, event.1),
            );
            let highs = events.rows().deduplicate(|event| event.0, |new, last| new.1 > last.1 + 1);
            let (sums, highs) = (t.capture(sums), t.capture(highs));
            let mut states: BTreeMap<Option<u8>, Option<i64>> = BTreeMap::new();
            let mut last: BTreeMap<Option<u8>, i64> = BTreeMap::new();
            let mut emitted = Vec::new();
            for _ in 0..10 {
                let rows: Vec<Event> = (0..random.below(20)).map(|_| event(&mut random)).collect();
                events.push(rows.clone());
                t.step();
                for (key, n) in rows {
                    emitted.extend(step(key, states.entry(key).or_default(), n));
                    let kept = last.entry(key).or_insert(n);
                    if n > *kept + 1 {
                        *kept = n;
                    }
                }
                sums.assert_rows(emitted.clone());
                highs.assert_rows(last.clone());
                let kept: u64 = t.stats().states.iter().map(|state| state.rows).sum();
                let with_state = states.values().filter(|state| state.is_some()).count();
                assert_eq!(kept, (with_state + last.len()) as u64);
            }
        }
    }
}

#[test]
fn rows_without_an_order_come_in_the_order_of_rows() {
    for threads in [1, 3] {
        let mut t = Harness::with_threads(threads);
        let (left, right) = (t.stream::<i64>(), t.stream::<i64>());
        // Rows that were exchanged by key have no order of their source any more.
        let both = left.rows().distinct().concat(&right.rows().distinct());
        let numbered = both.stateful_map(
            |_| (),
            |(), count: &mut Option<i64>, row| {
                let n = count.unwrap_or(0);
                *count = Some(n + 1);
                [(n, row)]
            },
        );
        let numbered = t.capture(numbered);
        left.push([5, 1]);
        right.push([4, 2, 3]);
        t.step();
        numbered.assert_rows([(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]);
    }
}

#[test]
fn a_panic_names_the_verb_and_its_line() {
    let app = Pipeline::new("test");
    let rows = app.rows([1]).stateful_map(
        |_| (),
        |(), _: &mut Option<i64>, row: i64| -> Option<i64> { panic!("no {row}") },
    );
    let error = rows.collect().unwrap_err().to_string();
    for part in ["stateful_map", "tests/it/stateful.rs", "no 1"] {
        assert!(error.contains(part), "`{part}` is not in: {error}");
    }
}
