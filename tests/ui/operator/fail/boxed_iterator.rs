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
fn words(line: Line) -> Box<dyn Iterator<Item = Word>> {
    Box::new(std::iter::once(Word { word: line.text }))
}

fn main() {}
