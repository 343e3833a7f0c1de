use super::{parse, write};
use crate::format::display::display;
use crate::format::table::TextTable;
use crate::schema::tests::rows::{Airport, Color, Flight, Shape};
use crate::schema::{Bytes, Date, DateTime, Duration, NaiveDateTime, Schema, Time, Zoned};
use std::cmp::Reverse;
use std::collections::BTreeMap;

fn read<T: Schema>(text: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    parse(T::data_type(), text, &mut out).map(|()| out).map_err(|mismatch| mismatch.problem)
}

#[expect(clippy::needless_pass_by_value, reason = "the callers read better")]
#[track_caller]
fn both<T: Schema>(value: T, text: &str) {
    let (bytes, mut out) = (value.to_row_bytes(), String::new());
    write(T::data_type(), &mut bytes.as_slice(), &mut out);
    assert_eq!(out, text);
    assert_eq!(read::<T>(text), Ok(bytes));
}

#[track_caller]
fn fails<T: Schema>(text: &str, problem: &str) {
    assert_eq!(read::<T>(text), Err(problem.to_owned()), "{text}");
}

#[test]
fn values_read_back() {
    both(-128_i8, "-128");
    both(u128::MAX, "340282366920938463463374607431768211455");
    both(3.0_f64, "3.0");
    both(1e300_f64, "1e300");
    both(f64::NAN, "NaN");
    both(f32::NEG_INFINITY, "-inf");
    both(false, "false");
    both('é', "é");
    both(Reverse(7_u8), "7");
    both(Reverse(Some(vec![Reverse(1_i64)])), "[1]");
    both(Reverse(None::<bool>), "null");
    both(String::new(), "");
    both(Bytes::from(&b"fo"[..]), "Zm8=");
    both("2013-01-01T10:00:00.5Z".parse::<DateTime>().unwrap(), "2013-01-01T10:00:00.5Z");
    both("1902-01-01T10:00:00Z".parse::<DateTime>().unwrap(), "1902-01-01T10:00:00Z");
    both(Date::constant(2024, 2, 29), "2024-02-29");
    both(Date::constant(-44, 3, 15), "-000044-03-15");
    both(Time::constant(9, 5, 0, 0), "09:05:00");
    both(NaiveDateTime::constant(2024, 2, 29, 1, 2, 3, 0), "2024-02-29T01:02:03");
    both(Duration::MIN, "-PT2562047788015215H30M8.999999999S");
    both(std::time::Duration::from_millis(1500), "PT1.5S");
    both(DateTime::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC), "1970-01-01T00:00:00+00:00[UTC]");
    both(Color::Red, "Red");
    both(Airport("a,b".into()), "a,b");
    both(vec![Some(1_u8), None], "[1,null]");
    both((1_u8, "x".to_owned()), r#"[1,"x"]"#);
    both(Shape::Circle(1.0), r#"{"Circle":1.0}"#);
    both(serde_json::json!({"a": 1}), r#"{"a":1}"#);
}

#[test]
fn other_spellings_are_read() {
    for text in ["true", "True", "TRUE", "1"] {
        assert_eq!(read::<bool>(text), Ok(vec![1]));
    }
    for text in ["false", "False", "FALSE", "0"] {
        assert_eq!(read::<bool>(text), Ok(vec![0]));
    }
    assert_eq!(read::<f64>("1e3"), Ok(1000.0_f64.to_row_bytes()));
    assert_eq!(read::<f64>("-Infinity"), Ok(f64::NEG_INFINITY.to_row_bytes()));
    assert_eq!(read::<Duration>("1h 30m"), Ok(Duration::from_mins(90).to_row_bytes()));
    assert_eq!(
        read::<DateTime>("2024-05-01T14:30:00+02:00"),
        read::<DateTime>("2024-05-01T12:30:00Z")
    );
}

#[test]
fn a_mismatch_says_what_was_expected() {
    fails::<i32>("3000000000", "number out of range: expected i32");
    fails::<u8>("-1", "number out of range: expected u8");
    fails::<i32>("12 ", "expected i32");
    fails::<i32>("", "expected i32");
    fails::<f64>("1,5", "expected f64");
    fails::<f64>("1e999", "number out of range: expected f64");
    fails::<f32>("1e39", "number out of range: expected f32");
    fails::<bool>("yes", "expected bool, `true` or `false`");
    fails::<char>("ab", "expected char");
    fails::<Bytes>("?", "expected Bytes in base64");
    fails::<DateTime>("2024-05-01T12:30:00", "expected DateTime, such as `2024-05-01T12:30:00Z`");
    fails::<Date>("2024-02-30", "expected Date, such as `2024-05-01`");
    fails::<Date>("2024-05-01T12:30:00", "expected Date, such as `2024-05-01`");
    fails::<Time>("25:00", "expected Time, such as `12:30:00`");
    fails::<Time>("2024-05-01T12:30:00", "expected Time, such as `12:30:00`");
    let naive = "expected NaiveDateTime, such as `2024-05-01T12:30:00`";
    fails::<NaiveDateTime>("2024-05-01", naive);
    fails::<NaiveDateTime>("2024-05-01T12:30:00Z", naive);
    fails::<NaiveDateTime>("2024-05-01T12:30:00+02:00", naive);
    fails::<Zoned>(
        "2024-05-01T12:30:00Z",
        "expected Zoned, such as `2024-05-01T12:30:00-04:00[America/New_York]`",
    );
    fails::<Duration>("fast", "expected Duration, such as `1h 30m`");
    fails::<std::time::Duration>("-PT1S", "expected Duration, such as `1h 30m`");
    fails::<Color>("green", "expected Color, did you mean `Green`?");
    fails::<Vec<u8>>(
        "[1,300]",
        "expected Vec<u8> as JSON: `[1]`: number out of range: expected u8",
    );
}

#[test]
fn rows_print_as_debug_does() {
    let flight = Flight {
        carrier: "U\"A".into(),
        delay: Some(3.5),
        seats: 1,
        note: Some(None),
        legs: vec![],
    };
    fn shown<T: Schema>(value: &T) -> String {
        display(T::data_type(), &value.to_row_bytes())
    }
    assert_eq!(shown(&flight), format!("{flight:?}"));
    for shape in [
        Shape::Empty,
        Shape::Circle(1.0),
        Shape::Label(None),
        Shape::Segment(1, Some(2)),
        Shape::Named { name: "x".into(), sides: Some(3) },
    ] {
        assert_eq!(shown(&shape), format!("{shape:?}"));
    }
    let tuple = ("a".to_owned(), 1_u8, Some('c'), vec![[1.0]], BTreeMap::from([(1_u8, true)]));
    assert_eq!(shown(&tuple), format!("{tuple:?}"));
    let reversed = (Reverse(1_u8), Some(Reverse(vec![Reverse("a".to_owned())])));
    assert_eq!(shown(&reversed), format!("{reversed:?}"));
    assert_eq!(shown(&(1_u8,)), "(1,)");
    assert_eq!(shown(&Bytes::from(&[0, b'a'][..])), "b\"\\x00a\"");
    assert_eq!(shown(&DateTime::UNIX_EPOCH), "1970-01-01T00:00:00Z");
}

#[test]
fn tables_are_aligned() {
    type Row = (String, Option<f64>, u8);
    let mut table = TextTable::of(Row::data_type());
    let rows: [Row; 3] =
        [("Zürich".into(), Some(1.5), 7), ("a\nb".into(), None, 100), ("x".repeat(50), None, 1)];
    for row in rows {
        table.push_row(Row::data_type(), &row.to_row_bytes(), &[]);
    }
    let long = format!("{}…", "x".repeat(39));
    let expected = format!(
        "{}\n{}  ---  ---\n{}  1.5    7\n{}       100\n{long}         1\n",
        format_args!("{:<40}    1    2", "0"),
        "-".repeat(40),
        format_args!("{:<40}", "Zürich"),
        format_args!("{:<40}", "a⏎b"),
    );
    assert_eq!(table.to_string(), expected);
}
