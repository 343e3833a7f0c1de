use pathway::prelude::*;

fn mean(words: &Table<String>) -> Table<((), f64)> {
    words.group_by(|_| ()).reduce(|g| g.mean(|word| word.clone())).into()
}

fn main() {}
