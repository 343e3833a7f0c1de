use super::rows::{flight, shape};
use crate::schema::{
    Bytes, Date, DateTime, Duration, NaiveDateTime, Schema, Text, Time, Zoned, ordered, skip,
};
use proptest::prelude::*;
use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

fn ordered<T: Schema>(value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    ordered::from_compact(T::data_type(), &mut value.to_row_bytes().as_slice(), &mut out);
    out
}

/// The laws of one value.
fn one<T: Schema + Debug>(value: &T, equal: impl Fn(&T, &T) -> bool) {
    let bytes = value.to_row_bytes();
    let followed = [bytes.as_slice(), b"next"].concat();

    let mut input = followed.as_slice();
    let decoded = T::decode(&mut input);
    assert_eq!(input, b"next", "decoding consumes the value");
    assert!(equal(value, &decoded), "{value:?} reads back as {decoded:?}");
    assert_eq!(decoded.to_row_bytes(), bytes, "the same value has the same bytes");

    let mut input = followed.as_slice();
    skip(T::data_type(), &mut input);
    assert_eq!(input, b"next", "skipping consumes the value");

    let mut input = followed.as_slice();
    let mut sorted = Vec::new();
    ordered::from_compact(T::data_type(), &mut input, &mut sorted);
    assert_eq!(input, b"next", "the ordered form consumes the value");

    sorted.extend_from_slice(b"next");
    let (mut input, mut back) = (sorted.as_slice(), Vec::new());
    ordered::to_compact(T::data_type(), &mut input, &mut back);
    assert_eq!(input, b"next", "the ordered form ends by itself");
    assert_eq!(back, bytes, "the ordered form is reversible");
}

/// The laws of two values.
fn two<T: Schema + Debug>(a: &T, b: &T, order: Ordering) {
    assert_eq!(a.row_cmp(b), order, "order of {a:?} and {b:?}");
    assert_eq!(a.row_eq(b), order.is_eq(), "equality of {a:?} and {b:?}");
    let (a, b) = (ordered(a), ordered(b));
    if order.is_ne() {
        assert!(!a.starts_with(&b) && !b.starts_with(&a), "no encoding is a prefix of another");
    }
}

fn laws<T: Schema + Debug + PartialEq + PartialOrd>(a: &T, b: &T) {
    one(a, T::eq);
    one(b, T::eq);
    two(a, b, a.partial_cmp(b).expect("a total order"));
    two(a, a, Ordering::Equal);
}

macro_rules! hold {
    ($($name:ident: $strategy:expr;)*) => {$(
        proptest! {
            #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
            #[test]
            fn $name(a in $strategy, b in $strategy) {
                laws(&a, &b);
            }
        }
    )*};
}

fn instant() -> impl Strategy<Value = DateTime> {
    let (least, most) = (DateTime::MIN.as_nanosecond(), DateTime::MAX.as_nanosecond());
    prop_oneof![least..=most, -2_000_000_000_i128..2_000_000_000]
        .prop_map(|at| DateTime::from_nanosecond(at).unwrap())
}

fn duration() -> impl Strategy<Value = Duration> {
    prop_oneof![
        Just(Duration::MIN),
        Just(Duration::MAX),
        Just(Duration::ZERO),
        (any::<i64>(), -999_999_999_i32..=999_999_999)
            .prop_filter("in range", |&(seconds, rest)| {
                seconds.checked_add(i64::from(rest.signum())).is_some()
            })
            .prop_map(|(seconds, rest)| Duration::new(seconds, rest)),
        (-3_i64..3, -999_999_999_i32..=999_999_999)
            .prop_map(|(seconds, rest)| Duration::new(seconds, rest)),
    ]
}

fn unsigned() -> impl Strategy<Value = std::time::Duration> {
    prop_oneof![
        Just(std::time::Duration::MAX),
        (any::<u64>(), 0_u32..1_000_000_000)
            .prop_map(|(seconds, rest)| std::time::Duration::new(seconds, rest)),
    ]
}

fn date() -> impl Strategy<Value = Date> {
    instant().prop_map(|at| naive_of(at).date())
}

fn naive_of(at: DateTime) -> NaiveDateTime {
    at.to_zoned(jiff::tz::TimeZone::UTC).datetime()
}

fn zoned() -> impl Strategy<Value = Zoned> {
    use jiff::tz::{Offset, TimeZone};
    let zone = prop_oneof![
        Just(TimeZone::UTC),
        (-93_599_i32..=93_599)
            .prop_map(|seconds| TimeZone::fixed(Offset::from_seconds(seconds).unwrap())),
        prop::sample::select(vec!["America/New_York", "Asia/Kolkata", "Europe/Zurich"])
            // A machine without a time zone database knows only UTC.
            .prop_map(|name| TimeZone::get(name).unwrap_or(TimeZone::UTC)),
    ];
    (instant(), zone).prop_map(|(at, zone)| at.to_zoned(zone))
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|float| Value::from(float + 0.0)),
        ".{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(".{0,3}", inner, 0..3)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Text with many zero bytes, and many common prefixes.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[\u{0}\u{1}a]{0,4}",
        any::<String>(),
        "[a-c]{120,140}", // around the length whose count takes two bytes
    ]
}

hold! {
    reversed: (any::<Option<i32>>(), text(), any::<f32>().prop_filter("no NaN", |v| !v.is_nan()))
        .prop_map(|(a, b, c)| (Reverse(a), Some(Reverse(b)), Reverse(vec![c + 0.0])));
    i8s: any::<i8>();
    i16s: any::<i16>();
    i32s: any::<i32>();
    i64s: any::<i64>();
    i128s: any::<i128>();
    isizes: any::<isize>();
    u8s: any::<u8>();
    u16s: any::<u16>();
    u32s: any::<u32>();
    u64s: any::<u64>();
    u128s: any::<u128>();
    usizes: any::<usize>();
    bools: any::<bool>();
    chars: any::<char>();
    strings: text();
    texts: text().prop_map(Text::from);
    bytes: prop::collection::vec(prop_oneof![Just(0_u8), Just(255), any::<u8>()], 0..6).prop_map(Bytes::from);
    options: any::<Option<i16>>();
    nested_options: any::<Option<Option<u8>>>();
    lists: prop::collection::vec(text(), 0..4);
    nested_lists: prop::collection::vec(prop::collection::vec(any::<Option<u8>>(), 0..3), 0..3);
    long_lists: prop::collection::vec(any::<bool>(), 120..140);
    units: prop::collection::vec(Just(()), 0..5);
    arrays: any::<[i8; 3]>();
    pairs: (text(), any::<i8>());
    nullable_columns: any::<(Option<u8>, i8, Option<Option<bool>>)>();
    nine_nullable_columns: any::<(Option<u8>, Option<u8>, Option<u8>, Option<u8>, Option<u8>, Option<u8>, Option<u8>, Option<u8>, Option<u8>)>();
    nested_tuples: ((text(), any::<Option<i8>>()), text());
    boxes: any::<Option<i8>>().prop_map(Box::new);
    maps: prop::collection::btree_map(text(), any::<i8>(), 0..4);
    maps_of_numbers: prop::collection::btree_map(any::<i8>(), text(), 0..4);
    instants: instant();
    durations: duration();
    unsigned_durations: unsigned();
    dates: date();
    times: (0_i64..86_400_000_000_000).prop_map(|at| Time::midnight().wrapping_add(Duration::from_nanos(at)));
    naive_date_times: instant().prop_map(naive_of);
    structs: flight();
    enums: shape();
}

#[cfg(feature = "decimal")]
fn decimal() -> impl Strategy<Value = rust_decimal::Decimal> {
    use rust_decimal::Decimal;
    const MOST: i128 = (1 << 96) - 1;
    prop_oneof![
        Just(Decimal::MAX),
        Just(Decimal::MIN),
        (-MOST..=MOST, 0_u32..=28)
            .prop_map(|(digits, scale)| { Decimal::from_i128_with_scale(digits, scale) }),
        (-2000_i128..2000, 0_u32..=4)
            .prop_map(|(digits, scale)| { Decimal::from_i128_with_scale(digits, scale) }),
    ]
}

#[cfg(feature = "decimal")]
hold! {
    decimals: decimal();
}

#[cfg(feature = "uuid")]
hold! {
    uuids: any::<u128>().prop_map(uuid::Uuid::from_u128);
}

/// What floats are compared by: their value, with NaN last.
fn float_order(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// Every bit pattern, so every NaN too, and the values around zero.
fn float() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        prop::sample::select(vec![
            0.0,
            -0.0,
            f64::NAN,
            -f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY
        ]),
        -2.0..2.0,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn floats(a in float(), b in float()) {
        let equal = |a: &f64, b: &f64| float_order(*a, *b).is_eq();
        one(&a, equal);
        two(&a, &b, float_order(a, b));
    }

    #[test]
    fn small_floats(a in any::<u32>().prop_map(f32::from_bits), b in any::<u32>().prop_map(f32::from_bits)) {
        one(&a, |a, b| float_order((*a).into(), (*b).into()).is_eq());
        two(&a, &b, float_order(a.into(), b.into()));
    }

    /// jiff compares the instants alone; the name of the zone decides between equal ones.
    #[test]
    fn zoned_times(a in zoned(), b in zoned()) {
        let name = |at: &Zoned| at.time_zone().iana_name().map_or_else(|| at.offset().to_string(), Into::into);
        one(&a, |a, b| a == b && name(a) == name(b));
        two(&a, &b, a.timestamp().cmp(&b.timestamp()).then(name(&a).cmp(&name(&b))));
    }

    #[test]
    fn json_values(a in json(), b in json()) {
        one(&a, |a, b| a == b);
        two(&a, &b, a.to_string().cmp(&b.to_string()));
    }

    #[test]
    fn equal_maps_have_equal_bytes(entries in prop::collection::btree_map(text(), any::<i8>(), 0..6)) {
        let forwards: HashMap<String, i8> = entries.clone().into_iter().collect();
        let backwards: HashMap<String, i8> = entries.clone().into_iter().rev().collect();
        one(&forwards, |a, b| a == b);
        prop_assert_eq!(forwards.to_row_bytes(), backwards.to_row_bytes());
        prop_assert_eq!(forwards.to_row_bytes(), entries.to_row_bytes());
    }
}

#[test]
fn equal_values_have_equal_bytes() {
    assert_eq!((-0.0_f64).to_row_bytes(), 0.0_f64.to_row_bytes());
    assert_eq!((-0.0_f32).to_row_bytes(), 0.0_f32.to_row_bytes());
    assert_eq!((-f64::NAN).to_row_bytes(), f64::from_bits(0x7ff8_0000_dead_beef).to_row_bytes());
    assert_eq!((-f32::NAN).to_row_bytes(), f32::from_bits(0x7fc0_beef).to_row_bytes());
    let json = |text| serde_json::from_str::<serde_json::Value>(text).unwrap().to_row_bytes();
    assert_eq!(json(r#"{"b": [-0.0], "a": 1}"#), json(r#"{"a": 1, "b": [0.0]}"#));
    #[cfg(feature = "decimal")]
    {
        let decimal = |text: &str| text.parse::<rust_decimal::Decimal>().unwrap().to_row_bytes();
        assert_eq!(decimal("1.50"), decimal("1.5"));
        assert_eq!(decimal("-0.00"), decimal("0"));
        assert_eq!(decimal("100"), decimal("100.000"));
    }
}

/// A map's bytes follow the order of rows, also where the key's own `Ord` differs.
#[test]
fn maps_are_sorted_by_the_order_of_rows() {
    use std::cmp::Reverse;
    let map = BTreeMap::from([("b".to_owned(), 1_u8), ("a".to_owned(), 2)]);
    let reversed: BTreeMap<Reverse<String>, u8> =
        map.iter().map(|(key, value)| (Reverse(key.clone()), *value)).collect();
    assert_eq!(reversed.values().copied().collect::<Vec<_>>(), [1, 2]);
    assert_eq!(map.to_row_bytes(), [2, 1, b'a', 2, 1, b'b', 1]);
}
