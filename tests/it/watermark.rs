//! Watermarks: which rows are late, and when a silent partition stops holding others back.

use pathway::error::{DataError, Error};
use pathway::prelude::*;
use pathway::testing::{Harness, Random, TestStream};
use std::collections::BTreeMap;

#[derive(Clone, Debug, PartialEq, Schema)]
struct Reading {
    sensor: String,
    #[schema(event_time)]
    second: Option<i64>,
}

fn reading(sensor: &str, second: i64) -> Reading {
    Reading { sensor: sensor.to_owned(), second: Some(second) }
}

fn pushed(t: &mut Harness, stream: &TestStream<Reading>, seconds: &[i64]) {
    stream.push(seconds.iter().map(|&second| reading("a", second)));
    t.step();
}

#[test]
fn rows_of_one_epoch_are_not_late_because_of_each_other() {
    let mut t = Harness::new();
    let readings = t.stream::<Reading>();
    let (in_time, late) = readings.rows().watermark(5).or_late();
    let (in_time, late) = (t.capture(in_time), t.capture(late));
    pushed(&mut t, &readings, &[100, 1, 50]);
    in_time.assert_rows([reading("a", 1), reading("a", 50), reading("a", 100)]);
    pushed(&mut t, &readings, &[94, 95, 120, 96]);
    late.assert_rows([reading("a", 94)]);
    pushed(&mut t, &readings, &[114, 115]);
    late.assert_rows([reading("a", 94), reading("a", 114)]);
    assert_eq!(t.stats().late[0].rows, 2);
}

#[test]
fn a_late_row_ends_the_run_and_says_why() {
    let mut t = Harness::new();
    let readings = t.stream::<Reading>();
    let in_time = t.capture(readings.rows().watermark(5));
    pushed(&mut t, &readings, &[100]);
    readings.push([reading("b", 94)]);
    let error = t.try_step().unwrap_err();
    assert!(matches!(error, Error::Data(DataError::Late { .. })), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("its time 94 is before the watermark 95"), "{text}");
    assert!(text.contains(r#"row: Reading { sensor: "b", second: Some(94) }"#), "{text}");
    assert!(text.contains("or_late()") && !text.contains("or_errors()"), "{text}");
    drop(in_time);
}

#[test]
fn a_row_without_a_time_is_an_error_or_late() {
    let missing = || Reading { sensor: "a".to_owned(), second: None };
    let mut t = Harness::new();
    let readings = t.stream::<Reading>();
    let _in_time = t.capture(readings.rows().watermark(5));
    readings.push([missing()]);
    let text = t.try_step().unwrap_err().to_string();
    assert!(text.contains("a row has no event time"), "{text}");

    let mut t = Harness::new();
    let readings = t.stream::<Reading>();
    let late = t.capture(readings.rows().watermark(5).late());
    readings.push([missing()]);
    t.step();
    late.assert_rows([missing()]);
}

#[test]
fn dropped_rows_are_counted() {
    for threads in [1, 3] {
        let mut t = Harness::with_threads(threads);
        let readings = t.stream::<Reading>();
        let in_time = t.capture(readings.rows().watermark(0).drop_late());
        pushed(&mut t, &readings, &[10]);
        pushed(&mut t, &readings, &[9, 10, 8]);
        in_time.assert_rows([reading("a", 10), reading("a", 10)]);
        assert_eq!(t.stats().late[0].rows, 2);
    }
}

#[test]
fn a_silent_partition_holds_the_others_back_until_it_is_idle() {
    for threads in [1, 2] {
        let mut t = Harness::with_threads(threads);
        let (slow, fast) = (t.stream::<Reading>(), t.stream::<Reading>());
        let both = slow.rows().concat(&fast.rows());
        let in_time = both.watermark(0).idle_after(Duration::from_secs(30));
        let late = t.capture(in_time.late());
        slow.push([reading("slow", 10)]);
        fast.push([reading("fast", 50)]);
        t.step();
        fast.push([reading("fast", 11)]);
        t.step();
        late.assert_rows([]);
        t.advance(Duration::from_secs(29));
        fast.push([reading("fast", 60)]);
        t.step();
        fast.push([reading("fast", 12)]);
        t.step();
        late.assert_rows([]);
        // The slow one has been silent for too long.
        t.advance(Duration::from_secs(1));
        t.step();
        slow.push([reading("slow", 59)]);
        fast.push([reading("fast", 60)]);
        t.step();
        late.assert_rows([reading("slow", 59)]);
    }
}

#[test]
fn senseless_arguments_are_build_errors() {
    let app = Pipeline::new("test");
    let readings = app.rows(vec![reading("a", 1)]);
    let error = readings.watermark(-1).collect().unwrap_err().to_string();
    assert!(error.contains("`watermark`") && error.contains("negative"), "{error}");
    let app = Pipeline::new("test");
    let readings = app.rows(vec![reading("a", 1)]);
    let idle = readings.watermark(1).idle_after(Duration::ZERO);
    let error = idle.collect().unwrap_err().to_string();
    assert!(error.contains("`idle_after`") && error.contains("not positive"), "{error}");
}

#[test]
fn nothing_in_a_batch_is_late() {
    let app = Pipeline::new("test");
    let readings: Vec<Reading> = (0..1_000).rev().map(|second| reading("a", second)).collect();
    assert_eq!(app.rows(readings).watermark(0).collect().unwrap().len(), 1_000);
}

#[test]
fn explain_says_what_a_watermark_is_of() {
    let app = Pipeline::new("test");
    let readings = app.rows(vec![reading("a", 1)]);
    let (in_time, late) = readings.watermark(1).or_late();
    in_time.write(null::sink());
    late.write(null::sink());
    let plan = app.explain().to_string();
    assert!(
        plan.contains(
            "watermark of `second` ← #0 → Reading · append-only · depends on the history"
        ),
        "{plan}"
    );
    assert!(plan.contains("← #1 late"), "{plan}");
}

#[test]
fn a_concat_has_the_smaller_watermark_of_its_inputs() {
    for threads in [1, 2] {
        let mut t = Harness::with_threads(threads);
        let (slow, fast) = (t.stream::<Reading>(), t.stream::<Reading>());
        let both = slow.rows().watermark(5).concat(&fast.rows().watermark(0));
        let counts = both
            .window(tumbling(10))
            .when_final()
            .reduce(|g| g.count())
            .select(|window, count| (window.start, count));
        let counts = t.capture(counts);
        pushed(&mut t, &fast, &[1, 30]);
        counts.assert_rows([]);
        pushed(&mut t, &slow, &[2, 14]); // its watermark is 9 now, the other's 30
        counts.assert_rows([]);
        pushed(&mut t, &slow, &[9, 15]);
        counts.assert_rows([(0, 3)]);
        pushed(&mut t, &slow, &[90]);
        counts.assert_rows([(0, 3), (10, 2)]);
        fast.close();
        t.step();
        counts.assert_rows([(0, 3), (10, 2), (30, 1)]);
    }
}

#[test]
fn a_concat_with_rows_that_have_no_watermark_has_none() {
    let app = Pipeline::new("test");
    let readings = app.rows(vec![reading("a", 1)]);
    let both = readings.watermark(5).concat(&readings);
    let error = both.window(tumbling(10)).when_final().reduce(|g| g.count()).collect();
    let error = error.unwrap_err().to_string();
    assert!(error.contains("its rows have no watermark"), "{error}");
}

#[test]
fn a_fast_key_does_not_make_others_late() {
    for threads in [1, 3] {
        let mut t = Harness::with_threads(threads);
        let readings = t.stream::<Reading>();
        let in_time = readings.rows().watermark(5).per_key(|reading| reading.sensor.clone());
        let late = t.capture(in_time.idle_after(Duration::from_secs(30)).late());
        readings.push([reading("slow", 10), reading("fast", 1_000)]);
        t.step();
        readings.push([reading("slow", 5), reading("slow", 4), reading("fast", 1_001)]);
        t.step();
        late.assert_rows([reading("slow", 4)]);
        // A key that has gone quiet holds nobody back for ever.
        t.advance(Duration::from_secs(31));
        readings.push([reading("fast", 1_001)]);
        t.step();
        readings.push([reading("slow", 11)]);
        t.step();
        late.assert_rows([reading("slow", 4), reading("slow", 11)]);
    }
}

#[test]
fn keys_that_are_idle_take_no_memory() {
    let mut t = Harness::new();
    let readings = t.stream::<Reading>();
    let in_time = readings.rows().watermark(5).per_key(|reading| reading.sensor.clone());
    let _in_time = t.capture(in_time.idle_after(Duration::from_secs(30)));
    let state = |t: &Harness| t.stats().states.iter().map(|state| state.rows).sum::<u64>();
    for round in 0..5 {
        readings.push((0..100).map(|n| reading(&format!("{round} {n}"), 1_000 + round)));
        t.step();
        assert_eq!(state(&t), 100);
        t.advance(Duration::from_secs(30));
    }
}

#[derive(Clone, Debug, PartialEq, Schema)]
struct Beat {
    #[schema(key)]
    of: u32,
    #[schema(event_time)]
    at: DateTime,
}

fn beat(of: u32, at: &str) -> Beat {
    Beat { of, at: at.parse().expect("a time") }
}

#[test]
fn a_row_too_far_ahead_of_the_clock_ends_the_run_and_says_so() {
    let mut t = Harness::new();
    let beats = t.stream::<Beat>();
    let five = Duration::from_mins(5);
    let _in_time = t.capture(beats.rows().watermark(Duration::ZERO).ahead_at_most(five));
    beats.push([beat(1, "2000-01-01T00:05:00Z")]);
    t.step();
    beats.push([beat(2, "2000-01-01T00:05:01Z")]);
    let error = t.try_step().unwrap_err();
    assert!(matches!(error, Error::Data(DataError::Late { .. })), "{error:?}");
    let text = error.to_string();
    let wanted = "a row is ahead of time: its time 2000-01-01T00:05:01Z is too far after that of \
                  the clock, 2000-01-01T00:00:00Z";
    assert!(text.contains(wanted) && text.contains("ahead_at_most(..)"), "{text}");
}

#[test]
fn a_wrong_clock_does_not_close_the_windows_of_others() {
    for threads in [1, 2] {
        let mut t = Harness::with_threads(threads);
        let beats = t.stream::<Beat>();
        let in_time = beats.rows().watermark(Duration::ZERO);
        let (in_time, wrong) = in_time.ahead_at_most(Duration::from_mins(5)).or_late();
        // Rows keep their order also where one in front has to wait for the clock.
        let latest = t.capture(in_time.upsert());
        let (in_time, wrong) = (t.capture(in_time), t.capture(wrong));
        let future = beat(1, "2038-01-19T03:14:07Z");
        t.advance(Duration::from_hours(1));
        let rows = ["2000-01-01T00:59:00Z", "2000-01-01T01:04:00Z", "2000-01-01T00:58:00Z"];
        let rows = rows.map(|at| beat(1, at));
        beats.push([rows[0].clone(), future.clone(), rows[1].clone(), rows[2].clone()]);
        t.step();
        in_time.assert_rows([rows[2].clone(), rows[0].clone(), rows[1].clone()]);
        wrong.assert_rows([future]);
        latest.assert_rows([rows[2].clone()]);
        beats.push([beat(1, "2000-01-01T01:04:00Z")]);
        t.step();
        assert_eq!((in_time.rows().len(), wrong.rows().len()), (4, 1));
    }
}

#[test]
fn a_watermark_that_follows_the_clock_goes_on_without_rows() {
    for threads in [1, 2] {
        let mut t = Harness::with_threads(threads);
        let beats = t.stream::<Beat>();
        let in_time = beats.rows().watermark(Duration::from_secs(5));
        let (in_time, late) = in_time.follow_clock(Duration::from_secs(1)).or_late();
        let counts = in_time
            .window(tumbling(Duration::from_secs(10)))
            .when_final()
            .reduce(|g| g.count())
            .select(|window, count| (window.start, count));
        let (counts, late) = (t.capture(counts), t.capture(late));
        beats.push([beat(1, "2000-01-01T00:00:03Z")]);
        t.step();
        t.advance(Duration::from_secs(14));
        t.step();
        counts.assert_rows([]);
        beats.push([beat(2, "2000-01-01T00:00:09Z")]);
        t.advance(Duration::from_secs(1));
        t.step();
        counts.assert_rows([("2000-01-01T00:00:00Z".parse().unwrap(), 2)]);
        beats.push([beat(3, "2000-01-01T00:00:09Z"), beat(3, "2000-01-01T00:00:10Z")]);
        t.step();
        late.assert_rows([beat(3, "2000-01-01T00:00:09Z")]);
    }
}

#[test]
fn a_live_run_closes_windows_of_a_silent_stream() {
    let app = Pipeline::new("silent");
    let (input, names) = app.input::<String>();
    let counts = names
        .stamped(|_, at| Beat { of: 1, at })
        .watermark(Duration::ZERO)
        .follow_clock(Duration::from_millis(5))
        .window(tumbling(Duration::from_millis(20)))
        .when_final()
        .reduce(|g| g.count());
    let view = counts.view();
    let running = app.start().unwrap();
    input.push("ada".to_owned()).unwrap();
    while view.rows().is_empty() {
        assert!(!running.is_over());
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    running.stop();
    running.wait().unwrap();
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Schema)]
struct Order {
    #[schema(key)]
    id: u64,
    #[schema(event_time)]
    hour: Option<i64>,
    cents: u64,
}

#[test]
fn updates_of_a_key_are_accepted_or_refused_together() {
    let lateness = 6;
    for seed in 0..40 {
        let mut random = Random::new(seed);
        let mut t = Harness::with_threads([1, 2, 4][random.index(3)]);
        let orders = t.table::<Order>();
        let (in_time, late) = orders.rows().watermark(lateness).or_late();
        let (in_time, late) = (t.capture(in_time), t.capture(late));
        let mut truth: BTreeMap<u64, Order> = BTreeMap::new();
        let mut accepted: Vec<Order> = Vec::new();
        let (mut refused, mut watermark, mut now) = (0_i64, i64::MIN, 0);
        for epoch in 0..20 {
            now += 2;
            let mut largest = i64::MIN;
            for id in 0..6 {
                if random.one_in(2) {
                    continue;
                }
                let old = truth.remove(&id);
                let hour = now - 10 + i64::try_from(random.below(14)).unwrap();
                let hour = (!random.one_in(15)).then_some(hour);
                let new = (old.is_none() || !random.one_in(3)).then(|| {
                    let order = Order { id, hour, cents: random.below(3) };
                    truth.insert(id, order.clone());
                    order
                });
                old.iter().for_each(|old| orders.remove(old.clone()));
                new.iter().for_each(|new| orders.insert(new.clone()));
                if old == new {
                    continue;
                }
                let is_late = |order: &Order| order.hour.is_none_or(|hour| hour < watermark);
                let there = old.iter().all(|old| accepted.contains(old));
                if there && !old.iter().chain(&new).any(is_late) {
                    let times = old.iter().chain(&new).filter_map(|order| order.hour);
                    largest = times.fold(largest, i64::max);
                    accepted.retain(|order| Some(order) != old.as_ref());
                    accepted.extend(new);
                } else {
                    refused += i64::from(new.is_some()) - i64::from(old.is_some());
                }
            }
            t.step();
            accepted.sort();
            let context = format!("seed {seed}, epoch {epoch}");
            let mut rows = in_time.rows();
            rows.sort();
            assert_eq!(rows, accepted, "{context}");
            assert_eq!(late.rows().iter().map(|(_, diff)| diff).sum::<i64>(), refused, "{context}");
            watermark = watermark.max(largest.saturating_sub(lateness));
        }
    }
}

#[test]
fn a_late_update_ends_the_run_and_says_why() {
    let order = |hour, cents| Order { id: 1, hour: Some(hour), cents };
    let mut t = Harness::new();
    let orders = t.table::<Order>();
    let _in_time = t.capture(orders.rows().watermark(5));
    orders.insert(order(3, 100));
    orders.insert(Order { id: 2, ..order(50, 100) });
    t.step();
    orders.remove(order(3, 100));
    let text = t.try_step().unwrap_err().to_string();
    assert!(text.contains("its time 3 is before the watermark 45"), "{text}");
}
