use pathway::prelude::*;

#[derive(Clone, Schema)]
struct Line {
    text: String,
}

#[derive(Clone, Schema)]
struct Word {
    word: String,
}

#[operator(version = "2")]
fn words(line: &Line) -> Word {
    Word { word: line.text.clone() }
}

fn main() {}
