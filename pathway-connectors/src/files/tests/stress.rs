//! Many random changes while the files are read.

use super::recorder::Running;
use super::{Directory, reader};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Random numbers that are the same in every run (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

#[test]
fn a_mutable_folder_ends_as_it_is_whatever_happened() {
    for seed in [1_u64, 7, 42] {
        let dir = Directory::new();
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let running = Running::start(reader(&dir.0).mutable().readers(3));
        let mut files: BTreeMap<String, String> = BTreeMap::new();
        // All that each file ever was. One that is written in place is empty at first.
        let mut allowed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let deadline = Instant::now() + Duration::from_millis(1_200);
        let mut number = 0;
        while Instant::now() < deadline {
            let name = format!("{}.txt", random.below(8));
            number += 1;
            let lines = if random.below(10) == 0 { 200_000 } else { random.below(5) };
            let content: String = (0..lines).map(|i| format!("{number} {i}\n")).collect();
            let past = allowed.entry(name.clone()).or_insert_with(|| [String::new()].into());
            match random.below(6) {
                0 | 1 => {
                    past.insert(content.clone());
                    dir.replace(&name, &content);
                    files.insert(name, content);
                }
                2 => {
                    // In two parts, with a pause in the middle.
                    let half = content.len() / 2;
                    past.insert(content[..half].to_owned());
                    past.insert(content.clone());
                    dir.write(&name, &content[..half]);
                    std::thread::sleep(Duration::from_millis(random.below(80)));
                    dir.append(&name, &content[half..]);
                    files.insert(name, content);
                }
                3 if files.contains_key(&name) => {
                    dir.delete(&name);
                    files.remove(&name);
                }
                4 if files.contains_key(&name) => {
                    let all = format!("{}{number}\n", files[&name]);
                    past.insert(all.clone());
                    dir.append(&name, format!("{number}\n"));
                    files.insert(name, all);
                }
                _ => std::thread::sleep(Duration::from_millis(random.below(100))),
            }
        }
        let last: Vec<(&str, Vec<&str>)> =
            files.iter().map(|(name, text)| (name.as_str(), text.lines().collect())).collect();
        let last: Vec<(&str, &[&str])> =
            last.iter().map(|(name, rows)| (*name, rows.as_slice())).collect();
        running.wait_for(&last);
        // And it stays so.
        std::thread::sleep(Duration::from_millis(150));
        running.wait_for(&last);
        for (path, states) in running.recorder.history() {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            for rows in states {
                let state = rows.join("\n");
                let known = allowed[&name].iter().any(|text| text.trim_end_matches('\n') == state);
                assert!(known, "seed {seed}: `{name}` never held {} lines so", rows.len());
            }
        }
        running.stop();
    }
}

#[test]
fn a_watched_folder_reads_every_appended_line_once() {
    let dir = Directory::new();
    let mut random = Random(99);
    let running = Running::start(reader(&dir.0).watch().readers(3));
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    let deadline = Instant::now() + Duration::from_millis(1_200);
    while Instant::now() < deadline {
        let name = format!("{}.txt", random.below(8));
        let lines = if random.below(50) == 0 { 100_000 } else { random.below(5) };
        let mut content: String = (0..lines).map(|i| format!("{i}\n")).collect();
        // Half a line, at times.
        content.truncate(content.len() - usize::from(random.below(2) == 0).min(content.len()));
        if files.contains_key(&name) {
            dir.append(&name, &content);
        } else {
            dir.write(&name, &content);
        }
        files.entry(name).or_default().push_str(&content);
        std::thread::sleep(Duration::from_millis(random.below(4)));
    }
    let last: Vec<(&str, Vec<&str>)> = files
        .iter()
        .map(|(name, text)| {
            let complete = text.rfind('\n').map_or("", |end| &text[..end]);
            (name.as_str(), complete.lines().collect())
        })
        .collect();
    let last: Vec<(&str, &[&str])> =
        last.iter().map(|(name, rows)| (*name, rows.as_slice())).collect();
    running.wait_for(&last);
    running.stop();
}
