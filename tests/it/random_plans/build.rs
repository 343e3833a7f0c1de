//! The pipeline of a plan.

use super::Row;
use super::closures::{
    flat, is_kept, is_met, left_key, mapped, named, of_pivot, of_set, paired, reached, right_key,
    summed_up, tried, unpivoted,
};
use super::plan::{Key, Kind, Loop, LoopKind, Node, Page, Sets};
use super::{folds, keyed, times, windows};
use pathway::prelude::*;
use pathway::table::IntoTable;
use std::cmp::Reverse;

/// Adds the table of each node to those that are there.
pub(super) fn build(nodes: &[Node], inputs: &[Table<Row>], tables: &mut Vec<Table<Row>>) {
    for node in nodes {
        let table = table(node, inputs, tables);
        tables.push(table);
    }
}

fn table(node: &Node, inputs: &[Table<Row>], t: &[Table<Row>]) -> Table<Row> {
    let on = |key: Key| (move |row: &Row| left_key(key, row), move |row: &Row| right_key(key, row));
    match *node {
        Node::Input(at) => inputs[at].clone(),
        Node::Map(a, n) => t[a].select(move |row| mapped(row, n)),
        Node::Filter(a, n) => t[a].filter(move |row| is_kept(row, n)),
        Node::FlatMap(a) => t[a].flat_map(|row| flat(&row)),
        Node::Split(a, first) => {
            let (with, without) = t[a].split(|row| is_kept(row, 1));
            if first { with } else { without }
        }
        Node::Try(a, taken) => {
            let (rows, errors) = t[a].try_map(|row| tried(&row)).or_errors();
            // Errors that nobody takes end the run.
            let errors = errors.select(|error| error.row);
            if taken { rows.concat(&errors.filter(|_| false)) } else { errors }
        }
        Node::Concat(a, b) => t[a].concat(&t[b]),
        Node::Union(a, b) => t[a].union(&t[b]),
        Node::Distinct(a) => t[a].distinct(),
        Node::Difference(a, b) => t[a].difference(&t[b]),
        Node::Intersect(a, b) => t[a].intersect(&t[b]),
        Node::Reduce(a, fold) => folds::reduce(&t[a], fold),
        Node::Having(a) => t[a]
            .group_by(|row| row.1)
            .reduce(|g| (g.count(), g.max(|row| row.2)))
            .having(|_, (count, _)| *count > 1)
            .select(|key, (count, max)| (2, key, max - count.cast_signed())),
        Node::Sets(a, sets) => {
            let key = |row: &Row| (row.0, row.1);
            let sets = match sets {
                Sets::Rollup => t[a].rollup(key),
                Sets::Cube => t[a].cube(key),
                Sets::Some => t[a].grouping_sets(key, [[false, true], [false, false]]),
            };
            sets.reduce(|g| (g.count(), g.sum(|row| row.2)))
                .select(|(first, second), (count, sum)| of_set(first, second, count, sum))
        }
        Node::Pivot(a) => t[a]
            .group_by(|row| row.1)
            .pivot(|row| row.0 % 3, [0, 1], |g| g.max(|row| row.2))
            .select(of_pivot),
        Node::Unpivot(a) => {
            t[a].unpivot(|row| row.0, unpivoted).map(|(id, name, value)| named(id, &name, value))
        }
        Node::All(a) => t[a]
            .reduce(|g| {
                let odd = g.sum(|row| row.2).when(|row| row.0 % 2 == 1);
                (g.count(), g.max(|row| row.2), odd)
            })
            .select(|(count, max, odd)| summed_up(*count, *max, *odd)),
        Node::Join(kind, a, b, key) => {
            let (left, right) = on(key);
            match kind {
                Kind::Inner => {
                    t[a].join(&t[b]).on(left, right).select(|l, r| paired(Some(l), Some(r)))
                }
                Kind::Left => {
                    t[a].left_join(&t[b]).on(left, right).select(|l, r| paired(Some(l), r))
                }
                Kind::Right => {
                    t[a].right_join(&t[b]).on(left, right).select(|l, r| paired(l, Some(r)))
                }
                Kind::Full => t[a].full_join(&t[b]).on(left, right).select(paired),
            }
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
        Node::SemiWhere(a, b, wanted) => {
            let (left, right) = on(Key::First);
            let builder = if wanted { t[a].semi_join(&t[b]) } else { t[a].anti_join(&t[b]) };
            builder.and(is_met).on(left, right)
        }
        Node::Shared(a, b) => {
            let (left, right) = (t[a].index_by(|row| row.1), t[b].index_by(|row| row.1));
            let pairs = left.join(&right).select(|l, r| paired(Some(l), Some(r)));
            let twins = left.join(&left).select(|l, r| paired(Some(r), Some(l)));
            pairs.concat(&twins.intersect(&left.anti_join(&right)))
        }
        Node::Cross(a, b) => t[a].cross_join(&t[b]).select(|l, r| paired(Some(l), Some(r))),
        Node::Limit(a, Page { grouped, offset, limit }) => {
            if grouped {
                let sorted = t[a].group_by(|row| row.1).sort_by(|row| Reverse(row.2));
                sorted.limit(limit).offset(offset).into_table()
            } else {
                t[a].sort_by(|row| Reverse(row.2)).limit(limit).offset(offset).into_table()
            }
        }
        Node::Over(a, window) => windows::over(&t[a], window),
        Node::Keyed(verb, a, b) => keyed::keyed(verb, &t[a], &t[b]),
        Node::Timed(verb, a, b) => times::timed(verb, &t[a], &t[b]),
        Node::Loop(ref around) => repeated(around, t),
    }
}

fn repeated(around: &Loop, tables: &[Table<Row>]) -> Table<Row> {
    let (start, other) = (&tables[around.start], &tables[around.other]);
    match &around.kind {
        LoopKind::Rounds(rounds, body) => start.iterate_at_most(*rounds, |variable| {
            let mut inner = [tables, &[variable]].concat();
            build(body, &[], &mut inner);
            inner.swap_remove(inner.len() - 1)
        }),
        LoopKind::Two(rounds, body) => {
            let (first, second) = iterate_at_most(*rounds, (start, other), |(first, second)| {
                let mut inner = [tables, &[first.clone(), second]].concat();
                build(body, &[], &mut inner);
                (inner.swap_remove(inner.len() - 1), first)
            });
            first.concat(&second)
        }
        LoopKind::Reach => start.iterate(|all| {
            all.join(other)
                .on(|row| Some(row.0), |row| row.1)
                .select(reached)
                .concat(start)
                .distinct()
        }),
        LoopKind::Least => start.iterate(|least| {
            least
                .join(other)
                .on(|row| Some(row.0), |row| row.1)
                .select(|from, over| (over.0, None, from.2))
                .concat(start)
                .group_by(|row| row.0)
                .reduce(|g| g.min(|row| row.2))
                .select(|key, least| (key, None, least))
        }),
    }
}
