use pathway::prelude::*;
use std::time::Instant;

#[derive(Schema)]
struct Landing(Instant);

fn main() {}
