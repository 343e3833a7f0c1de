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
extern "C" fn length(line: &Line) -> u64 {
    line.text.len() as u64
}

fn main() {}
