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
async fn fetched(lines: Vec<Line>) -> Word {
    Word { word: lines[0].text.clone() }
}

fn main() {
    let _ = |lines: Stream<Line>| lines.fetched();
}
