//! How a pipeline runs and ends, as a process and inside of one.
//!
//! Tests that need a process of their own start this same binary again: with
//! `PATHWAY_TEST_PROGRAM` set, the test [`program`] is that program.

use pathway::prelude::*;
use std::future::Future;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(60);

/// A live pipeline: counts words, that a thread pushes, into a file.
fn live(out: &Path) -> pathway::Result<()> {
    let app = Pipeline::new("words");
    let (input, words) = app.input::<String>();
    let counts = words.group_by(|word| word.clone()).reduce(|g| g.count());
    counts.write(jsonl::file(out));
    counts.subscribe(|_, _| eprintln!("counted"));
    for _ in 0..3 {
        input.push("be".to_owned()).expect("the input is open");
    }
    app.run()
}

/// Pushes rows for some seconds.
fn slow() -> pathway::Result<()> {
    let app = Pipeline::new("slow");
    let (input, rows) = app.input::<i64>();
    rows.write(null::sink());
    let pusher = std::thread::spawn(move || {
        for n in 0..40 {
            std::thread::sleep(Duration::from_millis(100));
            if input.push(n).is_err() {
                return;
            }
        }
    });
    let result = app.run();
    pusher.join().expect("the thread only pushes");
    result
}

fn idle() -> pathway::Result<()> {
    let app = Pipeline::new("idle");
    let (input, rows) = app.input::<i64>();
    let view = rows.group_by(|n| n % 2).reduce(|g| g.count()).view();
    let _running = app.start()?;
    input.push(1).expect("the input is open");
    assert!(view.wait_for(|rows| !rows.is_empty(), LIMIT));
    let before = cpu_time::ProcessTime::now();
    std::thread::sleep(Duration::from_secs(2));
    let spent = before.elapsed();
    assert!(spent < Duration::from_millis(20), "an idle pipeline took {spent:?} of two seconds");
    Ok(())
}

/// A live pipeline that cannot finish soon.
fn stuck() -> pathway::Result<()> {
    let app = Pipeline::new("stuck");
    let (input, rows) = app.input::<i64>();
    let slow = rows.inspect(|_, _| {
        eprintln!("row");
        std::thread::sleep(Duration::from_secs(600));
    });
    slow.write(null::sink());
    input.push(1).expect("the input is open");
    app.run()
}

fn batch() -> pathway::Result<()> {
    let app = Pipeline::new("batch");
    app.rows(0..10_i64)
        .inspect(|n, _| {
            eprintln!("row");
            std::thread::sleep(Duration::from_secs(if *n == 0 { 0 } else { 60 }));
        })
        .write(null::sink());
    app.run()
}

/// What a child process does; nothing in the process that runs the tests.
#[test]
fn program() {
    let Ok(name) = std::env::var("PATHWAY_TEST_PROGRAM") else { return };
    let result = match name.as_str() {
        "slow" => slow(),
        "idle" => idle(),
        "batch" => batch(),
        "stuck" => stuck(),
        out => live(Path::new(out)),
    };
    if let Err(error) = result {
        eprintln!("{error}");
        std::process::exit(1);
    }
}

fn start(program: &str) -> Child {
    Command::new(std::env::current_exe().expect("a program that runs has a file"))
        .args(["--exact", "program", "--nocapture", "--test-threads=1"])
        .env("PATHWAY_TEST_PROGRAM", program)
        .env_remove("PATHWAY_PROGRESS")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("this program can be started again")
}

#[cfg(unix)]
fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([name, &child.id().to_string()]).status();
    assert!(status.expect("there is `kill`").success());
}

/// Waits for a line of standard error; answers what came up to it.
fn read_until(stderr: &mut impl BufRead, wanted: &str) -> String {
    let mut text = String::new();
    while !text.contains(wanted) {
        let read = stderr.read_line(&mut text).expect("a pipe can be read");
        assert!(read > 0, "`{wanted}` never came, but:\n{text}");
    }
    text
}

fn finish(mut child: Child, mut stderr: impl Read) -> (ExitStatus, String) {
    let mut text = String::new();
    stderr.read_to_string(&mut text).expect("a pipe can be read");
    (child.wait().expect("it is a child"), text)
}

fn out_file(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("run-{name}.jsonl"));
    std::fs::remove_file(&path).ok();
    path
}

#[cfg(unix)]
mod signals {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    fn a_live_pipeline_ends_at(name: &str) {
        let out = out_file(name);
        let mut child = start(out.to_str().expect("the target folder has a name in UTF-8"));
        let mut stderr = BufReader::new(child.stderr.take().expect("it is a pipe"));
        read_until(&mut stderr, "counted");
        signal(&child, name);
        let (status, text) = finish(child, stderr);
        assert!(status.success(), "{status}: {text}");
        assert!(text.contains("stopping: finishing what has been read"), "{text}");
        assert!(text.contains("words: stopped after"), "{text}");
        let written = std::fs::read_to_string(&out).expect("the sink was finished");
        assert!(written.contains("\"be\"") && written.contains('3'), "{written}");
    }

    #[test]
    fn a_live_pipeline_ends_at_ctrl_c_with_its_sinks_flushed() {
        a_live_pipeline_ends_at("-INT");
    }

    #[test]
    fn a_live_pipeline_ends_at_sigterm_with_its_sinks_flushed() {
        a_live_pipeline_ends_at("-TERM");
    }

    #[test]
    fn a_second_ctrl_c_ends_the_process_at_once() {
        for (name, status) in [("-INT", 130), ("-TERM", 143)] {
            let mut child = start("stuck");
            let mut stderr = BufReader::new(child.stderr.take().expect("it is a pipe"));
            read_until(&mut stderr, "row");
            signal(&child, "-INT");
            read_until(&mut stderr, "press Ctrl-C again to quit at once");
            let asked = Instant::now();
            signal(&child, name);
            let (ended, text) = finish(child, stderr);
            assert_eq!(ended.code(), Some(status), "{ended}: {text}");
            let message = "stuck: quit at once, without finishing what had been read";
            assert!(text.contains(message), "{text}");
            assert!(asked.elapsed() < LIMIT / 4, "it took {:?}", asked.elapsed());
        }
    }

    #[test]
    fn a_batch_job_dies_of_ctrl_c() {
        let mut child = start("batch");
        let mut stderr = BufReader::new(child.stderr.take().expect("it is a pipe"));
        read_until(&mut stderr, "row");
        signal(&child, "-INT");
        let (status, _) = finish(child, stderr);
        assert_eq!(status.signal(), Some(2), "{status}");
    }
}

#[test]
fn progress_is_plain_lines_where_there_is_no_terminal() {
    let mut child = start("slow");
    let stderr = child.stderr.take().expect("it is a pipe");
    let (status, text) = finish(child, stderr);
    assert!(status.success(), "{status}: {text}");
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("slow: ")).collect();
    let [progress, last] = lines.as_slice() else { panic!("two lines were expected, not {text}") };
    assert!(progress.contains(" rows in (") && progress.contains(", epoch "), "{progress}");
    assert!(last.contains("finished in 4.") && last.ends_with("40 rows out"), "{last}");
    assert!(!text.contains('\x1b'), "{text:?}");
}

#[test]
fn an_idle_pipeline_takes_no_time() {
    let mut child = start("idle");
    let stderr = child.stderr.take().expect("it is a pipe");
    let (status, text) = finish(child, stderr);
    assert!(status.success(), "{status}: {text}");
}

fn endless() -> (Pipeline, Input<i64>, View<(i64, i64)>) {
    let app = Pipeline::new("endless");
    let (input, rows) = app.input::<i64>();
    let view = rows.group_by(|n| n % 2).reduce(|g| g.sum(|n| *n)).view();
    (app, input, view)
}

#[test]
fn stop_finishes_what_was_pushed_and_seen() -> Result<(), Box<dyn std::error::Error>> {
    let (app, input, view) = endless();
    let running = app.start()?;
    input.push(7)?;
    assert!(view.wait_for(|rows| !rows.is_empty(), LIMIT));
    assert!(!running.is_over());
    running.stop();
    running.wait()?;
    assert_eq!(view.rows(), [(1, 7)]);
    assert_eq!(input.push(1), Err(InputError::Closed));
    Ok(())
}

#[test]
fn dropping_the_handle_stops_the_run() -> Result<(), Box<dyn std::error::Error>> {
    let (app, input, _view) = endless();
    drop(app.start()?);
    assert_eq!(input.push(1), Err(InputError::Closed));
    Ok(())
}

#[test]
fn stats_count_rows_and_state() -> Result<(), Box<dyn std::error::Error>> {
    let (app, input, view) = endless();
    let running = app.start()?;
    input.push_all([1, 2, 3])?;
    assert!(view.wait_for(|rows| rows.len() == 2, LIMIT));
    let start = Instant::now();
    let stats = loop {
        let stats = running.stats();
        // A worker that the machine keeps busy elsewhere answers later.
        if !stats.states.is_empty() || start.elapsed() > LIMIT {
            break stats;
        }
    };
    assert_eq!(stats.sources[0].rows, 3);
    assert_eq!(stats.states.iter().map(|state| state.rows).collect::<Vec<u64>>(), [2]);
    assert!(
        stats.states[0].bytes > 0 && stats.states[0].operator.contains("group_by"),
        "{stats:?}"
    );

    running.stop();
    while !running.is_over() {
        std::thread::yield_now();
    }
    let stats = running.stats();
    assert_eq!(stats.states[0].rows, 2);
    assert!(stats.sources[0].ended && stats.sinks[0].ended, "{stats:?}");
    Ok(())
}

/// Unparks the thread that polls, and counts.
struct Unpark(std::thread::Thread, AtomicUsize);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.unpark();
    }
}

/// The smallest executor: polls when it is woken, and only then.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let unpark = Arc::new(Unpark(std::thread::current(), AtomicUsize::new(1)));
    let waker = Waker::from(Arc::clone(&unpark));
    let mut future = std::pin::pin!(future);
    loop {
        if unpark.1.swap(0, Ordering::SeqCst) == 0 {
            std::thread::park();
        } else if let Poll::Ready(done) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return done;
        }
    }
}

#[test]
fn ended_needs_no_particular_executor() -> Result<(), Box<dyn std::error::Error>> {
    let (app, input, view) = endless();
    let running = app.start()?;
    let pusher = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        input.push(4)
    });
    block_on(running.ended())?;
    pusher.join().expect("the thread only pushes")?;
    assert_eq!(view.rows(), [(0, 4)]);
    Ok(())
}

#[test]
fn a_run_does_not_block_the_thread_of_tokio() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let (app, input, view) = endless();
        // Both tasks have one thread: if the run blocked it, nobody would push or close.
        let run = tokio::spawn(async move { app.run_async().await });
        tokio::task::yield_now().await;
        for n in 0..10 {
            input.push(n)?;
            tokio::task::yield_now().await;
        }
        input.close();
        run.await??;
        assert_eq!(view.rows(), [(0, 20), (1, 25)]);
        Ok(())
    })
}

/// A panic in a closure while `run` waits with progress on, as it does by default.
#[test]
fn a_panic_ends_a_run_that_shows_progress() {
    let app = Pipeline::new("panic");
    app.rows([1_i64]).map(|n: i64| if n == 1 { panic!("no ones") } else { n }).write(null::sink());
    let error = app.run().expect_err("the closure panics").to_string();
    assert!(error.contains("no ones"), "{error}");
}

#[test]
fn the_first_epoch_covers_what_is_there_at_the_start() -> Result<(), Box<dyn std::error::Error>> {
    let path = out_file("watched.txt");
    // More than an epoch has that closes because it is full.
    let numbers = 600_000;
    std::fs::write(&path, "1\n".repeat(numbers))?;
    for threads in [1, 2] {
        let app = Pipeline::new("watched").threads(threads);
        let (epochs, first) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (count, seen) = (Arc::clone(&epochs), Arc::clone(&first));
        app.read(lines::files::<String>(&path).watch()).subscribe(move |_, changes| {
            if count.fetch_add(1, Ordering::SeqCst) == 0 {
                seen.store(changes.len(), Ordering::SeqCst);
            }
        });
        let running = app.start()?;
        let limit = Instant::now() + LIMIT;
        while epochs.load(Ordering::SeqCst) == 0 && Instant::now() < limit {
            std::thread::sleep(Duration::from_millis(5));
        }
        running.stop();
        running.wait()?;
        assert_eq!(first.load(Ordering::SeqCst), numbers, "on {threads} workers");
    }
    std::fs::remove_file(path)?;
    Ok(())
}
