//! Calls on a virtual clock: when attempts begin, and what they come to.

use super::cache::Cache;
use super::dispatch::{Dispatcher, dispatch};
use super::operator::{Operator, Port};
use super::timer::Timer;
use super::timer::tests::Virtual;
use crate::dataflow::async_calls::{Calls, Done, Outcome};
use crate::plan::{CallSettings, NodeId};
use crate::schema::Schema;
use crate::stage::{Attempt, CallError};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{LocalSet, yield_now};

/// When attempts began: row and time.
type Begun = Arc<Mutex<Vec<(u8, Duration)>>>;

/// An attempt for each row, which answers after so long.
fn attempts(
    timer: &Virtual,
    begun: &Begun,
    answer: impl Fn(u8) -> (Duration, Result<u8, &'static str>) + Send + Sync + 'static,
) -> Attempt {
    let (timer, begun) = (timer.clone(), Arc::clone(begun));
    Arc::new(move |rows| {
        let row = rows[0][0];
        begun.lock().unwrap().push((row, timer.now()));
        let (after, result) = answer(row);
        let answered = timer.sleep_until(timer.now() + after);
        Box::pin(async move {
            answered.await;
            let failed = |error: &str| CallError::Failed { error: error.to_owned(), retry: true };
            result.map(|row| vec![Some(vec![row])]).map_err(failed)
        })
    })
}

fn error_row(row: &[u8], error: &str) -> Vec<u8> {
    format!("{}: {error}", row[0]).into_bytes()
}

/// Calls rows until nothing happens any more.
fn call(timer: &Virtual, settings: CallSettings, attempt: Attempt, rows: &[u8]) -> Vec<Outcome> {
    let operator = Arc::new(Operator::new(NodeId(0), settings, true, Weak::new(), 1));
    let (jobs, received) = mpsc::unbounded_channel();
    let port = Port { operator: Arc::clone(&operator), worker: 0, jobs };
    let dispatcher = Dispatcher {
        room: Arc::new(Semaphore::new(operator.settings.capacity)),
        cache: RefCell::new(Cache::new(operator.settings.cache)),
        operator,
        attempt,
        error_row: Some(error_row),
        fallible: true,
        rows: u8::data_type(),
        timer: Arc::new(timer.clone()),
        in_flight: RefCell::default(),
        next_attempt: Cell::new(Duration::ZERO),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let tasks = LocalSet::new();
    let interests: Vec<_> =
        rows.iter().enumerate().map(|(at, &row)| port.begin(at as u64, 0, &[row])).collect();
    tasks.spawn_local(dispatch(Rc::new(dispatcher), received));
    tasks.block_on(&runtime, async {
        loop {
            for _ in 0..100 {
                yield_now().await;
            }
            if timer.advance().is_none() {
                return;
            }
        }
    });
    drop(interests);
    let mut done: Vec<Done> = Vec::new();
    port.take(&mut done);
    assert_eq!(port.operator.under_way(), rows.len(), "a result counts until it is dropped");
    done.sort_by_key(|done| done.ticket);
    assert_eq!(done.len(), rows.len());
    let outcomes = done.into_iter().map(|done| done.outcome).collect();
    assert_eq!(port.operator.under_way(), 0);
    outcomes
}

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn settings() -> CallSettings {
    CallSettings::default()
}

#[test]
fn attempts_back_off_by_the_row() {
    let waits = |row: u8| {
        let (timer, begun) = (Virtual::default(), Begun::default());
        let attempt = attempts(&timer, &begun, |_| (Duration::ZERO, Err("no")));
        let settings =
            CallSettings { retries: 5, backoff: ms(100), backoff_max: ms(500), ..settings() };
        let outcomes = call(&timer, settings, attempt, &[row]);
        assert_eq!(outcomes, [Outcome::Failed(error_row(&[row], "no"))]);
        let begun = begun.lock().unwrap();
        begun.windows(2).map(|pair| pair[1].1 - pair[0].1).collect::<Vec<_>>()
    };
    for row in 0..50 {
        let waits = waits(row);
        for (wait, longest) in waits.iter().zip([100, 200, 400, 500, 500]) {
            assert!((ms(longest / 2)..=ms(longest)).contains(wait), "{waits:?}");
        }
    }
    assert_eq!(waits(1), waits(1), "a run can be repeated");
    assert_ne!(waits(1), waits(2), "rows that failed together come apart");
}

#[test]
fn attempts_begin_evenly_at_a_rate() {
    let (timer, begun) = (Virtual::default(), Begun::default());
    let attempt = attempts(&timer, &begun, |row| (ms(1), Ok(row)));
    let settings = CallSettings { rate: Some((10, Duration::from_secs(1))), ..settings() };
    call(&timer, settings, attempt, &[0, 1, 2, 3, 4]);
    let begun = begun.lock().unwrap();
    let expected: Vec<_> = (0..5).map(|n| (n, ms(100) * n.into())).collect();
    assert_eq!(*begun, expected);
}

#[test]
fn an_attempt_that_takes_too_long_is_repeated() {
    let (timer, begun) = (Virtual::default(), Begun::default());
    let count = Mutex::new(0);
    let attempt = attempts(&timer, &begun, move |row| {
        let mut count = count.lock().unwrap();
        *count += 1;
        (if *count < 3 { ms(1000) } else { ms(10) }, Ok(row))
    });
    let settings =
        CallSettings { timeout: Some(ms(50)), retries: 3, backoff: Duration::ZERO, ..settings() };
    assert_eq!(call(&timer, settings, attempt, &[7]), [Outcome::Row(vec![7])]);
    assert_eq!(*begun.lock().unwrap(), [(7, ms(0)), (7, ms(50)), (7, ms(100))]);
}

#[test]
fn calls_begin_in_order_where_there_is_room() {
    let (timer, begun) = (Virtual::default(), Begun::default());
    let attempt = attempts(&timer, &begun, |row| (ms(10), Ok(row)));
    call(&timer, CallSettings { capacity: 2, ..settings() }, attempt, &[5, 4, 3, 2, 1]);
    let expected = [(5, 0), (4, 0), (3, 10), (2, 10), (1, 20)].map(|(row, at)| (row, ms(at)));
    assert_eq!(*begun.lock().unwrap(), expected);
}

#[test]
fn rows_under_way_share_a_call_with_a_cache() {
    let (timer, begun) = (Virtual::default(), Begun::default());
    let attempt =
        attempts(&timer, &begun, |row| (ms(10), if row == 1 { Ok(1) } else { Err("no") }));
    let settings = CallSettings { cache: 10, capacity: 2, ..settings() };
    let outcomes = call(&timer, settings, attempt, &[1, 1, 2, 2, 3, 1, 2]);
    let no = |row: u8| Outcome::Failed(error_row(&[row], "no"));
    let yes = || Outcome::Row(vec![1]);
    assert_eq!(outcomes, [yes(), yes(), no(2), no(2), no(3), yes(), no(2)]);
    // Failures are shared, but not remembered.
    let rows: Vec<u8> = begun.lock().unwrap().iter().map(|begun| begun.0).collect();
    assert_eq!(rows, [1, 2, 3, 2]);
}
