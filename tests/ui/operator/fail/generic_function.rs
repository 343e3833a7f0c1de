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
fn text<T: ToString>(row: &T) -> String {
    row.to_string()
}

fn main() {}
