//! Differential dataflow's own operators as the reference: the same updates at each time.

use differential_dataflow::input::Input as _;
use pathway::testing::{Harness, Random};
use std::collections::BTreeMap;
use std::sync::mpsc;

/// A row's key and value.
type Row = (u8, i64);
/// The updates of one epoch, consolidated.
type Changes = BTreeMap<(u8, i64, i64), i64>;
/// For each epoch, the updates of the left and of the right input.
type History = Vec<[Vec<(Row, isize)>; 2]>;

const EPOCHS: usize = 10;

fn history(seed: u64) -> History {
    let mut random = Random::new(seed);
    let mut there: [Vec<Row>; 2] = [Vec::new(), Vec::new()];
    let mut epoch = || {
        let mut changes = [Vec::new(), Vec::new()];
        for (rows, changes) in there.iter_mut().zip(&mut changes) {
            for _ in 0..random.below(12) {
                if random.one_in(2) && !rows.is_empty() {
                    let at = random.index(rows.len());
                    changes.push((rows.swap_remove(at), -1));
                } else {
                    let row = (*random.pick(&[0, 1, 2, 3]), random.value());
                    rows.push(row);
                    changes.push((row, 1));
                }
            }
        }
        changes
    };
    (0..EPOCHS).map(|_| epoch()).collect()
}

/// What differential answers at each time: the sum and the greatest value of each key of the left
/// input; or the join of both inputs.
fn reference(history: &History, join: bool) -> Vec<Changes> {
    let (send, changes) = mpsc::channel();
    let history = history.clone();
    timely::execute_directly(move |worker| {
        let (mut left, mut right) = worker.dataflow::<u64, _, _>(|scope| {
            let (left_input, left) = scope.new_collection::<Row, isize>();
            let (right_input, right) = scope.new_collection::<Row, isize>();
            let output = if join {
                left.join(right).map(|(key, (left, right))| (key, left, right))
            } else {
                left.reduce(|_key, values, output| {
                    let sum: i64 = values.iter().map(|(value, n)| **value * *n as i64).sum();
                    let (greatest, _) = values.last().expect("a key has values");
                    output.push(((sum, **greatest), 1));
                })
                .map(|(key, (sum, greatest))| (key, sum, greatest))
            };
            output.inspect(move |(row, time, diff)| {
                let time = usize::try_from(*time).expect("there are few epochs");
                send.send((time, *row, *diff as i64)).expect("the test waits");
            });
            (left_input, right_input)
        });
        for (time, [to_left, to_right]) in (1..).zip(history) {
            to_left.into_iter().for_each(|(row, diff)| left.update(row, diff));
            to_right.into_iter().for_each(|(row, diff)| right.update(row, diff));
            left.advance_to(time);
            right.advance_to(time);
        }
    });
    let mut epochs = vec![Changes::new(); EPOCHS];
    for (time, row, diff) in changes {
        *epochs[time].entry(row).or_insert(0) += diff;
    }
    epochs.iter_mut().for_each(|changes| changes.retain(|_, diff| *diff != 0));
    epochs
}

fn ours(history: &History, join: bool, threads: usize) -> Vec<Changes> {
    let mut t = Harness::with_threads(threads);
    let (left, right) = (t.table::<Row>(), t.table::<Row>());
    let output = if join {
        left.rows()
            .join(&right.rows())
            .on(|row| row.0, |row| row.0)
            .select(|left, right| (left.0, left.1, right.1))
    } else {
        left.rows()
            .group_by(|row| row.0)
            .reduce(|g| (g.sum(|row| row.1), g.max(|row| row.1)))
            .select(|key, (sum, greatest)| (key, sum, greatest))
    };
    let output = t.capture(output);
    let mut epoch = |[to_left, to_right]: &[Vec<(Row, isize)>; 2]| {
        for (table, changes) in [(&left, to_left), (&right, to_right)] {
            for (row, diff) in changes {
                if *diff > 0 { table.insert(*row) } else { table.remove(*row) }
            }
        }
        t.step();
        output.changes().into_iter().map(|change| (change.row, change.diff)).collect()
    };
    history.iter().map(&mut epoch).collect()
}

#[test]
fn groups_change_as_in_differential() {
    for seed in 0..24 {
        let history = history(seed);
        let expected = reference(&history, false);
        for threads in [1, 2, 4] {
            assert_eq!(ours(&history, false, threads), expected, "seed {seed}, {threads} workers");
        }
    }
}

#[test]
fn joins_change_as_in_differential() {
    for seed in 0..24 {
        let history = history(seed);
        let expected = reference(&history, true);
        for threads in [1, 2, 4] {
            assert_eq!(ours(&history, true, threads), expected, "seed {seed}, {threads} workers");
        }
    }
}
