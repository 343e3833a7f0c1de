//! The word count: one map, in which a word is looked up before it is owned.

use super::Map;
use crate::inputs::files;
use crate::results::{self, Count};
use crate::{Outcome, Stopwatch};
use serde::Deserialize;
use std::borrow::Cow;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

#[derive(Deserialize)]
struct Word<'a> {
    #[serde(borrow)]
    word: Cow<'a, str>,
}

type Counts = Map<String, u64>;

fn add(counts: &mut Counts, word: &str) {
    if let Some(count) = counts.get_mut(word) {
        *count += 1;
    } else {
        counts.insert(word.to_owned(), 1);
    }
}

fn add_csv(counts: &mut Counts, input: &Path) -> Outcome {
    let mut reader = csv::Reader::from_path(input)?;
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record)? {
        add(counts, &record[0]);
    }
    Ok(())
}

fn add_jsonl(counts: &mut Counts, input: &Path) -> Outcome {
    let mut reader = BufReader::with_capacity(1 << 16, File::open(input)?);
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 {
        let row: Word<'_> = serde_json::from_str(&line)?;
        add(counts, &row.word);
        line.clear();
    }
    Ok(())
}

fn write(counts: Counts, output: &Path) -> Outcome {
    results::write(output, counts.into_iter().map(|(word, count)| Count { word, count }))
}

pub(crate) fn whole(input: &Path, format: &str, output: &Path) -> Outcome {
    let mut counts = Counts::default();
    match format {
        "csv" => add_csv(&mut counts, input)?,
        "jsonl" => add_jsonl(&mut counts, input)?,
        other => return Err(format!("unknown format `{other}`").into()),
    }
    write(counts, output)
}

pub(crate) fn increments(input: &Path, output: &Path) -> Outcome {
    let mut counts = Counts::default();
    for part in files(input)? {
        let watch = Stopwatch::start();
        add_csv(&mut counts, &part)?;
        watch.increment();
    }
    write(counts, output)
}
