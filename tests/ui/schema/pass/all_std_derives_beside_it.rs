use pathway::prelude::*;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Schema)]
struct Seat {
    #[schema(key)]
    row: u16,
    letter: char,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Schema)]
enum Class {
    #[default]
    Economy,
    Business {
        seat: Seat,
    },
}

fn main() {
    let seat = Seat::default();
    assert!(seat == seat && seat.row_eq(&seat));
    assert_eq!(seat.key(), seat.row);
    assert_eq!(Class::default().cmp(&Class::Business { seat }), Class::Economy.row_cmp(&Class::Business { seat }));
}
