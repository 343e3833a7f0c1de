//! The rows of a plan from scratch, written for clarity alone.

use super::Row;
use super::closures::{
    flat, is_kept, is_met, left_key, mapped, named, of_pivot, of_set, paired, reached, right_key,
    summed_up, tried, unpivoted,
};
use super::plan::{Key, Kind, Loop, LoopKind, Node, Page, Sets};
use super::{folds, keyed, times, windows};
use crate::oracle::groups;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Larger intermediate results say nothing new.
const ROWS_MAX: usize = 400;

/// Adds the rows of each node to those that are there; nothing if there are too many.
pub(super) fn evaluate(
    nodes: &[Node],
    inputs: &[Vec<Row>],
    tables: &mut Vec<Vec<Row>>,
) -> Option<()> {
    for node in nodes {
        let rows = rows(node, inputs, tables)?;
        if rows.len() > ROWS_MAX {
            return None;
        }
        tables.push(rows);
    }
    Some(())
}

fn rows(node: &Node, inputs: &[Vec<Row>], t: &[Vec<Row>]) -> Option<Vec<Row>> {
    Some(match *node {
        Node::Input(at) => inputs[at].clone(),
        Node::Map(a, n) => t[a].iter().map(|row| mapped(row, n)).collect(),
        Node::Filter(a, n) => t[a].iter().copied().filter(|row| is_kept(row, n)).collect(),
        Node::FlatMap(a) => t[a].iter().flat_map(flat).collect(),
        Node::Split(a, first) => {
            t[a].iter().copied().filter(|row| is_kept(row, 1) == first).collect()
        }
        Node::Try(a, true) => t[a].iter().filter_map(|row| tried(row).ok()).collect(),
        Node::Try(a, false) => t[a].iter().copied().filter(|row| tried(row).is_err()).collect(),
        Node::Concat(a, b) => [t[a].as_slice(), &t[b]].concat(),
        Node::Union(a, b) => set([t[a].as_slice(), &t[b]].concat()),
        Node::Distinct(a) => set(t[a].clone()),
        Node::Difference(a, b) => copies(&t[a], &t[b], |left, right| left.saturating_sub(right)),
        Node::Intersect(a, b) => copies(&t[a], &t[b], usize::min),
        Node::Reduce(a, fold) => folds::naive(&t[a], fold),
        Node::Having(a) => {
            let row = |(key, rows): (Option<u8>, Vec<&Row>)| {
                let max = rows.iter().map(|row| row.2).max().filter(|_| rows.len() > 1)?;
                Some((2, key, max - rows.len() as i64))
            };
            groups(&t[a], |row| row.1).into_iter().filter_map(row).collect()
        }
        Node::Sets(a, wanted) => sets(&t[a], wanted),
        Node::Pivot(a) => {
            let max = |rows: &[&Row], of| {
                rows.iter().filter(|row| row.0 % 3 == of).map(|row| row.2).max()
            };
            let groups = groups(&t[a], |row| row.1).into_iter();
            groups.map(|(key, rows)| of_pivot(key, [max(&rows, 0), max(&rows, 1)])).collect()
        }
        Node::Unpivot(a) => {
            let rows = |row: &Row| unpivoted(row).map(|(name, value)| named(row.0, name, value));
            t[a].iter().flat_map(rows).collect()
        }
        Node::All(a) => {
            let odd = t[a].iter().filter(|row| row.0 % 2 == 1).map(|row| row.2).sum();
            let max = t[a].iter().map(|row| row.2).max();
            vec![summed_up(t[a].len() as u64, max, odd)]
        }
        Node::Join(kind, a, b, key) => {
            let keep = match kind {
                Kind::Inner => (false, false),
                Kind::Left => (true, false),
                Kind::Right => (false, true),
                Kind::Full => (true, true),
            };
            joined(&t[a], &t[b], key, keep, |_, _| true)
        }
        Node::Where(a, b) => joined(&t[a], &t[b], Key::First, (true, true), is_met),
        Node::Semi(a, b, key) => matching(&t[a], &t[b], key, true),
        Node::Anti(a, b, key) => matching(&t[a], &t[b], key, false),
        Node::SemiWhere(a, b, wanted) => {
            let is_matched = |l: &Row| t[b].iter().any(|r| meets(Key::First, l, r) && is_met(l, r));
            t[a].iter().copied().filter(|row| is_matched(row) == wanted).collect()
        }
        Node::Shared(a, b) => {
            let pairs = joined(&t[a], &t[b], Key::Second, (false, false), |_, _| true);
            let meet = |l: &Row, r: &Row| meets(Key::Second, l, r);
            let twins = t[a].iter().flat_map(|l| {
                t[a].iter().filter(move |r| meet(l, r)).map(|r| paired(Some(r), Some(l)))
            });
            let alone = matching(&t[a], &t[b], Key::Second, false);
            [pairs, copies(&twins.collect::<Vec<_>>(), &alone, usize::min)].concat()
        }
        Node::Cross(a, b) => {
            let pairs = |l| t[b].iter().map(move |r| paired(Some(l), Some(r)));
            t[a].iter().flat_map(pairs).collect()
        }
        Node::Limit(a, page) => {
            if page.grouped {
                groups(&t[a], |row| row.1).values().flat_map(|rows| limited(rows, page)).collect()
            } else {
                limited(&t[a].iter().collect::<Vec<_>>(), page)
            }
        }
        Node::Over(a, window) => windows::naive(&t[a], window),
        Node::Keyed(verb, a, b) => keyed::naive(verb, &t[a], &t[b]),
        Node::Timed(verb, a, b) => times::naive(verb, &t[a], &t[b]),
        Node::Loop(ref around) => repeated(around, t)?,
    })
}

fn repeated(around: &Loop, tables: &[Vec<Row>]) -> Option<Vec<Row>> {
    let mut rows = tables[around.start].clone();
    let start = rows.clone();
    let mut other = tables[around.other].clone();
    match &around.kind {
        LoopKind::Rounds(rounds, body) => {
            for _ in 0..*rounds {
                let mut inner = [tables, &[rows]].concat();
                evaluate(body, &[], &mut inner)?;
                rows = inner.pop()?;
            }
            Some(rows)
        }
        LoopKind::Two(rounds, body) => {
            for _ in 0..*rounds {
                let mut inner = [tables, &[rows.clone(), other]].concat();
                evaluate(body, &[], &mut inner)?;
                (rows, other) = (inner.pop()?, rows);
            }
            Some([rows, other].concat())
        }
        LoopKind::Reach => until_settled(rows, |rows| {
            let over = pairs_over(rows, &other).map(|(from, over)| reached(from, over));
            set(over.chain(start.iter().copied()).collect())
        }),
        LoopKind::Least => until_settled(rows, |rows| {
            let over = pairs_over(rows, &other).map(|(from, over)| (over.0, None, from.2));
            let all: Vec<Row> = over.chain(start.iter().copied()).collect();
            let mut least: BTreeMap<u8, i64> = BTreeMap::new();
            for row in &all {
                least.entry(row.0).and_modify(|least| *least = row.2.min(*least)).or_insert(row.2);
            }
            least.into_iter().map(|(key, least)| (key, None, least)).collect()
        }),
    }
}

/// The pairs of rows where the second one leads on from the first.
fn pairs_over<'a>(rows: &'a [Row], over: &'a [Row]) -> impl Iterator<Item = (&'a Row, &'a Row)> {
    rows.iter().flat_map(move |from| {
        over.iter().filter(move |over| over.1 == Some(from.0)).map(move |over| (from, over))
    })
}

fn until_settled(mut rows: Vec<Row>, next: impl Fn(&[Row]) -> Vec<Row>) -> Option<Vec<Row>> {
    loop {
        let after = next(&rows);
        if after.len() > ROWS_MAX {
            return None;
        }
        if after == rows {
            return Some(rows);
        }
        rows = after;
    }
}

fn sets(rows: &[Row], wanted: Sets) -> Vec<Row> {
    let mut sums: BTreeMap<(Option<u8>, Option<Option<u8>>), (u64, i64)> = BTreeMap::new();
    for row in rows {
        for (first, second) in [(true, true), (true, false), (false, true), (false, false)] {
            let is_wanted = match wanted {
                Sets::Rollup => first || !second,
                Sets::Cube => true,
                Sets::Some => !first,
            };
            if !is_wanted {
                continue;
            }
            let sum = sums.entry((first.then_some(row.0), second.then_some(row.1))).or_default();
            *sum = (sum.0 + 1, sum.1 + row.2);
        }
    }
    let row = |((first, second), (count, sum))| of_set(first, second, count, sum);
    sums.into_iter().map(row).collect()
}

fn limited(rows: &[&Row], page: Page) -> Vec<Row> {
    let mut rows: Vec<Row> = rows.iter().map(|row| **row).collect();
    rows.sort_unstable_by_key(|row| (Reverse(row.2), *row));
    let place = |n: u64| usize::try_from(n).expect("it is small");
    rows.into_iter().skip(place(page.offset)).take(place(page.limit)).collect()
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
