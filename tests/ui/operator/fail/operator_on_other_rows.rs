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
fn words(line: &Line) -> Word {
    Word { word: line.text.clone() }
}

fn main() {
    let _ = |words: Stream<Word>| words.words();
}
