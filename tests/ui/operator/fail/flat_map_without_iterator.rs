use pathway::prelude::*;

#[derive(Clone, Schema)]
struct Line {
    text: String,
}

#[derive(Clone, Schema)]
struct Word {
    word: String,
}

#[operator(flat_map)]
fn length(line: &Line) -> usize {
    line.text.len()
}

fn main() {}
