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
fn words(line: &Line, count: &mut u64) -> Word {
    *count += 1;
    Word { word: line.text.clone() }
}

fn main() {}
