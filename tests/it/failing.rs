//! Runs that fail: what they say, and that they leave nothing behind.

use crate::rows::price;
use pathway::io::{BadRow, Decoder, Reader, RowReceiver, SourceError, SourceWriter};
use pathway::prelude::*;
use pathway::table::ReaderSource;
use pathway::testing::{Harness, check_incremental};
use std::panic::{AssertUnwindSafe, catch_unwind};

#[track_caller]
fn assert_says(error: &str, parts: &[&str]) {
    for part in parts {
        assert!(error.contains(part), "`{part}` is not in: {error}");
    }
}

/// A source that takes away rows which it never gave.
struct Takes(&'static [i64]);

struct Negative;

impl Decoder for Negative {
    fn decode(&mut self, bytes: &[u8], rows: &mut dyn RowReceiver) -> Result<(), Box<BadRow>> {
        bytes.chunks(8).for_each(|row| rows.update(row, -1));
        Ok(())
    }

    fn finish(&mut self, _rows: &mut dyn RowReceiver) -> Result<(), Box<BadRow>> {
        Ok(())
    }
}

impl Reader for Takes {
    fn run(&self, out: &SourceWriter) -> Result<(), SourceError> {
        let partition = out.open("takes", Box::new(Negative))?;
        out.send(partition, self.0.iter().flat_map(|row| row.to_le_bytes()).collect())?;
        out.end(partition)?;
        Ok(())
    }

    fn label(&self) -> String {
        "takes".to_owned()
    }

    fn bounded(&self) -> bool {
        true
    }
}

fn negative(app: &Pipeline) -> Table<i64> {
    ReaderSource::new(Takes(&[7])).table(app)
}

#[test]
fn taking_away_what_is_not_there_names_the_sorted_row() {
    for threads in [1, 3] {
        let app = Pipeline::new("test").threads(threads);
        let sorted = negative(&app).group_by(|n| *n % 2).sort_by(|n| *n);
        let says = ["-1 copies of 7", "in the group 1", "tests/it/failing.rs"];
        let error = sorted.limit(1).collect().unwrap_err().to_string();
        assert_says(&error, &says);
        assert_says(&error, &["`limit` at"]);
        let error = sorted.over(|o| o.rank()).collect().unwrap_err().to_string();
        assert_says(&error, &says);
        assert_says(&error, &["`over` at"]);
    }
}

#[test]
fn taking_away_what_is_not_there_names_the_group() {
    for threads in [1, 3] {
        let app = Pipeline::new("test").threads(threads);
        let counts = negative(&app).group_by(|n| *n).reduce(|g| g.count());
        let error = counts.collect().unwrap_err().to_string();
        assert_says(&error, &["`group_by` at tests/it/failing.rs", "-1 rows", "in the group 7"]);
        let app = Pipeline::new("test").threads(threads);
        let error = negative(&app).distinct().collect().unwrap_err().to_string();
        assert_says(&error, &["`distinct` at tests/it/failing.rs", "-1", "7"]);
        let app = Pipeline::new("test").threads(threads);
        let some = app.rows([7, 7, 7]);
        let error = some.difference(&negative(&app)).collect().unwrap_err().to_string();
        assert_says(&error, &["`difference` at tests/it/failing.rs", "7"]);
    }
}

/// A source that adds and takes away rows in one epoch.
struct Given(&'static [(i64, i64)]);

struct Signed;

impl Decoder for Signed {
    fn decode(&mut self, bytes: &[u8], rows: &mut dyn RowReceiver) -> Result<(), Box<BadRow>> {
        for update in bytes.chunks(16) {
            let diff = update[8..].try_into().expect("eight bytes");
            rows.update(&update[..8], i64::from_le_bytes(diff));
        }
        Ok(())
    }

    fn finish(&mut self, _rows: &mut dyn RowReceiver) -> Result<(), Box<BadRow>> {
        Ok(())
    }
}

impl Reader for Given {
    fn run(&self, out: &SourceWriter) -> Result<(), SourceError> {
        let partition = out.open("given", Box::new(Signed))?;
        let numbers = self.0.iter().flat_map(|(row, diff)| [*row, *diff]);
        out.send(partition, numbers.flat_map(i64::to_le_bytes).collect())?;
        out.end(partition)?;
        Ok(())
    }

    fn label(&self) -> String {
        "given".to_owned()
    }

    fn bounded(&self) -> bool {
        true
    }
}

#[test]
fn a_value_that_is_taken_away_too_often_is_found_behind_others() {
    use pathway::reduce::{Group, Reducer};
    fn error<O: Schema, N: Schema>(
        threads: usize,
        reducer: impl Fn(&Group<i64>) -> Reducer<i64, O, N>,
    ) -> String {
        let app = Pipeline::new("test").threads(threads);
        let rows: Table<i64> = ReaderSource::new(Given(&[(1, 2), (5, -1), (9, 1)])).table(&app);
        let groups = rows.group_by(|_| 7).reduce(|g| reducer(&g));
        groups.map(|_| ()).collect().unwrap_err().to_string()
    }
    for threads in [1, 3] {
        let errors = [
            error(threads, |g| g.count_distinct(|n| *n)),
            error(threads, |g| g.max(|n| *n)),
            error(threads, |g| g.argmin(|n| *n, |n| *n)),
            error(threads, |g| g.median(|n| *n)),
            error(threads, |g| g.mode(|n| *n)),
            error(threads, |g| g.unique(|n| *n)),
            error(threads, |g| g.approx_quantile(0.5, |n| *n)),
            error(threads, |g| g.histogram([3.0, 7.0], |n| *n)),
            error(threads, |g| g.bit_or(|n| *n & 4)),
            error(threads, |g| g.collect(|n| *n)),
            error(threads, |g| g.count().when(|n| *n == 5)),
        ];
        for error in errors {
            let parts =
                ["`group_by` at tests/it/failing.rs", "taken away more often", "in the group 7"];
            assert_says(&error, &parts);
        }
    }
}

#[test]
fn several_values_where_one_is_expected_are_named() {
    for threads in [1, 3] {
        let app = Pipeline::new("test").threads(threads);
        let rows = [("a", 1), ("b", 3), ("b", 2), ("b", 9), ("a", 1)];
        let rows = app.rows(rows.map(|(key, n)| (key.to_owned(), n)));
        let unique = rows.group_by(|row| row.0.clone()).reduce(|g| g.unique(|row| row.1));
        let error = unique.collect().unwrap_err().to_string();
        assert_says(&error, &["`group_by` at", "`unique`", "2 and 9", "in the group \"b\""]);
        let maps = rows.group_by(|_| 0).reduce(|g| g.collect_map(|row| row.0.clone(), |row| row.1));
        let error = maps.collect().unwrap_err().to_string();
        assert_says(&error, &["the key \"b\" of `collect_map`", "2 and 3", "in the group 0"]);
    }
}

#[test]
fn arguments_without_meaning_are_refused_before_data_flows() {
    use pathway::reduce::{Group, Reducer};
    fn error<O: Schema, N: Schema>(reducer: impl Fn(&Group<i64>) -> Reducer<i64, O, N>) -> String {
        let app = Pipeline::new("test");
        let groups = app.rows([1, 2]).group_by(|_| 7).reduce(|g| reducer(&g));
        let error = groups.map(|_| ()).collect().unwrap_err();
        assert!(matches!(error, pathway::Error::Build(_)));
        error.to_string()
    }
    let line = "at tests/it/failing.rs:";
    for q in [-0.1, 1.5, f64::NAN] {
        let expected = format!("`q` is {q}, but must be between 0 and 1");
        let error_of = error(|g| g.quantile(q, |n| *n));
        assert_says(&error_of, &["`quantile`", line, &expected]);
        assert_says(&error(|g| g.quantile_discrete(q, |n| *n)), &["`quantile_discrete`", line]);
        assert_says(&error(|g| g.approx_quantile(q, |n| *n)), &["`approx_quantile`", line]);
    }
    assert_says(&error(|g| g.top_k(0, |n| *n)), &["`top_k`", line, "`k` is 0"]);
    assert_says(&error(|g| g.bottom_k(0, |n| *n).when(|n| *n > 0)), &["`bottom_k`", line]);
    assert_says(&error(|g| g.most_frequent(0, |n| *n)), &["`most_frequent`", line]);
    let bounds = [vec![2.0, 1.0], vec![1.0, 1.0], vec![f64::NAN], vec![1.0, f64::NAN]];
    for bounds in bounds {
        let error = error(|g| g.histogram(bounds.clone(), |n| *n));
        assert_says(&error, &["`histogram`", line, "must be numbers that ascend"]);
    }
}

#[test]
fn a_sum_that_does_not_fit_says_so() {
    for threads in [1, 3] {
        let app = Pipeline::new("test").threads(threads);
        let rows = app.rows([("a".to_owned(), i64::MAX), ("a".to_owned(), 1)]);
        let sums = rows.group_by(|row| row.0.clone()).reduce(|g| g.sum(|row| row.1));
        let line = line!() - 1;
        let error = sums.collect().unwrap_err().to_string();
        assert_says(
            &error,
            &[
                "`group_by` at tests/it/failing.rs",
                "the sum 9223372036854775808 does not fit `i64`",
                &format!("in `sum` at tests/it/failing.rs:{line}"),
                "in the group \"a\"",
            ],
        );
    }
}

#[derive(Clone, Debug, Schema)]
struct Payment {
    account: u32,
    paid: u128,
    received: Option<i128>,
}

#[test]
fn an_error_of_a_reducer_names_its_column() {
    let error = |paid: [u128; 2], received: [i128; 2]| {
        let app = Pipeline::new("test");
        let rows = [0, 1].map(|at| {
            let received = Some(received[at]);
            Payment { account: 7, paid: paid[at], received }
        });
        let sums = app
            .rows(rows)
            .group_by(Payment.account)
            .reduce(|g| (g.sum(Payment.paid), g.sum(Payment.received).when(|_| true)));
        sums.collect().unwrap_err().to_string()
    };
    let expected = [
        "the sum 340282366920938463463374607431768211456 does not fit `u128`",
        "in `sum` of `paid` at tests/it/failing.rs",
        "in the group 7",
    ];
    assert_says(&error([u128::MAX, 1], [0, 0]), &expected);
    let expected = [
        "the sum -170141183460469231731687303715884105729 does not fit `i128`",
        "in `sum` of `received` at tests/it/failing.rs",
    ];
    assert_says(&error([1, 1], [i128::MIN, -1]), &expected);
}

#[test]
fn a_sum_may_be_too_large_in_between() {
    let mut t = Harness::new();
    let rows = t.table::<i64>();
    let sums = t.capture(rows.rows().group_by(|_| ()).reduce(|g| g.sum(|n| *n)));
    rows.insert(i64::MAX);
    rows.insert(i64::MAX);
    rows.insert(-1);
    rows.remove(i64::MAX);
    t.step();
    sums.assert_rows([((), i64::MAX - 1)]);
}

#[test]
fn conflicting_rows_of_two_partitions_are_both_named() {
    for threads in [1, 3] {
        let app = Pipeline::new("test").threads(threads);
        let both = app.rows([price(1, 0, 5)]).concat(&app.rows([price(1, 0, 6)]));
        let error = both.upsert().collect().unwrap_err().to_string();
        assert_says(
            &error,
            &[
                "`upsert` at tests/it/failing.rs",
                "two rows with one key",
                "Price { item: 1, at: 0, cents: 5 }",
                "Price { item: 1, at: 0, cents: 6 }",
            ],
        );
    }
}

/// Fails in `map`, whose line it answers.
fn panicking(threads: usize) -> (u32, String) {
    let app = Pipeline::new("test").threads(threads);
    let line = line!() + 1;
    let mapped = app.rows(0..100).map(|n: i64| if n == 77 { panic!("no {n}") } else { n });
    let counts = mapped.group_by(|n| n % 7).reduce(|g| g.count());
    (line, counts.collect().expect_err("a closure panics").to_string())
}

#[test]
fn a_panic_names_the_operator_and_its_line() {
    for threads in [1, 3] {
        let (line, error) = panicking(threads);
        assert_says(&error, &[&format!("`map` at tests/it/failing.rs:{line}"), "no 77"]);
    }
}

#[test]
fn a_panic_anywhere_names_its_operator() {
    let on = |name: &str, run: &dyn Fn(&Stream<i64>) -> pathway::Result<()>| {
        let app = Pipeline::new("test");
        let error = run(&app.rows(0..10)).unwrap_err().to_string();
        assert_says(&error, &[&format!("`{name}` at tests/it/failing.rs"), "boom"]);
    };
    fn boom(n: i64) -> i64 {
        assert!(n != 5, "boom");
        n
    }
    on("group_by", &|rows| rows.group_by(|n| boom(*n)).reduce(|g| g.count()).collect().map(drop));
    on("group_by", &|rows| {
        rows.group_by(|n| n % 2).reduce(|g| g.sum(|n| boom(*n))).collect().map(drop)
    });
    on("group_by", &|rows| {
        rows.group_by(|n| *n).reduce(|g| g.fold(|n| *n, |all| boom(all[0].0))).collect().map(drop)
    });
    on("join", &|rows| {
        rows.join(rows).on(|n| *n, |n| *n).select(|a, _| boom(*a)).collect().map(drop)
    });
    on("left_join", &|rows| {
        rows.left_join(rows).on(|n| *n, |n| n + 100).select(|a, _| boom(*a)).collect().map(drop)
    });
    on("index_by", &|rows| {
        let index = rows.index_by(|n| boom(*n));
        index.join(&index).select(|a, _| *a).collect().map(drop)
    });
    on("select", &|rows| {
        let counts = rows.group_by(|n| *n).reduce(|g| g.count());
        counts.select(|n, _| boom(n)).collect().map(drop)
    });
    on("flat_map", &|rows| rows.flat_map(|n| (n..n + 1).map(boom)).collect().map(drop));
}

#[cfg(target_os = "linux")]
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").expect("Linux lists a process's threads").count()
}

/// Linux still lists a thread for a moment after another has waited for its end.
#[cfg(target_os = "linux")]
fn assert_threads(expected: usize, when: &str) {
    let limit = std::time::Instant::now() + std::time::Duration::from_secs(5);
    while threads() != expected && std::time::Instant::now() < limit {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    assert_eq!(threads(), expected, "{when}");
}

/// Other tests of this program have threads too, so the counting happens in a process of its own.
#[cfg(target_os = "linux")]
#[test]
fn no_run_leaves_a_thread_behind() {
    if std::env::var_os("COUNTS_THREADS").is_none() {
        let this = std::env::current_exe().unwrap();
        let output = std::process::Command::new(this)
            .args(["--exact", "failing::no_run_leaves_a_thread_behind"])
            .env("COUNTS_THREADS", "1")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        return;
    }
    let before = threads();
    for workers in [1, 2, 4] {
        panicking(workers);
        assert_threads(before, "after a panic");
        let app = Pipeline::new("test").threads(workers);
        app.rows(0..100).distinct().subscribe(|_, _| ());
        app.progress(false).run().unwrap();
        assert_threads(before, "after a run");
        let app = Pipeline::new("test").threads(workers);
        let (input, rows) = app.input::<i64>();
        rows.subscribe(|_, _| ());
        let running = app.start().unwrap();
        input.push(1).unwrap();
        drop(running);
        assert_threads(before, "after a handle was dropped");
        let app = Pipeline::new("test").threads(workers);
        app.rows(0..100).subscribe(|_, _| panic!("a sink that fails"));
        app.progress(false).run().unwrap_err();
        assert_threads(before, "after a sink has failed");
        let app = Pipeline::new("test").threads(workers);
        let (input, rows) = app.input::<i64>();
        rows.map_async(Calls::default(), |_| std::future::pending::<i64>()).write(null::sink());
        rows.map(|n| assert!(n > 0)).write(null::sink());
        let running = app.start().unwrap();
        input.push_all([1, 0]).unwrap();
        running.wait().unwrap_err();
        assert_threads(before, "after a run has failed while calls hung");
    }
}

fn message(f: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(f)).expect_err("the check fails");
    panic.downcast_ref::<String>().expect("a check says what is wrong").clone()
}

#[test]
fn a_check_that_fails_shows_the_smallest_history() {
    let report = message(|| {
        check_incremental(|t| {
            // A function of the history: an update leaves two rows behind.
            t.table::<(u8, String)>().changes()
        })
        .seed(1)
        .run();
    });
    assert_says(
        &report,
        &[
            "the rows are not those of a computation from scratch",
            "on 1 worker",
            "table of (u8, String)",
            "+ (0, \"a\")",
            "- (0, \"a\")",
            "PATHWAY_SEED=",
        ],
    );
    assert!(report.lines().count() < 20, "{report}");
}

#[test]
fn a_check_whose_run_fails_shows_the_error() {
    let report = message(|| {
        check_incremental(|t| {
            t.stream::<i64>().try_map(|n| if n == 42 { Err("not that one") } else { Ok(n) })
        })
        .seed(7)
        .cases(500)
        .run();
    });
    assert_says(&report, &["`try_map` at tests/it/failing.rs", "not that one", "+ 42"]);
}

#[test]
fn a_seed_runs_the_same_history_again() {
    let fail = |seed| {
        message(|| {
            check_incremental(|t| t.table::<Option<u8>>().changes()).seed(seed).run();
        })
    };
    let report = fail(3);
    let (_, seed) = report.rsplit_once("PATHWAY_SEED=").unwrap();
    let seed: u64 = seed.trim_end_matches('`').parse().unwrap();
    assert_eq!(fail(seed), report);
}
