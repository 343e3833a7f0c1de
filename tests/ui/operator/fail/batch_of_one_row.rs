use pathway::prelude::*;

#[derive(Clone, Schema)]
struct Line {
    text: String,
}

#[derive(Clone, Schema)]
struct Word {
    word: String,
}

#[operator(batch = 10)]
async fn fetched(line: Line) -> Vec<Word> {
    vec![Word { word: line.text }]
}

fn main() {
    let _ = |lines: Stream<Line>| lines.fetched();
}
