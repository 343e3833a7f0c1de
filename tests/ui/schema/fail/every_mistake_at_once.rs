use pathway::prelude::*;

#[derive(Schema)]
#[schema(rename_al = "camelCase")]
struct Flight<'a> {
    #[schema(key, skip)]
    carrier: &'a str,
    #[schema(event_tim)]
    left: i64,
    origin: &'a str,
}

fn main() {}
