//! Sources that are aligned: who waits for whom, and for how long.

use pathway::prelude::*;
use pathway::testing::Harness;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

#[derive(Clone, Debug, PartialEq, Schema)]
struct Event {
    #[schema(event_time)]
    second: i64,
    payload: String,
}

fn event(second: i64) -> Event {
    Event { second, payload: "x".repeat(10 << 10) }
}

fn events(seconds: impl IntoIterator<Item = i64>) -> Vec<Event> {
    seconds.into_iter().map(event).collect()
}

fn aligned(events: &Stream<Event>) -> Stream<Event> {
    Stream::clone(&events.watermark(0).align_within(100))
}

#[test]
fn a_source_that_is_ahead_waits_until_the_others_move_on() {
    for threads in [1, 3] {
        let mut t = Harness::with_threads(threads);
        let (slow, fast, free) = (t.stream::<Event>(), t.stream::<Event>(), t.stream::<Event>());
        let both = aligned(&slow.rows()).concat(&aligned(&fast.rows()));
        let seconds = t.capture(both.map(|event| event.second));
        let unaligned = t.capture(free.rows().watermark(0).map(|event| event.second));
        slow.push([event(1)]);
        fast.push([event(101)]);
        t.step();
        // As far ahead as it may be.
        fast.push([event(102)]);
        t.step();
        fast.push(events([103, 104]));
        free.push([event(9_000)]);
        slow.push([event(1)]);
        t.step();
        seconds.assert_rows([1, 1, 101, 102]);
        unaligned.assert_rows([9_000]);
        // What moves the slow one on lets the fast one go on behind that epoch.
        slow.push([event(2)]);
        t.step();
        seconds.assert_rows([1, 1, 2, 101, 102]);
        t.step();
        seconds.assert_rows([1, 1, 2, 101, 102, 103, 104]);
    }
}

#[test]
fn a_source_that_has_not_begun_is_furthest_behind() {
    let mut t = Harness::new();
    let (slow, fast) = (t.stream::<Event>(), t.stream::<Event>());
    let both = aligned(&slow.rows()).concat(&aligned(&fast.rows()));
    let seconds = t.capture(both.map(|event| event.second));
    fast.push([event(5)]);
    t.step();
    fast.push([event(6)]);
    t.step();
    seconds.assert_rows([5]);
    slow.push([event(0)]);
    t.step();
    t.step();
    seconds.assert_rows([0, 5, 6]);
}

#[test]
fn an_idle_source_and_one_that_has_ended_hold_nobody_back() {
    for threads in [1, 2] {
        let mut t = Harness::with_threads(threads);
        let [slow, other, fast] = [(); 3].map(|()| t.stream::<Event>());
        let rows = |stream: &Stream<Event>, idle| {
            let in_time = stream.watermark(0).idle_after(Duration::from_secs(idle));
            Stream::clone(&in_time.align_within(100))
        };
        let all = rows(&slow.rows(), 30).concat(&rows(&other.rows(), 1_000));
        let all = all.concat(&rows(&fast.rows(), 1_000));
        let seconds = t.capture(all.map(|event| event.second));
        slow.push([event(0)]);
        other.push([event(200)]);
        fast.push([event(400)]);
        t.step();
        other.push([event(201)]);
        fast.push([event(401)]);
        t.step();
        seconds.assert_rows([0, 200, 400]);
        t.advance(Duration::from_secs(30));
        t.step();
        seconds.assert_rows([0, 200, 201, 400]);
        other.close();
        t.step();
        t.step();
        seconds.assert_rows([0, 200, 201, 400, 401]);
        // What has been idle is furthest behind again once something comes.
        slow.push([event(1)]);
        t.step();
        fast.push([event(402)]);
        t.step();
        seconds.assert_rows([0, 1, 200, 201, 400, 401]);
        slow.close();
        fast.close();
        t.step();
        t.step();
        seconds.assert_rows([0, 1, 200, 201, 400, 401, 402]);
    }
}

/// A source of two watermarks, one ahead and one furthest behind, is not held back.
#[test]
fn what_is_furthest_behind_is_never_held_back() {
    let mut t = Harness::new();
    let (both, other) = (t.stream::<Event>(), t.stream::<Event>());
    let back = both.rows().map(|row| Event { second: row.second - 1_000, ..row.clone() });
    let all = aligned(&both.rows()).concat(&aligned(&back)).concat(&aligned(&other.rows()));
    let seconds = t.capture(all.map(|event| event.second));
    both.push([event(1_000)]);
    other.push([event(500)]);
    t.step();
    both.push([event(1_001)]);
    other.push([event(501)]);
    t.step();
    seconds.assert_rows([0, 1, 500, 1_000, 1_001]);
}

const ROWS: i64 = 3_000;

/// Pushes 30 megabytes into one input while the other one stays behind, and sees that the producer
/// waits; then lets the other one do something, and sees that all rows arrive.
fn race(threads: usize, go_on: impl FnOnce(&Input<Event>)) {
    let app = Pipeline::new("test").threads(threads);
    let ((fast, fast_rows), (slow, slow_rows)) = (app.input::<Event>(), app.input::<Event>());
    let (fast_rows, slow_rows) = (aligned(&fast_rows), aligned(&slow_rows));
    let counts = fast_rows.group_by(|_| ()).reduce(|g| g.count()).view();
    slow_rows.write(null::sink());
    let running = app.start().expect("it starts");
    slow.push(event(0)).expect("it runs");
    let pushed = Arc::new(AtomicI64::new(0));
    let producer = {
        let pushed = Arc::clone(&pushed);
        std::thread::spawn(move || {
            for second in 0..ROWS {
                fast.push(event(second)).expect("it runs");
                pushed.store(second + 1, Ordering::SeqCst);
            }
            fast.close();
        })
    };
    let entered = || running.stats().sources[0].rows;
    let mut still = 0;
    while still < 6 || entered() < 100 {
        let before = pushed.load(Ordering::SeqCst);
        std::thread::sleep(std::time::Duration::from_millis(50));
        still = if pushed.load(Ordering::SeqCst) == before { still + 1 } else { 0 };
    }
    assert!(pushed.load(Ordering::SeqCst) < ROWS, "the producer waits");
    // A hundred seconds, and what a turn or two take; some megabytes more wait in the queue.
    assert!(entered() < 500, "{:?}", running.stats());
    go_on(&slow);
    producer.join().expect("no panic");
    slow.close();
    running.wait().expect("no error");
    assert_eq!(counts.rows(), [((), ROWS.unsigned_abs())]);
}

#[test]
fn a_fast_producer_blocks_until_the_slow_one_moves_on() {
    for threads in [1, 3] {
        race(threads, |slow| {
            for second in (0..ROWS).step_by(90) {
                slow.push(event(second)).unwrap();
            }
            slow.push(event(ROWS)).unwrap();
        });
    }
}

#[test]
fn a_fast_producer_blocks_until_the_slow_one_has_ended() {
    for threads in [1, 2] {
        race(threads, |slow| slow.close());
    }
}

#[derive(Clone, Debug, PartialEq, Schema)]
struct Item {
    #[schema(key, event_time)]
    second: i64,
    payload: String,
}

fn item(second: i64) -> Item {
    Item { second, payload: event(second).payload }
}

#[test]
fn a_transaction_is_taken_whole() {
    let app = Pipeline::new("test");
    let (fast, fast_rows) = app.input_table::<Item>();
    let (slow, slow_rows) = app.input::<Event>();
    let fast_rows = fast_rows.watermark(0).align_within(100);
    let counts = fast_rows.group_by(|_| ()).reduce(|g| g.count()).view();
    aligned(&slow_rows).write(null::sink());
    let running = app.start().unwrap();
    slow.push(event(0)).unwrap();
    // Three turns' worth of rows, the first ones too far ahead.
    let transaction = fast.transaction(|all| {
        (500..800).for_each(|second| all.insert(item(second)));
        Ok(())
    });
    transaction.unwrap();
    let since = Instant::now();
    while counts.rows() != [((), 300)] {
        assert!(since.elapsed().as_secs() < 60, "{:?}", counts.rows());
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    fast.insert(item(900)).unwrap();
    slow.close();
    fast.close();
    running.wait().unwrap();
    assert_eq!(counts.rows(), [((), 301)]);
}

#[test]
fn a_batch_is_not_held_up() {
    for (long, short) in [(1_000, 10), (10, 1_000)] {
        for rows_max in [None, Some(7)] {
            let app = Pipeline::new("test");
            let app = rows_max.map_or(app.clone(), |rows| app.epoch_rows_max(rows));
            let ahead = app.rows((0..long).map(|second| Timed { second: second * 1_000 }));
            let behind = app.rows((0..short).map(|second| Timed { second }));
            let rows =
                |rows: &Stream<Timed>| Stream::clone(&rows.watermark(1_000_000).align_within(5));
            let count = rows(&ahead).concat(&rows(&behind)).reduce(|g| g.count());
            assert_eq!(count.collect().unwrap(), [1_010]);
        }
    }
}

#[derive(Clone, Debug, Schema)]
struct Timed {
    #[schema(event_time)]
    second: i64,
}

#[test]
fn explain_says_what_is_aligned_and_a_negative_drift_is_a_build_error() {
    let app = Pipeline::new("test");
    aligned(&app.rows([event(0)])).write(null::sink());
    let plan = app.explain().to_string();
    assert!(plan.contains("depends on the history · aligned within 100"), "{plan}");
    let app = Pipeline::new("test");
    let rows = app.rows([event(0)]).watermark(0).align_within(-1);
    let error = rows.collect().unwrap_err().to_string();
    assert!(error.contains("`align_within`") && error.contains("-1 is negative"), "{error}");
}
