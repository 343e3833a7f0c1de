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
fn print(line: &Line) -> () {
    println!("{}", line.text);
}

fn main() {}
