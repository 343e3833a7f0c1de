//! Results are the same for every number of workers.

use pathway::prelude::*;

fn on(threads: usize) -> Pipeline {
    Pipeline::new("test").threads(threads)
}

#[test]
fn a_stream_keeps_the_order_of_its_source() {
    let expected: Vec<u64> = (0..100_000).filter(|n| n % 3 == 0).map(|n| n * 2).collect();
    for threads in 1..=4 {
        let numbers = on(threads).rows(0..100_000_u64).filter(|n| n % 3 == 0).map(|n| n * 2);
        assert!(numbers.collect().unwrap() == expected, "on {threads} workers");
    }
}

#[test]
fn streams_put_together_come_in_the_order_of_their_sources() {
    let mut expected: Vec<u64> = (0..50_000).collect();
    expected.extend(0..30_000);
    for threads in 1..=4 {
        let app = on(threads);
        let all = app.rows(0..50_000_u64).concat(&app.rows(0..30_000));
        assert!(all.collect().unwrap() == expected, "on {threads} workers");
    }
}

#[test]
fn a_stream_without_a_source_order_has_one_of_its_own() {
    let mut first = None;
    for threads in 1..=4 {
        let distinct = on(threads).rows((0..5_000_u64).map(|n| n * 7 % 1_000)).distinct();
        let rows = distinct.collect().unwrap();
        assert_eq!(rows.len(), 1_000);
        assert_eq!(*first.get_or_insert_with(|| rows.clone()), rows, "on {threads} workers");
    }
}

#[test]
fn a_table_is_the_same_on_every_number_of_workers() {
    let mut first = None;
    for threads in 1..=4 {
        let app = on(threads);
        let numbers = app.rows((0..20_000_u64).map(|n| (n * n % 613, n as f64 / 7.0)));
        let names = app.rows((0..600_u64).map(|n| (n, format!("number {n}"))));
        let totals = numbers
            .group_by(|row| row.0)
            .reduce(|g| (g.count(), g.sum(|row| row.1), g.mean(|row| row.1)))
            .left_join(&names)
            .on(|total| total.0, |name| name.0)
            .select(|(n, (count, sum, mean)), name| {
                (*n, *count, *sum, *mean, name.map(|name| name.1.clone()))
            });
        let rows = totals.collect().unwrap();
        assert_eq!(*first.get_or_insert_with(|| rows.clone()), rows, "on {threads} workers");
    }
}

#[test]
fn a_stream_taken_apart_and_put_together_has_one_order() {
    let mut expected: Vec<u64> = (0..40_000).collect();
    expected.extend((0..40_000).filter(|n| n % 2 == 0).map(|n| n + 1_000_000));
    for threads in 1..=4 {
        let app = on(threads);
        let numbers = app.rows(0..40_000_u64);
        let even = numbers.filter(|n| n % 2 == 0).map(|n| n + 1_000_000);
        let all = numbers.concat(&even).collect().unwrap();
        let first = all.iter().zip(&expected).position(|(actual, expected)| actual != expected);
        let around = first.map(|at| &all[at.saturating_sub(1)..all.len().min(at + 2)]);
        assert_eq!(around, None, "on {threads} workers, at {first:?}");
        assert_eq!(all.len(), expected.len());
    }
}
