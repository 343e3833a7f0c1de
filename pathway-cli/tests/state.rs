//! The commands on the store of a pipeline that has run.

use pathway::prelude::*;
use std::path::{Path, PathBuf};
use std::process::Command;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("pathway-cli-{name}-{}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

/// What a command prints, and whether it went well.
fn pathway(args: &[&str], store: &Path, epochs: &[u64]) -> (String, bool) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pathway"));
    command.arg("state").args(args).arg(store).args(epochs.iter().map(u64::to_string));
    let output = command.output().expect("the command is there");
    let text = [output.stdout, output.stderr].concat();
    (String::from_utf8(text).expect("it prints UTF-8"), output.status.success())
}

/// Counts so many words, and leaves a checkpoint. Answers the epochs of all runs.
fn count(store: &Path, words: u64) -> u64 {
    let app = Pipeline::new("words").progress(false).durable(store::directory(store));
    let (input, words_in) = app.input::<u64>();
    let counts = words_in.group_by(|word| *word).reduce(|g| g.count());
    let view = counts.view();
    let running = app.start().expect("the store is free");
    let before = view.rows().len();
    input.push_all(0..words).expect("the run takes rows");
    let there = usize::try_from(words).expect("words are few").max(before);
    view.wait_for(|rows| rows.len() == there, std::time::Duration::from_secs(20));
    running.stop();
    let epochs = running.epoch();
    running.wait().expect("it was stopped");
    epochs
}

/// The epochs of the checkpoints, as `ls` lists them.
fn epochs(store: &Path) -> Vec<u64> {
    let (text, _) = pathway(&["ls"], store, &[]);
    let lines = text.lines().filter_map(|line| line.strip_prefix("checkpoint"));
    let epoch = |line: &str| line.split_whitespace().next()?.parse().ok();
    lines.map(|line| epoch(line).expect("an epoch stands in front")).collect()
}

#[test]
fn a_store_is_listed_shown_compared_and_cut_back() {
    let folder = Folder::new("all");
    count(&folder.0, 100);
    count(&folder.0, 5_000);
    let (text, ok) = pathway(&["ls"], &folder.0, &[]);
    assert!(ok && text.starts_with("pipeline words\ncheckpoint"), "{text}");
    assert!(text.contains("log behind"), "{text}");
    let found = epochs(&folder.0);
    let &[newest, older, ..] = found.as_slice() else { panic!("{text}") };

    let (text, ok) = pathway(&["show"], &folder.0, &[]);
    assert!(ok && text.contains("`group_by` at pathway-cli/tests/state.rs"), "{text}");
    let (older_text, ok) = pathway(&["show"], &folder.0, &[older]);
    assert!(ok && older_text != text, "{older_text}");

    let (text, ok) = pathway(&["diff"], &folder.0, &[older, newest]);
    assert!(ok && text.contains("`group_by` at") && text.contains(" -> "), "{text}");
    let (text, ok) = pathway(&["diff"], &folder.0, &[newest, newest]);
    assert!(ok && text == "no operator differs\n", "{text}");

    let (text, ok) = pathway(&["rm"], &folder.0, &[newest]);
    assert!(ok && text.contains(&format!("goes on from {older}")), "{text}");
    assert!(!epochs(&folder.0).contains(&newest));
    // The log behind the older one is there: nothing is lost.
    count(&folder.0, 5_000);
}

#[test]
fn mistakes_are_told() {
    let folder = Folder::new("mistakes");
    let (text, ok) = pathway(&["ls"], &folder.0, &[]);
    assert!(!ok && text.contains("there is no store at"), "{text}");
    count(&folder.0, 10);
    let (text, ok) = pathway(&["show"], &folder.0, &[99_999]);
    assert!(!ok && text.contains("has no checkpoint 99999; it has"), "{text}");
    for epoch in epochs(&folder.0) {
        let (text, ok) = pathway(&["rm"], &folder.0, &[epoch]);
        let is_last = epochs(&folder.0) == [epoch];
        assert!(ok != is_last || text.contains("is the only one"), "{text}");
    }
    let (text, ok) = pathway(&["remove"], &folder.0, &[]);
    assert!(!ok && text.contains("unrecognized subcommand"), "{text}");
}

#[test]
fn a_damaged_checkpoint_is_listed_as_such() {
    let folder = Folder::new("damaged");
    count(&folder.0, 10);
    count(&folder.0, 20);
    let newest = epochs(&folder.0)[0];
    let path = folder.0.join(format!("checkpoint-{newest:020}"));
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let (text, ok) = pathway(&["ls"], &folder.0, &[]);
    assert!(ok && text.contains("damaged: `checkpoint-"), "{text}");
    let (text, ok) = pathway(&["show"], &folder.0, &[newest]);
    assert!(!ok && text.contains("is not as it was written"), "{text}");
}
