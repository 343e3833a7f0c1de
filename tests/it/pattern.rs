//! Sequences of rows, beside a search of all the ways there are.

use crate::oracle::small;
use pathway::prelude::*;
use pathway::table::Either;
use pathway::testing::{Harness, Random, check_incremental};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Schema)]
struct Event {
    key: u8,
    #[schema(event_time)]
    time: i64,
    kind: u8,
    value: i8,
}

fn event(random: &mut Random, from: i64) -> Event {
    Event {
        key: small(random, 2),
        time: from + small::<i64>(random, 5),
        kind: small(random, 4),
        value: small::<i8>(random, 5) - 2,
    }
}

/// A step, as the oracle knows it. A match is the rows of each step.
struct Step {
    min: usize,
    max: usize,
    adjacent: bool,
    fits: fn(&[Vec<Event>], &Event) -> bool,
    forbids: fn(&[Vec<Event>], &Event) -> bool,
}

const NOTHING: fn(&[Vec<Event>], &Event) -> bool = |_, _| false;

/// One row, that is of a kind.
const fn step(fits: fn(&[Vec<Event>], &Event) -> bool) -> Step {
    Step { min: 1, max: 1, adjacent: false, fits, forbids: NOTHING }
}

/// How the rows behind a first one can go on, tried one after the other in the order of preference:
/// the last is what a match has come to if it ends here.
fn search(
    steps: &[Step],
    taken: &[Vec<Event>],
    waiting: &[usize],
    rest: &[Event],
    best: &mut Option<Vec<Vec<Event>>>,
) -> bool {
    let at = taken.len() - 1;
    let may_end =
        taken[at].len() >= steps[at].min && steps[at + 1..].iter().all(|step| step.min == 0);
    let Some((row, rest)) = rest.split_first() else {
        return may_end && finish(taken, best);
    };
    let with = |step: usize| {
        let mut taken = taken.to_vec();
        taken.resize_with(step + 1, Vec::new);
        taken
    };
    let fits = |step: usize| (steps[step].fits)(&with(step), row);
    let fitting: Vec<usize> = waiting.iter().copied().filter(|&step| fits(step)).collect();
    for &step in &fitting {
        let mut taken = with(step);
        taken[step].push(row.clone());
        let next = reachable(steps, step, taken[step].len());
        if search(steps, &taken, &next, rest, best) {
            return true;
        }
    }
    if fitting.is_empty() {
        let stays =
            |step: &usize| !steps[*step].adjacent && !(steps[*step].forbids)(&with(*step), row);
        let waiting: Vec<usize> = waiting.iter().copied().filter(stays).collect();
        if !waiting.is_empty() && search(steps, taken, &waiting, rest, best) {
            return true;
        }
    }
    may_end && finish(taken, best)
}

fn finish(taken: &[Vec<Event>], best: &mut Option<Vec<Vec<Event>>>) -> bool {
    *best = Some(taken.to_vec());
    true
}

/// The steps that may take a row behind so many of one.
fn reachable(steps: &[Step], step: usize, has: usize) -> Vec<usize> {
    let mut next: Vec<usize> = (has < steps[step].max).then_some(step).into_iter().collect();
    let mut at = step;
    while at + 1 < steps.len() && (at != step || has >= steps[step].min) {
        at += 1;
        next.push(at);
        if steps[at].min > 0 {
            break;
        }
    }
    next
}

/// The matches of the rows of one key, with the steps that took none filled up.
fn naive_of(
    alternatives: &[&[Step]],
    within: i64,
    overlapping: bool,
    rows: &[Event],
) -> Vec<Vec<Vec<Event>>> {
    let mut found = Vec::new();
    let mut from = 0;
    while from < rows.len() {
        let first = &rows[from];
        let start = from;
        from += 1;
        let rest: Vec<Event> = rows[from..]
            .iter()
            .take_while(|row| row.time - first.time <= within)
            .cloned()
            .collect();
        let best = alternatives.iter().find_map(|steps| {
            let mut best = None;
            if (steps[0].fits)(&[Vec::new()], first) {
                let next = reachable(steps, 0, 1);
                search(steps, &[vec![first.clone()]], &next, &rest, &mut best);
            }
            best.map(|mut taken: Vec<Vec<Event>>| {
                taken.resize_with(steps.len(), Vec::new);
                taken
            })
        });
        let Some(taken) = best else { continue };
        if !overlapping {
            let last = taken.iter().flatten().next_back();
            // Equal rows are told apart by how many of them there are.
            let matched = taken.iter().flatten().filter(|row| Some(*row) == last).count();
            let equal = (start..rows.len()).filter(|&at| Some(&rows[at]) == last);
            from = 1 + equal.take(matched).last().expect("the rows of a match are there");
        }
        found.push(taken);
    }
    found
}

fn naive(
    alternatives: &[&[Step]],
    within: i64,
    overlapping: bool,
    rows: &[Event],
) -> Vec<Vec<Vec<Event>>> {
    let groups = crate::oracle::groups(rows, |row| row.key);
    let of_key = |(_, rows): (u8, Vec<&Event>)| {
        let mut rows: Vec<Event> = rows.into_iter().cloned().collect();
        rows.sort_by_key(|row| (row.time, row.kind, row.value));
        naive_of(alternatives, within, overlapping, &rows)
    };
    groups.into_iter().flat_map(of_key).collect()
}

/// Compares a pattern over a stream and over a table with the search.
fn check(
    alternatives: &[&[Step]],
    within: i64,
    overlapping: bool,
    of_stream: impl Fn(&Stream<Event>) -> Stream<Vec<Vec<Event>>>,
    of_table: impl Fn(&Table<Event>) -> Table<Vec<Vec<Event>>>,
) {
    let mut matches = 0;
    for seed in 0..48 {
        let mut random = Random::new(seed);
        let mut t = Harness::with_threads(1 + random.index(4));
        let (stream, table) = (t.stream::<Event>(), t.table::<Event>());
        let found = t.capture(of_stream(&stream.rows().watermark(4)));
        let of_table = t.capture(of_table(&table.rows()));
        let (mut all, mut there): (Vec<Event>, Vec<Event>) = Default::default();
        let per_epoch = 3 + random.below(18);
        for epoch in 0..8 {
            let rows: Vec<Event> =
                (0..random.below(per_epoch + 1)).map(|_| event(&mut random, epoch * 3)).collect();
            for row in &rows {
                table.insert(row.clone());
            }
            there.extend(rows.clone());
            for _ in 0..random.below(3) {
                if !there.is_empty() {
                    let at = random.index(there.len());
                    table.remove(there.swap_remove(at));
                }
            }
            all.extend(rows.clone());
            stream.push(rows);
            t.step();
            of_table.assert_rows(naive(alternatives, within, overlapping, &there));
        }
        stream.close();
        t.step();
        let expected = naive(alternatives, within, overlapping, &all);
        matches += expected.len();
        found.assert_rows(expected);
        assert_eq!(t.stats().states[1].rows, 0);
    }
    assert!(matches > 80, "{matches} matches test little");
}

/// The same chain of verbs over a stream and over a table.
macro_rules! check {
    ([$($steps:expr),*], $within:expr, $overlapping:expr, |$pattern:ident| $chain:expr) => {
        check(
            &[$($steps),*],
            $within,
            $overlapping,
            |rows| {
                let $pattern = rows.pattern(|row| row.key);
                $chain
            },
            |rows| {
                let $pattern = rows.pattern(|row| row.key);
                $chain
            },
        )
    };
    ($steps:expr, $within:expr, $overlapping:expr, |$pattern:ident| $chain:expr) => {
        check!([$steps], $within, $overlapping, |$pattern| $chain)
    };
}

const A: fn(&[Vec<Event>], &Event) -> bool = |_, row| row.kind == 0;
const B: fn(&[Vec<Event>], &Event) -> bool = |_, row| row.kind == 1;
const C: fn(&[Vec<Event>], &Event) -> bool = |_, row| row.kind == 2;

#[test]
fn one_row_then_another() {
    check!(&[step(A), step(B)], 6, false, |pattern| {
        pattern
            .one(|row| row.kind == 0)
            .one(|_, row| row.kind == 1)
            .within(6)
            .select(|(a, b)| vec![vec![a], vec![b]])
    });
    check!(&[step(A), Step { adjacent: true, ..step(B) }], 6, true, |pattern| {
        pattern
            .one(|row| row.kind == 0)
            .next_one(|_, row| row.kind == 1)
            .overlapping()
            .within(6)
            .select(|(a, b)| vec![vec![a], vec![b]])
    });
}

#[test]
fn a_row_that_is_forbidden_in_between() {
    let larger: fn(&[Vec<Event>], &Event) -> bool =
        |taken, row| row.kind == 1 && row.value > taken[0][0].value;
    let steps = [step(A), Step { forbids: C, ..step(larger) }];
    check!(&steps, 5, true, |pattern| {
        pattern
            .one(|row| row.kind == 0)
            .not(|_, row| row.kind == 2)
            .one(|a, row| row.kind == 1 && row.value > a.value)
            .overlapping()
            .within(5)
            .select(|(a, b)| vec![vec![a], vec![b]])
    });
}

#[test]
fn a_repetition_goes_on_as_long_as_the_match_can_end() {
    // A row of kind two fits both the repetition and the end.
    let repeated: fn(&[Vec<Event>], &Event) -> bool = |_, row| row.kind == 1 || row.kind == 2;
    let steps = [step(A), Step { max: 3, ..step(repeated) }, step(C)];
    check!(&steps, 8, false, |pattern| {
        pattern
            .one(|row| row.kind == 0)
            .many(1..=3, |_, _, row| row.kind == 1 || row.kind == 2)
            .one(|(_, _), row| row.kind == 2)
            .within(8)
            .select(|(a, repeated, c)| vec![vec![a], repeated, vec![c]])
    });
    let rising: fn(&[Vec<Event>], &Event) -> bool = |taken, row| {
        let last = taken[0].last();
        last.is_none_or(|last| row.value > last.value)
    };
    let falls: fn(&[Vec<Event>], &Event) -> bool =
        |taken, row| row.value < taken[0].last().unwrap().value;
    let relaxed = [Step { min: 2, max: usize::MAX, ..step(rising) }, step(falls)];
    check!(&relaxed, 9, false, |pattern| {
        pattern
            .many(2.., |rows, row| rows.last().is_none_or(|last| row.value > last.value))
            .one(|rising, row| row.value < rising.last().unwrap().value)
            .within(9)
            .select(|(rising, fall)| vec![rising, vec![fall]])
    });
}

#[test]
fn what_is_optional_is_taken_where_it_is() {
    let steps = [
        step(A),
        Step { min: 0, ..step(B) },
        Step { min: 0, max: 2, adjacent: true, ..step(C) },
        Step { forbids: A, ..step(|_, row| row.kind == 3 || row.value == 2) },
    ];
    for overlapping in [false, true] {
        check!(&steps, 7, overlapping, |pattern| {
            let pattern = pattern
                .one(|row| row.kind == 0)
                .maybe(|_, row| row.kind == 1)
                .next_many(..=2, |_, _, row| row.kind == 2)
                .not(|(_, _, _), row| row.kind == 0)
                .one(|_, row| row.kind == 3 || row.value == 2);
            let pattern = if overlapping { pattern.overlapping() } else { pattern };
            pattern
                .within(7)
                .select(|(a, b, c, d)| vec![vec![a], b.into_iter().collect(), c, vec![d]])
        });
    }
}

#[test]
fn a_match_that_could_go_on_ends_with_its_time() {
    let steps = [step(A), Step { max: usize::MAX, ..step(B) }];
    check!(&steps, 4, false, |pattern| {
        pattern
            .one(|row| row.kind == 0)
            .many(1.., |_, _, row| row.kind == 1)
            .within(4)
            .select(|(a, b)| vec![vec![a], b])
    });
    // Without a limit, it ends with the stream.
    check!(&steps, i64::MAX, false, |pattern| {
        pattern
            .one(|row| row.kind == 0)
            .many(1.., |_, _, row| row.kind == 1)
            .select(|(a, b)| vec![vec![a], b])
    });
}

#[test]
fn the_first_of_two_sequences_is_preferred() {
    let second: [Step; 2] = [step(|_, row| row.kind < 2), step(C)];
    let first = [step(A), Step { max: 2, ..step(B) }, Step { adjacent: true, ..step(A) }];
    for overlapping in [false, true] {
        check!([&first, &second], 6, overlapping, |pattern| {
            let pattern = pattern
                .one(|row| row.kind == 0)
                .many(1..=2, |_, _, row| row.kind == 1)
                .next_one(|(a, _), row| row.kind == a.kind)
                .or(|start| start.one(|row| row.kind < 2).one(|_, row| row.kind == 2));
            let pattern = if overlapping { pattern.overlapping() } else { pattern };
            pattern.within(6).select(|rows| match rows {
                Either::Former((a, b, c)) => vec![vec![a], b, vec![c]],
                Either::Latter((a, b)) => vec![vec![a], vec![b]],
            })
        });
    }
}

#[test]
fn incremental_equals_recomputed() {
    check_incremental(|t| {
        t.table::<Event>()
            .pattern(|row| row.key)
            .one(|row| row.kind == 0)
            .maybe(|_, row| row.kind == 1)
            .one(|_, row| row.kind == 2)
            .select(|(a, b, c)| (a, b, c))
    })
    .rows(|random| event(random, 0))
    .cases(32)
    .run();
    check_incremental(|t| {
        t.stream::<Event>()
            .watermark(100)
            .pattern(|row| row.key)
            .many(2.., |_, row| row.kind == 0)
            .next_one(|_, row| row.kind == 1)
            .select(|(rows, last)| (rows, last))
    })
    .rows(|random| event(random, 0))
    .cases(32)
    .run();
}

fn order(key: u8, time: i64, kind: u8) -> Event {
    Event { key, time, kind, value: 0 }
}

#[test]
fn a_match_comes_out_once_nothing_can_change_it() {
    for threads in [1, 3] {
        let mut t = Harness::with_threads(threads);
        let stream = t.stream::<Event>();
        let (paid, unpaid) = stream
            .rows()
            .watermark(0)
            .pattern(|row| row.key)
            .one(|row| row.kind == 0)
            .maybe(|_, row| row.kind == 1)
            .one(|_, row| row.kind == 2)
            .within(10)
            .select_or_timeouts(
                |(ordered, reminded, paid)| (ordered.key, reminded.map(|row| row.time), paid.time),
                |(ordered, reminded, paid)| {
                    assert!(paid.is_none());
                    (ordered.map(|row| row.key), reminded.map(|row| row.time))
                },
            );
        let (paid, unpaid) = (t.capture(paid), t.capture(unpaid));
        stream.push([order(1, 0, 0), order(2, 0, 0), order(3, 5, 0), order(1, 4, 2)]);
        t.step();
        // The watermark is five: later rows are not known yet.
        paid.assert_rows([(1, None, 4)]);
        unpaid.assert_rows([]);
        stream.push([order(2, 8, 1), order(3, 15, 2), order(9, 15, 3)]);
        t.step();
        // The second was reminded, and did not pay until ten.
        paid.assert_rows([(1, None, 4)]);
        unpaid.assert_rows([(Some(2), Some(8))]);
        stream.push([order(9, 16, 3)]);
        t.step();
        // The last moment is within.
        paid.assert_rows([(1, None, 4), (3, None, 15)]);
        stream.push([order(4, 20, 0)]);
        stream.close();
        t.step();
        unpaid.assert_rows([(Some(2), Some(8)), (Some(4), None)]);
    }
}

#[test]
fn the_state_of_what_is_over_is_let_go() {
    let mut t = Harness::new();
    let stream = t.stream::<Event>();
    let found = stream.rows().watermark(0).pattern(|row| row.key).one(|row| row.kind == 0);
    let found = found.one(|_, row| row.kind == 1).within(5).select(|(a, b)| (a, b));
    let _found = t.capture(found);
    stream.push((0..100).map(|key| order(key, 0, 0)));
    t.step();
    assert_eq!(t.stats().states[1].rows, 100);
    stream.push([order(200, 1, 3), order(200, 4, 3)]);
    t.step();
    assert_eq!(t.stats().states[1].rows, 101);
    stream.push([order(200, 6, 3)]);
    t.step();
    // One row waits for the watermark.
    assert_eq!(t.stats().states[1].rows, 1);
}

#[test]
fn rows_without_a_time_are_part_of_no_match_of_a_table() {
    let mut t = Harness::new();
    let table = t.table::<Reading>();
    let pairs = table.rows().pattern(|_| ()).one(|_| true).next_one(|_, _| true);
    let pairs = t.capture(pairs.select(|(a, b)| (a.value, b.value)));
    let reading = |at: Option<i64>, value| Reading { at, value };
    for row in [reading(Some(2), 2), reading(None, 9), reading(Some(1), 1)] {
        table.insert(row);
    }
    t.step();
    pairs.assert_rows([(1, 2)]);
}

#[derive(Clone, Debug, Schema)]
struct Reading {
    #[schema(event_time)]
    at: Option<i64>,
    value: i64,
}

#[test]
fn senseless_patterns_are_refused() {
    let start = || {
        let app = Pipeline::new("test");
        app.rows(vec![order(1, 0, 0)]).watermark(0).pattern(|row| row.key)
    };
    let error = |found: Stream<Event>| found.collect().unwrap_err().to_string();
    let text = error(start().one(|_| true).within(-1).select(|row| row));
    assert!(text.contains("`within`") && text.contains("negative"), "{text}");
    let text = error(start().many(0.., |_, _| true).select(|mut rows| rows.remove(0)));
    assert!(text.contains("`many`") && text.contains("one at least"), "{text}");
    #[expect(clippy::reversed_empty_ranges, reason = "it is what is refused")]
    let empty = 3..=2;
    let text = error(start().one(|_| true).many(empty, |_, _, _| true).select(|(row, _)| row));
    assert!(text.contains("`many`") && text.contains("empty"), "{text}");
    let text = error(start().one(|_| true).not(|_, _| true).select(|row| row));
    assert!(text.contains("`not`") && text.contains("no step follows"), "{text}");
    let app = Pipeline::new("test");
    let rows = app.rows(vec![order(1, 0, 0)]);
    let text = error(rows.pattern(|row| row.key).one(|_| true).select(|row| row));
    assert!(text.contains("`pattern`") && text.contains("no watermark"), "{text}");
}

#[test]
fn a_key_whose_matches_are_decided_takes_no_memory() {
    let mut t = Harness::new();
    let stream = t.stream::<Event>();
    let pattern = stream.rows().watermark(0).pattern(|row| row.key).one(|row| row.kind == 0);
    let _found = t.capture(pattern.next_one(|_, row| row.kind == 1).select(|(a, b)| (a, b)));
    stream.push((0..50).map(|key| order(key, 0, 0)));
    stream.push((0..50).map(|key| order(key, 1, 1 + key % 2)));
    stream.push([order(200, 2, 3)]);
    t.step();
    // Nothing bounds how long a match may take, but none is under way. One row waits.
    assert_eq!(t.stats().states[1].rows, 1);
}
