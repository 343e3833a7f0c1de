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
fn shout(line: &mut Line) -> Word {
    Word { word: line.text.to_uppercase() }
}

fn main() {}
