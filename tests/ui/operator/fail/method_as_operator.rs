use pathway::prelude::*;

#[derive(Clone, Schema)]
struct Line {
    text: String,
}

#[derive(Clone, Schema)]
struct Word {
    word: String,
}

impl Line {
    #[operator]
    fn words(&self) -> Word {
        Word { word: self.text.clone() }
    }
}

fn main() {}
