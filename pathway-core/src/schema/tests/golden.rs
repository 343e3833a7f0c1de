//! Bytes that must never change: they are in files, in checkpoints and on the wire.

use super::rows::{Flight, Shape};
use crate::schema::{Bytes, Date, DateTime, Duration, NaiveDateTime, Schema, Time, ordered};
use std::collections::BTreeMap;

/// The compact and the ordered form.
fn forms<T: Schema>(value: &T) -> (Vec<u8>, Vec<u8>) {
    let compact = value.to_row_bytes();
    let mut sorted = Vec::new();
    ordered::from_compact(T::data_type(), &mut compact.as_slice(), &mut sorted);
    (compact, sorted)
}

#[expect(clippy::needless_pass_by_value, reason = "the callers read better")]
fn check<T: Schema>(value: T, compact: &[u8], sorted: &[u8]) {
    assert_eq!(forms(&value), (compact.to_vec(), sorted.to_vec()));
}

#[test]
fn numbers() {
    check(-2_i32, &[0xfe, 0xff, 0xff, 0xff], &[0x7f, 0xff, 0xff, 0xfe]);
    check(258_u16, &[2, 1], &[1, 2]);
    check(1.5_f64, &[0, 0, 0, 0, 0, 0, 0xf8, 0x3f], &[0xbf, 0xf8, 0, 0, 0, 0, 0, 0]);
    check(-1.5_f32, &[0, 0, 0xc0, 0xbf], &[0x40, 0x3f, 0xff, 0xff]);
    check(f64::NAN, &[0, 0, 0, 0, 0, 0, 0xf8, 0x7f], &[0xff, 0xf8, 0, 0, 0, 0, 0, 0]);
    check(true, &[1], &[1]);
    check('é', &[0xe9, 0, 0, 0], &[0, 0, 0, 0xe9]);
}

#[test]
fn text_and_bytes() {
    check("a\0b".to_owned(), &[3, b'a', 0, b'b'], &[b'a', 0, 0xff, b'b', 0, 0]);
    check(Bytes::from(&[0, 255][..]), &[2, 0, 255], &[0, 0xff, 255, 0, 0]);
    let long = forms(&"x".repeat(200)).0;
    assert_eq!(long[..3], [0xc8, 0x01, b'x']);
}

#[test]
fn parts() {
    check(Some(7_u8), &[1, 7], &[1, 7]);
    check(None::<u8>, &[0], &[0]);
    check(vec![1_u8, 2], &[2, 1, 2], &[1, 1, 1, 2, 0]);
    check([1_u8, 2], &[1, 2], &[1, 2]);
    check((1_u8, None::<u8>, Some(3_u8)), &[0b01, 1, 3], &[1, 0, 1, 3]);
    check(BTreeMap::from([(2_u8, 3_u8)]), &[1, 2, 3], &[1, 2, 3, 0]);
}

#[test]
fn times() {
    let before = DateTime::from_nanosecond(-1_500_000_000).unwrap();
    check(
        before,
        &[255, 255, 255, 255, 255, 255, 255, 255, 0x00, 0x9b, 0x32, 0xe2],
        &[0x7f, 255, 255, 255, 255, 255, 255, 255, 0x62, 0x32, 0x9b, 0x00],
    );
    check(
        Duration::new(1, 2),
        &[1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0],
        &[0x80, 0, 0, 0, 0, 0, 0, 1, 0x80, 0, 0, 2],
    );
    check(
        std::time::Duration::new(1, 2),
        &[1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0],
        &[0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2],
    );
    check(Date::constant(2024, 5, 1), &[0xe8, 0x07, 5, 1], &[0x87, 0xe8, 5, 1]);
    check(Time::constant(0, 0, 0, 5), &[5, 0, 0, 0, 0, 0, 0, 0], &[0x80, 0, 0, 0, 0, 0, 0, 5]);
    check(
        NaiveDateTime::constant(1, 2, 3, 0, 0, 0, 1),
        &[1, 0, 2, 3, 1, 0, 0, 0, 0, 0, 0, 0],
        &[0x80, 1, 2, 3, 0x80, 0, 0, 0, 0, 0, 0, 1],
    );
    let zoned = DateTime::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC);
    assert_eq!(forms(&zoned).0, [&[0; 12][..], &[3], b"UTC"].concat());
}

#[test]
fn structs_and_enums() {
    let flight =
        Flight { carrier: "UA".into(), delay: None, seats: 1, note: Some(None), legs: Vec::new() };
    check(flight, &[0b01, 2, b'U', b'A', 1, 0, 0, 0], &[b'U', b'A', 0, 0, 0, 0, 1, 1, 0, 0]);
    check(Shape::Empty, &[0], &[0, 0, 0, 0]);
    check(Shape::Segment(1, None), &[3, 0b1, 1], &[0, 0, 0, 3, 0x81, 0]);
}

#[cfg(feature = "decimal")]
#[test]
fn decimals() {
    let decimal: rust_decimal::Decimal = "-1.50".parse().unwrap();
    assert_eq!(forms(&decimal).0, [0, 0, 1, 0x80, 15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn hashes() {
    assert_eq!("UA".to_owned().row_hash(), crate::schema::stable_hash(&[2, b'U', b'A']));
    assert_eq!(crate::schema::stable_hash(b""), 0x2d06_8005_38d3_94c2);
}
