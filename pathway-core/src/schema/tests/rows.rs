//! Structs and enums as the derive would describe them, written by hand.

use crate::schema::{
    ColumnType, DataType, EnumType, RowDecoder, RowEncoder, Schema, StructKind, StructType,
    VariantType, put_len, take_len,
};
use proptest::prelude::*;

/// Nullable and other columns mixed, and one that is a struct of its own kind.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub(crate) struct Flight {
    pub(crate) carrier: String,
    pub(crate) delay: Option<f64>,
    pub(crate) seats: u16,
    pub(crate) note: Option<Option<String>>,
    pub(crate) legs: Vec<Self>,
}

impl Schema for Flight {
    type OrNull = Option<Self>;

    fn data_type() -> DataType {
        DataType::Struct(
            const {
                &StructType {
                    name: "Flight",
                    kind: StructKind::Named,
                    columns: &[
                        ColumnType::of::<String>("carrier").key(),
                        ColumnType::of::<Option<f64>>("delay"),
                        ColumnType::of::<u16>("seats").default(|out| 9_u16.encode(out)),
                        ColumnType::of::<Option<Option<String>>>("note"),
                        ColumnType::of::<Vec<Self>>("legs").default(|out| put_len(0, out)),
                    ],
                }
            },
        )
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let mut row = RowEncoder::new(out, 2);
        self.carrier.encode_column(&mut row);
        self.delay.encode_column(&mut row);
        self.seats.encode_column(&mut row);
        self.note.encode_column(&mut row);
        self.legs.encode_column(&mut row);
    }

    fn decode(input: &mut &[u8]) -> Self {
        let mut row = RowDecoder::new(input, 2);
        Self {
            carrier: Schema::decode_column(&mut row),
            delay: Schema::decode_column(&mut row),
            seats: Schema::decode_column(&mut row),
            note: Schema::decode_column(&mut row),
            legs: Schema::decode_column(&mut row),
        }
    }
}

pub(crate) fn flight() -> impl Strategy<Value = Flight> {
    let leaf = (".{0,3}", any::<Option<f64>>(), any::<u16>(), any::<Option<Option<String>>>());
    leaf.prop_map(|(carrier, delay, seats, note)| Flight {
        carrier,
        delay: delay.map(|delay| delay + 0.0),
        seats,
        note,
        legs: Vec::new(),
    })
    .prop_recursive(2, 6, 3, |inner| {
        (inner.clone(), prop::collection::vec(inner, 0..3))
            .prop_map(|(flight, legs)| Flight { legs, ..flight })
    })
}

macro_rules! variant {
    ($name:literal, $kind:ident, [$($column:literal: $type:ty),*]) => {
        VariantType {
            name: $name,
            fields: StructType {
                name: $name,
                kind: StructKind::$kind,
                columns: &[$(ColumnType::of::<$type>($column)),*],
            },
        }
    };
}

/// An enum with every kind of variant.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub(crate) enum Shape {
    Empty,
    Circle(f64),
    Label(Option<String>),
    Segment(i8, Option<i8>),
    Named { name: String, sides: Option<u8> },
}

impl Schema for Shape {
    type OrNull = Option<Self>;

    fn data_type() -> DataType {
        DataType::Enum(
            const {
                &EnumType {
                    name: "Shape",
                    variants: &[
                        variant!("Empty", Unit, []),
                        variant!("Circle", Tuple, ["0": f64]),
                        variant!("Label", Tuple, ["0": Option<String>]),
                        variant!("Segment", Tuple, ["0": i8, "1": Option<i8>]),
                        variant!("Named", Named, ["name": String, "sides": Option<u8>]),
                    ],
                }
            },
        )
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Empty => put_len(0, out),
            Self::Circle(radius) => {
                put_len(1, out);
                radius.encode_column(&mut RowEncoder::new(out, 0));
            }
            Self::Label(text) => {
                put_len(2, out);
                text.encode_column(&mut RowEncoder::new(out, 1));
            }
            Self::Segment(from, to) => {
                put_len(3, out);
                let mut row = RowEncoder::new(out, 1);
                from.encode_column(&mut row);
                to.encode_column(&mut row);
            }
            Self::Named { name, sides } => {
                put_len(4, out);
                let mut row = RowEncoder::new(out, 1);
                name.encode_column(&mut row);
                sides.encode_column(&mut row);
            }
        }
    }

    fn decode(input: &mut &[u8]) -> Self {
        match take_len(input) {
            0 => Self::Empty,
            1 => Self::Circle(Schema::decode_column(&mut RowDecoder::new(input, 0))),
            2 => Self::Label(Schema::decode_column(&mut RowDecoder::new(input, 1))),
            3 => {
                let mut row = RowDecoder::new(input, 1);
                Self::Segment(Schema::decode_column(&mut row), Schema::decode_column(&mut row))
            }
            _ => {
                let mut row = RowDecoder::new(input, 1);
                Self::Named {
                    name: Schema::decode_column(&mut row),
                    sides: Schema::decode_column(&mut row),
                }
            }
        }
    }
}

pub(crate) fn shape() -> impl Strategy<Value = Shape> {
    prop_oneof![
        Just(Shape::Empty),
        any::<f64>().prop_map(|radius| Shape::Circle(radius + 0.0)),
        any::<Option<String>>().prop_map(Shape::Label),
        any::<(i8, Option<i8>)>().prop_map(|(from, to)| Shape::Segment(from, to)),
        any::<(String, Option<u8>)>().prop_map(|(name, sides)| Shape::Named { name, sides }),
    ]
}

/// An enum of names.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Color {
    Red,
    Green,
}

impl Schema for Color {
    type OrNull = Option<Self>;

    fn data_type() -> DataType {
        DataType::Enum(
            const {
                &EnumType {
                    name: "Color",
                    variants: &[variant!("Red", Unit, []), variant!("Green", Unit, [])],
                }
            },
        )
    }

    fn encode(&self, out: &mut Vec<u8>) {
        put_len(*self as usize, out);
    }

    fn decode(input: &mut &[u8]) -> Self {
        [Self::Red, Self::Green][take_len(input)]
    }
}

/// `struct Airport(String)`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Airport(pub(crate) String);

impl Schema for Airport {
    type OrNull = Option<Self>;

    fn data_type() -> DataType {
        DataType::Struct(
            const {
                &StructType {
                    name: "Airport",
                    kind: StructKind::Tuple,
                    columns: &[ColumnType::of::<String>("0")],
                }
            },
        )
    }

    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode_column(&mut RowEncoder::new(out, 0));
    }

    fn decode(input: &mut &[u8]) -> Self {
        Self(Schema::decode_column(&mut RowDecoder::new(input, 0)))
    }
}
