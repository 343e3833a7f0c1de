//! Asynchronous functions: equal to synchronous ones, and called no more often than they must.

use crate::oracle::{against, groups};
use pathway::prelude::*;
use pathway::testing::{Harness, Random, check_incremental};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Milliseconds that look random, by row.
fn delay(n: i64) -> Duration {
    Duration::from_micros(n.unsigned_abs().wrapping_mul(0x9e37_79b9) % 3000)
}

async fn doubled(n: i64) -> i64 {
    tokio::time::sleep(delay(n)).await;
    n * 2
}

fn small(random: &mut Random) -> i64 {
    random.value::<i64>() % 7
}

#[derive(Clone, Default)]
struct Counter(Arc<AtomicUsize>);

impl Counter {
    fn next(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst)
    }

    fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

#[test]
fn equals_a_synchronous_function() {
    check_incremental(|t| t.table::<i64>().map_async(Calls::default(), doubled)).cases(12).run();
    check_incremental(|t| {
        let calls = Calls::default().capacity(2).cache(4);
        t.stream::<i64>().filter_map_async(calls, |n| async move {
            let doubled = doubled(n).await;
            (doubled > 2).then_some(doubled)
        })
    })
    .cases(12)
    .run();
    check_incremental(|t| {
        let batches = Batches::of(3).linger(Duration::ZERO);
        t.table::<i64>().map_batches_async(batches, |rows: Vec<i64>| async move {
            rows.into_iter().map(|n| n + 1).collect::<Vec<_>>()
        })
    })
    .cases(12)
    .run();
}

#[test]
fn a_naive_evaluation_agrees() {
    against(
        |left: &Table<i64>, right: &Table<i64>| {
            let doubled = left.map_async(Calls::default().capacity(3), doubled);
            let (odd, errors) = right
                .try_map_async(Calls::default(), |n| async move {
                    tokio::time::sleep(delay(n)).await;
                    if n % 2 == 0 { Err("even") } else { Ok(n) }
                })
                .or_errors();
            let errors = errors.map(|error| error.row + 100);
            doubled.concat(&odd).concat(&errors)
        },
        |left, right| {
            let doubled = left.iter().map(|n| n * 2);
            let others = right.iter().map(|n| if n % 2 == 0 { n + 100 } else { *n });
            doubled.chain(others).collect()
        },
        small,
        small,
    );
}

/// What comes out of a function that answers differently each time: for as long as a row is
/// there, what its first call gave.
#[test]
fn a_retraction_takes_back_what_was_given() {
    for threads in [1, 2, 4] {
        for seed in 0..12 {
            let mut random = Random::new(seed);
            let mut t = Harness::with_threads(threads);
            let rows = t.table::<i64>();
            let calls = Counter::default();
            let counter = calls.clone();
            let numbered = t.capture(rows.rows().map_async(Calls::default(), move |n| {
                let call = counter.next();
                async move {
                    tokio::time::sleep(delay(n + call as i64)).await;
                    (n, call)
                }
            }));
            let mut there: Vec<i64> = Vec::new();
            let mut given: BTreeMap<i64, usize> = BTreeMap::new();
            let mut called = 0;
            for _ in 0..8 {
                for _ in 0..random.below(12) {
                    if random.one_in(2) && !there.is_empty() {
                        rows.remove(there.swap_remove(random.index(there.len())));
                    } else {
                        there.push(small(&mut random));
                        rows.insert(there[there.len() - 1]);
                    }
                }
                t.step();
                let counts = groups(&there, |n| *n);
                given.retain(|n, _| counts.contains_key(n));
                let actual = numbered.rows();
                let by_row = groups(&actual, |row| row.0);
                assert_eq!(by_row.len(), counts.len());
                for (n, copies) in by_row {
                    assert_eq!(copies.len(), counts[&n].len());
                    let call = copies[0].1;
                    assert!(copies.iter().all(|copy| copy.1 == call), "copies share a call");
                    if *given.entry(n).or_insert_with(|| {
                        called += 1;
                        call
                    }) != call
                    {
                        panic!("row {n} was {}, and is {call} now", given[&n]);
                    }
                }
                assert_eq!(calls.get(), called, "a row that appears is called once");
                let kept: u64 = t.stats().states.iter().map(|state| state.rows).sum();
                assert_eq!(kept, counts.len() as u64);
            }
        }
    }
}

#[test]
fn a_stream_keeps_its_order_and_nothing_else() {
    let mut t = Harness::new();
    let rows = t.stream::<i64>();
    let seen: Arc<Mutex<Vec<i64>>> = Arc::default();
    let order = Arc::clone(&seen);
    let doubled = rows.rows().map_async(Calls::default(), doubled);
    doubled.inspect(move |n, _| order.lock().unwrap().push(*n)).write(null::sink());
    let captured = t.capture(doubled);
    rows.push(0..100);
    t.step();
    assert_eq!(captured.rows().len(), 100);
    assert_eq!(*seen.lock().unwrap(), (0..100).map(|n| n * 2).collect::<Vec<_>>());
    assert!(t.stats().states.is_empty(), "a stream's results are not kept");
}

#[test]
fn no_more_calls_run_at_once_than_allowed() {
    for threads in [1, 3] {
        let (running, most) = (Counter::default(), Arc::new(AtomicUsize::new(0)));
        let (now, highest) = (running, Arc::clone(&most));
        let mut t = Harness::with_threads(threads);
        let (stream, table) = (t.stream::<i64>(), t.table::<i64>());
        let both = stream.rows().concat(&stream.rows());
        let call = move |n: i64| {
            let (now, highest) = (now.clone(), Arc::clone(&highest));
            async move {
                highest.fetch_max(now.next() + 1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(1)).await;
                now.0.fetch_sub(1, Ordering::SeqCst);
                n
            }
        };
        let calls = Calls::default().capacity(5);
        let streamed = t.capture(both.map_async(calls.clone(), call.clone()));
        stream.push(0..100);
        t.step();
        assert_eq!(streamed.rows().len(), 200);
        assert_eq!(most.load(Ordering::SeqCst), 5);
        drop(t);
        most.store(0, Ordering::SeqCst);
        let mut t = Harness::with_threads(threads);
        let rows = t.table::<i64>();
        drop(table);
        let mapped = t.capture(rows.rows().map_async(calls, call));
        (0..100).for_each(|n| rows.insert(n));
        t.step();
        assert_eq!(mapped.rows().len(), 100);
        assert_eq!(most.load(Ordering::SeqCst), 5);
    }
}

#[test]
fn equal_rows_are_called_once_with_a_cache() {
    for threads in [1, 3] {
        let calls = Counter::default();
        let counter = calls.clone();
        let mut t = Harness::with_threads(threads);
        let rows = t.stream::<i64>();
        let mapped = rows.rows().map_async(Calls::default().cache(10), move |n| {
            counter.next();
            doubled(n)
        });
        let mapped = t.capture(mapped);
        rows.push([1, 1, 2, 2, 2]);
        t.step();
        rows.push([1, 2, 3]);
        t.step();
        mapped.assert_rows([2, 2, 4, 4, 4, 2, 4, 6]);
        assert_eq!(calls.get(), 3);
    }
}

#[test]
fn a_failure_is_tried_again() {
    let attempts: Arc<Mutex<BTreeMap<i64, u32>>> = Arc::default();
    let counts = Arc::clone(&attempts);
    let app = Pipeline::new("test");
    let calls = Calls::default()
        .retries(3)
        .backoff(Duration::from_millis(1), Duration::from_millis(2))
        .retry_if(|error: &String| error != "never");
    let (good, bad) = app
        .rows(0..5_i64)
        .try_map_async(calls, move |n| {
            let attempt = {
                let mut counts = counts.lock().unwrap();
                let count = counts.entry(n).or_default();
                *count += 1;
                *count
            };
            async move {
                match (n, attempt) {
                    (3, _) => Err("never".to_owned()),
                    (4, _) => Err("busy".to_owned()),
                    (n, attempt) if i64::from(attempt) <= n => Err("busy".to_owned()),
                    (n, _) => Ok(n),
                }
            }
        })
        .or_errors();
    let bad = bad.map(|bad| format!("{} {}", bad.row, bad.error));
    let all = good.map(|n| n.to_string()).concat(&bad).collect().unwrap();
    assert_eq!(all, ["0", "1", "2", "3 never", "4 busy"]);
    assert_eq!(*attempts.lock().unwrap(), BTreeMap::from([(0, 1), (1, 2), (2, 3), (3, 1), (4, 4)]));
}

/// Runs a pipeline over rows that fail.
fn failing(threads: usize, calls: Calls) -> String {
    let app = Pipeline::new("test").threads(threads);
    let rows = app.rows([(7_i64, "x".repeat(1000))]).named("rows");
    let mapped = rows.try_map_async(calls, |(n, _)| async move {
        if n == 7 { Err(format!("no {n}")) } else { Ok(n) }
    });
    mapped.named("lookup").collect().expect_err("a row fails").to_string()
}

fn assert_says(error: &str, parts: &[&str]) {
    for part in parts {
        assert!(error.contains(part), "`{part}` is not in: {error}");
    }
}

#[test]
fn the_first_failure_ends_the_run() {
    for threads in [1, 2] {
        let error = failing(threads, Calls::default());
        assert_says(
            &error,
            &["`lookup` (try_map_async at tests/it/async_calls.rs", "no 7, for (7"],
        );
        assert_says(&error, &["failed for a row", ".or_errors()", "xxx…"]);
        assert!(error.len() < 600, "the row is shortened in: {error}");
    }
    let calls = Calls::default().retries(2).backoff(Duration::ZERO, Duration::ZERO);
    assert_says(&failing(1, calls), &["no 7 (after 3 attempts), for (7"]);
}

#[test]
fn a_call_that_takes_too_long_has_failed() {
    let app = Pipeline::new("test");
    let calls = Calls::default().timeout(Duration::from_millis(5));
    let hanging = |n: i64| async move {
        if n == 1 {
            std::future::pending::<()>().await;
        }
        n
    };
    let error = app.rows([0, 1]).map_async(calls.clone(), hanging).collect().unwrap_err();
    assert_says(&error.to_string(), &["map_async", "no answer within 5ms, for 1"]);
    let app = Pipeline::new("test");
    let fallible = move |n| async move { Ok::<_, String>(hanging(n).await) };
    let (good, bad) = app.rows([0, 1]).try_map_async(calls, fallible).or_errors();
    let good = good.map(|n| (n, String::new()));
    let both = good.concat(&bad.map(|bad| (bad.row, bad.error)));
    let both = both.collect().unwrap();
    assert_eq!(both, [(0, String::new()), (1, "no answer within 5ms".to_owned())]);
}

#[test]
fn a_panic_names_the_operator() {
    for threads in [1, 2] {
        let app = Pipeline::new("test").threads(threads);
        let mapped = app.rows([1, 2]).map_async(Calls::default(), |n: i64| async move {
            tokio::task::yield_now().await;
            assert!(n != 2, "no {n}");
            n
        });
        let error = mapped.collect().unwrap_err().to_string();
        assert_says(&error, &["map_async", "tests/it/async_calls.rs", "panicked: no 2"]);
    }
}

#[test]
fn batches_are_full_where_rows_wait() {
    let sizes: Arc<Mutex<Vec<usize>>> = Arc::default();
    let seen = Arc::clone(&sizes);
    let app = Pipeline::new("test");
    let batches = Batches::of(4).calls(Calls::default().capacity(1));
    let mapped = app.rows(0..10_i64).map_batches_async(batches, move |rows: Vec<i64>| {
        seen.lock().unwrap().push(rows.len());
        async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            rows
        }
    });
    assert_eq!(mapped.collect().unwrap(), (0..10).collect::<Vec<_>>());
    assert_eq!(*sizes.lock().unwrap(), [4, 4, 2]);
}

#[test]
fn a_batch_with_too_few_results_is_an_error() {
    let app = Pipeline::new("test");
    let mapped = app.rows(0..4_i64).map_batches_async(Batches::of(4), |mut rows: Vec<i64>| {
        rows.pop();
        async move { rows }
    });
    let error = mapped.collect().unwrap_err().to_string();
    assert_says(&error, &["map_batches_async", "it returned 3 rows for a batch of 4 rows"]);
}

#[test]
fn a_batch_fails_as_a_whole() {
    let app = Pipeline::new("test");
    let batches = Batches::of(2).calls(Calls::default().capacity(1));
    let (_, bad) = app
        .rows(0..4_i64)
        .try_map_batches_async(batches, |rows: Vec<i64>| async move {
            if rows.contains(&1) { Err("no") } else { Ok(rows) }
        })
        .or_errors();
    assert_eq!(bad.map(|bad| bad.row).collect().unwrap(), [0, 1]);
}

#[test]
fn an_epoch_is_whole_when_it_is_seen() {
    for threads in [1, 2] {
        let release = Arc::new(Semaphore::new(0));
        let gate = Arc::clone(&release);
        let app = Pipeline::new("test").threads(threads).progress(false);
        let (input, rows) = app.input::<i64>();
        let mapped = rows.map_async(Calls::default(), move |n| {
            let gate = Arc::clone(&gate);
            async move {
                if n == 3 {
                    gate.acquire().await.expect("it is not closed").forget();
                }
                n
            }
        });
        let view = mapped.view();
        let running = app.start().unwrap();
        input.push_all([1, 2, 3]).unwrap();
        let within = Duration::from_millis(50);
        assert!(!view.wait_for(|rows| !rows.is_empty(), within), "no part of an epoch is seen");
        release.add_permits(1);
        assert!(view.wait_for(|rows| rows.len() == 3, Duration::from_secs(20)));
        running.stop();
        running.wait().unwrap();
    }
}

/// Closes epochs until something holds.
fn step_until(t: &mut Harness, what: &str, holds: impl Fn() -> bool) {
    for _ in 0..2000 {
        t.step();
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("{what} did not happen");
}

/// Calls that a test releases, row by row.
#[derive(Clone, Default)]
struct Gates {
    gates: Arc<Mutex<BTreeMap<i64, Arc<Semaphore>>>>,
    begun: Counter,
    cancelled: Counter,
}

impl Gates {
    fn gate(&self, n: i64) -> Arc<Semaphore> {
        let mut gates = self.gates.lock().expect("no test panics while it holds the lock");
        Arc::clone(gates.entry(n).or_insert_with(|| Arc::new(Semaphore::new(0))))
    }

    fn open(&self, n: i64) {
        self.gate(n).add_permits(1);
    }

    /// Answers the row, and how many calls had begun.
    fn call(
        &self,
    ) -> impl Fn(i64) -> std::pin::Pin<Box<dyn Future<Output = (i64, usize)>>> + use<> {
        /// Counts a call that never ends.
        struct Cancelled(Option<Counter>);

        impl Drop for Cancelled {
            fn drop(&mut self) {
                if let Some(counter) = self.0.take() {
                    counter.next();
                }
            }
        }

        impl Cancelled {
            fn ended(mut self) {
                self.0 = None;
            }
        }

        let gates = self.clone();
        move |n| {
            let (gate, begun) = (gates.gate(n), gates.begun.next());
            let cancelled = Cancelled(Some(gates.cancelled.clone()));
            Box::pin(async move {
                gate.acquire().await.expect("it is not closed").forget();
                cancelled.ended();
                (n, begun)
            })
        }
    }
}

#[test]
fn detached_results_join_a_later_epoch() {
    for threads in [1, 2] {
        let gates = Gates::default();
        let mut t = Harness::with_threads(threads);
        let (stream, table) = (t.stream::<i64>(), t.table::<i64>());
        let calls = Calls::default().detached();
        let from_stream = t.capture(stream.rows().map_async(calls.clone(), gates.call()));
        let from_table = t.capture(table.rows().map_async(calls, gates.call()));
        let others = t.capture(stream.rows().map(|n| n + 1));
        stream.push([1, 2]);
        table.insert(3);
        t.step();
        // The others are not held up.
        others.assert_rows([2, 3]);
        assert!(from_stream.rows().is_empty() && from_table.rows().is_empty());
        gates.open(2);
        gates.open(3);
        step_until(&mut t, "two calls", || from_stream.rows().len() + from_table.rows().len() == 2);
        assert_eq!(from_stream.rows()[0].0, 2);
        let given = from_table.rows();
        assert_eq!(given[0].0, 3);
        // What was given is taken back at once, although the function would answer otherwise.
        table.remove(3);
        t.step();
        assert!(from_table.rows().is_empty());
        table.insert(3);
        gates.open(3);
        step_until(&mut t, "a new call", || from_table.rows().len() == 1);
        assert!(from_table.rows()[0].1 > given[0].1);
        gates.open(1);
        step_until(&mut t, "the first call", || from_stream.rows().len() == 2);
        let kept: u64 = t.stats().states.iter().map(|state| state.rows).sum();
        assert_eq!((kept, gates.cancelled.get()), (1, 0));
    }
}

/// Whenever results join: a row has all of its copies or none, what one call gave, and that for as
/// long as it is there.
#[test]
fn detached_results_are_exact_for_their_history() {
    for threads in [1, 2, 4] {
        for seed in 0..8 {
            let mut random = Random::new(seed);
            let mut t = Harness::with_threads(threads);
            let rows = t.table::<i64>();
            let counter = Counter::default();
            let calls = Calls::default().capacity(3).detached();
            let numbered = t.capture(rows.rows().map_async(calls, move |n| {
                let call = counter.next();
                async move {
                    tokio::time::sleep(delay(n + call as i64)).await;
                    (n, call)
                }
            }));
            let mut there: Vec<i64> = Vec::new();
            let mut given: BTreeMap<i64, usize> = BTreeMap::new();
            let mut check = |there: &[i64]| {
                let counts = groups(there, |n| *n);
                given.retain(|n, _| counts.contains_key(n));
                let actual = numbered.rows();
                let by_row = groups(&actual, |row| row.0);
                for (n, copies) in &by_row {
                    assert_eq!(copies.len(), counts.get(n).map_or(0, Vec::len), "copies of {n}");
                    let call = *given.entry(*n).or_insert(copies[0].1);
                    assert!(copies.iter().all(|copy| copy.1 == call), "one call for {n}");
                }
                assert!(given.keys().all(|n| by_row.contains_key(n)), "what was given stays");
                by_row.len() == counts.len()
            };
            for _ in 0..12 {
                for _ in 0..random.below(8) {
                    if random.one_in(2) && !there.is_empty() {
                        rows.remove(there.swap_remove(random.index(there.len())));
                    } else {
                        there.push(small(&mut random));
                        rows.insert(there[there.len() - 1]);
                    }
                }
                t.step();
                check(&there);
                std::thread::sleep(Duration::from_micros(random.below(2000)));
            }
            let mut complete = false;
            for _ in 0..2000 {
                t.step();
                complete = check(&there);
                if complete {
                    break;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            assert!(complete, "in the end every row has a result");
        }
    }
}

#[test]
fn a_retraction_that_overtakes_its_call_cancels_it() {
    let gates = Gates::default();
    let mut t = Harness::new();
    let table = t.table::<i64>();
    let calls = Calls::default().detached();
    let mapped = t.capture(table.rows().map_async(calls, gates.call()));
    table.insert(1);
    table.insert(2);
    step_until(&mut t, "calls", || gates.begun.get() == 2);
    table.remove(1);
    step_until(&mut t, "the end of a call", || gates.cancelled.get() == 1);
    gates.open(1);
    gates.open(2);
    step_until(&mut t, "the other call", || !mapped.rows().is_empty());
    t.step();
    assert_eq!(mapped.rows().iter().map(|row| row.0).collect::<Vec<_>>(), [2]);
}

#[test]
fn ordered_results_wait_for_those_of_earlier_epochs() {
    for threads in [1, 3] {
        let gates = Gates::default();
        let mut t = Harness::with_threads(threads);
        let rows = t.table::<i64>();
        let calls = Calls::default().detached().ordered();
        let mapped = rows.rows().map_async(calls, gates.call()).map(|row| row.0);
        let mapped = t.capture(mapped);
        (0..4).for_each(|n| rows.insert(n));
        t.step();
        (4..8).for_each(|n| rows.insert(n));
        t.step();
        step_until(&mut t, "calls", || gates.begun.get() == 8);
        (1..8).for_each(|n| gates.open(n));
        step_until(&mut t, "the rest of the first epoch", || mapped.rows().len() == 3);
        std::thread::sleep(Duration::from_millis(10));
        t.step();
        mapped.assert_rows([1, 2, 3]);
        gates.open(0);
        step_until(&mut t, "the second epoch", || mapped.rows().len() == 8);
    }
}

#[test]
fn a_batch_job_ends_when_its_detached_calls_have() {
    for threads in [1, 2, 4] {
        let app = Pipeline::new("test").threads(threads);
        let rows = app.rows(0..200_i64);
        let calls = Calls::default().detached().capacity(3);
        let streamed = rows.map_async(calls.clone(), doubled);
        let table = Table::from(rows).distinct().map_async(calls, doubled);
        let both = streamed.distinct().intersect(&table);
        let both = both.group_by(|_| ()).reduce(|g| g.count()).collect().unwrap();
        assert_eq!(both, [((), 200)]);
    }
}

#[test]
fn rows_wait_where_calls_do() {
    const ROWS: i64 = 200;
    let app = Pipeline::new("test").progress(false);
    let (input, rows) = app.input::<(i64, String)>();
    let entered = Counter::default();
    let count = entered.clone();
    let gates = Gates::default();
    let call = gates.call();
    let rows = rows.inspect(move |_, _| {
        count.next();
    });
    let mapped = rows.map_async(Calls::default().capacity(1), move |(n, _)| call(n)).view();
    let running = app.start().unwrap();
    let pusher = std::thread::spawn(move || {
        (0..ROWS).for_each(|n| input.push((n, "x".repeat(100_000))).unwrap());
    });
    while gates.begun.get() == 0 {
        std::thread::yield_now();
    }
    std::thread::sleep(Duration::from_millis(100));
    // A turn or two of rows, not all that could have entered.
    assert!(entered.get() < 100, "{} rows have entered", entered.get());
    assert!(!pusher.is_finished(), "who pushes waits too");
    (0..ROWS).for_each(|n| gates.open(n));
    assert!(mapped.wait_for(|rows| rows.len() == 200, Duration::from_secs(60)));
    pusher.join().unwrap();
    running.stop();
    running.wait().unwrap();
}

#[test]
fn a_run_that_is_stopped_ends_its_calls() {
    for (threads, detached) in [(1, false), (2, false), (1, true), (2, true)] {
        let settings = |grace| {
            let calls = Calls::default().grace(Duration::from_millis(grace));
            if detached { calls.detached() } else { calls }
        };
        // Calls that end in time are waited for.
        let app = Pipeline::new("test").threads(threads).progress(false);
        let (input, rows) = app.input::<i64>();
        let gates = Gates::default();
        let view = rows.map_async(settings(20_000), gates.call()).view();
        let running = app.start().unwrap();
        input.push(1).unwrap();
        while gates.begun.get() == 0 {
            std::thread::yield_now();
        }
        running.stop();
        std::thread::sleep(Duration::from_millis(20));
        gates.open(1);
        running.wait().unwrap();
        assert_eq!(view.snapshot().len(), 1);
        // One that hangs is cancelled, and the run says so.
        let app = Pipeline::new("test").threads(threads).progress(false);
        let (input, rows) = app.input::<i64>();
        let gates = Gates::default();
        rows.map_async(settings(20), gates.call()).write(null::sink());
        let running = app.start().unwrap();
        input.push(1).unwrap();
        while gates.begun.get() == 0 {
            std::thread::yield_now();
        }
        running.stop();
        let error = running.wait().unwrap_err().to_string();
        assert_says(&error, &["map_async", "1 of its calls", "grace"]);
        assert_eq!(gates.cancelled.get(), 1);
    }
}

#[test]
fn a_call_may_not_stand_in_a_loop() {
    let app = Pipeline::new("test");
    let looped = Table::from(app.rows([1_i64]))
        .iterate(|rows| rows.map_async(Calls::default(), |n| async move { n / 2 }).distinct());
    let error = looped.collect().unwrap_err().to_string();
    assert_says(&error, &["`map_async` at tests/it/async_calls.rs", "`iterate`"]);
}

#[test]
fn settings_without_meaning_are_refused() {
    let refused = |calls: Calls| {
        let app = Pipeline::new("test");
        app.rows([1_i64]).map_async(calls, |n| async move { n }).collect().unwrap_err().to_string()
    };
    assert_says(&refused(Calls::default().capacity(0)), &["`map_async` at tests/it", "capacity"]);
    assert_says(&refused(Calls::default().ordered()), &["only a detached operator"]);
    let negative = pathway::schema::Duration::from_secs(-1);
    assert_says(&refused(Calls::default().timeout(negative)), &["its timeout", "below zero"]);
}

#[test]
fn explain_shows_how_it_calls() {
    let app = Pipeline::new("test");
    let calls = Calls::default()
        .capacity(8)
        .retries(3)
        .timeout(Duration::from_secs(5))
        .rate(100, Duration::from_secs(1))
        .cache(1000)
        .detached();
    let mapped = app.rows([1_i64]).try_map_async(calls, |n| async move { Ok::<_, String>(n) });
    mapped.named("lookup").write(null::sink());
    let expected = "try_map_async `lookup` ← #0 → i64 · append-only · 8 calls at once · \
                    at most 100 in 1s · timeout 5s · 3 retries · cache of 1000 rows · detached · \
                    depends on the history";
    assert_says(&app.explain().to_string(), &[expected]);
}

#[test]
fn a_test_moves_the_clock_of_detached_calls() {
    let mut t = Harness::new();
    let rows = t.stream::<i64>();
    let attempts = Counter::default();
    let count = attempts.clone();
    let minute = Duration::from_secs(60);
    let calls = Calls::default().retries(9).backoff(minute, minute);
    let twice = move |n: i64| {
        let is_first = count.next() == 0;
        async move { if is_first { Err("busy") } else { Ok(n) } }
    };
    let detached = t.capture(rows.rows().try_map_async(calls.clone().detached(), twice));
    // Time stands still while an epoch is open, so a call that holds it does not wait.
    let count = Counter::default();
    let thrice = move |n: i64| {
        let attempt = count.next();
        async move { if attempt < 2 { Err("busy") } else { Ok(n) } }
    };
    let held = t.capture(rows.rows().try_map_async(calls, thrice));
    rows.push([7]);
    t.step();
    held.assert_rows([7]);
    step_until(&mut t, "the first attempt", || attempts.get() == 1);
    std::thread::sleep(Duration::from_millis(20));
    t.step();
    assert_eq!(attempts.get(), 1);
    // The attempt may have failed only after the clock was moved.
    for _ in 0..1000 {
        t.advance(pathway::schema::Duration::from_secs(60));
        t.step();
        if !detached.rows().is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    detached.assert_rows([7]);
    assert_eq!(attempts.get(), 2);
}
