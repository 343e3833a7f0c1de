use pathway::prelude::*;

#[derive(Clone, Schema)]
struct Line {
    text: String,
}

#[derive(Clone, Schema)]
struct Word {
    word: String,
}

struct Parsed;

#[operator]
fn parsed(line: &Line) -> Parsed {
    let _ = line;
    Parsed
}

fn main() {
    let _ = |lines: Stream<Line>| lines.parsed();
}
