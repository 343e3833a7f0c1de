use pathway::prelude::*;

#[derive(Clone, Schema)]
struct Line {
    text: String,
}

#[derive(Clone, Schema)]
struct Word {
    word: String,
}

#[operator(flatmap)]
fn words(line: &Line) -> Vec<Word> {
    vec![Word { word: line.text.clone() }]
}

fn main() {
    let _: fn(Stream<Line>) -> Stream<Word> = |lines| lines.words();
}
