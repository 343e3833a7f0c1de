//! How fast each Nexmark query is, on one worker: events are made before the clock runs, and
//! pushed in epochs. Names of queries choose some of them.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use bench_support::{Figure, is_quick, median};
use cpu_time::ProcessTime;
use nexmark::run::{Epoch, Query, epochs, queries};

const REPEATS: usize = 3;

fn main() {
    let (count, repeats) = if is_quick() { (20_000, 1) } else { (1_000_000, REPEATS) };
    let chosen: Vec<String> =
        std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let mut queries = queries();
    queries.retain(|query| chosen.is_empty() || chosen.iter().any(|name| name == query.name));
    assert!(!queries.is_empty(), "none of the queries `q0` to `q22` is named: {chosen:?}");
    let epochs = epochs(count);
    for query in &queries {
        let expected = query.batch(&epochs);
        assert_eq!(query.run(epochs.clone()), expected, "{}: wrong rows", query.name);
        let rates: Vec<f64> =
            (0..repeats).map(|_| rate(query, &epochs, count, expected.rows)).collect();
        let figure = Figure {
            work: &format!("{}, {}, {count} events", query.name, query.class),
            measured: "M events a CPU second; beside the target",
            pathway: median(&rates),
            reference: Some(query.class.events_a_second() / 1e6),
            ratio_max: None,
        };
        println!("{figure}");
    }
}

/// Million events in a second of CPU time.
fn rate(query: &Query, epochs: &[Epoch], count: usize, rows: i64) -> f64 {
    let epochs = epochs.to_vec();
    let start = ProcessTime::now();
    let given = query.count(epochs);
    let seconds = start.elapsed().as_secs_f64();
    assert_eq!(given, rows, "{}: the number of rows", query.name);
    count as f64 / seconds / 1e6
}
