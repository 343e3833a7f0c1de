use pathway::prelude::*;

#[derive(Clone, Schema)]
struct Line {
    text: String,
}

#[derive(Clone, Schema)]
struct Word {
    word: String,
}

#[operator(ordered)]
async fn fetched(line: Line) -> Result<Word, String> {
    Ok(Word { word: line.text })
}

fn main() {
    let _ = |lines: Stream<Line>| lines.fetched();
}
