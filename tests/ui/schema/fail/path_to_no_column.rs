use pathway::prelude::*;

#[derive(Schema)]
struct Flight {
    carrier: String,
    #[schema(skip)]
    note: String,
}

fn main() {
    let _ = Flight.note;
}
