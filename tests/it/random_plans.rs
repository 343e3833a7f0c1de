//! Random pipelines out of many verbs, beside a naive evaluator, after every epoch.
//!
//! A plan is a list of nodes over one row type, each node derived from earlier ones, so that
//! tables are shared, joined with themselves and with what is derived from them. Failing seeds are
//! kept in [`KNOWN`].

use crate::oracle::groups;
use pathway::prelude::*;
use pathway::table::IntoTable;
use pathway::testing::{Harness, Random};
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// A key, a key that can be null, and a number.
type Row = (u8, Option<u8>, i64);

/// One node of a random plan; numbers are earlier nodes.
#[derive(Clone, Copy, Debug)]
enum Node {
    Input(usize),
    Map(usize, i64),
    Filter(usize, i64),
    FlatMap(usize),
    Split(usize, bool),
    Concat(usize, usize),
    Union(usize, usize),
    Distinct(usize),
    Difference(usize, usize),
    Intersect(usize, usize),
    Reduce(usize, Fold),
    Inner(usize, usize, Key),
    Left(usize, usize, Key),
    Right(usize, usize, Key),
    Full(usize, usize, Key),
    Where(usize, usize),
    Semi(usize, usize, Key),
    Anti(usize, usize, Key),
    Cross(usize, usize),
    /// The two greatest numbers of each group.
    Limit(usize),
    /// Positions, values of the row in front and sums of two rows.
    Over(usize),
    /// The whole table as one row.
    All(usize),
}

/// What a join compares.
#[derive(Clone, Copy, Debug)]
enum Key {
    First,
    Second,
    Both,
    /// The first of the left side with the second of the right one.
    Mixed,
}

#[derive(Clone, Copy, Debug)]
enum Fold {
    Count,
    Sum,
    Min,
    Max,
    Distinct,
}

/// Plans that have failed once.
const KNOWN: [u64; 0] = [];

const INPUTS: usize = 2;
/// Larger intermediate results say nothing new.
const ROWS_MAX: usize = 400;

fn small(n: i64) -> u8 {
    u8::try_from(n.rem_euclid(4)).unwrap_or(0)
}

fn plan(random: &mut Random) -> Vec<Node> {
    let mut nodes: Vec<Node> = (0..INPUTS).map(Node::Input).collect();
    for _ in 0..2 + random.below(7) {
        let mut node = || random.index(nodes.len());
        let (a, b) = (node(), node());
        let key = *random.pick(&[Key::First, Key::Second, Key::Both, Key::Mixed]);
        let fold = *random.pick(&[Fold::Count, Fold::Sum, Fold::Min, Fold::Max, Fold::Distinct]);
        let n = random.value::<i64>() % 5;
        nodes.push(match random.below(21) {
            0 => Node::Map(a, n),
            1 => Node::Filter(a, n),
            2 => Node::FlatMap(a),
            3 => Node::Split(a, n > 0),
            4 => Node::Concat(a, b),
            5 => Node::Union(a, b),
            6 => Node::Distinct(a),
            7 => Node::Difference(a, b),
            8 => Node::Intersect(a, b),
            9 | 10 => Node::Reduce(a, fold),
            11 => Node::Inner(a, b, key),
            12 => Node::Left(a, b, key),
            13 => Node::Right(a, b, key),
            14 => Node::Full(a, b, key),
            15 => Node::Where(a, b),
            16 => *random.pick(&[Node::Semi(a, b, key), Node::Anti(a, b, key)]),
            17 => Node::Limit(a),
            18 => Node::Over(a),
            19 => Node::All(a),
            _ => Node::Cross(a, b),
        });
    }
    nodes
}

// What the closures of both sides compute.

fn mapped(row: &Row, n: i64) -> Row {
    (row.0, row.1.map(|key| (key + small(n)) % 4), row.2.wrapping_mul(3) % 50 + n)
}

fn is_kept(row: &Row, n: i64) -> bool {
    (row.2 + i64::from(row.0)).rem_euclid(3) != n.rem_euclid(3)
}

fn flat(row: &Row) -> Vec<Row> {
    (0..row.0 % 3).map(|n| (n, row.1, row.2 - i64::from(n))).collect()
}

fn paired(left: Option<&Row>, right: Option<&Row>) -> Row {
    let key = left.or(right).map_or(0, |row| row.0);
    let sum = left.map_or(100, |row| row.2) - right.map_or(200, |row| row.2);
    (key, right.and_then(|row| row.1), sum % 50)
}

fn left_key(key: Key, row: &Row) -> (Option<u8>, Option<u8>) {
    match key {
        Key::First | Key::Mixed => (Some(row.0), Some(0)),
        Key::Second => (row.1, Some(0)),
        Key::Both => (Some(row.0), row.1),
    }
}

fn right_key(key: Key, row: &Row) -> (Option<u8>, Option<u8>) {
    match key {
        Key::Mixed => (row.1, Some(0)),
        other => left_key(other, row),
    }
}

fn placed(row: &Row, number: u64, before: Option<i64>, sum: i64) -> Row {
    (small(number.cast_signed()), row.1, (before.unwrap_or(7) + sum) % 50)
}

fn summed_up(count: u64, max: Option<i64>, odd: i64) -> Row {
    (small(count.cast_signed()), None, (max.unwrap_or(9) + odd) % 50)
}

fn is_met(left: &Row, right: &Row) -> bool {
    left.2 > right.2
}

/// The pipeline's table of each node.
fn build(nodes: &[Node], inputs: &[Table<Row>]) -> Vec<Table<Row>> {
    let mut tables: Vec<Table<Row>> = Vec::new();
    for &node in nodes {
        let t = &tables;
        let on =
            |key: Key| (move |row: &Row| left_key(key, row), move |row: &Row| right_key(key, row));
        let table: Table<Row> = match node {
            Node::Input(at) => inputs[at].clone(),
            Node::Map(a, n) => t[a].select(move |row| mapped(row, n)),
            Node::Filter(a, n) => t[a].filter(move |row| is_kept(row, n)),
            Node::FlatMap(a) => t[a].flat_map(|row| flat(&row)),
            Node::Split(a, first) => {
                let (with, without) = t[a].split(|row| is_kept(row, 1));
                if first { with } else { without }
            }
            Node::Concat(a, b) => t[a].concat(&t[b]),
            Node::Union(a, b) => t[a].union(&t[b]),
            Node::Distinct(a) => t[a].distinct(),
            Node::Difference(a, b) => t[a].difference(&t[b]),
            Node::Intersect(a, b) => t[a].intersect(&t[b]),
            Node::Reduce(a, fold) => {
                let groups = t[a].group_by(|row| row.1);
                match fold {
                    Fold::Count => {
                        groups.reduce(|g| g.count()).select(|key, n| (0, key, n.cast_signed()))
                    }
                    Fold::Sum => {
                        groups.reduce(|g| g.sum(|row| row.2)).select(|key, n| (0, key, n % 50))
                    }
                    Fold::Min => groups.reduce(|g| g.min(|row| row.2)).select(|key, n| (0, key, n)),
                    Fold::Max => groups.reduce(|g| g.max(|row| row.2)).select(|key, n| (0, key, n)),
                    Fold::Distinct => groups
                        .reduce(|g| g.count_distinct(|row| row.0))
                        .select(|key, n| (0, key, n.cast_signed())),
                }
            }
            Node::Inner(a, b, key) => {
                let (left, right) = on(key);
                t[a].join(&t[b]).on(left, right).select(|l, r| paired(Some(l), Some(r)))
            }
            Node::Left(a, b, key) => {
                let (left, right) = on(key);
                t[a].left_join(&t[b]).on(left, right).select(|l, r| paired(Some(l), r))
            }
            Node::Right(a, b, key) => {
                let (left, right) = on(key);
                t[a].right_join(&t[b]).on(left, right).select(|l, r| paired(l, Some(r)))
            }
            Node::Full(a, b, key) => {
                let (left, right) = on(key);
                t[a].full_join(&t[b]).on(left, right).select(paired)
            }
            Node::Where(a, b) => {
                let (left, right) = on(Key::First);
                t[a].full_join(&t[b]).on(left, right).and(is_met).select(paired)
            }
            Node::Semi(a, b, key) => {
                let (left, right) = on(key);
                t[a].semi_join(&t[b]).on(left, right)
            }
            Node::Anti(a, b, key) => {
                let (left, right) = on(key);
                t[a].anti_join(&t[b]).on(left, right)
            }
            Node::Limit(a) => {
                let groups = t[a].group_by(|row| row.1);
                groups.sort_by(|row| Reverse(row.2)).limit(2).into_table()
            }
            Node::Over(a) => t[a]
                .group_by(|row| row.0 % 2)
                .sort_by(|row| row.2)
                .over(|o| (o.row_number(), o.lag(1, |row| row.2), o.moving_sum(1, 0, |row| row.2)))
                .select(|row, (number, before, sum)| placed(&row, number, before, sum)),
            Node::All(a) => t[a]
                .reduce(|g| {
                    let odd = g.sum(|row| row.2).when(|row| row.0 % 2 == 1);
                    (g.count(), g.max(|row| row.2), odd)
                })
                .select(|(count, max, odd)| summed_up(*count, *max, *odd)),
            Node::Cross(a, b) => t[a].cross_join(&t[b]).select(|l, r| paired(Some(l), Some(r))),
        };
        tables.push(table);
    }
    tables
}

/// The rows of each node, from scratch; nothing if there are too many.
fn evaluate(nodes: &[Node], inputs: &[Vec<Row>]) -> Option<Vec<Vec<Row>>> {
    let mut tables: Vec<Vec<Row>> = Vec::new();
    for &node in nodes {
        let t = &tables;
        let rows: Vec<Row> = match node {
            Node::Input(at) => inputs[at].clone(),
            Node::Map(a, n) => t[a].iter().map(|row| mapped(row, n)).collect(),
            Node::Filter(a, n) => t[a].iter().copied().filter(|row| is_kept(row, n)).collect(),
            Node::FlatMap(a) => t[a].iter().flat_map(flat).collect(),
            Node::Split(a, first) => {
                t[a].iter().copied().filter(|row| is_kept(row, 1) == first).collect()
            }
            Node::Concat(a, b) => [t[a].as_slice(), &t[b]].concat(),
            Node::Union(a, b) => set([t[a].as_slice(), &t[b]].concat()),
            Node::Distinct(a) => set(t[a].clone()),
            Node::Difference(a, b) => {
                copies(&t[a], &t[b], |left, right| left.saturating_sub(right))
            }
            Node::Intersect(a, b) => copies(&t[a], &t[b], usize::min),
            Node::Reduce(a, fold) => reduced(&t[a], fold),
            Node::Inner(a, b, key) => joined(&t[a], &t[b], key, (false, false), |_, _| true),
            Node::Left(a, b, key) => joined(&t[a], &t[b], key, (true, false), |_, _| true),
            Node::Right(a, b, key) => joined(&t[a], &t[b], key, (false, true), |_, _| true),
            Node::Full(a, b, key) => joined(&t[a], &t[b], key, (true, true), |_, _| true),
            Node::Where(a, b) => joined(&t[a], &t[b], Key::First, (true, true), is_met),
            Node::Semi(a, b, key) => matching(&t[a], &t[b], key, true),
            Node::Anti(a, b, key) => matching(&t[a], &t[b], key, false),
            Node::Limit(a) => {
                let limited = |rows: &Vec<&Row>| {
                    let mut rows: Vec<Row> = rows.iter().map(|row| **row).collect();
                    rows.sort_unstable_by_key(|row| (Reverse(row.2), *row));
                    rows.truncate(2);
                    rows
                };
                groups(&t[a], |row| row.1).values().flat_map(limited).collect()
            }
            Node::Over(a) => {
                groups(&t[a], |row| row.0 % 2).values().flat_map(|rows| over(rows)).collect()
            }
            Node::All(a) => {
                let odd = t[a].iter().filter(|row| row.0 % 2 == 1).map(|row| row.2).sum();
                let max = t[a].iter().map(|row| row.2).max();
                vec![summed_up(t[a].len() as u64, max, odd)]
            }
            Node::Cross(a, b) => {
                let pairs = |l| t[b].iter().map(move |r| paired(Some(l), Some(r)));
                t[a].iter().flat_map(pairs).collect()
            }
        };
        if rows.len() > ROWS_MAX {
            return None;
        }
        tables.push(rows);
    }
    Some(tables)
}

fn over(rows: &[&Row]) -> Vec<Row> {
    let mut rows: Vec<Row> = rows.iter().map(|row| **row).collect();
    rows.sort_unstable_by_key(|row| (row.2, *row));
    let before = std::iter::once(None).chain(rows.iter().map(|row| Some(row.2)));
    let places = (1..).zip(&rows).zip(before);
    places
        .map(|((number, row), before)| placed(row, number, before, row.2 + before.unwrap_or(0)))
        .collect()
}

fn set(rows: Vec<Row>) -> Vec<Row> {
    rows.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}

fn copies(left: &[Row], right: &[Row], kept: impl Fn(usize, usize) -> usize) -> Vec<Row> {
    let count = |rows: &[Row], row: &Row| rows.iter().filter(|other| *other == row).count();
    let rows = set(left.to_vec());
    let kept = |row: &Row| vec![*row; kept(count(left, row), count(right, row))];
    rows.iter().flat_map(kept).collect()
}

fn reduced(rows: &[Row], fold: Fold) -> Vec<Row> {
    let fold = |rows: &[&Row]| -> i64 {
        let numbers = rows.iter().map(|row| row.2);
        match fold {
            Fold::Count => rows.iter().map(|_| 1).sum(),
            Fold::Sum => numbers.sum::<i64>() % 50,
            Fold::Min => numbers.min().unwrap_or(0),
            Fold::Max => numbers.max().unwrap_or(0),
            Fold::Distinct => {
                rows.iter().map(|row| row.0).collect::<BTreeSet<_>>().iter().map(|_| 1).sum()
            }
        }
    };
    groups(rows, |row| row.1).iter().map(|(key, rows)| (0, *key, fold(rows))).collect()
}

fn meets(key: Key, left: &Row, right: &Row) -> bool {
    let (left, right) = (left_key(key, left), right_key(key, right));
    left == right && left.0.is_some() && left.1.is_some()
}

fn joined(
    left: &[Row],
    right: &[Row],
    key: Key,
    keep: (bool, bool),
    condition: impl Fn(&Row, &Row) -> bool,
) -> Vec<Row> {
    let meets = |l: &Row, r: &Row| meets(key, l, r) && condition(l, r);
    let mut rows = Vec::new();
    for l in left {
        let matches = right.iter().filter(|r| meets(l, r));
        let before = rows.len();
        rows.extend(matches.map(|r| paired(Some(l), Some(r))));
        if keep.0 && rows.len() == before {
            rows.push(paired(Some(l), None));
        }
    }
    if keep.1 {
        let alone = right.iter().filter(|r| !left.iter().any(|l| meets(l, r)));
        rows.extend(alone.map(|r| paired(None, Some(r))));
    }
    rows
}

fn matching(left: &[Row], right: &[Row], key: Key, wanted: bool) -> Vec<Row> {
    let has = |l: &Row| right.iter().any(|r| meets(key, l, r));
    left.iter().copied().filter(|row| has(row) == wanted).collect()
}

fn check(seed: u64) {
    let mut random = Random::new(seed);
    let nodes = plan(&mut random);
    let mut t = Harness::with_threads(1 + random.index(3));
    let inputs: Vec<_> = (0..INPUTS).map(|_| t.table::<Row>()).collect();
    let tables = build(&nodes, &inputs.iter().map(|input| input.rows()).collect::<Vec<_>>());
    let captured: Vec<_> = tables.into_iter().map(|table| t.capture(table)).collect();
    let mut rows: Vec<Vec<Row>> = vec![Vec::new(); INPUTS];
    for _ in 0..5 {
        for (input, rows) in inputs.iter().zip(&mut rows) {
            for _ in 0..random.below(7) {
                if random.one_in(3) && !rows.is_empty() {
                    input.remove(rows.swap_remove(random.index(rows.len())));
                } else {
                    let key = random.value::<u8>() % 5;
                    let nullable = (key > 0).then_some(key % 4);
                    let row = (random.value::<u8>() % 4, nullable, random.value::<i64>() % 20);
                    input.insert(row);
                    rows.push(row);
                }
            }
        }
        let Some(expected) = evaluate(&nodes, &rows) else { return };
        t.step();
        for (at, (captured, mut expected)) in captured.iter().zip(expected).enumerate() {
            let mut rows = captured.rows();
            rows.sort_unstable();
            expected.sort_unstable();
            assert_eq!(rows, expected, "seed {seed}: node {at} of {nodes:#?}");
        }
    }
}

#[test]
fn every_node_of_random_plans_agrees_with_a_naive_evaluator() {
    KNOWN.into_iter().for_each(check);
    (0..400).for_each(check);
}
