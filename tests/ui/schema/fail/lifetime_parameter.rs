use pathway::prelude::*;
use std::borrow::Cow;

#[derive(Schema)]
struct Flight<'a> {
    carrier: Cow<'a, str>,
}

fn main() {}
