//! Words, drawn evenly from a dictionary.

use super::{part_path, with_header};
use bench_support::{Random, inputs::dictionary};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

pub(super) fn write(folder: &Path, words: usize, rows: usize, parts: usize) -> io::Result<()> {
    let mut random = Random::new(11);
    let dictionary = dictionary(&mut random, words);
    let mut csv = with_header(&folder.join("words.csv"), "word")?;
    let mut jsonl = BufWriter::new(File::create(folder.join("words.jsonl"))?);
    for part in 0..parts {
        let mut out = with_header(&part_path(&folder.join("parts"), part), "word")?;
        for _ in rows * part / parts..rows * (part + 1) / parts {
            let at = random.below(dictionary.len() as u64);
            let word = &dictionary[usize::try_from(at).expect("it is an index")];
            writeln!(csv, "{word}")?;
            writeln!(out, "{word}")?;
            writeln!(jsonl, "{{\"word\": \"{word}\"}}")?;
        }
        out.flush()?;
    }
    csv.flush()?;
    jsonl.flush()
}
