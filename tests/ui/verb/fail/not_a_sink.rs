use pathway::prelude::*;

fn save(words: &Table<String>) {
    words.write("words.csv");
}

fn main() {}
