use pathway::prelude::*;

#[derive(Schema)]
enum Event {
    Landed {
        #[schema(key)]
        flight: u32,
    },
}

fn main() {}
