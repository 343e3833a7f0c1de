//! What the time between rows tells: repetitions within a time, and silence.

use crate::oracle::small;
use pathway::prelude::*;
use pathway::testing::{Harness, Random, check_incremental};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Schema)]
struct Beat {
    machine: u8,
    #[schema(event_time)]
    second: i64,
    load: i16,
}

fn beat(random: &mut Random, from: i64) -> Beat {
    Beat {
        machine: small(random, 3),
        second: from + small::<i64>(random, 9),
        load: small::<i16>(random, 4) - 2,
    }
}

/// Those that no kept row of their key is less than `span` in front of.
fn naive_kept(beats: &[Beat], span: i64) -> Vec<Beat> {
    let mut sorted = beats.to_vec();
    sorted.sort_by_key(|beat| (beat.second, beat.machine, beat.load));
    let mut kept: Vec<Beat> = Vec::new();
    for beat in sorted {
        let covers = |old: &&Beat| old.machine == beat.machine && beat.second - old.second < span;
        if !kept.iter().any(|old| covers(&old)) {
            kept.push(beat);
        }
    }
    kept
}

/// The gaps between neighbours that are longer than `span`, and which of them have ended.
fn naive_silence(beats: &[Beat], span: i64, now: i64) -> (Vec<(u8, i64)>, Vec<(u8, i64, i64)>) {
    let (mut silent, mut resumed) = (Vec::new(), Vec::new());
    for (machine, rows) in crate::oracle::groups(beats, |beat| beat.machine) {
        let mut times: Vec<i64> =
            rows.iter().map(|beat| beat.second).filter(|second| *second < now).collect();
        times.sort_unstable();
        for pair in times.windows(2).filter(|pair| pair[1] - pair[0] > span) {
            silent.push((machine, pair[0]));
            resumed.push((machine, pair[0], pair[1]));
        }
        silent.extend(times.last().filter(|last| *last + span < now).map(|last| (machine, *last)));
    }
    (silent, resumed)
}

#[test]
fn repetitions_and_silence_follow_from_the_rows_in_time() {
    for seed in 0..60 {
        let mut random = Random::new(seed);
        let mut t = Harness::with_threads(1 + random.index(4));
        let stream = t.stream::<Beat>();
        let rows = stream.rows().watermark(9);
        let kept = t.capture(rows.deduplicate_within(6, |beat| beat.machine));
        let (silent, resumed) = rows.inactive_after(4, |beat| beat.machine);
        let (silent, resumed) = (t.capture(silent), t.capture(resumed));
        let (mut beats, mut largest) = (Vec::new(), i64::MIN);
        for epoch in 0..12 {
            let fresh: Vec<Beat> =
                (0..random.below(4)).map(|_| beat(&mut random, epoch * 6)).collect();
            largest = fresh.iter().map(|beat| beat.second).fold(largest, i64::max);
            beats.extend(fresh.clone());
            stream.push(fresh);
            t.step();
            let now = largest.saturating_sub(9);
            let passed: Vec<Beat> =
                beats.iter().filter(|beat| beat.second < now).cloned().collect();
            kept.assert_rows(naive_kept(&passed, 6));
            let expected = naive_silence(&beats, 4, now);
            silent.assert_rows(expected.0);
            resumed.assert_rows(expected.1);
        }
        stream.close();
        t.step();
        kept.assert_rows(naive_kept(&beats, 6));
        let expected = naive_silence(&beats, 4, i64::MAX / 2);
        silent.assert_rows(expected.0);
        resumed.assert_rows(expected.1);
        // What is kept of a key that repeats nothing any more, is let go.
        let kept = t.stats().states.iter().map(|state| state.rows).collect::<Vec<_>>();
        assert_eq!(kept[1], 0, "{kept:?}");
    }
}

#[test]
fn incremental_equals_recomputed() {
    let row = |random: &mut Random| beat(random, 0);
    let rows = |t: &pathway::testing::Check| t.stream::<Beat>().watermark(100);
    check_incremental(|t| rows(t).deduplicate_within(3, |beat| beat.machine))
        .rows(row)
        .cases(24)
        .run();
    check_incremental(|t| rows(t).inactive_after(2, |_| ()).1).rows(row).cases(24).run();
}

#[test]
fn silence_by_the_clock_needs_no_row_to_be_noticed() {
    for threads in [1, 3] {
        let mut t = Harness::with_threads(threads);
        let rows = t.stream::<u8>();
        let (silent, resumed) =
            rows.rows().inactive_after_by_clock(Duration::from_secs(10), |row| *row);
        let (silent, resumed) = (t.capture(silent), t.capture(resumed));
        let at = |seconds| {
            "2000-01-01T00:00:00Z".parse::<DateTime>().unwrap() + Duration::from_secs(seconds)
        };
        rows.push([1, 2]);
        t.step();
        t.advance(Duration::from_secs(6));
        rows.push([2]);
        t.step();
        t.advance(Duration::from_secs(4));
        // A row at the last moment is not too late.
        t.step();
        silent.assert_rows([(1, at(0))]);
        t.advance(Duration::from_secs(6));
        rows.push([2]);
        t.step();
        silent.assert_rows([(1, at(0))]);
        t.advance(Duration::from_secs(60));
        rows.push([1]);
        t.step();
        silent.assert_rows([(1, at(0)), (2, at(16))]);
        resumed.assert_rows([(1, at(0), at(76))]);
    }
}

#[test]
fn a_running_pipeline_notices_silence() {
    let app = Pipeline::new("test");
    let (input, rows) = app.input::<u8>();
    let (silent, _) = rows.inactive_after_by_clock(Duration::from_millis(40), |_| ());
    let view = silent.view();
    let running = app.start().unwrap();
    input.push(1).unwrap();
    let started = std::time::Instant::now();
    while view.rows().is_empty() {
        assert!(started.elapsed().as_secs() < 20);
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    assert!(started.elapsed().as_millis() >= 35);
    input.close();
    running.wait().unwrap();
}

/// A new value counts if it is larger than the last one that counted by two or more.
#[test]
fn a_value_that_is_accepted_replaces_the_one_before() {
    use pathway::testing::{add, remove};
    let mut t = Harness::new();
    let values = t.stream::<i64>();
    let last = t.capture(values.rows().deduplicate(|_| (), |new, old| *new >= old + 2));
    let expected = [vec![add(1)], vec![], vec![remove(1), add(3)], vec![]];
    for (value, expected) in (1..).zip(expected) {
        values.push([value]);
        t.step();
        last.assert_changes(expected);
    }
}

#[test]
fn senseless_arguments_are_refused() {
    let beats = || {
        let app = Pipeline::new("test");
        app.rows(vec![Beat { machine: 1, second: 1, load: 1 }])
    };
    let text =
        beats().watermark(0).deduplicate_within(0, |_| ()).collect().unwrap_err().to_string();
    assert!(text.contains("`deduplicate_within`") && text.contains("not positive"), "{text}");
    let text = beats().deduplicate_within(1, |_| ()).collect().unwrap_err().to_string();
    assert!(text.contains("`deduplicate_within`") && text.contains("no watermark"), "{text}");
    let text = beats().watermark(0).inactive_after(0, |_| ()).0.collect().unwrap_err().to_string();
    assert!(text.contains("`inactive_after`") && text.contains("not positive"), "{text}");
    let text = beats().inactive_after(1, |_| ()).1.collect().unwrap_err().to_string();
    assert!(text.contains("`inactive_after`") && text.contains("no watermark"), "{text}");
}
