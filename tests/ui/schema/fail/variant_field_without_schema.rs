use pathway::prelude::*;
use std::sync::mpsc::Sender;

#[derive(Schema)]
enum Event {
    Nothing,
    Reply(Sender<u8>),
}

fn main() {}
