use pathway::prelude::*;

#[derive(Clone, Schema)]
struct Line {
    text: String,
}

#[derive(Clone, Schema)]
struct Word {
    word: String,
}

#[operator(filter)]
fn totals(lines: Stream<Line>) -> Table<Line> {
    Table::clone(&lines)
}

fn main() {}
