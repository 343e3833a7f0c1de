use super::{JsonParser, write_json};
use crate::format::{display::display, text};
use crate::schema::tests::rows::{Airport, Color, Flight, Shape, flight, shape};
use crate::schema::{Bytes, ColumnType, DataType, Schema, StructKind, StructType};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn parse<T: Schema>(json: &str) -> Result<T, String> {
    let mut out = b"before".to_vec();
    match JsonParser::new().parse(T::data_type(), json, &mut out) {
        Ok(()) => Ok(T::decode(&mut &out[6..])),
        Err(error) => {
            assert_eq!(out, b"before", "a bad row leaves nothing behind");
            Err(format!("{}|{}|{}", error.path, error.problem, error.text))
        }
    }
}

fn write<T: Schema>(value: &T) -> String {
    let (bytes, mut out) = (value.to_row_bytes(), String::new());
    let mut input = bytes.as_slice();
    write_json(T::data_type(), &mut input, &mut out);
    assert!(input.is_empty());
    out
}

#[expect(clippy::needless_pass_by_value, reason = "the callers read better")]
#[track_caller]
fn both<T: Schema>(value: T, json: &str) {
    assert_eq!(write(&value), json);
    let back = parse::<T>(json).unwrap();
    assert_eq!(back.to_row_bytes(), value.to_row_bytes(), "{json}");
}

#[track_caller]
fn fails<T: Schema>(json: &str, message: &str) {
    match parse::<T>(json) {
        Ok(value) => panic!("{json} is {}", display(T::data_type(), &value.to_row_bytes())),
        Err(found) => assert_eq!(found, message),
    }
}

fn ua() -> Flight {
    Flight { carrier: "UA".into(), delay: Some(1.5), seats: 3, note: None, legs: vec![] }
}

#[test]
fn scalars_have_their_json() {
    both(-7_i8, "-7");
    both(u64::MAX, "18446744073709551615");
    both(i128::MIN, "-170141183460469231731687303715884105728");
    both(u128::MAX, "340282366920938463463374607431768211455");
    both(0.1_f64, "0.1");
    both(0.1_f32, "0.1");
    both(5e-324_f64, "5e-324");
    both(f64::NAN, "\"NaN\"");
    both(f32::NEG_INFINITY, "\"-inf\"");
    both(true, "true");
    both('"', r#""\"""#);
    both("tab\t, é, \u{1}".to_owned(), r#""tab\t, é, \u0001""#);
    both(Bytes::from(&b"foob"[..]), "\"Zm9vYg==\"");
    both(crate::schema::DateTime::UNIX_EPOCH, "\"1970-01-01T00:00:00Z\"");
    both(crate::schema::Duration::from_secs(-90), "\"-PT1M30S\"");
    both(std::time::Duration::MAX, "\"PT5124095576030431H15.999999999S\"");
    both(serde_json::json!({"a": [1, null]}), r#"{"a":[1,null]}"#);
    both(Some(5_u8), "5");
    both(None::<u8>, "null");
    assert_eq!(parse::<f64>("3"), Ok(3.0));
    assert_eq!(parse::<f64>("\"Infinity\""), Ok(f64::INFINITY));
}

#[test]
fn parts_have_their_json() {
    both(vec![1_u8, 2], "[1,2]");
    both(vec![0_u8; 300], &format!("[{}]", ["0"; 300].join(",")));
    both([1_u8, 2], "[1,2]");
    both(("a".to_owned(), None::<u8>), r#"["a",null]"#);
    both((1_u8,), "[1]");
    both((), "[]");
    both(Airport("EWR".into()), "\"EWR\"");
    both(Color::Green, "\"Green\"");
    both(Shape::Empty, "\"Empty\"");
    both(Shape::Circle(2.0), r#"{"Circle":2.0}"#);
    both(Shape::Label(None), r#"{"Label":null}"#);
    both(Shape::Segment(1, None), r#"{"Segment":[1,null]}"#);
    both(Shape::Named { name: "x".into(), sides: Some(3) }, r#"{"Named":{"name":"x","sides":3}}"#);
    both(BTreeMap::from([(10_u8, 'a'), (9, 'b')]), r#"{"9":"b","10":"a"}"#);
    both(BTreeMap::from([((1_u8, 2_u8), 'a')]), r#"{"[1,2]":"a"}"#);
}

#[test]
fn fields_come_in_any_order() {
    let flight = Flight { legs: vec![ua()], note: Some(Some("n".into())), ..ua() };
    assert_eq!(
        write(&flight),
        r#"{"carrier":"UA","delay":1.5,"seats":3,"note":"n","legs":[{"carrier":"UA","delay":1.5,"seats":3,"note":null,"legs":[]}]}"#
    );
    let shuffled = r#"{"more":{"x":[1]},"legs":[{"seats":3,"carrier":"UA","delay":1.5}],
        "note":"n","delay":1.5,"seats":3,"carrier":"UA"}"#;
    assert_eq!(parse(shuffled), Ok(flight));
}

#[test]
fn what_is_missing_is_null_or_the_default() {
    let least = Flight { delay: None, seats: 9, ..ua() };
    assert_eq!(parse(r#"{"carrier":"UA"}"#), Ok(least.clone()));
    assert_eq!(parse(r#"{"carrier":"UA","legs":[],"delay":null}"#), Ok(least));
    assert_eq!(parse(r#"{"0":"a","1":2}"#), Ok(("a".to_owned(), 2_u8)));
}

#[test]
fn a_mistake_names_its_place() {
    fails::<Flight>("{}", "|missing column `carrier`|");
    fails::<Flight>(
        r#"{"carrier":"UA","legs":[{"carrier":"A"},{"seats":1}]}"#,
        "legs[1]|missing column `carrier`|",
    );
    fails::<Flight>(r#"{"carrier":5}"#, "carrier|expected String|5");
    fails::<Flight>(r#"{"carrier":null}"#, "carrier|expected String|null");
    fails::<Flight>(r#"{"carrier":{}}"#, "carrier|expected String|an object");
    fails::<Flight>(r#"{"seats":65536}"#, "seats|number out of range: expected u16|65536");
    fails::<Flight>(r#"{"seats":1.5}"#, "seats|expected u16|1.5");
    fails::<Flight>(r#"{"seats":"1"}"#, "seats|expected u16|\"1\"");
    fails::<Flight>(r#"{"delay":"late"}"#, "delay|expected f64|\"late\"");
    fails::<Flight>(r#"{"seats":1,"seats":2}"#, "seats|the field stands twice|");
    fails::<Flight>("[1]", "|expected Flight|an array");
    fails::<i64>("1e30", "|number out of range: expected i64|1e30");
    fails::<u128>("-1", "|number out of range: expected u128|-1");
    fails::<i128>("\"1\"", "|expected i128|\"1\"");
    fails::<[u8; 2]>("[1]", "|expected 2 values|an array of 1");
    fails::<(u8, u8)>("[1]", "|expected 2 values|an array of 1");
    fails::<(u8, u8)>("[1,2,3]", "|expected 2 values|an array of more");
    fails::<Vec<(u8, bool)>>("[[1,true],[2,3]]", "[1].1|expected bool, `true` or `false`|3");
    fails::<BTreeMap<u8, u8>>(r#"{"1":1,"x":2}"#, "|as a key: expected u8|x");
    fails::<BTreeMap<u8, u8>>(r#"{"1":1,"01":2}"#, "|the same key stands twice|");
    fails::<BTreeMap<String, u8>>(r#"{"a b":-2}"#, "a b|number out of range: expected u8|-2");
    fails::<Color>("\"red\"", "|expected Color, did you mean `Red`?|red");
    fails::<Color>("\"Blue\"", "|expected Color, one of `Red`, `Green`|Blue");
    fails::<Shape>(r#"{"Circle":"x"}"#, "Circle|expected f64|\"x\"");
    fails::<Shape>(r#"{"Cirle":1}"#, "|expected Shape, did you mean `Circle`?|Cirle");
    fails::<crate::schema::Date>("\"May\"", "|expected Date, such as `2024-05-01`|May");
}

#[test]
fn what_is_no_json_is_quoted_from_where_it_goes_wrong() {
    fails::<Flight>(
        r#"{"carrier":"UA" "seats":1}"#,
        "|invalid JSON at byte 17: expected `,` or `}`|\"seats\":1}",
    );
    fails::<Flight>(
        r#"{"carrier":"U"#,
        "carrier|invalid JSON at byte 13: EOF while parsing a string|",
    );
    fails::<u8>("1 2", "|invalid JSON at byte 3: trailing characters|2");
    fails::<u8>("", "|invalid JSON at byte 0: EOF while parsing a value|");
}

#[cfg(feature = "decimal")]
#[test]
fn decimals_are_exact() {
    let decimal: rust_decimal::Decimal = "12345678901234567.89012345".parse().unwrap();
    both(decimal, "\"12345678901234567.89012345\"");
    assert_eq!(parse("12345678901234567.89012345"), Ok(decimal));
    assert_eq!(parse::<rust_decimal::Decimal>("15e-1").unwrap().to_string(), "1.5");
    fails::<rust_decimal::Decimal>("true", "|expected Decimal|true");
}

#[cfg(feature = "uuid")]
#[test]
fn uuids_are_strings() {
    both(uuid::Uuid::from_u128(0x0123), "\"00000000-0000-0000-0000-000000000123\"");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rows_read_back(row in flight()) {
        // `Some(None)` of a nested option is the one value that JSON cannot tell apart.
        fn told_apart(row: &Flight) -> Flight {
            Flight {
                note: row.note.clone().filter(Option::is_some),
                legs: row.legs.iter().map(told_apart).collect(),
                ..row.clone()
            }
        }
        prop_assert_eq!(parse(&write(&row)), Ok(told_apart(&row)));
    }

    #[test]
    fn enums_read_back(shape in shape()) {
        prop_assert_eq!(parse(&write(&shape)), Ok(shape));
    }

    #[test]
    fn floats_read_back_as_text_and_json(bits in any::<u64>(), small in any::<u32>()) {
        let value = (f64::from_bits(bits), f32::from_bits(small));
        both(value, &write(&value));
        let mut out = Vec::new();
        text::parse(DataType::F64, &format!("{:?}", value.0), &mut out).unwrap();
        prop_assert_eq!(out, value.0.to_row_bytes());
    }

    /// Whatever the text, the parser answers and leaves nothing behind.
    #[test]
    fn no_text_breaks_the_parser(text in r#"[\[\]{}",:a-c0-9. é]{0,12}"#) {
        drop(parse::<Flight>(&text));
        drop(parse::<Shape>(&text));
    }

    /// What is read as plain is what the parser reads, and nothing that it refuses.
    #[test]
    fn plain_objects_are_read_as_the_parser_reads_them(
        parts in prop::collection::vec(part(), 0..8),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0u8..4, any::<u8>()), 0..3),
    ) {
        let mut text = format!("{{{}}}", parts.join(",")).into_bytes();
        for (at, kind, byte) in changes {
            let at = at.index(text.len());
            // Mostly bytes that mean something.
            let byte = if byte < 0x80 { b"\"{}[],:.-+eE019tn \\\t\xc3"[usize::from(byte) % 21] } else { byte };
            match kind {
                0 => text.insert(at, byte),
                1 => text[at] = byte,
                2 if text.len() > 1 => drop(text.remove(at)),
                _ => text.truncate(at + 1),
            }
        }
        for data_type in [DataType::Struct(&PLAIN), Flight::data_type()] {
            let mut out = b"before".to_vec();
            let mut parser = JsonParser::new();
            let is_plain = parser.parse_plain(data_type, &text, &mut out);
            let parsed = std::str::from_utf8(&text).ok().and_then(|text| {
                let mut out = b"before".to_vec();
                parser.parse(data_type, text, &mut out).ok().map(|()| out)
            });
            if is_plain {
                prop_assert_eq!(Some(out), parsed);
            } else {
                prop_assert_eq!(out, b"before");
            }
        }
    }
}

static PLAIN: StructType = StructType {
    name: "Plain",
    kind: StructKind::Named,
    columns: &[
        ColumnType::of::<String>("text"),
        ColumnType::of::<Option<f64>>("float"),
        ColumnType::of::<Option<i8>>("byte"),
        ColumnType::of::<Option<u64>>("number"),
        ColumnType::of::<Option<bool>>("flag"),
        ColumnType::of::<Option<crate::schema::Date>>("day"),
    ],
};

/// A field of an object, rarely of the right type.
fn part() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        8 => prop::sample::select(vec!["text", "float", "byte", "number", "flag", "day"]),
        1 => prop::sample::select(vec!["other", "t\\u0065xt", "é", ""]),
    ];
    let value = prop_oneof![
        4 => "[a-zé ]{0,4}".prop_map(|text| format!("\"{text}\"")),
        3 => "-?(0|[1-9][0-9]{0,3})",
        2 => "-?(0|[1-9][0-9]{0,17})",
        3 => r"-?(0|[1-9][0-9]{0,9})\.[0-9]{1,9}",
        1 => r"-?[0-9]{1,3}(\.[0-9]{0,2})?([eE][-+]?[0-9]{1,3})?",
        1 => any::<f64>().prop_map(|float| format!("{float:?}")),
        1 => any::<i64>().prop_map(|int| int.to_string()),
        4 => prop::sample::select(vec![
            "null", "true", "false", "\"2024-02-29\"", "\"2024-02-30\"", "\"NaN\"", "\"\\n\"", "[1]",
            "{}", "-0", "-0.0", "nul", "00", "1.", ".5", "\"\t\"", "18446744073709551615",
        ])
        .prop_map(str::to_owned),
    ];
    let blank = || prop::sample::select(vec!["", "", "", " ", "\t\r\n "]);
    (blank(), name, blank(), blank(), value, blank())
        .prop_map(|(a, name, b, c, value, d)| format!("{a}\"{name}\"{b}:{c}{value}{d}"))
}

#[test]
fn plain_objects_are_plain() {
    let is_plain = |text: &str| {
        let mut out = Vec::new();
        JsonParser::new().parse_plain(DataType::Struct(&PLAIN), text.as_bytes(), &mut out)
    };
    assert!(is_plain(r#"{"text":"a"}"#));
    assert!(is_plain(" {\t\"number\" : 12345678901234567, \"other\":-1.50,\"text\": \"é\" } "));
    assert!(is_plain(
        r#"{"text":"","float":-0.25,"byte":-128,"number":null,"flag":false,"day":"2024-05-01"}"#
    ));
    for text in [
        "",
        "{",
        "{}",
        "[]",
        r#"{"text":"a"}x"#,
        r#"{"text":"a",}"#,
        r#"{"text":"\\n"}"#,
        r#"{"text":null}"#,
        r#"{"text":"a","text":"a"}"#,
        r#"{"text":"a","byte":128}"#,
        r#"{"text":"a","byte":1.0}"#,
        r#"{"text":"a","byte":-0}"#,
        r#"{"text":"a","other":[]}"#,
        r#"{"text":"a","float":1e3}"#,
        r#"{"text":"a","float":12345678901234567}"#,
    ] {
        assert!(!is_plain(text), "{text}");
    }
}
