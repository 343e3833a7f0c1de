//! What durability costs: the throughput of a live pipeline with and without a store, the size of a
//! checkpoint beside that of the states, and the time from the start of a killed pipeline to its
//! first new output.
//!
//! Each run is a process of its own; the sides run in turns.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use bench_support::{Figure, Random, child_line, is_quick, median};
use cpu_time::ProcessTime;
use pathway::prelude::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration as StdDuration, Instant};

/// Rows are pushed so many at a time.
const PUSHED: usize = 10_000;
/// By how much longer a durable pipeline may take: 15 % of its throughput is lost at most.
const RATIO_MAX: f64 = 1.0 / 0.85;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [_, "count", rows, words] => count(rows.parse()?, words.parse()?, None),
        [_, "count", rows, words, store] => {
            count(rows.parse()?, words.parse()?, Some(Path::new(store)))
        }
        [_, "grow", keys, store] => grow(keys.parse()?, Path::new(store)),
        [_, "change", keys, store] => change(keys.parse()?, Path::new(store)),
        [_, "recover", store] => recover(Path::new(store)),
        _ => compare(),
    }
}

/// A store that nobody has used.
fn fresh(name: &str) -> Result<PathBuf, Failure> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    Ok(folder)
}

fn compare() -> Result<(), Failure> {
    let (rows, keys, repeats) =
        if is_quick() { (200_000, 20_000, 1) } else { (20_000_000, 10_000_000, 5) };
    for words in [5_000, rows / 20] {
        let (rows, words) = (rows.to_string(), words.to_string());
        let [mut plain, mut durable] = [const { Vec::new() }; 2];
        for _ in 0..repeats {
            plain.push(seconds(&child_line(&["count", &rows, &words]))?);
            let store = fresh("durable-count")?;
            let store = store.to_str().ok_or("the target folder has a name in UTF-8")?;
            durable.push(seconds(&child_line(&["count", &rows, &words, store]))?);
        }
        let work = format!("{rows} pushed rows of {words} words, checkpoints each second");
        for (at, measured, ratio_max) in
            [(0, "s, beside not durable", Some(RATIO_MAX)), (1, "CPU s, beside not durable", None)]
        {
            let of =
                |runs: &[[f64; 2]]| median(&runs.iter().map(|run| run[at]).collect::<Vec<_>>());
            let (pathway, reference) = (of(&durable), of(&plain));
            println!("{}", Figure { work: &work, measured, pathway, reference, ratio_max });
        }
    }
    let store = fresh("durable-recovery")?;
    let store = store.to_str().ok_or("the target folder has a name in UTF-8")?;
    let work = format!("a count for each of {keys} keys");
    let [checkpoint, states] = seconds(&child_line(&["grow", &keys.to_string(), store]))?;
    let per_key = |bytes: f64| Some(bytes / f64::from(keys));
    println!(
        "{}",
        Figure {
            work: &work,
            measured: "checkpoint, bytes per key, beside its state in memory",
            pathway: per_key(checkpoint),
            reference: per_key(states),
            ratio_max: None,
        }
    );
    let [changed, whole] = seconds(&child_line(&["change", &(keys / 100).to_string(), store]))?;
    println!(
        "{}",
        Figure {
            work: &work,
            measured: "MB of a checkpoint behind changes of one key in a hundred, beside all of them",
            pathway: Some(changed / 1e6),
            reference: Some(whole / 1e6),
            ratio_max: None,
        }
    );
    let mut waits = Vec::new();
    for _ in 0..repeats {
        let [wait, _] = seconds(&child_line(&["recover", store]))?;
        waits.push(wait);
    }
    println!(
        "{}",
        Figure {
            work: &work,
            measured: "s from start to the first new output",
            pathway: median(&waits),
            reference: None,
            ratio_max: None,
        }
    );
    Ok(())
}

/// Two numbers that a run has printed.
fn seconds(line: &str) -> Result<[f64; 2], Failure> {
    let (first, second) = line.split_once(' ').ok_or("a run prints two numbers")?;
    Ok([first.parse()?, second.parse()?])
}

/// Counts words that are pushed as fast as the pipeline takes them.
fn count(rows: usize, words: u64, store: Option<&Path>) -> Result<(), Failure> {
    let mut random = Random::new(7);
    let dictionary: Vec<Text> = (0..words).map(|word| Text::from(format!("word{word}"))).collect();
    let pick = |random: &mut Random| {
        let word = usize::try_from(random.below(words)).unwrap_or_default();
        dictionary[word].clone()
    };
    let blocks: Vec<Vec<Text>> =
        (0..rows / PUSHED).map(|_| (0..PUSHED).map(|_| pick(&mut random)).collect()).collect();
    let mut app = Pipeline::new("count").progress(false);
    if let Some(store) = store {
        app = app.durable(store::directory(store)).checkpoint_every(StdDuration::from_secs(1));
    }
    let (input, stream) = app.input::<Text>();
    let counts = stream.group_by(|word| word.clone()).reduce(|g| g.count());
    counts.write(null::sink());
    let running = app.start()?;
    let (start, cpu) = (Instant::now(), ProcessTime::now());
    for block in blocks {
        input.push_all(block)?;
    }
    input.close();
    running.wait()?;
    println!("{} {}", start.elapsed().as_secs_f64(), cpu.elapsed().as_secs_f64());
    Ok(())
}

fn counts(store: &Path) -> (Pipeline, Input<u64>, Table<(u64, u64)>) {
    let app = Pipeline::new("recovery")
        .progress(false)
        .durable(store::directory(store))
        .checkpoint_every(StdDuration::from_secs(3600));
    let (input, stream) = app.input::<u64>();
    let counts = stream.group_by(|key| *key).reduce(|g| g.count());
    (app, input, counts.into())
}

/// Makes a large state, and leaves it in a checkpoint.
fn grow(keys: u64, store: &Path) -> Result<(), Failure> {
    let (app, input, counts) = counts(store);
    let (send, seen) = mpsc::channel();
    counts.subscribe(move |_, changes| {
        send.send(changes.len()).ok();
    });
    let running = app.start()?;
    let (mut pushed, mut counted) = (0, 0);
    while pushed < keys {
        let next = keys.min(pushed + PUSHED as u64);
        input.push_all(pushed..next)?;
        pushed = next;
    }
    while counted < usize::try_from(keys)? {
        counted += seen.recv()?;
    }
    let states: u64 = running.stats().states.iter().map(|state| state.bytes).sum();
    running.stop();
    running.wait()?;
    let bytes: u64 = checkpoints(store)?.into_values().sum();
    println!("{bytes} {states}");
    Ok(())
}

/// The sizes of the objects with states, by name.
fn checkpoints(store: &Path) -> Result<BTreeMap<String, u64>, Failure> {
    let mut sizes = BTreeMap::new();
    for entry in std::fs::read_dir(store)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("states-") {
            sizes.insert(name, entry.metadata()?.len());
        }
    }
    Ok(sizes)
}

/// Changes some keys of the large state, and leaves that in a checkpoint.
fn change(keys: u64, store: &Path) -> Result<(), Failure> {
    let before = checkpoints(store)?;
    let (app, input, counts) = counts(store);
    let (send, seen) = mpsc::channel();
    counts.subscribe(move |_, changes| {
        send.send(changes.len()).ok();
    });
    let running = app.start()?;
    input.push_all((0..keys).map(|key| key * 100))?;
    let (mut counted, changes) = (0, usize::try_from(2 * keys)?);
    while counted < changes {
        counted += seen.recv()?;
    }
    running.stop();
    running.wait()?;
    let after = checkpoints(store)?;
    let new: u64 =
        after.iter().filter(|(name, _)| !before.contains_key(*name)).map(|of| of.1).sum();
    println!("{new} {}", before.into_values().sum::<u64>());
    Ok(())
}

/// Goes on from the large state until one more row has come out, and is killed there.
fn recover(store: &Path) -> Result<(), Failure> {
    let (app, input, counts) = counts(store);
    let (send, seen) = mpsc::channel();
    counts.subscribe(move |_, changes| {
        send.send(changes.len()).ok();
    });
    let (start, cpu) = (Instant::now(), ProcessTime::now());
    let _running = app.start()?;
    input.push(0)?;
    seen.recv()?;
    println!("{} {}", start.elapsed().as_secs_f64(), cpu.elapsed().as_secs_f64());
    // As SIGKILL would: nothing is made of what has been read since.
    std::process::exit(0);
}
