use pathway::prelude::*;

#[derive(Schema)]
enum Status {
    Late,
}

#[derive(Schema)]
struct Flight {
    #[schema(default)]
    status: Status,
}

fn main() {}
