use pathway::prelude::*;

fn counts(words: &Table<String>) -> Table<(String, u64)> {
    words.group_by(|word| word.clone()).reduce(|g| (g.count(), 1)).select(|word, (n, _)| (word, n))
}

fn main() {}
