use pathway::prelude::*;

fn main() {
    let app = Pipeline::new("words");
    let words = app.read("words.csv");
}
