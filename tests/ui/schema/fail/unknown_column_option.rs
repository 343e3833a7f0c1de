use pathway::prelude::*;

#[derive(Schema)]
struct Flight {
    #[schema(colour)]
    carrier: String,
}

fn main() {
    let _ = Flight.carrier;
}
