//! Joins of three tables and more as one, beside recomputation, nested loops in plain Rust, and
//! the same join step by step.

use pathway::prelude::*;
use pathway::testing::{Harness, Random, TestTable, add, check_incremental, remove};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

/// Two keys, which may be null, and a number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Schema)]
struct Link {
    a: Option<u8>,
    b: Option<u8>,
    n: i64,
}

fn link(a: u8, b: u8, n: i64) -> Link {
    Link { a: Some(a), b: Some(b), n }
}

fn random_link(random: &mut Random) -> Link {
    let mut key =
        || Some(u8::try_from(random.below(4)).expect("it is small")).filter(|key| *key > 0);
    Link { a: key(), b: key(), n: i64::try_from(random.below(3)).expect("it is small") }
}

fn equal(left: Option<u8>, right: Option<u8>) -> bool {
    left.is_some() && left == right
}

type Numbers = (i64, i64, i64);

/// Compares a pipeline over several tables with a naive evaluation, on one to four workers.
fn against<U: Schema>(
    tables: usize,
    pipeline: impl Fn(&[Table<Link>]) -> Table<U>,
    naive: impl Fn(&[Vec<Link>]) -> Vec<U>,
) {
    for threads in [1, 2, 3, 4] {
        for seed in 0..16 {
            let mut random = Random::new(seed);
            let mut t = Harness::with_threads(threads);
            let inputs: Vec<TestTable<Link>> = (0..tables).map(|_| t.table()).collect();
            let rows: Vec<Table<Link>> = inputs.iter().map(TestTable::rows).collect();
            let output = t.capture(pipeline(&rows));
            let mut rows = vec![Vec::new(); tables];
            for _ in 0..10 {
                for (input, rows) in inputs.iter().zip(&mut rows) {
                    change(&mut random, input, rows);
                }
                t.step();
                output.assert_rows(naive(&rows));
            }
        }
    }
}

fn change(random: &mut Random, input: &TestTable<Link>, rows: &mut Vec<Link>) {
    for _ in 0..random.below(6) {
        if random.one_in(2) && !rows.is_empty() {
            let at = random.index(rows.len());
            input.remove(rows.swap_remove(at));
        } else {
            let row = random_link(random);
            input.insert(row.clone());
            rows.push(row);
        }
    }
    if random.one_in(12) {
        rows.drain(..).for_each(|row| input.remove(row));
    }
}

fn naive_of_three(rows: &[Vec<Link>], holds: impl Fn(&Link, &Link, &Link) -> bool) -> Vec<Numbers> {
    let mut found = Vec::new();
    for a in &rows[0] {
        for b in &rows[1 % rows.len()] {
            for c in &rows[2 % rows.len()] {
                if holds(a, b, c) {
                    found.push((a.n, b.n, c.n));
                }
            }
        }
    }
    found
}

fn chain(a: &Table<Link>, b: &Table<Link>, c: &Table<Link>) -> Table<Numbers> {
    a.join(b).on(Link.b, Link.a).join(c).on_second(Link.b, Link.a).select(|a, b, c| (a.n, b.n, c.n))
}

fn star(a: &Table<Link>, b: &Table<Link>, c: &Table<Link>) -> Table<Numbers> {
    a.join(b)
        .on(|a| a.a, |b| b.a)
        .join(c)
        .on_first(|a| a.b, |c| c.b)
        .select(|a, b, c| (a.n, b.n, c.n))
}

fn triangle(a: &Table<Link>, b: &Table<Link>, c: &Table<Link>) -> Table<Numbers> {
    a.join(b)
        .on(Link.b, Link.a)
        .join(c)
        .on_second(Link.b, Link.a)
        .on_first(Link.a, Link.b)
        .select(|a, b, c| (a.n, b.n, c.n))
}

fn is_triangle(a: &Link, b: &Link, c: &Link) -> bool {
    equal(a.b, b.a) && equal(b.b, c.a) && equal(c.b, a.a)
}

#[test]
fn a_chain() {
    against(
        3,
        |t| chain(&t[0], &t[1], &t[2]),
        |rows| naive_of_three(rows, |a, b, c| equal(a.b, b.a) && equal(b.b, c.a)),
    );
}

#[test]
fn a_star_by_closures() {
    against(
        3,
        |t| star(&t[0], &t[1], &t[2]),
        |rows| naive_of_three(rows, |a, b, c| equal(a.a, b.a) && equal(a.b, c.b)),
    );
}

#[test]
fn a_triangle() {
    against(3, |t| triangle(&t[0], &t[1], &t[2]), |rows| naive_of_three(rows, is_triangle));
}

#[test]
fn a_triangle_of_one_table() {
    against(1, |t| triangle(&t[0], &t[0], &t[0]), |rows| naive_of_three(rows, is_triangle));
}

#[test]
fn one_key_for_all() {
    against(
        3,
        |t| {
            t[0].join(&t[1])
                .on(Link.a, Link.a)
                .join(&t[2])
                .on_first(Link.a, Link.a)
                .select(|a, b, c| (a.n, b.n, c.n))
        },
        |rows| naive_of_three(rows, |a, b, c| equal(a.a, b.a) && equal(a.a, c.a)),
    );
}

#[test]
fn keys_that_are_tuples() {
    against(
        3,
        |t| {
            t[0].join(&t[1])
                .on(|a| (a.a, a.b), |b| (b.b, b.a))
                .join(&t[2])
                .on_second(|b| (b.n, b.b), |c| (c.n, c.b))
                .filter(|a, _, c| a.n <= c.n)
                .select(|a, b, c| (a.n, b.n, c.n))
        },
        |rows| {
            naive_of_three(rows, |a, b, c| {
                let pair = equal(a.a, b.b) && equal(a.b, b.a);
                pair && b.n == c.n && equal(b.b, c.b) && a.n <= c.n
            })
        },
    );
}

/// The rows of an optional table for a row in front.
fn optional(rows: &[Link], holds: impl Fn(&Link) -> bool) -> Vec<Option<&Link>> {
    let found: Vec<Option<&Link>> = rows.iter().filter(|row| holds(row)).map(Some).collect();
    if found.is_empty() { vec![None] } else { found }
}

type Optional = (i64, Option<i64>, Option<i64>);

#[test]
fn optional_tables_one_behind_the_other() {
    against(
        3,
        |t| {
            t[0].left_join(&t[1])
                .on(Link.b, Link.a)
                .left_join(&t[2])
                .on_second(Link.b, Link.a)
                .select(|a, b, c| (a.n, b.map(|b| b.n), c.map(|c| c.n)))
        },
        |rows| {
            let mut found: Vec<Optional> = Vec::new();
            for a in &rows[0] {
                for b in optional(&rows[1], |b| equal(a.b, b.a)) {
                    for c in optional(&rows[2], |c| b.is_some_and(|b| equal(b.b, c.a))) {
                        found.push((a.n, b.map(|b| b.n), c.map(|c| c.n)));
                    }
                }
            }
            found
        },
    );
}

#[test]
fn optional_tables_side_by_side() {
    against(
        3,
        |t| {
            t[0].left_join(&t[1])
                .on(Link.a, Link.a)
                .left_join(&t[2])
                .on_first(Link.b, Link.a)
                .select(|a, b, c| (a.n, b.map(|b| b.n), c.map(|c| c.n)))
        },
        |rows| {
            let mut found: Vec<Optional> = Vec::new();
            for a in &rows[0] {
                for b in optional(&rows[1], |b| equal(a.a, b.a)) {
                    for c in optional(&rows[2], |c| equal(a.b, c.a)) {
                        found.push((a.n, b.map(|b| b.n), c.map(|c| c.n)));
                    }
                }
            }
            found
        },
    );
}

/// A table that is joined with an optional one and with another: what stands in the way of looking
/// up all in any order.
fn around_an_optional_table(t: &[Table<Link>], materialise: bool) -> Table<(i64, i64, i64, i64)> {
    let joined = t[0]
        .join(&t[1])
        .on(Link.a, Link.a)
        .left_join(&t[2])
        .on_first(Link.b, Link.a)
        .join(&t[3])
        .on_second(Link.b, Link.a)
        .on_third(Link.b, Link.b);
    let joined = if materialise { joined.materialise() } else { joined };
    joined.select(|a, b, c, d| (a.n, b.n, c.map_or(-1, |c| c.n), d.n))
}

fn around_an_optional_table_naively(rows: &[Vec<Link>]) -> Vec<(i64, i64, i64, i64)> {
    let mut found = Vec::new();
    for a in &rows[0] {
        for b in rows[1].iter().filter(|b| equal(a.a, b.a)) {
            for c in rows[2].iter().filter(|c| equal(a.b, c.a)) {
                for d in rows[3].iter().filter(|d| equal(b.b, d.a) && equal(c.b, d.b)) {
                    found.push((a.n, b.n, c.n, d.n));
                }
            }
        }
    }
    found
}

#[test]
fn a_cycle_through_an_optional_table() {
    for materialise in [false, true] {
        against(4, |t| around_an_optional_table(t, materialise), around_an_optional_table_naively);
    }
}

fn six(t: &[Table<Link>], materialise: bool) -> Table<Vec<i64>> {
    let joined = t[0]
        .join(&t[1])
        .on(Link.a, Link.b)
        .join(&t[2])
        .on_second(Link.a, Link.b)
        .left_join(&t[0])
        .on_third(Link.a, Link.b)
        .join(&t[1])
        .on_first(Link.b, Link.b)
        .join(&t[2])
        .on_fifth(Link.n, Link.n)
        .on_first(Link.n, Link.n);
    let joined = if materialise { joined.materialise() } else { joined };
    joined.select(|a, b, c, d, e, f| vec![a.n, b.n, c.n, d.map_or(-1, |d| d.n), e.n, f.n])
}

#[test]
fn six_tables_of_which_some_are_the_same() {
    for materialise in [false, true] {
        against(
            3,
            |t| six(t, materialise),
            |rows| {
                let mut found = Vec::new();
                for a in &rows[0] {
                    for b in rows[1].iter().filter(|b| equal(a.a, b.b)) {
                        for c in rows[2].iter().filter(|c| equal(b.a, c.b)) {
                            for d in optional(&rows[0], |d| equal(c.a, d.b)) {
                                for e in rows[1].iter().filter(|e| equal(a.b, e.b)) {
                                    for f in rows[2].iter().filter(|f| e.n == f.n && a.n == f.n) {
                                        let d = d.map_or(-1, |d| d.n);
                                        found.push(vec![a.n, b.n, c.n, d, e.n, f.n]);
                                    }
                                }
                            }
                        }
                    }
                }
                found
            },
        );
    }
}

#[test]
fn indexes_shared_by_three_joins() {
    against(
        3,
        |t| {
            let by_b = t[1].index_by(|b| b.a.map(|a| a * 2));
            let first = t[0]
                .index_by(|a| a.b.map(|b| b * 2))
                .join(&by_b)
                .join(&t[2])
                .on_second(Link.b, Link.a)
                .select(|a, b, c| (a.n, b.n, c.n));
            let second = t[0]
                .join(&t[2])
                .on(Link.a, Link.a)
                .join_index(&by_b)
                .on_first(|a| a.b.map(|b| b * 2))
                .select(|a, c, b| (a.n, b.n, c.n));
            let third = by_b.join(&by_b).select(|left, right| (left.n, right.n, 0));
            first.concat(&second).concat(&third)
        },
        |rows| {
            let mut all = naive_of_three(rows, |a, b, c| equal(a.b, b.a) && equal(b.b, c.a));
            all.extend(naive_of_three(rows, |a, b, c| equal(a.a, c.a) && equal(a.b, b.a)));
            for left in &rows[1] {
                let same = rows[1].iter().filter(|right| equal(left.a, right.a));
                all.extend(same.map(|right| (left.n, right.n, 0)));
            }
            all
        },
    );
}

#[test]
fn random_histories_are_as_recomputed() {
    check_incremental(|t| {
        let (a, b) = (t.table::<Link>(), t.table::<Link>());
        let largest = b.group_by(Link.a).reduce(|g| g.max(|b| b.n));
        let of_two = chain(&a, &b, &a).concat(&triangle(&b, &a, &a)).concat(&star(&a, &a, &b));
        let of_derived = a
            .left_join(&b)
            .on(Link.a, Link.a)
            .left_join(&largest)
            .on_first(|a| a.b, |largest| largest.0)
            .select(|a, b, largest| {
                (a.n, b.map_or(-1, |b| b.n), largest.map_or(-1, |largest| largest.1))
            });
        of_two.concat(&of_derived)
    })
    .rows::<Link>(random_link)
    .rows_per_epoch(12)
    .cases(128)
    .run();
}

#[test]
fn step_by_step_is_the_same() {
    check_incremental(|t| {
        let (a, b) = (t.table::<Link>(), t.table::<Link>());
        let joined = a.left_join(&b).on(Link.b, Link.a).join(&a).on_second(Link.b, Link.a);
        joined
            .left_join(&b)
            .on_first(Link.n, Link.n)
            .materialise()
            .select(|a, b, c, d| (a.n, b.map(|b| b.n), c.n, d.map(|d| d.n)))
    })
    .rows::<Link>(random_link)
    .rows_per_epoch(10)
    .cases(64)
    .run();
}

/// A closure behind a join is given combinations that are there before an epoch or after it, and
/// no others, whatever the tables bring in the same epoch.
#[test]
fn no_combination_is_given_that_never_is() {
    for threads in [1, 2, 4] {
        for seed in 0..12 {
            let mut random = Random::new(seed);
            let mut t = Harness::with_threads(threads);
            let inputs: Vec<TestTable<Link>> = (0..3).map(|_| t.table()).collect();
            let seen: Arc<Mutex<BTreeSet<(Link, Option<Link>, Link)>>> = Arc::default();
            let given = Arc::clone(&seen);
            let joined = inputs[0]
                .rows()
                .left_join(&inputs[1].rows())
                .on(Link.a, Link.a)
                .join(&inputs[2].rows())
                .on_first(Link.b, Link.b)
                .select(|a, b, c| (a.clone(), b.cloned(), c.clone()))
                .inspect(move |row, _| {
                    given.lock().unwrap().insert(row.clone());
                });
            let output = t.capture(joined);
            let mut rows: [BTreeSet<Link>; 3] = Default::default();
            let combinations = |rows: &[BTreeSet<Link>; 3]| {
                let mut found = BTreeSet::new();
                let seconds: Vec<Link> = rows[1].iter().cloned().collect();
                for a in &rows[0] {
                    for b in optional(&seconds, |b| equal(a.a, b.a)) {
                        for c in rows[2].iter().filter(|c| equal(a.b, c.b)) {
                            found.insert((a.clone(), b.cloned(), c.clone()));
                        }
                    }
                }
                found
            };
            for _ in 0..12 {
                let before = combinations(&rows);
                for (input, rows) in inputs.iter().zip(&mut rows) {
                    let mut touched = BTreeSet::new();
                    for _ in 0..random.below(5) {
                        let row = random_link(&mut random);
                        if !touched.insert(row.clone()) {
                            continue;
                        }
                        if rows.remove(&row) {
                            input.remove(row);
                        } else {
                            input.insert(row.clone());
                            rows.insert(row);
                        }
                    }
                }
                t.step();
                let after = combinations(&rows);
                output.assert_rows(after.iter().cloned());
                let seen = std::mem::take(&mut *seen.lock().unwrap());
                let known: BTreeSet<_> = before.union(&after).cloned().collect();
                assert!(seen.is_subset(&known), "given {seen:?}\nbut there is only {known:?}");
            }
        }
    }
}

#[test]
fn a_replaced_row_replaces_its_combinations() {
    let mut t = Harness::new();
    let inputs: Vec<TestTable<Link>> = (0..3).map(|_| t.table()).collect();
    let (a, b, c) = (inputs[0].rows(), inputs[1].rows(), inputs[2].rows());
    let output = t.capture(chain(&a, &b, &c));
    inputs[0].insert(link(1, 2, 10));
    inputs[1].insert(link(2, 3, 20));
    inputs[2].insert(link(3, 4, 30));
    t.step();
    output.assert_changes([add((10, 20, 30))]);
    for (input, n) in [(0, 10), (1, 20), (2, 30)] {
        let key = u8::try_from(input).unwrap() + 1;
        inputs[input].remove(link(key, key + 1, n));
        inputs[input].insert(link(key, key + 1, n + 1));
    }
    t.step();
    output.assert_changes([remove((10, 20, 30)), add((11, 21, 31))]);
}

fn kept(t: &Harness) -> u64 {
    t.stats().states.iter().map(|state| state.rows).sum()
}

/// Asks again for a while: on a busy machine, workers answer late how much they keep.
fn assert_kept(t: &Harness, rows: u64) {
    let answers = std::iter::repeat_with(|| kept(t)).take(1000);
    let last = answers.take_while(|&kept| kept != rows).last();
    assert!(kept(t) == rows, "{rows} rows should be kept, not {last:?}");
}

/// Each table is kept once for each of its keys, and what the first joins give is not kept.
#[test]
fn no_combination_is_kept() {
    for threads in [1, 3] {
        let mut t = Harness::with_threads(threads);
        let inputs: Vec<TestTable<Link>> = (0..3).map(|_| t.table()).collect();
        let (a, b, c) = (inputs[0].rows(), inputs[1].rows(), inputs[2].rows());
        let joined = chain(&a, &b, &c).group_by(|_| ()).reduce(|g| g.count());
        let output = t.capture(joined);
        for n in 0..10 {
            inputs[0].insert(link(1, 2, n));
            inputs[1].insert(link(2, 3, n));
            inputs[2].insert(link(3, 4, n));
        }
        t.step();
        output.assert_rows([((), 1000)]);
        // The middle one has two keys; the count is one row.
        assert_kept(&t, 10 + 2 * 10 + 10 + 1);
        // The same chain step by step keeps the hundred pairs of the first two.
        let mut t = Harness::with_threads(threads);
        let inputs: Vec<TestTable<Link>> = (0..3).map(|_| t.table()).collect();
        let (a, b, c) = (inputs[0].rows(), inputs[1].rows(), inputs[2].rows());
        let joined = a.join(&b).on(Link.b, Link.a).join(&c).on_second(Link.b, Link.a);
        let joined = joined.materialise().select(|a, b, c| (a.n, b.n, c.n));
        let output = t.capture(joined.group_by(|_| ()).reduce(|g| g.count()));
        for n in 0..10 {
            inputs[0].insert(link(1, 2, n));
            inputs[1].insert(link(2, 3, n));
            inputs[2].insert(link(3, 4, n));
        }
        t.step();
        output.assert_rows([((), 1000)]);
        assert_kept(&t, 10 + 10 + 100 + 10 + 1);
    }
}

#[test]
fn what_has_ended_is_not_waited_for() {
    for threads in [1, 3] {
        let mut t = Harness::with_threads(threads);
        let inputs: Vec<TestTable<Link>> = (0..3).map(|_| t.table()).collect();
        let (a, b, c) = (inputs[0].rows(), inputs[1].rows(), inputs[2].rows());
        let output = t.capture(star(&a, &b, &c));
        inputs[1].insert(link(1, 0, 5));
        inputs[2].insert(link(0, 2, 6));
        inputs[0].insert(link(1, 2, 1));
        t.step();
        output.assert_rows([(1, 5, 6)]);
        assert_kept(&t, 4);
        inputs[1].close();
        inputs[2].close();
        inputs[0].insert(link(1, 2, 2));
        t.step();
        inputs[0].remove(link(1, 2, 1));
        inputs[0].insert(link(1, 2, 3));
        t.step();
        inputs[0].insert(link(1, 2, 4));
        t.step();
        output.assert_rows([(2, 5, 6), (3, 5, 6), (4, 5, 6)]);
        // The tables that ended alone.
        assert_kept(&t, 2);
    }
}

#[test]
fn a_long_epoch_keeps_the_small_tables_alone() {
    let mut t = Harness::new();
    let (orders, users, items) =
        (t.stream::<(u8, u8, i64)>(), t.table::<(u8, i64)>(), t.table::<(u8, i64)>());
    let totals = orders
        .rows()
        .join(&users.rows())
        .on(|order| order.0, |user| user.0)
        .join(&items.rows())
        .on_first(|order| order.1, |item| item.0)
        .select(|order, _, _| order.2)
        .group_by(|_| ())
        .reduce(|g| g.sum(|amount| *amount));
    let totals = t.capture(totals);
    (0..10).for_each(|user| users.insert((user, 0)));
    (0..5).for_each(|item| items.insert((item, 0)));
    users.close();
    items.close();
    t.step();
    t.step();
    let row = |n: i64| (u8::try_from(n % 20).unwrap(), u8::try_from(n % 10).unwrap(), n);
    for part in 0..4 {
        orders.push((part * 50_000..(part + 1) * 50_000).map(row));
        while t.stats().sources.iter().map(|source| source.rows).max()
            < Some(50_000 * (part.unsigned_abs() + 1))
        {}
        assert!(kept(&t) < 12_000, "{} rows are kept", kept(&t));
    }
    t.step();
    totals.assert_rows([((), (0..200_000).filter(|n| n % 20 < 10 && n % 10 < 5).sum())]);
}

#[test]
fn a_batch_of_files_that_all_end() {
    let app = Pipeline::new("batch");
    let a = app.rows((0..30).map(|n| link(1, 2, n)));
    let b = app.rows(vec![link(2, 3, 1), link(2, 4, 2)]);
    let c = app.rows(vec![link(3, 0, 3), link(3, 1, 4)]);
    let mut expected: Vec<Numbers> = (0..30).flat_map(|n| [(n, 1, 3), (n, 1, 4)]).collect();
    expected.sort_unstable();
    assert_eq!(chain(&a, &b, &c).collect().unwrap(), expected);
}

/// In a loop, time is not the epoch alone: there a chain is joined step by step.
#[test]
fn in_a_loop() {
    check_incremental(|t| {
        let (edges, labels) = (t.table::<(u8, u8)>(), t.table::<(u8, i64)>());
        edges.iterate(|reached| {
            let steps = reached
                .join(&edges)
                .on(|reached| reached.1, |edge| edge.0)
                .join(&labels)
                .on_second(|edge| edge.1, |label| label.0)
                .select(|reached, edge, _| (reached.0, edge.1));
            reached.concat(&steps).distinct()
        })
    })
    .rows::<(u8, u8)>(|random| {
        let mut key = || u8::try_from(random.below(5)).unwrap();
        (key(), key())
    })
    .rows::<(u8, i64)>(|random| (u8::try_from(random.below(5)).unwrap(), 0))
    .rows_per_epoch(6)
    .cases(64)
    .run();
}

/// Without the lines of this file, which change.
fn explained(app: &Pipeline) -> String {
    let text = app.explain().to_string();
    let lines = text.lines().map(|line| {
        let (line, _) = line.split_once("  (tests/it/join_chain.rs").unwrap_or((line, ""));
        line.trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn explain_says_what_is_kept_and_shared() {
    let app = Pipeline::new("links");
    let links = app.rows(Vec::<Link>::new());
    let others = app.rows(Vec::<Link>::new());
    triangle(&links, &links, &others).write(null::sink());
    let joined = links.join(&others).on(Link.b, Link.a).join(&links).on_second(Link.b, Link.a);
    joined.materialise().select(|a, _, _| a.n).write(null::sink());
    let expected = "\
pipeline `links`
  #0   read rows → Link · append-only
  #1   read rows → Link · append-only
  #2   index by `b` ← #0 → Link · append-only · shared by 2 joins
  #3   index by `a` ← #0 → Link · append-only · shared by 2 joins
  #4   index by `a`, `b` ← #1 → Link · append-only
  #5   index by `a`, `b` ← #0 → Link · append-only
  #6   join of 3 tables ← #3, #4, #2, #5 → (i64, i64, i64) · keeps no intermediate rows
  #7   write null ← #6 → (i64, i64, i64)
  #8   index by `a` ← #1 → Link · append-only
  #9   join ← #2, #8 → Bytes
  #10  index by `b` ← #9 → Bytes · keeps intermediate rows
  #11  join ← #10, #3 → i64
  #12  write null ← #11 → i64";
    assert_eq!(explained(&app), expected);
}
