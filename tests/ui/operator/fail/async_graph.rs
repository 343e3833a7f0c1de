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
async fn fetched(lines: Stream<Line>) -> Stream<Word> {
    lines.map(|line| Word { word: line.text })
}

fn main() {
    let _ = |lines: Stream<Line>| lines.fetched();
}
