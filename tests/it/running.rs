//! Runs that are stopped, dropped, closed and pushed to.

use pathway::prelude::*;
use pathway::table::InputError;
use std::sync::{Arc, Mutex};

#[test]
fn a_stopped_run_ends_well_and_keeps_what_was_read() {
    for threads in [1, 3] {
        let app = Pipeline::new("test").threads(threads);
        let (input, numbers) = app.input::<u64>();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&seen);
        numbers.group_by(|n| n % 10).reduce(|g| g.count()).subscribe(move |_, changes| {
            sink.lock().unwrap().extend(changes.iter().map(|change| (change.row, change.diff)));
        });
        let view = numbers.view();
        let running = app.start().unwrap();
        input.push_all(0..1_000).unwrap();
        while view.len() < 1_000 {
            std::thread::yield_now();
        }
        running.stop();
        running.wait().unwrap();
        let mut counts = std::collections::BTreeMap::new();
        for (row, diff) in seen.lock().unwrap().drain(..) {
            *counts.entry(row).or_insert(0) += diff;
        }
        counts.retain(|_, diff| *diff != 0);
        let expected: Vec<_> = (0..10).map(|key| ((key, 100), 1)).collect();
        assert_eq!(counts.into_iter().collect::<Vec<_>>(), expected, "on {threads} workers");
        assert_eq!(input.push(1), Err(InputError::Closed));
    }
}

#[test]
fn dropping_the_handle_ends_the_run() {
    for threads in [1, 3] {
        let app = Pipeline::new("test").threads(threads);
        let (input, numbers) = app.input::<u64>();
        numbers.distinct().subscribe(|_, _| ());
        let running = app.start().unwrap();
        input.push_all(0..1_000).unwrap();
        drop(running);
        assert_eq!(input.push(1), Err(InputError::Closed));
    }
}

#[test]
fn a_closed_input_takes_nothing_more() {
    let app = Pipeline::new("test");
    let (input, numbers) = app.input::<u64>();
    let (stock, items) = app.input_table::<(u8, i64)>();
    let (counts, rows) = (numbers.view(), items.view());
    input.push(1).unwrap();
    let running = app.start().unwrap();
    input.push(2).unwrap();
    stock.insert((1, 1)).unwrap();
    assert_eq!(stock.remove(&(2, 2)), Err(InputError::Absent));
    input.close();
    stock.close();
    assert_eq!(input.push(3), Err(InputError::Closed));
    assert_eq!(stock.insert((2, 2)), Err(InputError::Closed));
    running.wait().unwrap();
    assert_eq!(counts.rows(), [1, 2]);
    assert_eq!(rows.rows(), [(1, 1)]);
}

#[test]
fn an_input_closed_before_the_start_is_read_whole() {
    for threads in [1, 3] {
        let app = Pipeline::new("test").threads(threads);
        let (input, numbers) = app.input::<u64>();
        input.push_all([2, 1]).unwrap();
        input.push(3).unwrap();
        input.close();
        assert_eq!(input.push(4), Err(InputError::Closed));
        assert_eq!(numbers.collect().unwrap(), [2, 1, 3]);
    }
}

#[test]
fn a_transaction_is_one_epoch_or_nothing() {
    let app = Pipeline::new("test");
    let (stock, items) = app.input_table::<(u8, i64)>();
    let epochs = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&epochs);
    items.subscribe(move |_, changes| sink.lock().unwrap().push(changes.len()));
    let running = app.start().unwrap();
    stock
        .transaction(|tx| {
            (0..100).for_each(|n| tx.insert((n, 0)));
            Ok(())
        })
        .unwrap();
    let refused = stock.transaction(|tx| {
        tx.insert((200, 0));
        tx.remove(&(201, 0))
    });
    assert_eq!(refused, Err(InputError::Absent));
    // What the refused transaction inserted is not there either.
    assert_eq!(stock.remove(&(200, 0)), Err(InputError::Absent));
    stock.close();
    running.wait().unwrap();
    assert_eq!(*epochs.lock().unwrap(), [100]);
}

#[test]
fn a_pipeline_without_a_sink_says_so() {
    let app = Pipeline::new("idle");
    let _numbers = app.rows([1, 2]);
    let error = app.start().unwrap_err().to_string();
    assert!(error.contains("pipeline `idle`"), "{error}");
}
