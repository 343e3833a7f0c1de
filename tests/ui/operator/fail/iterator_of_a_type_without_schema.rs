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
fn parsed(line: &Line) -> impl Iterator<Item = Parsed> {
    line.text.split(' ').map(|_| Parsed)
}

fn main() {}
