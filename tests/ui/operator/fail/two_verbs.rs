use pathway::prelude::*;

#[derive(Clone, Schema)]
struct Line {
    text: String,
}

#[derive(Clone, Schema)]
struct Word {
    word: String,
}

#[operator(map, filter)]
fn is_long(line: &Line) -> bool {
    line.text.len() > 80
}

fn main() {}
