use pathway::prelude::*;

#[derive(Clone, Schema)]
struct Line {
    text: String,
}

#[derive(Clone, Schema)]
struct Word {
    word: String,
}

#[operator(filter)]
fn is_long(line: &Line) -> Option<Word> {
    Some(Word { word: line.text.clone() })
}

fn main() {}
