//! Rows that come and go with time, by the watermark and by the clock.

use crate::oracle::small;
use pathway::prelude::*;
use pathway::testing::{Harness, Random, TestStream, TestTable, add, check_incremental, remove};

#[derive(Clone, Debug, PartialEq, Schema)]
struct Event {
    value: u8,
    #[schema(event_time)]
    time: i64,
}

fn event(time: i64, value: u8) -> Event {
    Event { value, time }
}

fn step(t: &mut Harness, stream: &TestStream<Event>, rows: &[(i64, u8)]) {
    stream.push(rows.iter().map(|&(time, value)| event(time, value)));
    t.step();
}

/// What `Pathway` calls `buffer(t, 3)` holds rows until the largest time is three behind them, and
/// takes rows of any time. Here that is the watermark, which says who is late besides.
#[test]
fn rows_are_held_back_until_the_watermark_has_passed_them() {
    let mut t = Harness::new();
    let stream = t.stream::<Event>();
    let out = t.capture(stream.rows().watermark(3).delay(0));
    step(&mut t, &stream, &[(1, 1)]);
    step(&mut t, &stream, &[(2, 2)]);
    out.assert_rows([]);
    step(&mut t, &stream, &[(5, 3)]);
    out.assert_changes([add(event(1, 1)), add(event(2, 2))]);
    step(&mut t, &stream, &[(2, 4)]);
    out.assert_changes([add(event(2, 4))]);
    step(&mut t, &stream, &[(7, 5)]);
    out.assert_changes([]);
    assert_eq!(t.stats().states[1].rows, 2);
    stream.close();
    t.step();
    out.assert_changes([add(event(5, 3)), add(event(7, 5))]);
    assert_eq!(t.stats().states[1].rows, 0);
}

/// `forget(t, 3)` there retracts a row once the largest time is three behind it, one epoch later;
/// here in the epoch itself. A watermark with a lateness of one takes the row that is one behind.
#[test]
fn rows_that_are_forgotten_meet_nobody() {
    let mut t = Harness::new();
    let stream = t.stream::<Event>();
    let names = t.stream::<(u8, u8)>();
    let kept = stream.rows().watermark(1).forget_after(2);
    let pairs = kept.join(&names.rows()).on(|event| event.value, |name| name.0);
    let pairs = t.capture(pairs.select(|event, name| (event.time, event.value, name.1)));
    names.push([(1, 1)]);
    step(&mut t, &stream, &[(1, 1), (2, 1)]);
    pairs.assert_changes([add((1, 1, 1)), add((2, 1, 1))]);
    names.push([(2, 2)]);
    step(&mut t, &stream, &[(4, 2)]);
    pairs.assert_changes([remove((1, 1, 1)), add((4, 2, 2))]);
    step(&mut t, &stream, &[(3, 3)]);
    pairs.assert_changes([]);
    names.push([(1, 3)]);
    t.step();
    pairs.assert_changes([add((2, 1, 3))]);
}

/// `ignore_late(t, 3)` there drops what is three or more behind the largest time; a watermark what
/// is more than its lateness behind.
#[test]
fn late_rows_are_dropped() {
    let mut t = Harness::new();
    let stream = t.stream::<Event>();
    let in_time = t.capture(stream.rows().watermark(2).drop_late());
    for row in [(1, 1), (2, 2), (5, 3), (2, 4), (7, 5)] {
        step(&mut t, &stream, &[row]);
    }
    in_time.assert_rows([event(1, 1), event(2, 2), event(5, 3), event(7, 5)]);
}

#[test]
fn what_is_held_back_and_what_is_forgotten_follows_from_the_watermark() {
    for seed in 0..60 {
        let mut random = Random::new(seed);
        let mut t = Harness::with_threads(1 + random.index(4));
        let stream = t.stream::<Event>();
        let (lateness, span) = (6, 4);
        let rows = stream.rows().watermark(lateness);
        let delayed = t.capture(rows.delay(span));
        let kept = t.capture(rows.forget_after(span));
        let counts = t.capture(rows.forget_after(span).reduce(|g| g.count()));
        let (mut all, mut largest) = (Vec::new(), i64::MIN);
        for epoch in 0..10 {
            let rows: Vec<Event> = (0..random.below(6))
                .map(|_| {
                    let time = epoch * 3 + i64::try_from(random.below(4)).unwrap();
                    event(time, u8::try_from(random.below(3)).unwrap())
                })
                .collect();
            largest = rows.iter().map(|row| row.time).fold(largest, i64::max);
            all.extend(rows.clone());
            stream.push(rows);
            t.step();
            let watermark = largest.saturating_sub(lateness);
            let passed = |row: &&Event| row.time + span <= watermark;
            delayed.assert_rows(all.iter().filter(passed).cloned());
            let there: Vec<Event> = all.iter().filter(|row| !passed(row)).cloned().collect();
            counts.assert_rows([there.len() as u64]);
            kept.assert_rows(there);
        }
        stream.close();
        t.step();
        kept.assert_rows(all.iter().filter(|row| row.time + span > largest).cloned());
        delayed.assert_rows(all);
    }
}

#[test]
fn a_batch_keeps_what_a_stream_keeps() {
    let app = Pipeline::new("test");
    let rows = app.rows(vec![event(1, 1), event(9, 2), event(4, 3), event(5, 4)]).watermark(0);
    assert_eq!(rows.forget_after(5).collect().unwrap(), [event(9, 2), event(5, 4)]);
    let app = Pipeline::new("test");
    let rows = app.rows(vec![event(1, 1), event(9, 2)]).watermark(0);
    assert_eq!(rows.delay(100).collect().unwrap(), [event(1, 1), event(9, 2)]);
}

#[test]
fn rows_that_were_held_back_have_an_order_again() {
    let mut t = Harness::new();
    let stream = t.stream::<Event>();
    let ordered = stream.rows().watermark(5).delay(0).watermark(0);
    let ordered = t.capture(ordered.delay(0));
    for row in [(10, 1), (6, 2), (20, 3), (15, 4), (31, 5)] {
        step(&mut t, &stream, &[row]);
    }
    ordered.assert_rows([event(6, 2), event(10, 1), event(15, 4), event(20, 3)]);
}

#[test]
fn incremental_equals_recomputed() {
    // No row is late: the lateness is longer than all times.
    let row = |random: &mut Random| {
        let time = i64::try_from(random.below(30)).unwrap();
        event(time, u8::try_from(random.below(3)).unwrap())
    };
    check_incremental(|t| t.stream::<Event>().watermark(100).forget_after(3))
        .rows(row)
        .cases(24)
        .run();
    check_incremental(|t| t.stream::<Event>().watermark(100).delay(3)).rows(row).cases(24).run();
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Schema)]
struct Offer {
    name: u8,
    #[schema(event_time)]
    from: Option<DateTime>,
    seconds: Option<u8>,
}

fn offers(t: &Harness, random: &mut Random) -> Offer {
    let from = small::<i64>(random, 20) - 5;
    Offer {
        name: small(random, 3),
        from: (!random.one_in(6)).then(|| t.now() + Duration::from_secs(from)),
        seconds: (!random.one_in(4)).then(|| small(random, 12)),
    }
}

fn range(offer: &Offer) -> (std::ops::Bound<DateTime>, std::ops::Bound<DateTime>) {
    use std::ops::Bound::{Excluded, Included, Unbounded};
    let from = offer.from.map_or(Unbounded, Included);
    let start = offer.from.unwrap_or(DateTime::UNIX_EPOCH + Duration::from_secs(946_684_803));
    let to = |seconds: u8| Excluded(start + Duration::from_secs(seconds.into()));
    (from, offer.seconds.map_or(Unbounded, to))
}

#[test]
fn rows_come_and_go_with_the_clock() {
    for seed in 0..60 {
        let mut random = Random::new(seed);
        let mut t = Harness::with_threads(1 + random.index(4));
        let table: TestTable<Offer> = t.table();
        let stream: TestStream<Offer> = t.stream();
        let valid = t.capture(table.rows().valid(range));
        let recent = t.capture(table.rows().within_last(Duration::from_secs(7)));
        let of_stream = t
            .capture(stream.rows().valid(range).group_by(|offer| offer.name).reduce(|g| g.count()));
        let (mut rows, mut pushed): (Vec<Offer>, Vec<Offer>) = Default::default();
        for _ in 0..12 {
            for _ in 0..random.below(5) {
                if random.one_in(3) && !rows.is_empty() {
                    let at = random.index(rows.len());
                    table.remove(rows.swap_remove(at));
                } else {
                    let row = offers(&t, &mut random);
                    table.insert(row.clone());
                    rows.push(row.clone());
                    stream.push([row.clone()]);
                    pushed.push(row);
                }
            }
            if random.one_in(2) {
                t.advance(Duration::from_secs(i64::try_from(random.below(5)).unwrap()));
            }
            t.step();
            let now = t.now();
            let is_valid = |row: &&Offer| std::ops::RangeBounds::contains(&range(row), &now);
            valid.assert_rows(rows.iter().filter(is_valid).cloned());
            let is_recent = |row: &&Offer| {
                row.from.is_some_and(|at| at <= now && at > now - Duration::from_secs(7))
            };
            recent.assert_rows(rows.iter().filter(is_recent).cloned());
            let there: Vec<Offer> = pushed.iter().filter(is_valid).cloned().collect();
            let groups = crate::oracle::groups(&there, |row| row.name);
            of_stream.assert_rows(groups.into_iter().map(|(name, rows)| (name, rows.len() as u64)));
        }
        // Nothing is kept of what is gone.
        t.advance(Duration::from_hours(1));
        t.step();
        for kept in t.stats().states {
            assert!(kept.rows <= 3, "{kept:?}");
        }
    }
}

#[test]
fn a_running_pipeline_lets_rows_go() {
    let app = Pipeline::new("test").threads(2);
    let (input, rows) = app.input::<(u8, DateTime)>();
    let view = rows.valid(|(_, until)| ..*until).view();
    let running = app.start().unwrap();
    let started = std::time::Instant::now();
    let until = DateTime::now() + Duration::from_millis(200);
    input.push((1, until)).unwrap();
    while view.rows().len() != 1 {
        assert!(started.elapsed().as_secs() < 20);
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    while !view.rows().is_empty() {
        assert!(started.elapsed().as_secs() < 20);
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    assert!(DateTime::now() >= until);
    input.close();
    running.wait().unwrap();
}

#[derive(Clone, Debug, PartialEq, Schema)]
struct Request {
    user: u8,
    #[schema(event_time)]
    at: DateTime,
}

#[test]
fn time_goes_on_without_rows_where_the_watermark_follows_the_clock() {
    for threads in [1, 3] {
        let mut t = Harness::with_threads(threads);
        let stream = t.stream::<Request>();
        let second = Duration::from_secs(1);
        let rows = stream.rows().watermark(Duration::ZERO).follow_clock(second);
        let kept = t.capture(rows.forget_after(second * 5));
        let delayed = t.capture(rows.delay(second * 5));
        let (silent, _) = rows.inactive_after(second * 5, |row| row.user);
        let silent = t.capture(silent);
        let late = rows.pattern(|row| row.user).one(|_| true).one(|_, _| true);
        let late = late.within(second * 5).select_or_timeouts(|_| (), |(first, _)| first);
        let late = t.capture(late.1);
        let request = |user| Request { user, at: t.now() };
        let requests = [request(1), request(2)];
        stream.push(requests.clone());
        t.step();
        kept.assert_rows(requests.clone());
        t.advance(second * 8);
        t.step();
        kept.assert_rows([]);
        delayed.assert_rows(requests.clone());
        silent.assert_rows(requests.clone().map(|row| (row.user, row.at)));
        late.assert_rows(requests.clone().map(Some));
        // What is gone does not come back when the stream ends before the clock's time.
        stream.close();
        t.step();
        kept.assert_rows([]);
    }
}

#[test]
fn senseless_spans_and_streams_without_a_watermark_are_refused() {
    let error = |verb: fn(&Stream<Event>) -> Table<Event>| {
        let app = Pipeline::new("test");
        verb(&app.rows(vec![event(1, 1)])).collect().unwrap_err().to_string()
    };
    let text = error(|rows| rows.watermark(0).forget_after(-1));
    assert!(text.contains("`forget_after`") && text.contains("negative"), "{text}");
    let text = error(|rows| rows.watermark(0).delay(-1).into());
    assert!(text.contains("`delay`") && text.contains("negative"), "{text}");
    let text = error(|rows| rows.forget_after(1));
    assert!(text.contains("`forget_after`") && text.contains("no watermark"), "{text}");
    let text = error(|rows| rows.delay(1).into());
    assert!(text.contains("`delay`") && text.contains("no watermark"), "{text}");
    let app = Pipeline::new("test");
    let offers = app.rows(Vec::<Offer>::new()).within_last(Duration::ZERO);
    let text = offers.collect().unwrap_err().to_string();
    assert!(text.contains("`within_last`") && text.contains("not positive"), "{text}");
}

#[test]
fn stamps_are_the_times_of_epochs() {
    for threads in [1, 3] {
        let mut t = Harness::with_threads(threads);
        let (rows, table) = (t.stream::<u8>(), t.table::<u8>());
        let stamped = t.capture(rows.rows().stamped(|row, now| (row, now)));
        let changes = table.rows().changes().stamped(|(row, diff), now| (row, diff, now));
        let changes = t.capture(changes);
        let opened = t.now();
        let later = opened + Duration::from_millis(1_500);
        rows.push([1, 2]);
        table.insert(7);
        t.step();
        t.advance(Duration::from_millis(1_500));
        rows.push([1, 3]);
        table.remove(7);
        t.step();
        stamped.assert_rows([(1, opened), (2, opened), (1, later), (3, later)]);
        changes.assert_rows([(7, 1, opened), (7, -1, later)]);
    }
}

#[test]
fn stamping_keeps_the_order_of_rows() {
    let app = Pipeline::new("test");
    let (input, rows) = app.input::<u32>();
    let stamped = rows.stamped(|row, now| (row, now));
    let last = stamped.deduplicate(|_| (), |_, _| true).view();
    let running = app.start().unwrap();
    input.push_all([3, 1, 2]).unwrap();
    input.close();
    running.wait().unwrap();
    assert_eq!(last.rows().first().map(|row| row.0), Some(2));
}

#[test]
fn explain_says_what_depends_on_the_clock() {
    let app = Pipeline::new("test");
    let rows = app.rows(vec![event(1, 1)]).watermark(0);
    rows.forget_after(1).write(null::sink());
    rows.delay(1).write(null::sink());
    rows.stamped(|row, now| (row, now)).valid(|(_, now)| *now..).write(null::sink());
    let plan = app.explain().to_string();
    assert!(plan.contains("forget_after ← #1, #1 watermark → Event  ("), "{plan}");
    assert!(plan.contains("delay ← #1, #1 watermark → Event · append-only  ("), "{plan}");
    assert!(
        plan.contains("stamped ← #1") && plan.contains("append-only · depends on the history"),
        "{plan}"
    );
    assert!(plan.contains("valid ← #") && plan.contains("· depends on the history"), "{plan}");
}
