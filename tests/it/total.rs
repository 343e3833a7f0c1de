//! Reducers without groups.

use crate::oracle::against;
use pathway::prelude::*;
use pathway::testing::{Harness, add, check_incremental, remove};
use std::time::{Duration, Instant};

type Sale = (Option<u8>, i64, Option<f64>, String);

#[test]
fn a_whole_table_and_a_whole_stream() {
    check_incremental(|t| {
        t.table::<Sale>().reduce(|g| {
            (
                g.count(),
                g.sum(|sale| sale.1),
                g.sum(|sale| sale.2),
                g.mean(|sale| sale.1),
                g.max(|sale| sale.3.clone()),
                g.min(|sale| sale.2),
                g.collect(|sale| sale.1),
                g.max(|sale| sale.1).when(|sale| sale.2.is_some()),
                g.std_dev(|sale| sale.2),
                g.count_distinct(|sale| sale.0),
            )
        })
    })
    .cases(128)
    .run();
    check_incremental(|t| {
        t.stream::<Sale>()
            .reduce(|g| (g.max(|sale| sale.1), g.approx_count_distinct(|sale| sale.1)))
    })
    .cases(64)
    .run();
    // One output that is no tuple, and a total of a total.
    check_incremental(|t| {
        t.table::<Sale>()
            .reduce(|g| g.argmin(|sale| sale.2, |sale| sale.1))
            .reduce(|g| g.max(|n| *n))
    })
    .cases(64)
    .run();
}

#[test]
fn a_naive_evaluation_agrees() {
    against(
        |rows: &Table<i64>, _: &Table<()>| {
            rows.reduce(|g| (g.count(), g.sum(|n| *n), g.max(|n| *n), g.mean(|n| *n)))
        },
        |rows, _| {
            let (count, sum) = (rows.len() as u64, rows.iter().sum::<i64>());
            let mean = (count > 0).then(|| sum as f64 / count as f64);
            vec![(count, sum, rows.iter().max().copied(), mean)]
        },
        |random| i64::try_from(random.below(20)).unwrap() - 10,
        |_| (),
    );
}

#[test]
fn the_row_is_there_from_the_first_epoch_on() {
    for threads in [1, 2, 3, 4] {
        let mut t = Harness::with_threads(threads);
        let numbers = t.table::<i64>();
        let total = t.capture(numbers.rows().reduce(|g| (g.count(), g.min(|n| *n))));
        t.step();
        total.assert_changes([add((0, None))]);
        t.step();
        total.assert_changes([]);
        numbers.insert(7);
        t.step();
        total.assert_changes([remove((0, None)), add((1, Some(7)))]);
        numbers.remove(7);
        t.step();
        total.assert_changes([remove((1, Some(7))), add((0, None))]);
        total.assert_rows([(0, None)]);
    }
}

#[test]
fn joins_and_groups_behind_it_see_the_first_row() {
    let mut t = Harness::with_threads(2);
    let numbers = t.table::<i64>();
    let counts = numbers.rows().reduce(|g| g.count());
    let shares = t.capture(
        counts
            .concat(&counts)
            .group_by(|count| *count)
            .reduce(|g| g.count())
            .join(&counts)
            .on(|row| row.0, |count| *count)
            .select(|row, _| *row),
    );
    t.step();
    shares.assert_rows([(0, 2)]);
    numbers.insert(5);
    t.step();
    shares.assert_rows([(1, 2)]);
}

#[test]
fn a_batch_job_over_no_rows_has_its_total() {
    for threads in [1, 3] {
        let app = Pipeline::new("test").threads(threads);
        let none = app.rows(Vec::<i64>::new());
        assert_eq!(none.reduce(|g| (g.count(), g.sum(|n| *n))).collect().unwrap(), [(0, 0)]);
    }
}

#[test]
fn a_live_pipeline_has_its_total_before_there_are_rows() {
    let app = Pipeline::new("test").threads(2);
    let (input, numbers) = app.input::<i64>();
    let view = numbers.reduce(|g| g.count()).view();
    let running = app.start().unwrap();
    let start = Instant::now();
    while view.rows() != [0] {
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", view.rows());
        std::thread::sleep(Duration::from_millis(1));
    }
    input.push(3).unwrap();
    input.close();
    running.wait().unwrap();
    assert_eq!(view.rows(), [1]);
}
