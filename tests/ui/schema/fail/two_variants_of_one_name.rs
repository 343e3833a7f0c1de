use pathway::prelude::*;

#[derive(Schema)]
#[schema(rename_all = "lowercase")]
enum Status {
    OnTime,
    Ontime,
}

fn main() {}
