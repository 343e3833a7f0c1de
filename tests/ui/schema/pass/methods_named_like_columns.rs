use pathway::prelude::*;

#[derive(Schema)]
pub struct Flight {
    carrier: String,
    key: u64,
    encode: f64,
}

pub struct FlightColumns;

impl Flight {
    pub fn carrier(&self) -> &str {
        &self.carrier
    }

    pub fn key(&self) -> u64 {
        self.key
    }

    pub fn encode(&self) -> f64 {
        self.encode
    }
}

fn main() {
    let flight = Flight { carrier: "UA".into(), key: 1, encode: 2.0 };
    let _ = (Flight.carrier, Flight.key, Flight.encode, FlightColumns);
    let copy = flight.duplicate();
    assert!(copy.carrier() == "UA" && copy.key() == 1 && copy.encode() == 2.0);
}
