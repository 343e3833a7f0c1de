//! The word count over a CSV file, beside a loop that was written by hand for nothing else.
//!
//! Each run is a process of its own, from its start to the digest of its result, so that its CPU
//! time and its peak memory are its own; the sides run in turns.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use bench_support::{Digest, Figure, Measured};
use bench_support::{hand_written, inputs, is_quick, measure_child, median, report_self};
use pathway::prelude::*;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// A program that counts the words of a file.
type Program = fn(&Path) -> Digest;

const REFERENCE: &str = "reference";
const PATHWAY: &str = "pathway";

const SIDES: &[(&str, Program)] =
    &[(REFERENCE, reference_word_count), (PATHWAY, pathway_word_count)];

/// The most CPU time beside the reference's.
const RATIO_MAX: f64 = 1.5;

fn reference_word_count(path: &Path) -> Digest {
    hand_written::word_count(path).expect("the file was written by this benchmark")
}

/// One row of the file.
#[derive(Schema)]
struct Word {
    word: String,
}

fn pathway_word_count(path: &Path) -> Digest {
    let app = Pipeline::new("word count").progress(false);
    let words = app.read(csv::files::<Word>(path));
    let counts = words.group_by(Word.word).reduce(|g| g.count());
    let digest = Arc::new(Mutex::new(Digest::default()));
    let sum = Arc::clone(&digest);
    counts.subscribe(move |_, changes| {
        let mut sum = sum.lock().expect("only this closure locks");
        for Change { row: (word, count), diff } in changes {
            sum.update(word.as_bytes(), [count.cast_signed(), 0], *diff);
        }
    });
    app.run().expect("the file was written by this benchmark");
    let digest = digest.lock().expect("the run has ended");
    *digest
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if let [_, side, path] = args.as_slice()
        && let Some((_, program)) = SIDES.iter().find(|(name, _)| name == side)
    {
        return report_self(program(Path::new(path)));
    }
    let (rows, repeats) = if is_quick() { (200_000, 1) } else { (5_000_000, 5) };
    compare(5_000, rows, repeats);
    compare(rows / 5, rows, repeats);
}

fn compare(words: usize, rows: usize, repeats: usize) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let path = inputs::words_csv(folder, words, rows).expect("the target folder can be written to");
    let path = path.to_str().expect("the target folder has a name in UTF-8");

    let mut runs: Vec<(&str, Measured)> = Vec::new();
    for _ in 0..repeats {
        runs.extend(SIDES.iter().map(|(side, _)| (*side, measure_child(&[side, path]))));
    }
    let digest = runs[0].1.digest;
    assert!(runs.iter().all(|(_, run)| run.digest == digest), "the sides disagree: {runs:?}");

    let median_of = |side: &str, value: fn(&Measured) -> f64| {
        let values = runs.iter().filter(|(of, _)| *of == side).map(|(_, run)| value(run));
        median(&values.collect::<Vec<f64>>())
    };
    let work = format!("word count, {rows} CSV rows, {} words", digest.rows);
    let figure = Figure {
        work: &work,
        measured: "CPU s",
        pathway: median_of(PATHWAY, |run| run.cpu_s),
        reference: median_of(REFERENCE, |run| run.cpu_s),
        ratio_max: Some(RATIO_MAX),
    };
    println!("{figure}");
    // With few words, peak memory is that of buffers.
    if words > 5_000 {
        let per_word = |bytes: f64| bytes / digest.rows as f64;
        let figure = Figure {
            work: &work,
            measured: "peak memory, bytes per word",
            pathway: median_of(PATHWAY, |run| run.peak_bytes).map(per_word),
            reference: median_of(REFERENCE, |run| run.peak_bytes).map(per_word),
            ratio_max: None,
        };
        println!("{figure}");
    }
}
