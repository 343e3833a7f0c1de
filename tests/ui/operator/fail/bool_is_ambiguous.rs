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
fn is_long(line: &Line) -> bool {
    line.text.len() > 80
}

fn main() {
    let _ = |lines: Stream<Line>| lines.is_long();
}
