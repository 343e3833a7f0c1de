use pathway::prelude::*;

#[derive(Clone, Schema)]
struct Line {
    text: String,
}

#[derive(Clone, Schema)]
struct Word {
    word: String,
}

struct Raw;

#[operator]
fn parsed(raw: &Raw) -> Word {
    let _ = raw;
    Word { word: String::new() }
}

fn main() {}
