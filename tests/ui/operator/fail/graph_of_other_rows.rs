use pathway::prelude::*;

#[derive(Clone, Schema)]
struct Line {
    text: String,
}

#[derive(Clone, Schema)]
struct Word {
    word: String,
}

#[operator]
fn totals(lines: &Table<Line>) -> Table<Line> {
    lines.clone()
}

fn main() {
    let _ = |words: Stream<Word>| words.totals();
}
