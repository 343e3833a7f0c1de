//! The word count.

use super::follow;
use crate::inputs::files;
use crate::results::{self, Count};
use crate::{Outcome, Stopwatch, text};
use pathway::prelude::*;
use std::path::Path;

#[derive(Clone, Debug, Schema)]
struct Word {
    word: String,
}

fn counts(words: &Table<Word>) -> Table<Count> {
    let counts = words.group_by(Word.word).reduce(|g| g.count());
    counts.select(|word, count| Count { word, count })
}

pub(crate) fn whole(input: &Path, format: &str, output: &Path) -> Outcome {
    let app = Pipeline::new("word count").progress(false);
    let words = match format {
        "csv" => app.read(csv::files::<Word>(input)),
        "jsonl" => app.read(jsonl::files::<Word>(input)),
        other => return Err(format!("unknown format `{other}`").into()),
    };
    counts(&words).write(csv::file(output));
    Ok(app.run()?)
}

/// Each file is read by the program, and pushed.
pub(crate) fn increments(input: &Path, output: &Path) -> Outcome {
    let app = Pipeline::new("word count").progress(false);
    let (input_words, words) = app.input::<Word>();
    let counts = follow(&counts(&words), |count| count.word.clone());
    let running = app.start()?;
    for part in files(input)? {
        let watch = Stopwatch::start();
        let text = text(&part)?;
        input_words.push_all(text.lines().skip(1).map(|word| Word { word: word.to_owned() }))?;
        counts.wait()?;
        watch.increment();
    }
    input_words.close();
    running.wait()?;
    let rows = counts.rows();
    results::write(output, rows.values())
}

/// The files are read by the pipeline, an epoch for each file's number of rows.
pub(crate) fn files_in_epochs(input: &Path, rows: u64, output: &Path) -> Outcome {
    let app = Pipeline::new("word count").progress(false).epoch_rows_max(rows);
    let words = app.read(csv::files::<Word>(input));
    let counts = follow(&counts(&words), |count| count.word.clone());
    app.run()?;
    let rows = counts.rows();
    results::write(output, rows.values())
}
