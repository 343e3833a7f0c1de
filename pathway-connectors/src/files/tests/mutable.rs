use super::recorder::Running;
use super::{Directory, gzip, reader};
use std::io::Write;
use std::time::Duration;

fn watch(dir: &Directory) -> Running {
    Running::start(reader(&dir.0).watch().mutable())
}

#[test]
fn files_come_change_and_disappear() {
    let dir = Directory::new();
    dir.write("a.txt", "1\n2\n");
    dir.write("b.txt", "x\n");
    let running = watch(&dir);
    running.wait_for(&[("a.txt", &["1", "2"]), ("b.txt", &["x"])]);
    dir.write("a.txt", "1\n3\n");
    running.wait_for(&[("a.txt", &["1", "3"]), ("b.txt", &["x"])]);
    dir.delete("b.txt");
    running.wait_for(&[("a.txt", &["1", "3"])]);
    dir.append("a.txt", "4");
    dir.replace("b.txt", "y\n");
    running.wait_for(&[("a.txt", &["1", "3", "4"]), ("b.txt", &["y"])]);
    dir.write("a.txt", "");
    running.wait_for(&[("a.txt", &[]), ("b.txt", &["y"])]);
    std::fs::remove_dir_all(&dir.0).unwrap();
    running.wait_for(&[]);
    std::fs::create_dir(&dir.0).unwrap();
    dir.write("c.txt", "z\n");
    running.wait_for(&[("c.txt", &["z"])]);
    running.stop();
}

#[test]
fn a_single_file_may_go_and_come_back() {
    let dir = Directory::new();
    let path = dir.write("a.txt", "1\n");
    let running = Running::start(reader(path).mutable());
    running.wait_for(&[("a.txt", &["1"])]);
    dir.delete("a.txt");
    running.wait_for(&[]);
    dir.write("a.txt", "1\n");
    running.wait_for(&[("a.txt", &["1"])]);
    running.stop();
}

#[test]
fn a_change_of_the_same_length_with_its_time_set_back_is_seen() {
    let dir = Directory::new();
    let path = dir.write("a.txt", "1\n");
    let running = watch(&dir);
    running.wait_for(&[("a.txt", &["1"])]);
    let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
    dir.write("a.txt", "2\n");
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    running.wait_for(&[("a.txt", &["2"])]);
    running.stop();
}

#[test]
fn a_renamed_file_moves_its_rows() {
    let dir = Directory::new();
    dir.write("a.txt", "1\n");
    let running = watch(&dir);
    running.wait_for(&[("a.txt", &["1"])]);
    std::fs::rename(dir.path("a.txt"), dir.path("b.txt")).unwrap();
    running.wait_for(&[("b.txt", &["1"])]);
    running.stop();
}

#[test]
fn a_replaced_file_is_applied_as_a_whole_and_only_once() {
    let dir = Directory::new();
    let old = "old\n".repeat(300_000);
    let new = "new\n".repeat(400_000);
    dir.replace("a.txt", &old);
    let running = watch(&dir);
    running.wait_for(&[("a.txt", &vec!["old"; 300_000])]);
    dir.replace("a.txt", &new);
    running.wait_for(&[("a.txt", &vec!["new"; 400_000])]);
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(running.recorder.history()[0].1.len(), 2);
    running.stop();
}

#[test]
fn a_file_that_changes_while_it_is_read_is_read_again() {
    let dir = Directory::new();
    dir.write("a.txt", "start\n");
    let running = watch(&dir);
    running.wait_for(&[("a.txt", &["start"])]);
    running.recorder.block_after(2);
    dir.replace("a.txt", "old\n".repeat(300_000));
    while running.recorder.blocks() < 3 {
        std::thread::sleep(Duration::from_millis(1));
    }
    // In place, so that the reader has the changed file open.
    std::fs::File::options()
        .write(true)
        .open(dir.path("a.txt"))
        .and_then(|mut file| file.write_all("new\n".repeat(300_000).as_bytes()))
        .unwrap();
    running.recorder.unblock();
    running.wait_for(&[("a.txt", &vec!["new"; 300_000])]);
    let [(_, history)] = &running.recorder.history()[..] else { panic!("one partition") };
    assert_eq!(history.len(), 2, "the mixed content was applied");
    running.stop();
}

#[test]
fn a_file_that_disappears_while_it_is_read_leaves_nothing() {
    let dir = Directory::new();
    let running = watch(&dir);
    running.recorder.block_after(2);
    dir.replace("a.txt", "old\n".repeat(300_000));
    while running.recorder.blocks() < 2 {
        std::thread::sleep(Duration::from_millis(1));
    }
    dir.delete("a.txt");
    dir.replace("b.txt", "b\n");
    running.recorder.unblock();
    running.wait_for(&[("b.txt", &["b"])]);
    assert!(running.recorder.history().iter().all(|(_, history)| history.len() < 2));
    running.stop();
}

#[test]
fn a_file_that_is_always_written_is_read_now_and_then() {
    let dir = Directory::new();
    dir.write("a.txt", "");
    let running = watch(&dir);
    let mut written = 0;
    while running.recorder.files().iter().all(|(_, rows)| rows.is_empty()) {
        assert!(written < 2_000, "never read");
        dir.append("a.txt", "x\n");
        written += 1;
        std::thread::sleep(Duration::from_millis(5));
    }
    running.wait_for(&[("a.txt", &vec!["x"; written])]);
    running.stop();
}

#[test]
fn compressed_files_wait_until_they_are_complete() {
    let dir = Directory::new();
    let whole = gzip("1\n2\n");
    dir.write("a.gz", &whole[..15]);
    let running = watch(&dir);
    std::thread::sleep(Duration::from_millis(120));
    running.wait_for(&[]);
    dir.append("a.gz", &whole[15..]);
    running.wait_for(&[("a.gz", &["1", "2"])]);
    dir.write("a.gz", &whole[..15]);
    std::thread::sleep(Duration::from_millis(120));
    running.wait_for(&[("a.gz", &["1", "2"])]);
    dir.delete("a.gz");
    running.wait_for(&[]);
    running.stop();
}

#[test]
fn a_compressed_file_that_stays_incomplete_is_an_error() {
    let dir = Directory::new();
    dir.write("a.gz", &gzip("1\n2\n")[..20]);
    let mut reader = reader(&dir.0).mutable();
    reader.patience = Duration::from_millis(150);
    let message = dir.shorten(&Running::start(reader).end().unwrap_err());
    assert!(message.starts_with("the gzip file `DIR/a.gz` ends before its data do\n"), "{message}");
}

#[test]
fn a_stop_ends_the_watch_at_once() {
    let dir = Directory::new();
    dir.write("a.txt", "1\n");
    let running = watch(&dir);
    running.wait_for(&[("a.txt", &["1"])]);
    running.recorder.block_after(0);
    dir.write("a.txt", "2\n");
    std::thread::sleep(Duration::from_millis(100));
    running.stop();
}
