//! Values at regular times, and what was there in the time before each row.

use crate::oracle::small;
use pathway::prelude::*;
use pathway::testing::{Harness, Random, check_incremental};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Schema)]
struct Reading {
    sensor: u8,
    #[schema(event_time)]
    second: i64,
    value: i32,
}

fn reading(random: &mut Random, from: i64) -> Reading {
    Reading {
        sensor: small(random, 3),
        second: from - 7 + small::<i64>(random, 9),
        value: small::<i32>(random, 9) - 4,
    }
}

/// For each multiple of three between the first row of a sensor and its last: the last row at or
/// before it, and the first one behind it.
fn naive(readings: &[Reading]) -> Vec<(u8, i64, Reading, Option<Reading>)> {
    let mut found = Vec::new();
    for (sensor, mut rows) in crate::oracle::groups(readings, |row| row.sensor) {
        rows.sort();
        let (first, last) = (rows[0].second, rows[rows.len() - 1].second);
        for time in (first..=last).filter(|time| time % 3 == 0) {
            let before = rows.iter().rfind(|row| row.second <= time).copied();
            let before = before.expect("no time is before the first row");
            let behind = rows.iter().find(|row| row.second > time).copied();
            found.push((sensor, time, before.clone(), behind.cloned()));
        }
    }
    found
}

fn float(number: i64) -> f64 {
    i32::try_from(number).map_or(f64::NAN, f64::from)
}

fn line(time: i64, before: &Reading, behind: Option<&Reading>) -> f64 {
    let value = |row: &Reading| f64::from(row.value);
    match behind {
        Some(behind) if before.second < time => {
            let (part, whole) = (time - before.second, behind.second - before.second);
            value(before) + (value(behind) - value(before)) * (float(part) / float(whole))
        }
        _ => value(before),
    }
}

fn naive_trailing(readings: &[Reading]) -> Vec<(u8, i64, Vec<i32>)> {
    let mut found = Vec::new();
    for (sensor, mut rows) in crate::oracle::groups(readings, |row| row.sensor) {
        rows.sort();
        for (at, row) in rows.iter().enumerate() {
            let last = rows[..=at].iter().filter(|other| other.second > row.second - 5);
            found.push((sensor, row.second, last.map(|row| row.value).collect()));
        }
    }
    found
}

#[test]
fn values_at_regular_times_follow_from_the_rows_in_time() {
    for seed in 0..60 {
        let mut random = Random::new(seed);
        let mut t = Harness::with_threads(1 + random.index(4));
        let stream = t.stream::<Reading>();
        let rows = stream.rows().watermark(9);
        let previous = t.capture(rows.resample(3, |row| row.sensor).previous());
        let recent = t.capture(rows.resample(3, |row| row.sensor).recent(2));
        let lines = rows.resample(3, |row| row.sensor).linear(|row| row.value.into());
        let lines = t.capture(lines);
        let trailing = rows.trailing(
            5,
            |row| row.sensor,
            |row, rows| {
                (row.sensor, row.second, rows.iter().map(|row| row.value).collect::<Vec<i32>>())
            },
        );
        let trailing = t.capture(trailing);
        let (mut readings, mut largest) = (Vec::new(), i64::MIN);
        for epoch in 0..10 {
            let fresh: Vec<Reading> =
                (0..random.below(5)).map(|_| reading(&mut random, epoch * 5)).collect();
            largest = fresh.iter().map(|row| row.second).fold(largest, i64::max);
            readings.extend(fresh.clone());
            stream.push(fresh);
            t.step();
            let now = largest.saturating_sub(9);
            let passed: Vec<Reading> =
                readings.iter().filter(|row| row.second < now).cloned().collect();
            // A time is known with the first row behind it.
            let known = naive(&passed).into_iter().filter(|(.., behind)| behind.is_some());
            previous.assert_rows(known.map(|(sensor, time, row, _)| (sensor, time, row)));
            trailing.assert_rows(naive_trailing(&passed));
        }
        stream.close();
        t.step();
        let all = naive(&readings);
        let each = all.iter();
        previous
            .assert_rows(each.clone().map(|(sensor, time, row, _)| (*sensor, *time, row.clone())));
        recent.assert_rows(each.clone().map(|(sensor, time, row, _)| {
            (*sensor, *time, Some(row.clone()).filter(|row| time - row.second < 2))
        }));
        lines.assert_rows(each.map(|(sensor, time, row, behind)| {
            (*sensor, *time, line(*time, row, behind.as_ref()))
        }));
        trailing.assert_rows(naive_trailing(&readings));
    }
}

#[test]
fn incremental_equals_recomputed() {
    let row = |random: &mut Random| reading(random, 0);
    check_incremental(|t| {
        t.stream::<Reading>().watermark(100).resample(2, |row| row.sensor).previous()
    })
    .rows(row)
    .cases(24)
    .run();
    check_incremental(|t| {
        let rows = t.stream::<Reading>().watermark(100);
        rows.trailing(4, |row| row.sensor, |row, rows| (row.second, rows.len() as u64))
    })
    .rows(row)
    .cases(24)
    .run();
}

#[derive(Clone, Debug, PartialEq, Schema)]
struct Price {
    #[schema(event_time)]
    at: DateTime,
    price: f64,
}

#[test]
fn hours_are_those_of_the_clock() {
    let app = Pipeline::new("test");
    let price = |at: &str, price| Price { at: at.parse().unwrap(), price };
    let prices = vec![
        price("2013-01-01T05:30:00Z", 10.0),
        price("2013-01-01T07:30:00Z", 30.0),
        price("2013-01-01T08:00:00Z", 50.0),
    ];
    let hours = app.rows(prices).watermark(Duration::ZERO);
    let hours = hours.resample(Duration::from_hours(1), |_| ()).linear(|price| price.price);
    let hours: Vec<(String, f64)> =
        hours.map(|((), at, price)| (at.to_string(), price)).collect().unwrap();
    let at = |at: &str, price: f64| (at.to_owned(), price);
    assert_eq!(
        hours,
        [
            at("2013-01-01T06:00:00Z", 15.0),
            at("2013-01-01T07:00:00Z", 25.0),
            at("2013-01-01T08:00:00Z", 50.0),
        ]
    );
}

#[test]
fn what_is_left_of_a_key_is_little() {
    let mut t = Harness::new();
    let stream = t.stream::<Reading>();
    let trailing = stream.rows().watermark(0);
    let trailing = trailing.trailing(5, |row| row.sensor, |_, rows| rows.len() as u64);
    let _trailing = t.capture(trailing);
    stream.push((0..50).map(|sensor| Reading { sensor, second: 0, value: 0 }));
    stream.push([Reading { sensor: 200, second: 5, value: 0 }]);
    t.step();
    assert_eq!(t.stats().states[1].rows, 51);
    stream.push([Reading { sensor: 200, second: 6, value: 0 }]);
    t.step();
    // The sensor that goes on, and its row that waits for the watermark.
    assert_eq!(t.stats().states[1].rows, 2);
}

#[test]
fn senseless_arguments_are_refused() {
    let rows = || {
        let app = Pipeline::new("test");
        app.rows(vec![Reading { sensor: 1, second: 1, value: 1 }])
    };
    let text = rows().watermark(0).resample(0, |_| ()).previous().collect().unwrap_err();
    let text = text.to_string();
    assert!(text.contains("`resample`") && text.contains("not positive"), "{text}");
    let text = rows().resample(1, |_| ()).previous().collect().unwrap_err().to_string();
    assert!(text.contains("`resample`") && text.contains("no watermark"), "{text}");
    let text = rows().watermark(0).trailing(0, |_| (), |_, _| 0).collect().unwrap_err();
    let text = text.to_string();
    assert!(text.contains("`trailing`") && text.contains("not positive"), "{text}");
}
