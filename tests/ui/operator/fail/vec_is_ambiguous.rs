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
fn words(line: &Line) -> Vec<Word> {
    line.text.split(' ').map(|word| Word { word: word.to_owned() }).collect()
}

fn main() {
    let _: fn(Stream<Line>) -> Stream<Word> = |lines| lines.words();
}
