//! State machines with timers, by event time and by the clock.

use pathway::prelude::*;
use pathway::testing::{Harness, Random};
use std::collections::BTreeMap;
use std::time::Instant;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Schema)]
struct Beat {
    machine: u8,
    #[schema(event_time)]
    second: i64,
    load: u8,
}

/// What a machine tells: when, which machine, how many beats so far.
type Told = (i64, u8, u64);

/// A machine that is silent for four seconds says so, and again every six seconds, twice at most;
/// a load of nine resets it.
fn silence(beats: &Stream<Beat>) -> Stream<Told> {
    beats.state_machine(|beat| beat.machine).by_event_time().run::<(u64, u8), Told>(
        |machine, beat| {
            if beat.load == 9 {
                *machine.state() = None;
                machine.cancel_timers();
                return;
            }
            let beats = machine.state().map_or(0, |(beats, _)| beats) + 1;
            *machine.state() = Some((beats, 0));
            machine.cancel_timers();
            machine.set_timer(beat.second + 4);
        },
        |machine, at| {
            let Some((beats, told)) = *machine.state() else { return };
            machine.emit((at, *machine.key(), beats));
            *machine.state() = Some((beats, told + 1));
            if told < 1 {
                machine.set_timer(at + 6);
            }
        },
    )
}

/// The same, written for one sorted list of rows.
fn naive(mut beats: Vec<Beat>, ended: bool, watermark: i64) -> Vec<Told> {
    beats.sort_by_key(|beat| (beat.second, beat.machine, beat.load));
    let largest = beats.last().map_or(i64::MIN, |beat| beat.second);
    let mut told = Vec::new();
    let mut states: BTreeMap<u8, (u64, u8, Option<i64>)> = BTreeMap::new();
    let mut fire = |states: &mut BTreeMap<u8, (u64, u8, Option<i64>)>, before: i64, once: bool| {
        for (machine, (beats, said, timer)) in states.iter_mut() {
            while let Some(at) = timer.filter(|at| *at < before) {
                told.push((at, *machine, *beats));
                *said += 1;
                *timer = (*said < 2 && !once).then_some(at + 6);
            }
        }
    };
    for beat in beats.into_iter().filter(|beat| ended || beat.second < watermark) {
        fire(&mut states, beat.second, false);
        if beat.load == 9 {
            states.remove(&beat.machine);
            continue;
        }
        let state = states.entry(beat.machine).or_insert((0, 0, None));
        *state = (state.0 + 1, 0, Some(beat.second + 4));
    }
    fire(&mut states, watermark, false);
    if ended {
        fire(&mut states, largest, false);
        fire(&mut states, i64::MAX, true);
    }
    told.sort_unstable();
    told
}

#[test]
fn rows_and_timers_come_in_the_order_of_their_times() {
    for seed in 0..60 {
        let mut random = Random::new(seed);
        let mut t = Harness::with_threads(1 + random.index(4));
        let stream = t.stream::<Beat>();
        let lateness = 8;
        let told = t.capture(silence(&stream.rows().watermark(lateness)));
        let (mut beats, mut largest) = (Vec::new(), i64::MIN);
        for epoch in 0..12 {
            // No row is late: none is further back than the lateness allows.
            let now = epoch * 5;
            let rows: Vec<Beat> = (0..random.below(6))
                .map(|_| Beat {
                    machine: u8::try_from(random.below(4)).unwrap(),
                    second: now + i64::try_from(random.below(5)).unwrap(),
                    load: u8::try_from(random.below(12)).unwrap(),
                })
                .collect();
            largest = rows.iter().map(|beat| beat.second).fold(largest, i64::max);
            beats.extend(rows.clone());
            stream.push(rows);
            t.step();
            let watermark = largest.saturating_sub(lateness);
            told.assert_rows(naive(beats.clone(), false, watermark));
        }
        stream.close();
        t.step();
        told.assert_rows(naive(beats, true, largest.saturating_sub(lateness)));
    }
}

#[test]
fn a_batch_gives_what_a_stream_gives() {
    let beat = |machine, second| Beat { machine, second, load: 0 };
    let beats = vec![beat(1, 0), beat(2, 3), beat(1, 30), beat(1, 2), beat(1, 33)];
    let app = Pipeline::new("test");
    let told = silence(&app.rows(beats.clone()).watermark(0)).collect().unwrap();
    assert_eq!(told, [(6, 1, 2), (7, 2, 1), (12, 1, 2), (13, 2, 1), (37, 1, 4)]);
    assert_eq!(told, naive(beats, true, 33));
}

#[test]
fn a_stream_without_a_watermark_is_refused() {
    let app = Pipeline::new("test");
    let beats = app.rows(vec![Beat { machine: 1, second: 0, load: 0 }]);
    let mapped = beats.watermark(0).map(|beat| Beat { second: beat.second / 2, ..beat });
    let error = silence(&mapped).collect().unwrap_err().to_string();
    assert!(error.contains("no watermark") && error.contains(".watermark("), "{error}");
    // What a filter keeps, keeps its watermark.
    let app = Pipeline::new("test");
    let beats = app.rows(vec![Beat { machine: 1, second: 0, load: 0 }]);
    let kept = beats.watermark(0).filter(|beat| beat.load < 5).inspect(|_, _| {});
    assert_eq!(silence(&kept).collect().unwrap(), [(4, 1, 1)]);
}

#[test]
fn a_timer_that_would_never_end_is_an_error() {
    let app = Pipeline::new("test");
    let beats = app.rows(vec![Beat { machine: 7, second: 0, load: 0 }]).watermark(0);
    let endless = beats.state_machine(|beat| beat.machine).by_event_time().run::<u8, u8>(
        |machine, beat| machine.set_timer(beat.second),
        |machine, at| machine.set_timer(at),
    );
    let error = endless.collect().unwrap_err().to_string();
    assert!(error.contains("not later than itself") && error.contains("in the group 7"), "{error}");
}

/// Counts the rows of each key, and tells a second after the first.
fn counted(rows: &Stream<(u8, u8)>) -> Stream<(u8, u64, DateTime)> {
    rows.state_machine(|row| row.0).by_clock().run::<u64, _>(
        |machine, _| {
            if machine.state().is_none() {
                let due = machine.now() + Duration::from_secs(1);
                machine.set_timer(due);
            }
            *machine.state().get_or_insert(0) += 1;
        },
        |machine, at| {
            let count = machine.state().take().unwrap_or(0);
            machine.emit((*machine.key(), count, at));
        },
    )
}

#[test]
fn the_clock_of_a_test_fires_timers() {
    for threads in [1, 3] {
        let mut t = Harness::with_threads(threads);
        let rows = t.stream();
        let told = t.capture(counted(&rows.rows()));
        rows.push([(1, 0), (2, 0)]);
        t.step();
        t.advance(Duration::from_millis(600));
        rows.push([(1, 1), (3, 0)]);
        t.step();
        told.assert_rows([]);
        t.advance(Duration::from_millis(400));
        t.step();
        let at = |millis| {
            "2000-01-01T00:00:00Z".parse::<DateTime>().unwrap() + Duration::from_millis(millis)
        };
        told.assert_changes([
            pathway::testing::add((1, 2, at(1000))),
            pathway::testing::add((2, 1, at(1000))),
        ]);
        assert_eq!(t.stats().states[0].rows, 1);
        // A late look finds what was due meanwhile.
        t.advance(Duration::from_secs(60));
        t.step();
        told.assert_rows([(1, 2, at(1000)), (2, 1, at(1000)), (3, 1, at(1600))]);
        assert_eq!(t.stats().states[0].rows, 0);
    }
}

#[test]
fn a_running_pipeline_closes_epochs_for_timers() {
    let app = Pipeline::new("test").threads(2);
    let (input, rows) = app.input::<(u8, u8)>();
    let quick = rows.state_machine(|row| row.0).by_clock().run::<u64, _>(
        |machine, _| {
            let due = machine.now() + Duration::from_millis(50);
            machine.set_timer(due);
        },
        |machine, _| machine.emit(*machine.key()),
    );
    let view = quick.view();
    let running = app.start().unwrap();
    let started = Instant::now();
    for key in 0..20 {
        input.push((key, 0)).unwrap();
    }
    while view.rows().len() < 20 {
        assert!(started.elapsed().as_secs() < 20, "{:?}", view.rows());
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    assert!(started.elapsed().as_millis() >= 50);
    input.close();
    running.wait().unwrap();
}

#[test]
fn what_nothing_touches_is_forgotten() {
    let mut t = Harness::new();
    let rows = t.stream::<(u8, u8)>();
    let totals = rows
        .rows()
        .state_machine(|row| row.0)
        .by_clock()
        .forget_after(Duration::from_secs(10))
        .run::<u64, (u8, u64)>(
            |machine, row| {
                let total = machine.state().unwrap_or(0) + u64::from(row.1);
                *machine.state() = Some(total);
                machine.emit((row.0, total));
                let far = machine.now() + Duration::from_hours(1);
                machine.set_timer(far);
            },
            |machine, _| machine.emit((*machine.key(), 999)),
        );
    let totals = t.capture(totals);
    rows.push([(1, 5), (2, 7)]);
    t.step();
    t.advance(Duration::from_secs(9));
    rows.push([(1, 1)]);
    t.step();
    t.advance(Duration::from_secs(9));
    t.step();
    assert_eq!(t.stats().states[0].rows, 1);
    rows.push([(1, 1), (2, 1)]);
    t.step();
    totals.assert_rows([(1, 5), (1, 6), (1, 7), (2, 1), (2, 7)]);
    // Timers go with their state.
    t.advance(Duration::from_hours(2));
    t.step();
    totals.assert_changes([]);
    assert_eq!(t.stats().states[0].rows, 0);
}

#[test]
fn a_state_that_lasts_a_length_of_event_time() {
    let mut t = Harness::new();
    let stream = t.stream::<Beat>();
    let beats = stream.rows().watermark(0);
    let counts = beats
        .state_machine(|beat| beat.machine)
        .by_event_time()
        .forget_after(10)
        .run::<u64, (i64, u64)>(
            |machine, beat| {
                let count = machine.state().unwrap_or(0) + 1;
                *machine.state() = Some(count);
                machine.emit((beat.second, count));
            },
            |_, _| {},
        );
    let counts = t.capture(counts);
    let beat = |second| Beat { machine: 1, second, load: 0 };
    // Ten seconds after 5 the state is gone, unless a row is there at that moment.
    stream.push([beat(0), beat(5), beat(15), beat(26), beat(27)]);
    stream.close();
    t.step();
    counts.assert_rows([(0, 1), (5, 2), (15, 3), (26, 1), (27, 2)]);
}
