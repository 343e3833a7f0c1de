use pathway::prelude::*;

#[derive(Clone, Schema)]
struct Line {
    text: String,
}

#[derive(Clone, Schema)]
struct Word {
    word: String,
}

fn is_busy(code: &u16) -> bool {
    *code == 503
}

#[operator(retries = 3, retry_if = is_busy)]
async fn fetched(line: Line) -> Result<Word, String> {
    Ok(Word { word: line.text })
}

fn main() {
    let _ = |lines: Stream<Line>| lines.fetched();
}
