//! Windows beside what Python's Pathway gives for the same rows.

use pathway::prelude::*;
use pathway::testing::{Harness, add};
use std::collections::BTreeMap;

#[derive(Clone, Debug, Schema)]
struct Row {
    instance: u8,
    #[schema(event_time)]
    time: i64,
    value: i64,
}

#[test]
fn sessions_of_neighbours() {
    let row = |(instance, time)| Row { instance, time, value: 0 };
    let rows = [(0, 1), (0, 2), (0, 4), (0, 8), (0, 9), (0, 10), (1, 1), (1, 2)];
    let app = Pipeline::new("test");
    let sessions = app
        .rows(rows.map(row).to_vec())
        .sessions_where(|before, after| after - before <= 1)
        .group_by(|row| row.instance)
        .reduce(|g| g.count())
        // There, a session ends with its last row; here, behind it.
        .select(|(session, instance), count| (instance, session.start, session.end - 1, count));
    let expected = [(0, 1, 2, 2), (0, 4, 4, 1), (0, 8, 10, 3), (1, 1, 2, 2)];
    assert_eq!(sessions.collect().unwrap(), expected);
}

const SIZE: i64 = 5;
const HOP: i64 = 3;

/// Two cycles through the times from 0 to 16, each time twice.
fn rows() -> impl Iterator<Item = Row> {
    (0..68).map(|n| Row { instance: 0, time: n / 2 % 17, value: n })
}

#[test]
fn sliding_windows_come_out_exactly_once() {
    // Late by nothing; and by one, as with a delay of 6 and a cutoff of 1.
    for lateness in [0, 1] {
        let mut t = Harness::new();
        let stream = t.stream::<Row>();
        let once = stream
            .rows()
            .watermark(lateness)
            .drop_late()
            .window(sliding(SIZE, HOP))
            .when_final()
            .reduce(|g| (g.max(|row| row.time), g.max(|row| row.value)))
            .select(|window, (time, value)| (window.end, time, value));
        let once = t.capture(once);
        for (n, row) in rows().enumerate() {
            let time = row.time;
            stream.push([row]);
            t.step();
            let end = time - lateness;
            // In the first cycle, the first row of a window's end.
            if n < 34 && n % 2 == 0 && end >= 2 && (end - 2) % HOP == 0 {
                once.assert_changes([add((end, end - 1, 2 * end - 1))]);
            } else {
                once.assert_changes([]);
            }
        }
        stream.close();
        t.step();
        once.assert_changes([add((17, 16, 67)), add((20, 16, 67))]);
    }
}

/// What is there behind the last row, by the end of each window: the largest time, the largest
/// value and the number of rows.
type Results = BTreeMap<i64, (i64, i64, u64)>;

/// The rules there, row by row: a row is late for a window that has ended so long before the
/// largest time before it; results go with their window, unless they are kept. A delay holds rows
/// back but loses none.
fn behaviour(cutoff: i64, keep: bool) -> Results {
    let mut results = Results::new();
    let mut now = i64::MIN;
    for Row { time, value, .. } in rows() {
        let starts =
            (-2..6).map(|n| n * HOP).filter(|start| (*start..start + SIZE).contains(&time));
        for end in starts.map(|start| start + SIZE).filter(|end| end + cutoff > now) {
            let result = results.entry(end).or_insert((time, value, 0));
            *result = (result.0.max(time), result.1.max(value), result.2 + 1);
        }
        now = now.max(time);
    }
    results.retain(|end, _| keep || end + cutoff > now);
    results
}

fn ours(lateness: i64, keep: bool) -> Results {
    let mut t = Harness::new();
    let stream = t.stream::<Row>();
    let windows = stream.rows().watermark(lateness).drop_late().window(sliding(SIZE, HOP));
    let windows = if keep { windows } else { windows.forget_results() };
    let results = windows.reduce(|g| (g.max(|row| row.time), g.max(|row| row.value), g.count()));
    let results = t.capture(results.select(|window, result| (window.end, result)));
    for row in rows() {
        stream.push([row]);
        t.step();
    }
    // Open still: at the end of a stream every window is over here.
    results.rows().into_iter().collect()
}

#[test]
fn a_cutoff_is_the_lateness_and_what_is_not_kept_is_forgotten() {
    // A delay holds results back until later rows, or the end, let them out; it changes none of
    // them, so there is nothing here that it stands for.
    for (_delay, cutoff, keep) in [
        (0, 0, true),
        (0, 0, false),
        (1, 0, true),
        (1, 0, false),
        (0, 1, true),
        (0, 1, false),
        (1, 1, true),
        (1, 1, false),
        (5, 6, true),
    ] {
        let without_counts = |results: &Results| -> Vec<(i64, i64, i64)> {
            results.iter().map(|(end, (time, value, _))| (*end, *time, *value)).collect()
        };
        let (there, here) = (behaviour(cutoff, keep), ours(cutoff, keep));
        assert_eq!(without_counts(&here), without_counts(&there), "{cutoff} {keep}");
    }
}

#[test]
fn a_row_is_late_once_rather_than_for_each_window() {
    // The window from 12 to 17 is open in the second cycle. There it takes the late rows from 12
    // to 15 again; here a row behind the watermark is late for all that comes.
    assert_eq!(behaviour(0, true)[&17], (16, 67, 20));
    assert_eq!(ours(0, true)[&17], (16, 67, 12));
}
