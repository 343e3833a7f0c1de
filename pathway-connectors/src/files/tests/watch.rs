use super::recorder::Running;
use super::{Directory, gzip, reader, zstd};
use std::io::Write;
use std::time::Duration;

fn watch(dir: &Directory) -> Running {
    Running::start(reader(&dir.0).watch())
}

#[test]
fn appended_lines_and_new_files_arrive() {
    let dir = Directory::new();
    dir.write("a.txt", "1\n2\n");
    let running = watch(&dir);
    running.wait_for(&[("a.txt", &["1", "2"])]);
    dir.append("a.txt", "3\n");
    running.wait_for(&[("a.txt", &["1", "2", "3"])]);
    dir.write("b/b.txt", "x\n");
    running.wait_for(&[("a.txt", &["1", "2", "3"]), ("b.txt", &["x"])]);
    dir.append("a.txt", "4\n");
    dir.append("b/b.txt", "y\n");
    running.wait_for(&[("a.txt", &["1", "2", "3", "4"]), ("b.txt", &["x", "y"])]);
    running.stop();
}

#[test]
fn a_line_waits_for_its_newline() {
    let dir = Directory::new();
    dir.write("a.txt", "one\ntw");
    let running = watch(&dir);
    running.wait_for(&[("a.txt", &["one"])]);
    dir.append("a.txt", "o");
    std::thread::sleep(Duration::from_millis(50));
    running.wait_for(&[("a.txt", &["one"])]);
    dir.append("a.txt", "\nthree");
    running.wait_for(&[("a.txt", &["one", "two"])]);
    assert_eq!(running.recorder.ended(), 0);
    running.stop();
}

#[test]
fn many_small_appends_make_the_same_lines() {
    let dir = Directory::new();
    let text: String = (0..3_000).map(|i| format!("line {i}\n")).collect();
    dir.write("a.txt", "");
    let running = watch(&dir);
    for part in text.as_bytes().chunks(7) {
        dir.append("a.txt", part);
    }
    let lines: Vec<&str> = text.lines().collect();
    running.wait_for(&[("a.txt", &lines)]);
    running.stop();
}

#[test]
fn a_large_file_takes_several_turns() {
    let dir = Directory::new();
    let line = "x".repeat(999_999);
    dir.write("a.txt", (line.clone() + "\n").repeat(40));
    dir.write("b.txt", "small\n");
    let running = watch(&dir);
    let lines = vec![line.as_str(); 40];
    running.wait_for(&[("a.txt", &lines), ("b.txt", &["small"])]);
    running.stop();
}

#[test]
fn an_empty_directory_and_a_glob_without_matches_wait() {
    let dir = Directory::new();
    for pattern in [dir.0.clone(), dir.path("*.csv")] {
        let running = Running::start(reader(pattern).watch());
        std::thread::sleep(Duration::from_millis(20));
        dir.replace("a.csv", "x\n");
        running.wait_for(&[("a.csv", &["x"])]);
        running.stop();
        dir.delete("a.csv");
    }
}

/// What a run says after something happened to `a.txt`, which held `1\n2\n3\n`.
#[track_caller]
fn assert_refused(happens: impl FnOnce(&Directory), what: &str) {
    let dir = Directory::new();
    dir.write("a.txt", "1\n2\n3\n");
    let running = watch(&dir);
    running.wait_for(&[("a.txt", &["1", "2", "3"])]);
    // Times of files tick, so that a change in the same instant would not show.
    std::thread::sleep(Duration::from_millis(30));
    happens(&dir);
    assert_eq!(
        dir.shorten(&running.end().unwrap_err()),
        format!(
            "the watched file `DIR/a.txt` {what}\n\
             help: `.watch()` reads appended lines and new files only; for files that change or \
             disappear use `.watch().mutable()`"
        )
    );
}

#[test]
fn a_deleted_file_is_an_error() {
    assert_refused(|dir| dir.delete("a.txt"), "was deleted");
}

#[test]
fn a_truncated_file_is_an_error() {
    assert_refused(
        |dir| {
            let file = std::fs::OpenOptions::new().write(true).open(dir.path("a.txt")).unwrap();
            file.set_len(2).unwrap();
        },
        "has shrunk from 6 to 2 bytes",
    );
}

#[test]
fn a_rewritten_file_is_an_error() {
    for content in ["1\n0\n3\n", "9\n2\n3\n4\n", "1\n2\n9\n4\n"] {
        let rewrite = |dir: &Directory| {
            let mut file = std::fs::File::options().write(true).open(dir.path("a.txt")).unwrap();
            file.write_all(content.as_bytes()).unwrap();
        };
        assert_refused(rewrite, "was rewritten");
    }
    assert_refused(|dir| dir.replace("a.txt", "1\n0\n3\n4\n"), "was rewritten");
    assert_refused(|dir| dir.replace("a.txt", "1\n0\n3\n"), "was rewritten");
}

#[test]
fn a_middle_that_changed_with_the_file_is_an_error() {
    let dir = Directory::new();
    let text: String = (0..1_000).map(|i| format!("{i}\n")).collect();
    dir.write("a.txt", &text);
    let running = watch(&dir);
    let lines: Vec<&str> = text.lines().collect();
    running.wait_for(&[("a.txt", &lines)]);
    dir.replace("a.txt", text.replace("\n500\n", "\n5OO\n") + "more\n");
    let message = running.end().unwrap_err().to_string();
    assert!(message.contains("was rewritten"), "{message}");
}

#[test]
fn a_file_that_is_touched_or_copied_with_more_at_its_end_has_grown() {
    let dir = Directory::new();
    dir.write("a.txt", "1\n2\n");
    let running = watch(&dir);
    running.wait_for(&[("a.txt", &["1", "2"])]);
    let file = std::fs::File::options().write(true).open(dir.path("a.txt")).unwrap();
    file.set_modified(std::time::SystemTime::now()).unwrap();
    std::thread::sleep(Duration::from_millis(30));
    dir.replace("a.txt", "1\n2\n3\n");
    running.wait_for(&[("a.txt", &["1", "2", "3"])]);
    running.stop();
}

#[test]
fn compressed_files_are_read_when_they_are_complete() {
    let dir = Directory::new();
    for (name, whole) in [("a.gz", gzip("1\n2\n")), ("b.zst", zstd("1\n2\n"))] {
        dir.write(name, "");
        let running = Running::start(reader(dir.path(name)).watch());
        for part in whole.chunks(whole.len() / 3 + 1) {
            std::thread::sleep(Duration::from_millis(80));
            running.wait_for(&[(name, &[])]);
            dir.append(name, part);
        }
        running.wait_for(&[(name, &["1", "2"])]);
        let more = if name == "a.gz" { gzip("3\n") } else { zstd("3\n") };
        dir.append(name, &more[..5]);
        std::thread::sleep(Duration::from_millis(80));
        dir.append(name, &more[5..]);
        running.wait_for(&[(name, &["1", "2", "3"])]);
        running.stop();
    }
}

#[test]
fn a_compressed_file_that_stays_incomplete_is_an_error() {
    let dir = Directory::new();
    dir.write("a.gz", &gzip("1\n2\n")[..20]);
    let mut reader = reader(&dir.0).watch();
    reader.patience = Duration::from_millis(150);
    assert_eq!(
        dir.shorten(&Running::start(reader).end().unwrap_err()),
        "the gzip file `DIR/a.gz` ends before its data do\n\
         help: it was cut off, or is still being written; copy it again, or write it under \
         another name and rename it when it is complete"
    );
}

#[test]
fn a_stop_ends_the_watch_at_once() {
    let dir = Directory::new();
    dir.write("a.txt", "1\n");
    let running = Running::start(reader(&dir.0).watch().poll_interval(Duration::from_secs(3_600)));
    running.wait_for(&[("a.txt", &["1"])]);
    running.stop();

    let running = watch(&dir);
    running.wait_for(&[("a.txt", &["1"])]);
    running.recorder.block_after(0);
    dir.append("a.txt", "2\n");
    std::thread::sleep(Duration::from_millis(30));
    running.stop();
}
