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
fn words(line: &Line) -> impl Iterator<Item = &str> {
    line.text.split(' ')
}

fn main() {}
