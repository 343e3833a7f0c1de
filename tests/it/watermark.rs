//! Watermarks: which rows are late, and when a silent partition stops holding others back.

use pathway::error::{DataError, Error};
use pathway::prelude::*;
use pathway::testing::{Harness, TestStream};

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
