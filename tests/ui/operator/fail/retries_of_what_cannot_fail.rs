use pathway::prelude::*;

#[derive(Clone, Schema)]
struct Line {
    text: String,
}

#[derive(Clone, Schema)]
struct Word {
    word: String,
}

#[operator(retries = 3)]
async fn fetched(line: Line) -> Word {
    Word { word: line.text }
}

fn main() {
    let _ = |lines: Stream<Line>| lines.fetched();
}
