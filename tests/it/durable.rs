//! Pipelines that go on where an earlier run was.

use pathway::prelude::*;
use pathway::store::Memory;
use pathway::testing::{Harness, TestStream, TestTable, add, remove};

#[derive(Clone, Debug, PartialEq, Schema)]
struct Stock {
    #[schema(key)]
    item: String,
    count: i64,
}

fn stock(item: &str, count: i64) -> Stock {
    Stock { item: item.into(), count }
}

/// A harness whose run was killed: what it would still have written is refused.
fn kill(harness: Harness, store: &Memory) {
    store.fail_after(0);
    drop(harness);
    store.mend(500);
}

fn words(t: &Harness) -> (TestStream<String>, pathway::testing::Capture<(String, u64)>) {
    let words = t.stream::<String>();
    let counts = words.rows().group_by(|word| word.clone()).reduce(|g| g.count());
    let counts = t.capture(counts);
    (words, counts)
}

#[test]
fn a_run_goes_on_from_its_checkpoint() {
    let store = store::memory();
    let mut t = Harness::new().durable(store.clone(), 1);
    let (input, counts) = words(&t);
    input.push(["a".to_owned(), "b".to_owned()]);
    t.step();
    counts.assert_rows([("a".to_owned(), 1), ("b".to_owned(), 1)]);
    drop(t);

    let mut t = Harness::new().durable(store, 1);
    let (input, counts) = words(&t);
    input.push(["a".to_owned()]);
    t.step();
    counts.assert_changes([remove(("a".to_owned(), 1)), add(("a".to_owned(), 2))]);
}

#[test]
fn epochs_behind_the_checkpoint_are_made_again() {
    for threads in [1, 2] {
        let store = store::memory();
        let mut t = Harness::with_threads(threads).durable(store.clone(), 2);
        let (input, _counts) = words(&t);
        for word in ["a", "b", "a"] {
            input.push([word.to_owned()]);
            t.step();
        }
        kill(t, &store);

        // One of the three epochs is behind the checkpoint, and comes again.
        let mut t = Harness::with_threads(threads).durable(store.clone(), 2);
        let (input, counts) = words(&t);
        input.push(["a".to_owned()]);
        t.step();
        counts.assert_changes([remove(("a".to_owned(), 2)), add(("a".to_owned(), 3))]);
        kill(t, &store);
    }
}

#[test]
fn a_table_input_knows_the_rows_of_earlier_runs() {
    let store = store::memory();
    let build = |store: &Memory| {
        let t = Harness::new().durable(store.clone(), 3);
        let stock: TestTable<Stock> = t.table();
        let view = stock.rows().view();
        (t, stock, view)
    };
    let (mut t, input, _view) = build(&store);
    input.insert(stock("nail", 5));
    t.step();
    kill(t, &store);

    let (mut t, input, view) = build(&store);
    t.step();
    input.replace(stock("nail", 4));
    t.step();
    assert_eq!(view.rows(), [stock("nail", 4)]);
    t.step();
    kill(t, &store);

    let (mut t, input, view) = build(&store);
    t.step();
    input.remove(stock("nail", 4));
    t.step();
    assert!(view.rows().is_empty());
}

#[derive(Clone, Debug, PartialEq, Schema)]
struct Sale {
    #[schema(event_time)]
    minute: i64,
    amount: i64,
}

#[test]
fn a_window_waits_on_over_a_stop() {
    let store = store::memory();
    let build = |store: &Memory| {
        let t = Harness::new().durable(store.clone(), 1);
        let sales = t.stream::<Sale>();
        let windows = sales.rows().watermark(0).window(tumbling(60)).when_final();
        let sums = windows.reduce(|g| g.sum(|sale| sale.amount)).select(|w, sum| (w.start, sum));
        let sums = t.capture(sums);
        (t, sales, sums)
    };
    let at = |minute, amount| Sale { minute, amount };
    let (mut t, sales, sums) = build(&store);
    sales.push([at(0, 1), at(30, 2)]);
    t.step();
    sums.assert_changes([]);
    drop(t);
    let (mut t, sales, sums) = build(&store);
    sales.push([at(59, 4), at(60, 8)]);
    t.step();
    sums.assert_changes([add((0, 7))]);
}

#[test]
fn another_program_is_refused_its_state() {
    let store = store::memory();
    let mut t = Harness::new().durable(store.clone(), 1);
    let (_input, _counts) = words(&t);
    t.step();
    drop(t);
    let mut t = Harness::new().durable(store.clone(), 1);
    let words = t.stream::<String>();
    t.capture(words.rows().distinct());
    let error = t.try_step().unwrap_err().to_string();
    assert!(error.contains("was written by another version of this program"), "{error}");
    assert!(error.contains("new, or changed: `distinct` at tests/it/durable.rs"), "{error}");
    assert!(error.contains("gone, or changed: `group_by` at tests/it/durable.rs"), "{error}");
    // What stands behind these is not listed.
    assert!(!error.contains("capture"), "{error}");
}

#[test]
fn a_store_serves_one_run_at_a_time() {
    let store = store::memory();
    let mut t = Harness::new().durable(store.clone(), 1);
    let (_input, _counts) = words(&t);
    t.step();
    let mut other = Harness::new().durable(store.clone(), 1);
    let (_input, _counts) = words(&other);
    let error = other.try_step().unwrap_err().to_string();
    assert!(error.contains("could not use the store in memory: another run uses it"), "{error}");
}

#[test]
fn a_state_goes_on_on_another_number_of_threads() {
    let store = store::memory();
    for (round, threads) in [2, 3, 1, 4, 2].into_iter().enumerate() {
        let mut t = Harness::with_threads(threads).durable(store.clone(), 3);
        let (input, counts) = words(&t);
        t.step();
        counts.assert_changes([]);
        for n in 0..20 {
            input.push([n.to_string()]);
        }
        t.step();
        let count = u64::try_from(round).unwrap();
        let taken = |n: i32| (count > 0).then(|| remove((n.to_string(), count)));
        let new = |n: i32| add((n.to_string(), count + 1));
        counts.assert_changes((0..20).filter_map(taken).chain((0..20).map(new)));
        if round % 2 == 0 {
            kill(t, &store);
        }
    }
}

#[test]
fn a_state_that_cannot_be_divided_is_refused_to_other_threads() {
    let store = store::memory();
    let build = |threads| {
        let t = Harness::with_threads(threads).durable(store.clone(), 1);
        let visits: TestTable<Visit> = t.table();
        let there = visits.rows().within_last(Duration::from_secs(5));
        let there = t.capture(there);
        (t, visits, there)
    };
    let (mut t, _visits, _there) = build(2);
    t.step();
    drop(t);
    let (mut t, _visits, _there) = build(3);
    let error = t.try_step().unwrap_err().to_string();
    assert!(error.contains("of a row that is there nobody knows from when it was"), "{error}");
    assert!(error.contains("PATHWAY_THREADS=2"), "{error}");
}

#[derive(Clone, Debug, PartialEq, Schema)]
struct Visit {
    #[schema(event_time)]
    at: DateTime,
}

/// By the clock of the system, alarms are due at the same moments as checkpoints.
#[test]
fn checkpoints_and_alarms_do_not_hinder_each_other() {
    for threads in [1, 2] {
        let store = store::memory();
        let app = Pipeline::new("alarms").threads(threads).durable(store.clone());
        let app = app.checkpoint_epochs(1);
        let (input, rows) = app.input::<Visit>();
        let view = rows.within_last(Duration::from_millis(2)).view();
        let running = app.start().unwrap();
        for _ in 0..200 {
            let at = DateTime::try_from(std::time::SystemTime::now()).unwrap();
            input.push(Visit { at }).unwrap();
            std::thread::sleep(std::time::Duration::from_micros(500));
        }
        view.wait_for(|rows| rows.is_empty(), std::time::Duration::from_secs(10));
        assert!(view.rows().is_empty());
        let epochs = running.epoch();
        running.stop();
        running.wait().unwrap();
        assert!(epochs > 10 && store.writes() > 50, "{epochs} epochs, {} writes", store.writes());
    }
}

#[test]
fn views_have_their_rows_when_the_run_has_begun() {
    let store = store::memory();
    let build = || {
        let app = Pipeline::new("views").durable(store.clone());
        let (input, rows) = app.input::<String>();
        (input, rows.view(), app.start().unwrap())
    };
    let (input, view, running) = build();
    input.push("here".to_owned()).unwrap();
    view.wait_for(|rows| !rows.is_empty(), std::time::Duration::from_secs(10));
    running.stop();
    running.wait().unwrap();
    let (_input, view, running) = build();
    assert_eq!(view.rows(), ["here".to_owned()]);
    drop(running);
}

#[test]
fn a_machine_that_has_ended_has_ended() {
    let store = store::memory();
    let build = || {
        let t = Harness::new().durable(store.clone(), 1);
        let rows = t.stream::<Sale>();
        let ticks = rows
            .rows()
            .watermark(0)
            .state_machine(|sale| sale.amount)
            .by_event_time()
            .run::<i64, i64>(
                |machine, sale| machine.set_timer(sale.minute + 1),
                |machine, at| {
                    machine.emit(at);
                    machine.set_timer(at + 1);
                },
            );
        let ticks = t.capture(ticks);
        (t, rows, ticks)
    };
    let (mut t, rows, ticks) = build();
    rows.push([Sale { minute: 5, amount: 1 }]);
    t.step();
    rows.close();
    t.step();
    ticks.assert_changes([add(6)]);
    drop(t);
    for _ in 0..2 {
        let (mut t, _rows, ticks) = build();
        t.step();
        ticks.assert_changes([]);
    }
}

/// Every kind of state that an operator keeps, killed at random.
mod killed {
    use super::*;
    use pathway::testing::{Check, check_durable};

    #[test]
    fn groups() {
        check_durable(|t| {
            let rows: Table<(u8, i64)> = t.table();
            rows.group_by(|(key, _)| key % 4).reduce(|g| {
                (
                    g.count(),
                    g.sum(|(_, n)| *n >> 8),
                    g.max(|(_, n)| *n),
                    g.count_distinct(|(_, n)| *n),
                )
            })
        })
        .run();
    }

    #[test]
    fn joins() {
        check_durable(|t| {
            let (left, right): (Table<(u8, i64)>, Stream<(u8, bool)>) = (t.table(), t.stream());
            let left = left.filter(|(_, n)| n % 3 != 0);
            left.left_join(&right)
                .on(|(key, _)| key % 4, |(key, _)| key % 4)
                .select(|(key, n), right| (*key, *n, right.map(|(_, flag)| *flag)))
        })
        .run();
    }

    #[test]
    fn joins_of_three() {
        check_durable(|t| {
            let (a, b, c): (Table<(u8, i64)>, Table<(u8, i16)>, Table<(u8, i8)>) =
                (t.table(), t.table(), t.table());
            a.join(&b)
                .on(|(key, _)| key % 4, |(key, _)| key % 4)
                .join(&c)
                .on(|(_, n): &(u8, i16)| n % 4, |(_, n)| i16::from(n % 4))
                .select(|a, b, c| (*a, *b, *c))
        })
        .run();
    }

    #[test]
    fn whole_tables() {
        check_durable(|t| {
            let rows: Table<i64> = t.table();
            rows.reduce(|g| (g.count(), g.min(|n| *n)))
        })
        .run();
    }

    #[test]
    fn sets() {
        check_durable(|t| {
            let (left, right): (Table<u8>, Table<u8>) = (t.table(), t.table());
            left.map(|n| n % 8)
                .distinct()
                .difference(&right.map(|n| n % 8))
                .concat(&left.intersect(&right))
        })
        .run();
    }

    #[test]
    fn sorted_rows() {
        check_durable(|t| {
            let rows: Table<(u8, i64)> = t.table();
            let top = rows.group_by(|(key, _)| key % 2).sort_by(|(_, n)| *n).limit(3);
            top.map(|(key, n)| (key, n, 0)).concat(
                &rows
                    .group_by(|(key, _)| key % 2)
                    .sort_by(|(_, n)| *n)
                    .over(|o| o.row_number())
                    .select(|(key, n), number| (key, n, number)),
            )
        })
        .run();
    }

    #[test]
    fn upserts() {
        check_durable(|t| {
            let rows: Stream<(u8, i64)> = t.stream();
            let stock = rows.map(|(key, count)| Stock { item: format!("{}", key % 4), count });
            stock.upsert_by(|stock| stock.count)
        })
        .run();
    }

    #[test]
    fn states_of_ones_own() {
        check_durable(|t| {
            let rows: Stream<(u8, i64)> = t.stream();
            rows.stateful_map(
                |(key, _)| key % 4,
                |_, sum: &mut Option<i64>, (_, n)| {
                    let new = sum.unwrap_or_default().wrapping_add(n);
                    *sum = Some(new);
                    [new]
                },
            )
        })
        .run();
    }

    #[test]
    fn windows() {
        check_durable(|t| {
            let sales: Table<Sale> = t.table();
            let sales = sales.map(|sale| Sale { minute: sale.minute % 50, ..sale });
            let hopping = sales.window(sliding(10, 5)).reduce(|g| g.sum(|sale| sale.amount >> 8));
            let visits = sales.window(sessions(3)).reduce(|g| g.count());
            hopping
                .select(|w, sum| (w.start, w.end, sum))
                .concat(&visits.select(|w, n| (w.start, w.end, i64::try_from(n).unwrap())))
        })
        .run();
    }

    #[test]
    fn final_windows_and_late_rows() {
        check_durable(|t| {
            let sales: Stream<Sale> = t.stream();
            let sales = sales.map(|sale| Sale { minute: sale.minute % 50, ..sale });
            let (sales, late) = sales.watermark(5).or_late();
            let sums = sales.window(tumbling(10)).when_final().reduce(|g| g.count());
            sums.select(|w, n| (w.start, n)).as_table().concat(&late.map(|sale| (sale.minute, 0)))
        })
        .run();
    }

    /// Rows of a stream whose times are near each other, and those in time.
    fn sales(t: &Check, lateness: i64) -> Stream<Sale> {
        let rows: Stream<Sale> = t.stream();
        let rows = rows.map(|sale| Sale { minute: sale.minute % 50, amount: sale.amount % 4 });
        rows.watermark(lateness).or_late().0
    }

    #[test]
    fn joins_by_time() {
        check_durable(|t| {
            let (left, right) = (sales(t, 10), sales(t, 10));
            left.as_of_join(&right)
                .on(|l| l.amount % 2, |r| r.amount % 2)
                .select(|l, r| (l.clone(), r.clone()))
        })
        .run();
        check_durable(|t| {
            let (left, right) = (sales(t, 10), sales(t, 10));
            left.interval_join(&right, -3..=3)
                .on(|l| l.amount % 2, |r| r.amount % 2)
                .left()
                .when_final()
                .select(|l, r| (l.clone(), r.cloned()))
        })
        .run();
        check_durable(|t| {
            let (left, right) = (sales(t, 10), sales(t, 10));
            left.as_of_join(&right)
                .on(|l| l.amount % 2, |r| r.amount % 2)
                .early(Duration::from_secs(1))
                .select(|l, r| (l.clone(), r.clone()))
        })
        .run();
    }

    #[test]
    fn other_windows() {
        check_durable(|t| {
            let rows = sales(t, 5);
            let visits = rows.sessions_while(|a, b| a.amount == b.amount).reduce(|g| g.count());
            visits.select(|w, count| (w.start, w.end, count))
        })
        .run();
        check_durable(|t| {
            let rows = sales(t, 5);
            rows.count_windows(3).reduce(|g| g.sum(|sale| sale.amount)).select(|w, n| (w.start, n))
        })
        .run();
    }

    #[test]
    fn loops() {
        // Reached vertices, and labels that spread, with an index that is used outside as well.
        check_durable(|t| {
            let edges: Table<(u8, u8)> = t.table();
            let edges = edges.map(|(from, to)| (from % 8, to % 8));
            let roots: Table<u8> = t.table();
            let roots = roots.map(|root| root % 8);
            let reached = roots.iterate(|reached| {
                let next = reached.join(&edges).on(|vertex| *vertex, |edge| edge.0);
                next.select(|_, edge| edge.1).concat(&roots).distinct()
            });
            let next = reached.join(&edges).on(|vertex| *vertex, |edge| edge.0);
            reached.map(|vertex| (vertex, 0)).concat(&next.select(|from, edge| (*from, edge.1)))
        })
        .run();
        check_durable(|t| {
            let edges: Table<(u8, u8)> = t.table();
            let edges = edges.map(|(from, to)| (from % 8, to % 8)).distinct();
            pathway::graph::connected_components(&edges)
        })
        .run();
        check_durable(|t| {
            let numbers: Table<u16> = t.table();
            let halved = numbers.iterate_at_most(3, |numbers| numbers.map(|n| n / 2));
            halved.group_by(|n| n % 4).reduce(|g| g.count())
        })
        .run();
    }

    #[test]
    fn asynchronous_calls() {
        async fn slow(n: i64) -> i64 {
            let micros = n.unsigned_abs().wrapping_mul(0x9e37_79b9) % 500;
            tokio::time::sleep(std::time::Duration::from_micros(micros)).await;
            n / 2
        }
        check_durable(|t| {
            let (table, stream): (Table<i64>, Stream<i64>) = (t.table(), t.stream());
            let (halves, errors) = stream
                .try_map_async(Calls::default().capacity(3), |n| async move {
                    if n % 3 == 0 { Err("by three") } else { Ok(slow(n).await) }
                })
                .or_errors();
            table
                .map(|n| n % 9)
                .map_async(Calls::default(), slow)
                .concat(&halves)
                .concat(&errors.map(|error| error.row))
        })
        .cases(40)
        .run();
    }

    #[test]
    fn rows_that_are_there_for_a_time() {
        check_durable(|t| sales(t, 5).forget_after(4)).run();
        check_durable(|t| {
            let rows = sales(t, 5);
            rows.deduplicate_within(3, |sale| sale.amount)
        })
        .run();
        check_durable(|t| {
            let rows = sales(t, 5);
            let silent = rows.inactive_after(6, |sale| sale.amount);
            silent
                .0
                .map(|(key, time)| (key, time, 0))
                .concat(&silent.1.map(|(key, _, time)| (key, time, 1)))
        })
        .run();
    }
}

/// The ends of files.
mod files {
    use super::*;
    use std::path::{Path, PathBuf};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let name = format!("pathway-durable-{name}-{}", std::process::id());
            let folder = std::env::temp_dir().join(name);
            std::fs::create_dir_all(&folder).expect("a folder can be made");
            Self(folder)
        }

        fn write(&self, name: &str, text: &str) -> PathBuf {
            let path = self.0.join(name);
            std::fs::write(&path, text).expect("the folder can be written to");
            path
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).ok();
        }
    }

    /// Runs until the output has so many lines, and is stopped.
    fn run_until(app: &Pipeline, output: &Path, lines: usize) -> pathway::Result<()> {
        let running = app.start()?;
        let start = std::time::Instant::now();
        let is_there = || std::fs::read_to_string(output).is_ok_and(|o| o.lines().count() >= lines);
        while !running.is_over() && !is_there() && start.elapsed().as_secs() < 20 {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        running.stop();
        running.wait()
    }

    fn copy(folder: &Folder, store: &Memory) -> (Pipeline, PathBuf) {
        let app = Pipeline::new("copy").progress(false).durable(store.clone());
        let output = folder.0.join("out.jsonl");
        let rows = app.read(csv::files::<Stock>(folder.0.join("in.csv")).watch());
        rows.write(jsonl::file(&output));
        (app, output)
    }

    #[test]
    fn reading_goes_on_behind_the_last_row() {
        let (folder, store) = (Folder::new("on"), store::memory());
        folder.write("in.csv", "item,count\nnail,1\n");
        let (app, output) = copy(&folder, &store);
        run_until(&app, &output, 1).unwrap();
        folder.write("in.csv", "item,count\nnail,1\nscrew,2\n");
        let (app, output) = copy(&folder, &store);
        run_until(&app, &output, 2).unwrap();
        let written = std::fs::read_to_string(&output).unwrap();
        assert_eq!(written, "{\"item\":\"nail\",\"count\":1}\n{\"item\":\"screw\",\"count\":2}\n");
    }

    #[test]
    fn a_file_that_is_another_is_refused() {
        for (text, problem) in [
            ("item,count\nbolt,1\n", "its first 1 rows are not those that were read before"),
            ("item,count\n", "1 rows of it had been read, and it has only 0"),
        ] {
            let (folder, store) = (Folder::new("other"), store::memory());
            folder.write("in.csv", "item,count\nnail,1\n");
            let (app, output) = copy(&folder, &store);
            run_until(&app, &output, 1).unwrap();
            folder.write("in.csv", text);
            let (app, output) = copy(&folder, &store);
            let error = run_until(&app, &output, 2).unwrap_err().to_string();
            assert!(error.contains("in.csv` was changed between two runs"), "{error}");
            assert!(error.contains(problem), "{error}");
        }
    }

    #[test]
    fn an_output_that_is_another_is_refused() {
        let (folder, store) = (Folder::new("output"), store::memory());
        folder.write("in.csv", "item,count\nnail,1\n");
        let (app, output) = copy(&folder, &store);
        run_until(&app, &output, 1).unwrap();
        folder.write("out.jsonl", "{\"item\":\"mail\",\"count\":1}\n");
        let (app, output) = copy(&folder, &store);
        let error = run_until(&app, &output, 2).unwrap_err().to_string();
        assert!(error.contains("its first 26 bytes are not those that were written"), "{error}");
    }

    #[test]
    fn what_others_append_to_an_output_is_refused() {
        let (folder, store) = (Folder::new("appended"), store::memory());
        folder.write("in.csv", "item,count\nnail,1\n");
        let (app, output) = copy(&folder, &store);
        run_until(&app, &output, 1).unwrap();
        let mut text = std::fs::read_to_string(&output).unwrap();
        text += "# a comment\n";
        folder.write("out.jsonl", &text);
        let (app, output) = copy(&folder, &store);
        let error = run_until(&app, &output, 3).unwrap_err().to_string();
        assert!(error.contains("does not write there: `# a comment"), "{error}");
    }

    #[test]
    fn another_form_of_the_same_output_is_another_sink() {
        let (folder, store) = (Folder::new("form"), store::memory());
        folder.write("in.csv", "item,count\nnail,1\n");
        let (app, output) = copy(&folder, &store);
        run_until(&app, &output, 1).unwrap();
        let app = Pipeline::new("copy").progress(false).durable(store.clone());
        let rows = app.read(csv::files::<Stock>(folder.0.join("in.csv")).watch());
        rows.write(jsonl::file(&output).changes());
        let error = run_until(&app, &output, 2).unwrap_err().to_string();
        assert!(error.contains("new, or changed: `write`"), "{error}");
    }

    /// A row that cannot be is mended in the input: it is not made again from the log.
    #[test]
    fn an_epoch_that_fails_is_not_logged() {
        let (folder, store) = (Folder::new("failing"), store::memory());
        let build = || {
            let app = Pipeline::new("failing").progress(false).durable(store.clone());
            let rows = app.read(csv::files::<Stock>(folder.0.join("in.csv")).watch());
            let output = folder.0.join("out.jsonl");
            rows.as_table().unique_by(|row| row.item.clone()).write(jsonl::file(&output).changes());
            (app, output)
        };
        folder.write("in.csv", "item,count\nnail,1\n");
        let (app, output) = build();
        run_until(&app, &output, 1).unwrap();
        folder.write("in.csv", "item,count\nnail,1\nnail,2\n");
        let (app, output) = build();
        run_until(&app, &output, 2).unwrap_err();
        folder.write("in.csv", "item,count\nnail,1\nbolt,2\n");
        let (app, output) = build();
        run_until(&app, &output, 2).unwrap();
    }

    /// Files that end, on several workers and over many epochs, with kills in between.
    #[test]
    fn what_ends_on_one_worker_goes_on_on_the_other() {
        ends_early("a.csv", "b.csv");
        // Then epochs are closed while the second worker has nothing that could hold them open.
        ends_early("b.csv", "a.csv");
    }

    fn ends_early(short: &str, long: &str) {
        let (folder, store) = (Folder::new(&format!("ends-{short}")), store::memory());
        let lines = |from, to| {
            let rows: String = (from..to).map(|n| format!("item{n},{n}\n")).collect();
            format!("item,count\n{rows}")
        };
        folder.write(short, &lines(0, 10));
        folder.write(long, &lines(10, 30_000));
        let output = folder.0.join("out.csv");
        for round in 0..30 {
            let threads = [2, 2, 3, 1][usize::try_from(round % 4).expect("it is small")];
            let app = Pipeline::new("ends").progress(false).threads(threads).epoch_rows_max(500);
            let app = app.durable(store.clone()).checkpoint_epochs(3);
            let rows = app.read(csv::files::<Stock>(folder.0.join("[ab].csv")));
            rows.reduce(|g| (g.count(), g.sum(|row| row.count))).write(csv::file(&output));
            if round < 29 {
                store.fail_after(10 + round * 3);
            }
            let result = app.start().and_then(pathway::runtime::Running::wait);
            if result.is_ok() {
                break;
            }
            store.mend(700);
        }
        let written = std::fs::read_to_string(&output).expect("the output is there");
        assert_eq!(written.lines().last(), Some("30000,449985000"), "{written}");
    }

    /// Two outputs over two files that are joined, with a store that fails at one write: then it is
    /// started again, and comes to the bytes of a run that nobody disturbs.
    #[test]
    fn a_crash_at_every_write_in_turn_changes_nothing() {
        let folder = Folder::new("every-write");
        let orders: String = (0..2_000).map(|n| format!("item{},{n}\n", n % 7)).collect();
        folder.write("in.csv", &format!("item,count\n{orders}"));
        let items: String = (0..5).map(|n| format!("item{n},{}\n", n * 100)).collect();
        folder.write("items.csv", &format!("item,count\n{items}"));
        let outputs = ["joined.jsonl", "sums.csv"];
        let run = |store: &Memory, threads| {
            let app = Pipeline::new("crash").progress(false).threads(threads);
            let app = app.epoch_rows_max(40).durable(store.clone()).checkpoint_epochs(2);
            let orders = app.read(csv::files::<Stock>(folder.0.join("in.csv")));
            let items = app.read(csv::files::<Stock>(folder.0.join("items.csv")));
            let joined = orders
                .as_table()
                .join(items.as_table())
                .on(|order| order.item.clone(), |item| item.item.clone())
                .select(|order, item| stock(&order.item, order.count + item.count));
            joined.write(jsonl::file(folder.0.join(outputs[0])));
            joined
                .group_by(|row| row.item.clone())
                .reduce(|g| g.sum(|row| row.count))
                .write(csv::file(folder.0.join(outputs[1])));
            app.start().and_then(pathway::runtime::Running::wait)
        };
        let read = || outputs.map(|name| std::fs::read(folder.0.join(name)).unwrap());
        for threads in [1, 2] {
            let store = store::memory();
            run(&store, threads).unwrap();
            let (expected, writes) = (read(), store.writes());
            assert!(writes > 8, "{writes} writes");
            for write in 0..writes {
                for name in outputs {
                    std::fs::remove_file(folder.0.join(name)).unwrap();
                }
                let store = store::memory();
                store.fail_after(write);
                let first = run(&store, threads);
                // What was not synced is torn at another place each time.
                store.mend(usize::try_from(write * 37 % 1001).unwrap());
                if first.is_err() {
                    run(&store, threads).unwrap_or_else(|error| panic!("write {write}: {error}"));
                }
                assert!(read() == expected, "after a crash at write {write} of {writes}");
            }
        }
    }

    /// Calls that answer otherwise each time: an epoch that is made again has the results that it had,
    /// or its output would be refused, and each row has one result in the end.
    #[test]
    fn what_calls_gave_is_given_again() {
        const ROWS: usize = 1_500;
        for (threads, detached, table) in
            [(1, false, false), (2, false, true), (1, true, false), (2, true, true)]
        {
            let name = format!("calls-{threads}-{detached}-{table}");
            let (folder, store) = (Folder::new(&name), store::memory());
            let lines: String = (0..ROWS).map(|n| format!("item{n},{n}\n")).collect();
            folder.write("in.csv", &format!("item,count\n{lines}"));
            let output = folder.0.join("out.jsonl");
            let made = Arc::new(AtomicUsize::new(0));
            let mut kills = 0;
            loop {
                let app = Pipeline::new("calls").progress(false).threads(threads);
                let app = app.epoch_rows_max(50).durable(store.clone()).checkpoint_epochs(4);
                let rows = app.read(csv::files::<Stock>(folder.0.join("in.csv")));
                let calls = Calls::default().capacity(8);
                let calls = if detached { calls.detached() } else { calls };
                let count = Arc::clone(&made);
                let call = move |row: Stock| {
                    let number = count.fetch_add(1, Ordering::SeqCst);
                    async move {
                        let micros = std::time::Duration::from_micros(number as u64 * 7 % 300);
                        tokio::time::sleep(micros).await;
                        (row.item, number as u64)
                    }
                };
                if table {
                    rows.as_table().map_async(calls, call).write(jsonl::file(&output).changes());
                } else {
                    rows.map_async(calls, call).write(jsonl::file(&output).changes());
                }
                store.fail_after(3 + kills * 2);
                match app.start().and_then(pathway::runtime::Running::wait) {
                    Ok(()) => break,
                    Err(error) => assert!(error.to_string().contains("store in memory"), "{error}"),
                }
                store.mend(700);
                kills += 1;
            }
            assert!(kills > 3, "{kills} kills");
            let written = std::fs::read_to_string(&output).unwrap();
            let items: std::collections::BTreeSet<&str> =
                written.lines().filter_map(|line| line.split('"').nth(3)).collect();
            assert_eq!((items.len(), written.lines().count()), (ROWS, ROWS), "{name}");
            let made = made.load(Ordering::SeqCst);
            assert!(made < 3 * ROWS, "{made} calls, although results were logged");
        }
    }

    #[test]
    fn mutable_files_are_compared_with_what_was_there() {
        let (folder, store) = (Folder::new("mutable"), store::memory());
        let build = || {
            let app = Pipeline::new("mutable").progress(false).durable(store.clone());
            let files = csv::files::<Stock>(folder.0.join("in")).watch().mutable();
            let output = folder.0.join("out.jsonl");
            app.read(files).write(jsonl::file(&output).changes());
            (app, output)
        };
        std::fs::create_dir_all(folder.0.join("in")).unwrap();
        folder.write("in/a.csv", "item,count\nnail,1\n");
        folder.write("in/b.csv", "item,count\nbolt,5\n");
        let (app, output) = build();
        run_until(&app, &output, 2).unwrap();
        std::fs::remove_file(folder.0.join("in/b.csv")).unwrap();
        folder.write("in/a.csv", "item,count\nnail,1\nscrew,2\n");
        let (app, output) = build();
        run_until(&app, &output, 4).unwrap();
        let written = std::fs::read_to_string(&output).unwrap();
        let changes: Vec<&str> =
            written.lines().map(|line| line.split(",\"epoch\"").next().unwrap()).collect();
        let (first, then) = changes.split_at(2);
        // A file that has just been written may be read an epoch after the other.
        let mut first = first.to_vec();
        first.sort_unstable();
        assert_eq!(first, ["{\"item\":\"bolt\",\"count\":5", "{\"item\":\"nail\",\"count\":1"]);
        assert_eq!(then.iter().filter(|line| line.contains("nail")).count(), 0, "{written}");
        assert!(then.contains(&"{\"item\":\"screw\",\"count\":2"), "{written}");
    }
}
