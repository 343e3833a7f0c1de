use super::recorder::Running;
use super::{Lines, gzip};
use crate::files::Stdin;
use pathway_core::io::Reader;
use std::io::{PipeWriter, Write};
use std::sync::Arc;

fn start() -> (PipeWriter, Running) {
    let (input, writer) = std::io::pipe().unwrap();
    let stdin = Stdin::new(Arc::new(Lines));
    (writer, Running::start_with(stdin, |stdin, out| stdin.read(input, out)))
}

const NAME: &str = "standard input";

#[test]
fn lines_arrive_as_they_are_typed_and_the_end_ends_the_run() {
    let (mut writer, running) = start();
    writer.write_all(b"P").unwrap();
    running.wait_for(&[(NAME, &[])]);
    writer.write_all(b"ath\nwa").unwrap();
    running.wait_for(&[(NAME, &["Path"])]);
    writer.write_all(b"y").unwrap();
    drop(writer);
    running.wait_for(&[(NAME, &["Path", "way"])]);
    running.end().unwrap();
}

#[test]
fn compressed_input_is_decompressed() {
    let (mut writer, running) = start();
    writer.write_all(&gzip("a\nb\n")).unwrap();
    drop(writer);
    running.wait_for(&[(NAME, &["a", "b"])]);
    running.end().unwrap();

    let (mut writer, running) = start();
    writer.write_all(&gzip("a\nb\n")[..15]).unwrap();
    drop(writer);
    assert_eq!(
        running.end().unwrap_err().to_string(),
        "the gzip file `standard input` ends before its data do\n\
         help: it was cut off, or is still being written; copy it again, or write it under \
         another name and rename it when it is complete"
    );
}

#[test]
fn a_stop_does_not_wait_for_input() {
    let (mut writer, running) = start();
    writer.write_all(b"a\n").unwrap();
    running.wait_for(&[(NAME, &["a"])]);
    running.stop();
}

#[test]
fn its_label_names_the_format() {
    let stdin = Stdin::new(Arc::new(Lines));
    assert_eq!(stdin.label(), "lines standard input");
    assert!(stdin.bounded());
}
