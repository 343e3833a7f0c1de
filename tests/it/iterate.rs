//! Loops to a fixpoint, against recomputation, naive evaluations and differential's own.

use crate::oracle::against;
use pathway::prelude::*;
use pathway::table::IntoTable;
use pathway::testing::{Harness, add, check_incremental, remove};
use std::collections::{BTreeMap, BTreeSet};

/// From one vertex to another.
type Edge = (u8, u8);

fn edge(random: &mut pathway::testing::Random) -> Edge {
    let vertex = |random: &mut pathway::testing::Random| random.value::<u8>() % 12;
    (vertex(random), vertex(random))
}

fn root(random: &mut pathway::testing::Random) -> u8 {
    random.value::<u8>() % 12
}

fn reached(roots: &Table<u8>, edges: &Table<Edge>) -> Table<u8> {
    roots.iterate(|reached| {
        reached
            .join(edges)
            .on(|vertex| *vertex, |edge| edge.0)
            .select(|_, edge| edge.1)
            .concat(roots)
            .distinct()
    })
}

fn naive_reached(roots: &[u8], edges: &[Edge]) -> BTreeSet<u8> {
    let mut reached: BTreeSet<u8> = roots.iter().copied().collect();
    loop {
        let next = edges.iter().filter(|edge| reached.contains(&edge.0)).map(|edge| edge.1);
        let next: Vec<u8> = next.filter(|to| !reached.contains(to)).collect();
        if next.is_empty() {
            return reached;
        }
        reached.extend(next);
    }
}

/// The smallest vertex that is connected to each.
fn labels(edges: &Table<Edge>) -> Table<(u8, u8)> {
    let both = edges.flat_map(|(from, to)| [(from, to), (to, from)]);
    let vertices = both.map(|(from, _)| (from, from)).distinct();
    vertices.iterate(|labels| {
        let heard = labels
            .join(&both)
            .on(|label| label.0, |edge| edge.0)
            .select(|label, edge| (edge.1, label.1))
            .concat(&vertices);
        heard.group_by(|label| label.0).reduce(|g| g.min(|label| label.1))
    })
}

fn naive_labels(edges: &[Edge]) -> Vec<(u8, u8)> {
    let vertices: BTreeSet<u8> = edges.iter().flat_map(|edge| [edge.0, edge.1]).collect();
    let both: Vec<Edge> = edges.iter().flat_map(|&(a, b)| [(a, b), (b, a)]).collect();
    let label = |&vertex: &u8| {
        let component = naive_reached(&[vertex], &both);
        (vertex, component.into_iter().next().expect("a vertex reaches itself"))
    };
    vertices.iter().map(label).collect()
}

#[test]
fn reachability() {
    against(reached, |roots, edges| naive_reached(roots, edges).into_iter().collect(), root, edge);
}

#[test]
fn reachability_is_incremental() {
    check_incremental(|t| reached(&t.table(), &t.table()))
        .rows::<u8>(root)
        .rows::<Edge>(edge)
        .rows_per_epoch(24)
        .cases(64)
        .run();
}

#[test]
fn connected_components() {
    against(|edges, _: &Table<u8>| labels(edges), |edges, _| naive_labels(edges), edge, root);
}

#[test]
fn a_change_changes_what_depends_on_it() {
    let mut t = Harness::new();
    let (roots, edges) = (t.table::<u8>(), t.table::<Edge>());
    let reached = t.capture(reached(&roots.rows(), &edges.rows()));
    roots.insert(0);
    (0..9).for_each(|n| edges.insert((n, n + 1)));
    t.step();
    reached.assert_rows(0..10);
    edges.remove((8, 9));
    t.step();
    reached.assert_changes([remove(9)]);
    edges.insert((0, 9));
    edges.insert((20, 21));
    t.step();
    reached.assert_changes([add(9)]);
    roots.remove(0);
    t.step();
    reached.assert_rows(std::iter::empty());
}

#[test]
fn a_table_that_is_used_in_a_loop_and_outside() {
    check_incremental(|t| {
        let (roots, edges) = (t.table::<u8>(), t.table::<Edge>());
        let by_from = edges.index_by(|edge| edge.0);
        let reached = roots.iterate(|reached| {
            reached
                .index_by(|vertex| *vertex)
                .join(&by_from)
                .select(|_, edge| edge.1)
                .concat(&roots)
                .distinct()
        });
        let from_root =
            roots.index_by(|vertex| *vertex).join(&by_from).select(|_, edge| edge.1).distinct();
        // Behind a join, in front of a group_by.
        reached
            .join(&edges)
            .on(|vertex| *vertex, |edge| edge.1)
            .select(|vertex, edge| (*vertex, edge.0))
            .concat(&from_root.map(|vertex| (vertex, 0)))
            .group_by(|row| row.0)
            .reduce(|g| (g.count(), g.max(|row| row.1)))
    })
    .rows::<u8>(root)
    .rows::<Edge>(edge)
    .rows_per_epoch(24)
    .cases(64)
    .run();
}

/// The edges whose ends can reach each other: each round drops those between different labels of
/// a propagation, forward or backward, which is a loop of its own.
fn within_components(edges: &Table<Edge>) -> Table<Edge> {
    edges.distinct().iterate(|edges| trimmed(&trimmed(&edges)))
}

/// The reversed edges that have the same least label of the vertices before them at both ends.
fn trimmed(edges: &Table<Edge>) -> Table<Edge> {
    let vertices = edges.map(|(_, to)| (to, to)).distinct();
    let labels = vertices.iterate(|labels| {
        labels
            .join(edges)
            .on(|label| label.0, |edge| edge.0)
            .select(|label, edge| (edge.1, label.1))
            .concat(&vertices)
            .group_by(|label| label.0)
            .reduce(|g| g.min(|label| label.1))
    });
    edges
        .join(&labels)
        .on(|edge| edge.0, |label| label.0)
        .select(|edge, label| (edge.0, edge.1, label.1))
        .join(&labels)
        .on(|edge| edge.1, |label| label.0)
        .select(|edge, label| (edge.1, edge.0, edge.2, label.1))
        .filter(|edge| edge.2 == edge.3)
        .map(|edge| (edge.0, edge.1))
}

#[test]
fn a_loop_in_a_loop() {
    against(
        |edges, _: &Table<u8>| within_components(edges),
        |edges, _| {
            let edges: BTreeSet<Edge> = edges.iter().copied().collect();
            let all: Vec<Edge> = edges.iter().copied().collect();
            let within = |edge: &Edge| naive_reached(&[edge.1], &all).contains(&edge.0);
            edges.into_iter().filter(within).collect()
        },
        edge,
        root,
    );
}

#[test]
fn several_tables_at_once() {
    let pipeline = |start: &Table<u8>, edges: &Table<Edge>| {
        let step = |from: &Table<u8>, to: &Table<u8>| {
            let next = from.join(edges).on(|vertex| *vertex, |edge| edge.0);
            next.select(|_, edge| edge.1).concat(to).distinct()
        };
        let none = start.filter(|_| false);
        let (even, odd) =
            iterate((start, &none), |(even, odd)| (step(&odd, &even), step(&even, &odd)));
        even.map(|vertex| (vertex, true)).concat(&odd.map(|vertex| (vertex, false)))
    };
    let naive = |start: &[u8], edges: &[Edge]| {
        let doubled: Vec<Edge> = edges
            .iter()
            .flat_map(|edge| [(edge.0, edge.1 + 100), (edge.0 + 100, edge.1)])
            .collect();
        let reached = naive_reached(start, &doubled).into_iter();
        reached
            .map(|vertex| (vertex % 100, vertex < 100))
            .filter(|row| !row.1 || !start.is_empty())
            .collect::<Vec<_>>()
    };
    // The first table is made distinct by the first round only if there is one.
    against(pipeline, naive, root, edge);
}

#[test]
fn so_many_rounds() {
    let pipeline = |start: &Table<u8>, edges: &Table<Edge>| {
        start.iterate_at_most(2, |reached| {
            reached
                .join(edges)
                .on(|vertex| *vertex, |edge| edge.0)
                .select(|_, edge| edge.1)
                .distinct()
        })
    };
    let naive = |start: &[u8], edges: &[Edge]| {
        let step = |from: BTreeSet<u8>| -> BTreeSet<u8> {
            edges.iter().filter(|edge| from.contains(&edge.0)).map(|edge| edge.1).collect()
        };
        step(step(start.iter().copied().collect())).into_iter().collect()
    };
    against(pipeline, naive, root, edge);
}

#[test]
fn rounds_without_an_operator_that_sums() {
    check_incremental(|t| {
        t.table::<i64>().iterate(|numbers| numbers.map(|n| if n % 2 == 0 { n / 2 } else { n }))
    })
    .rows::<i64>(|random| 1 + i64::try_from(random.below(200)).unwrap())
    .cases(64)
    .run();
}

#[test]
fn nothing_left_of_a_table_is_nothing_left_of_a_loop() {
    check_incremental(|t| {
        let rows = t.table::<(u8, i64)>();
        rows.iterate(|rows| {
            let sums = rows.group_by(|row| row.0 / 2).reduce(|g| g.sum(|row| row.1));
            sums.filter(|row| row.1 != 0).map(|(key, sum)| (key, sum))
        })
    })
    .rows::<(u8, i64)>(|random| {
        (u8::try_from(random.below(40)).unwrap(), i64::try_from(random.below(9)).unwrap() - 4)
    })
    .cases(64)
    .run();
}

#[test]
fn every_verb_in_a_loop() {
    check_incremental(|t| {
        let (rows, others) = (t.table::<(u8, u8)>(), t.table::<(u8, u8)>());
        rows.iterate_at_most(4, |rows| {
            let left = rows
                .left_join(&others)
                .on(|row| row.0, |other| other.0)
                .select(|row, other| (row.1, other.map_or(row.0, |other| other.1)));
            let both = left.intersect(&rows.concat(&others));
            let gone = left.difference(&others).filter(|row| row.0 < 6);
            let (good, bad) =
                gone.try_map(|row| if row.1 < 5 { Ok(row) } else { Err("large") }).or_errors();
            let bad = bad.map(|bad| (bad.row.0, 0));
            good.concat(&both).concat(&bad).distinct()
        })
    })
    .rows::<(u8, u8)>(edge)
    .rows_per_epoch(20)
    .cases(96)
    .run();
}

#[test]
fn text_in_a_loop() {
    check_incremental(|t| {
        let (words, pairs) = (t.table::<String>(), t.table::<(String, String)>());
        words.iterate(|words| {
            words
                .join(&pairs)
                .on(|word| word.clone(), |pair| pair.0.clone())
                .select(|_, pair| pair.1.clone())
                .concat(&words)
                .distinct()
        })
    })
    .rows::<String>(|random| "x".repeat(random.index(40)))
    .rows::<(String, String)>(|random| ("x".repeat(random.index(40)), "x".repeat(random.index(40))))
    .rows_per_epoch(30)
    .cases(64)
    .run();
}

#[test]
fn many_epochs() {
    let mut t = Harness::with_threads(2);
    let edges = t.table::<Edge>();
    let labels = t.capture(labels(&edges.rows()));
    let mut random = pathway::testing::Random::new(7);
    let mut there: Vec<Edge> = Vec::new();
    for _ in 0..300 {
        if random.one_in(2) && there.len() > 12 {
            let at = random.index(there.len());
            edges.remove(there.swap_remove(at));
        } else {
            let edge = edge(&mut random);
            edges.insert(edge);
            there.push(edge);
        }
        t.step();
        labels.assert_rows(naive_labels(&there));
    }
}

#[test]
fn a_loop_that_does_not_settle_within_its_limit() {
    let app = Pipeline::new("endless");
    let growing = app.rows(vec![1]).iterate_within(7, |numbers| numbers.map(|n| n + 1));
    let error = growing.collect().unwrap_err().to_string();
    assert!(error.contains("iterate_within"), "{error}");
    assert!(error.contains(&format!("{}:{}", file!(), line!() - 3)), "{error}");
    assert!(error.contains("after 7 rounds"), "{error}");
    // The last round changes nothing.
    let halved = app
        .rows(vec![8])
        .iterate_within(4, |numbers| numbers.map(|n| if n % 2 == 0 { n / 2 } else { n }));
    assert_eq!(halved.collect().unwrap(), [1]);
    let early = app
        .rows(vec![8])
        .iterate_within(3, |numbers| numbers.map(|n| if n % 2 == 0 { n / 2 } else { n }));
    assert!(early.collect().is_err());
}

#[test]
fn a_run_can_be_stopped_whose_loop_never_settles() {
    for threads in [1, 3] {
        let app = Pipeline::new("endless").threads(threads);
        let (input, numbers) = app.input::<i64>();
        let line = line!() + 1;
        let endless = iterate((&numbers, &numbers), |(a, b)| (a.distinct(), b.map(|n| n + 1)));
        let view = endless.1.view();
        let running = app.start().unwrap();
        input.push(1).unwrap();
        // It holds its epoch, and says so.
        while running.stats().loops.first().is_none_or(|turning| turning.round < 2_000) {
            assert!(!running.is_over());
        }
        assert_eq!((running.epoch(), running.stats().loops[0].epoch), (0, 0));
        let start = std::time::Instant::now();
        running.stop();
        let error = running.wait().unwrap_err().to_string();
        assert!(start.elapsed() < std::time::Duration::from_secs(30), "{:?}", start.elapsed());
        assert!(error.contains(&format!("`iterate` at {}:{line}", file!())), "{error}");
        assert!(error.contains("stopped before the loop had settled"), "{error}");
        assert!(error.contains("still changed 2 rows of its table 2"), "{error}");
        // Nothing of a loop leaves it before it has settled.
        assert!(view.rows().is_empty());
    }
}

#[test]
fn dropping_the_handle_ends_a_loop_that_never_settles() {
    let app = Pipeline::new("endless");
    let (input, numbers) = app.input::<i64>();
    numbers.iterate(|numbers| numbers.iterate(|n| n.map(|n| -n))).write(null::sink());
    let running = app.start().unwrap();
    input.push(1).unwrap();
    while running.stats().loops.is_empty() {}
    drop(running);
}

#[test]
fn what_cannot_be_repeated() {
    let app = Pipeline::new("misplaced");
    let numbers = app.rows(vec![1]);
    let line = line!() + 1;
    let changes = numbers.iterate(|numbers| numbers.changes().map(|change| change.0));
    let error = changes.collect().unwrap_err().to_string();
    assert!(error.contains("`changes` at"), "{error}");
    assert!(error.contains(&format!("the loop `iterate` at {}:{line}", file!())), "{error}");

    let app = Pipeline::new("leaked");
    let mut leaked = None;
    let numbers = app.rows(vec![1]).iterate(|numbers| {
        leaked = Some(numbers.clone());
        numbers
    });
    let error = leaked.unwrap().concat(&numbers).collect().unwrap_err().to_string();
    assert!(error.contains("known in its closure only"), "{error}");
}

#[test]
fn loops_nest_four_deep() {
    fn nested(numbers: &Table<i64>, depth: usize) -> Table<i64> {
        numbers.iterate(|numbers| match depth {
            1 => numbers.map(|n| n.min(3) + 1).distinct(),
            _ => nested(&numbers, depth - 1),
        })
    }
    let app = Pipeline::new("nested");
    assert_eq!(nested(&app.rows(vec![1]), 4).collect().unwrap(), [4]);
    let error = nested(&app.rows(vec![1]), 5).collect().unwrap_err().to_string();
    assert!(error.contains("at most four deep"), "{error}");
}

#[test]
fn a_panic_in_a_loop_is_reported() {
    let app = Pipeline::new("panics").threads(2);
    let numbers = app.rows(vec![1, 2]).iterate(|numbers| {
        numbers.map(|n| if n > 4 { panic!("too large: {n}") } else { n + 1 }).distinct()
    });
    let error = numbers.collect().unwrap_err().to_string();
    assert!(error.contains("`map` at") && error.contains("too large: 5"), "{error}");
}

#[test]
fn a_failed_sum_in_a_loop_is_reported() {
    let app = Pipeline::new("overflows");
    let sums = app
        .rows(vec![(1, i64::MAX / 2)])
        .iterate(|rows| rows.concat(&rows).group_by(|row| row.0).reduce(|g| g.sum(|row| row.1)));
    let error = sums.collect().unwrap_err().to_string();
    assert!(error.contains("`group_by` at"), "{error}");
}

#[test]
fn the_rounds_of_a_history() {
    // The answer is for each epoch that of its own rows, however the epochs before it went.
    let mut t = Harness::new();
    let numbers = t.table::<(u8, i64)>();
    let least = numbers.rows().iterate_at_most(3, |rows| {
        rows.group_by(|row| row.0).reduce(|g| g.min(|row| row.1)).map(|(key, n)| (key, n - 1))
    });
    let least = t.capture(least);
    let mut expected = BTreeMap::new();
    for n in [5, 3, 9, -2] {
        numbers.insert((1, n));
        expected.entry(1).and_modify(|least: &mut i64| *least = n.min(*least)).or_insert(n);
        t.step();
        least.assert_rows([(1, expected[&1] - 3)]);
    }
}

#[test]
fn the_plan_shows_the_loop_as_a_box() {
    let app = Pipeline::new("shown");
    let edges = app.rows(vec![(1_u8, 2_u8)]);
    within_components(&edges).write(null::sink());
    let text = app.explain().to_string();
    assert!(text.contains("until nothing changes"), "{text}");
    assert!(text.contains("in the loop of line"), "{text}");
    let drawing = app.explain().to_mermaid();
    assert!(drawing.contains("  subgraph l0[\"the loop `iterate` at"), "{drawing}");
    assert!(drawing.contains("    subgraph l1[\"the loop `iterate` at"), "{drawing}");
}

/// Vertices that are reached from those with an edge out of 0, around those that are blocked.
#[test]
fn joins_of_every_kind_in_a_loop() {
    against(
        |edges: &Table<Edge>, blocked: &Table<u8>| {
            let start = edges.filter(|edge| edge.0 == 0).select(|edge| edge.0).distinct();
            start.iterate(|reached| {
                let next = edges.semi_join(&reached).on(|edge| edge.0, |vertex| *vertex);
                let next = next.select(|edge| edge.1);
                let free = next.anti_join(blocked).on(|vertex| *vertex, |blocked| *blocked);
                let all = free
                    .distinct()
                    .full_join(&reached)
                    .on(|vertex| *vertex, |known| *known)
                    .select(|vertex, known| vertex.or(known).copied().unwrap_or(0));
                let again = reached
                    .right_join(&all)
                    .on(|known| *known, |vertex| *vertex)
                    .select(|_, vertex| *vertex);
                again.concat(&start).distinct()
            })
        },
        |edges, blocked| {
            let mut reached: BTreeSet<u8> =
                edges.iter().map(|edge| edge.0).filter(|from| *from == 0).collect();
            loop {
                let is_new = |to: &u8| !reached.contains(to) && !blocked.contains(to);
                let next = edges.iter().filter(|edge| reached.contains(&edge.0));
                let next: Vec<u8> = next.map(|edge| edge.1).filter(is_new).collect();
                if next.is_empty() {
                    return reached.into_iter().collect();
                }
                reached.extend(next);
            }
        },
        |random| (random.value::<u8>() % 6, random.value::<u8>() % 6),
        |random| random.value::<u8>() % 6,
    );
}

#[test]
fn sorted_tables_and_whole_ones_in_a_loop() {
    check_incremental(|t| {
        let (rows, others) = (t.table::<(u8, u8)>(), t.table::<(u8, u8)>());
        rows.iterate_at_most(3, |rows| {
            let first = rows.group_by(|row| row.0).sort_by(|row| row.1).limit(2).offset(1);
            let placed = rows
                .concat(&others)
                .sort_by(|row| row.0)
                .over(|o| (o.row_number(), o.running_sum(|row| row.1), o.lag(1, |row| row.1)))
                .select(|row, (number, sum, before)| {
                    let narrow = |n: u64| u8::try_from(n % 12).unwrap();
                    (narrow(number + sum), before.unwrap_or(row.1))
                });
            let all = rows
                .reduce(|g| (g.count(), g.max(|row| row.1)))
                .select(|(count, max)| (u8::try_from(*count % 12).unwrap(), max.unwrap_or(7)));
            first.into_table().concat(&placed).concat(&all).distinct()
        })
    })
    .rows::<(u8, u8)>(edge)
    .rows_per_epoch(16)
    .cases(64)
    .run();
}

/// The number of rows of a table that loses one row of it in every round, from a table of none on.
#[test]
fn a_whole_table_in_a_loop_has_a_row_when_it_is_empty() {
    let mut t = Harness::with_threads(2);
    let numbers = t.table::<i64>();
    let counts = numbers.rows().iterate_at_most(2, |numbers| {
        numbers.reduce(|g| g.count()).map(|count| count.cast_signed() + 10)
    });
    let counts = t.capture(counts);
    t.step();
    // One row in the second round, that of the first.
    counts.assert_rows([11]);
    numbers.insert(5);
    numbers.insert(6);
    t.step();
    counts.assert_changes([]);
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Schema)]
struct Next {
    #[schema(key)]
    vertex: u8,
    next: u8,
}

#[test]
fn lookups_in_a_loop() {
    // Follows pointers, twice as far in each round, to where they end.
    let pipeline = |pointers: &Table<Edge>, _: &Table<u8>| {
        let next = pointers
            .filter(|edge| edge.0 > edge.1)
            .group_by(|edge| edge.0)
            .reduce(|g| g.min(|edge| edge.1))
            .select(|vertex, next| Next { vertex, next });
        let ends = next.iterate(|next| {
            let far = next.lookup(&next, |pointer| pointer.next);
            far.select(|pointer, far| Next {
                vertex: pointer.vertex,
                next: far.map_or(pointer.next, |far| far.next),
            })
        });
        ends.unique_by(|pointer| pointer.vertex)
    };
    let naive = |pointers: &[Edge], _: &[u8]| {
        let next = |vertex: u8| {
            pointers.iter().filter(|edge| edge.0 == vertex && edge.0 > edge.1).map(|e| e.1).min()
        };
        let end = |vertex: u8| {
            let mut at = vertex;
            while let Some(next) = next(at) {
                at = next;
            }
            at
        };
        let vertices: BTreeSet<u8> = pointers.iter().map(|edge| edge.0).collect();
        let moved = vertices.into_iter().filter(|vertex| next(*vertex).is_some());
        moved.map(|vertex| Next { vertex, next: end(vertex) }).collect()
    };
    against(pipeline, naive, edge, root);
}

#[test]
fn keys_in_a_loop_must_be_unique() {
    for threads in [1, 3] {
        let app = Pipeline::new("twins").threads(threads);
        let rows = app.rows([(1_u8, 2_u8), (3, 4)]);
        let line = line!() + 2;
        let moved = rows.iterate(|rows| {
            rows.unique_by(|row| row.0).map(|row| if row.0 == 3 { (1, 4) } else { row }).distinct()
        });
        let error = moved.collect().unwrap_err().to_string();
        assert!(error.contains("two rows have the same key"), "{error}");
        assert!(error.contains(&format!("`unique_by` at {}:{line}", file!())), "{error}");
        assert!(error.contains("(1, 2)") && error.contains("(1, 4)"), "{error}");
    }
    // Nobody but the loop reads the index of the table from outside.
    let app = Pipeline::new("twins");
    let pointers = [(1, 2), (1, 3)].map(|(vertex, next)| Next { vertex, next });
    let (start, next) = (app.rows([1_u8]), app.rows(pointers));
    let ends = start.iterate(|at| {
        at.lookup(&next, |at| *at).select(|at, next| next.map_or(*at, |next| next.next)).distinct()
    });
    let error = ends.collect().unwrap_err().to_string();
    assert!(error.contains("two rows have the same key"), "{error}");
}

#[test]
fn a_loop_reports_what_it_keeps() {
    let mut t = Harness::with_threads(2);
    let (roots, edges) = (t.table::<u8>(), t.table::<Edge>());
    let edges_by_from = edges.rows().index_by(|edge| edge.0);
    let roots_of = roots.rows();
    let reached = roots_of.iterate(|reached| {
        let next = reached.index_by(|vertex| *vertex).join(&edges_by_from);
        next.select(|_, edge| edge.1).concat(&roots_of).distinct()
    });
    let direct = roots_of.index_by(|vertex| *vertex).join(&edges_by_from).select(|_, edge| edge.1);
    let (reached, direct) = (t.capture(reached), t.capture(direct));
    roots.insert(0);
    (0..100).for_each(|n| edges.insert((n, n + 1)));
    t.step();
    assert_eq!((reached.rows().len(), direct.rows().len()), (101, 1));
    let rows_of = |t: &Harness, what: &str| {
        // A worker that the machine keeps busy elsewhere answers later.
        (0..1_000).find_map(|_| {
            let states = t.stats().states.into_iter().filter(|state| state.operator.contains(what));
            let states: Vec<_> = states.collect();
            let rows: u64 = states.iter().map(|state| state.rows).sum();
            (rows > 0).then(|| (rows, states.iter().map(|state| state.bytes).sum::<u64>()))
        })
    };
    // The edges are there twice; what is reached is in an index, and in front of and behind the
    // distinct.
    let (distinct, bytes) = rows_of(&t, "`distinct`").unwrap();
    assert!(distinct >= 202 && bytes > 202 * 24, "{distinct} rows, {bytes} bytes");
    let (indexed, _) = rows_of(&t, "`index_by`").unwrap();
    assert!((301..=420).contains(&indexed), "{indexed}");
    let plan = t.pipeline().explain().to_string();
    assert!(plan.contains("kept 2 times, as a loop has one of its own"), "{plan}");
}
