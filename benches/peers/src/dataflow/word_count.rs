//! The word count, by `count_total`.

use super::Kept;
use crate::inputs::files;
use crate::results::{self, Count};
use crate::{Outcome, Stopwatch, text};
use differential_dataflow::input::{Input, InputSession};
use differential_dataflow::operators::CountTotal;
use serde::Deserialize;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use timely::dataflow::ProbeHandle;
use timely::worker::Worker;

type Words = InputSession<u64, String, isize>;
type Counts = Kept<String, isize>;

#[derive(Deserialize)]
struct Word {
    word: String,
}

fn dataflow(worker: &mut Worker) -> (Words, ProbeHandle<u64>, Counts) {
    let counts = Counts::new();
    let kept = counts.clone();
    let (words, probe) = worker.dataflow::<u64, _, _>(|scope| {
        let (input, words) = scope.new_collection::<String, isize>();
        let counts = words.count_total();
        let (probe, _) = counts
            .inspect(move |((word, count), _, diff)| kept.update(word.clone(), *count, *diff))
            .probe();
        (input, probe)
    });
    (words, probe, counts)
}

fn settle(worker: &mut Worker, words: &mut Words, probe: &ProbeHandle<u64>) {
    let epoch = *words.time() + 1;
    words.advance_to(epoch);
    words.flush();
    worker.step_while(|| probe.less_than(words.time()));
}

fn write(counts: &Counts, output: &Path) -> Outcome {
    let rows = counts.take().into_iter();
    let rows = rows.map(|(word, count)| Count { word, count: count.unsigned_abs() as u64 });
    results::write(output, rows)
}

pub(super) fn whole(input: &Path, format: &str, output: &Path) -> Outcome {
    let (input, format, output) = (input.to_owned(), format.to_owned(), output.to_owned());
    timely::execute_directly(move |worker| {
        let (mut words, probe, counts) = dataflow(worker);
        if format == "csv" {
            let mut reader = csv::Reader::from_path(&input)?;
            let mut record = csv::StringRecord::new();
            while reader.read_record(&mut record)? {
                words.insert(record[0].to_owned());
            }
        } else {
            let mut reader = BufReader::with_capacity(1 << 16, File::open(&input)?);
            let mut line = String::new();
            while reader.read_line(&mut line)? > 0 {
                words.insert(serde_json::from_str::<Word>(&line)?.word);
                line.clear();
            }
        }
        settle(worker, &mut words, &probe);
        write(&counts, &output)
    })
}

pub(super) fn increments(input: &Path, output: &Path) -> Outcome {
    let (parts, output): (Vec<PathBuf>, _) = (files(input)?, output.to_owned());
    timely::execute_directly(move |worker| {
        let (mut words, probe, counts) = dataflow(worker);
        for part in parts {
            let watch = Stopwatch::start();
            let text = text(&part)?;
            text.lines().skip(1).for_each(|word| words.insert(word.to_owned()));
            settle(worker, &mut words, &probe);
            watch.increment();
        }
        write(&counts, &output)
    })
}
