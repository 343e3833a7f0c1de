use pathway::prelude::*;

#[derive(Clone, Schema)]
struct Line {
    text: String,
}

#[derive(Clone, Schema)]
struct Word {
    word: String,
}

use std::rc::Rc;

#[operator]
fn words(line: &Line, prefix: Rc<str>) -> Word {
    Word { word: format!("{prefix}{}", line.text) }
}

fn main() {}
