use crate::jsonl::{JsonlFormat, file};
use crate::testing::{Directory, Flight, decode, messages, open, stops, updates};
use pathway_core::io::CollectionKind;
use pathway_core::schema::{ColumnType, DataType, Schema, StructKind, StructType};

const UA: &str = r#"Flight { carrier: "UA", delay: Some(1.5), miles: 100 }"#;

fn both(bytes: impl AsRef<[u8]>, bytes_max: usize) -> (Vec<String>, Vec<String>) {
    let format = JsonlFormat::new(Flight::ROWS).record_bytes_max(bytes_max);
    let received = decode(&format, Flight::ROWS, bytes.as_ref());
    let messages = messages(&received);
    (received.rows, messages)
}

#[test]
fn each_line_is_a_row() {
    let text = "\u{feff}{\"carrier\":\"UA\",\"delay\":1.5,\"miles\":100}\n\n \t\r\n\
                {\"x\":[{}],\"miles\":100,\"carrier\":\"\\u0055A\",\"delay\":1.5}\r\n\
                { \"carrier\" : \"UA\", \"miles\" : 100, \"delay\": 15e-1 }";
    assert_eq!(both(text, 100), (vec![UA.into(); 3], vec![]));
}

#[test]
fn a_bad_line_names_line_column_and_text() {
    let text = b"{\"carrier\":\"UA\",\"delay\":1.5,\"miles\":100}
{\"carrier\":\"UA\",\"miles\":3000000000}
{\"carrier\":\"UA\"}
{\"carrier\":\"UA\",\"miles\":1} x
{\"carrier\":\"U\xff\",\"miles\":1}
UA,1.5,100
{\"carrier\":\"UA\",\"delay\":1.5,\"miles\":100}
{\"carrier\":\"UA";
    let (rows, messages) = both(text, 100);
    assert_eq!(rows, [UA, UA]);
    assert_eq!(
        messages,
        [
            "data.txt:2, column `miles`: number out of range: expected i32, found `3000000000`",
            "data.txt:3: missing column `miles`",
            "data.txt:4: invalid JSON at byte 28: trailing characters, found `x`",
            "data.txt:5: invalid UTF-8: byte 0xff at byte 14 of the record, found \
             `{\"carrier\":\"U\u{fffd}\",\"miles\":1}`",
            "data.txt:6: invalid JSON at byte 1: expected value, found `UA,1.5,100`",
            "data.txt:8, column `carrier`: invalid JSON at byte 14: EOF while parsing a string",
        ]
    );
    let format = JsonlFormat::new(Flight::ROWS);
    assert_eq!(
        stops(&format, Flight::ROWS, text).record,
        "{\"carrier\":\"UA\",\"miles\":3000000000}"
    );
}

#[test]
fn a_column_deep_inside_is_named_by_its_path() {
    static TRIP: StructType = StructType {
        name: "Trip",
        kind: StructKind::Named,
        columns: &[ColumnType {
            data_type: || DataType::List(|| Flight::ROWS),
            ..ColumnType::of::<u8>("legs")
        }],
    };
    let rows = DataType::Struct(&TRIP);
    let text = r#"{"legs":[{"carrier":"UA","miles":1},{"carrier":"UA","miles":"far"}]}"#;
    let received = decode(&JsonlFormat::new(rows), rows, text.as_bytes());
    assert_eq!(
        messages(&received),
        ["data.txt:1, column `legs[1].miles`: expected i32, found `\"far\"`"]
    );
}

#[test]
fn a_line_longer_than_the_limit_is_bad() {
    let text = format!(
        "{{\"carrier\":\"{}\"}}\n{}\n",
        "x".repeat(99),
        r#"{"carrier":"UA","delay":1.5,"miles":100}"#
    );
    let (rows, messages) = both(text, 40);
    assert_eq!(rows, [UA]);
    assert_eq!(
        messages,
        [format!(
            "data.txt:1: the line is longer than 40 bytes; if it is right, raise \
             `record_bytes_max`, found `{{\"carrier\":\"{}`",
            "x".repeat(28)
        )]
    );
}

type Row = (String, Option<u64>);

#[test]
fn sinks_write_rows_or_changes() {
    let directory = Directory::new("jsonl-sink");
    let a: Row = ("a\"".into(), None);
    let b: Row = ("b".into(), Some(u64::MAX));
    let mut sink = open::<Row>(file(directory.path("t.jsonl")), CollectionKind::Table).unwrap();
    sink.write(1, &updates([(b.clone(), 1), (a.clone(), 1)])).unwrap();
    sink.finish().unwrap();
    assert_eq!(directory.read("t.jsonl"), "[\"a\\\"\",null]\n[\"b\",18446744073709551615]\n");

    let mut sink =
        open::<Row>(file(directory.path("c.jsonl")).changes(), CollectionKind::Table).unwrap();
    sink.write(7, &updates([(a, -1), (b, 2)])).unwrap();
    sink.finish().unwrap();
    assert_eq!(
        directory.read("c.jsonl"),
        "{\"0\":\"a\\\"\",\"1\":null,\"epoch\":7,\"diff\":-1}\n\
         {\"0\":\"b\",\"1\":18446744073709551615,\"epoch\":7,\"diff\":2}\n"
    );

    let mut sink =
        open::<Option<u8>>(file(directory.path("v.jsonl")).changes(), CollectionKind::Stream)
            .unwrap();
    sink.write(7, &updates([(Some(1_u8), 1), (None, 1)])).unwrap();
    sink.finish().unwrap();
    assert_eq!(
        directory.read("v.jsonl"),
        "{\"value\":1,\"epoch\":7,\"diff\":1}\n{\"value\":null,\"epoch\":7,\"diff\":1}\n"
    );
}

#[test]
fn a_column_of_the_name_of_a_change_is_refused() {
    static ROWS: StructType = StructType {
        name: "Tick",
        kind: StructKind::Named,
        columns: &[ColumnType::of::<u64>("epoch")],
    };
    use pathway_core::io::Sink;
    let sink = Box::new(file("out.jsonl").changes());
    assert_eq!(
        sink.open(DataType::Struct(&ROWS), CollectionKind::Table).err().unwrap().to_string(),
        "jsonl `out.jsonl` cannot hold the changes of rows that have a column `epoch` of their \
         own\nhelp: rename that column: the changes add `epoch` and `diff`"
    );
}

/// Reads back through the decoder what the sink has written.
#[test]
fn what_is_written_reads_back() {
    let directory = Directory::new("jsonl-back");
    let rows: Vec<(f64, String)> = [f64::NAN, f64::INFINITY, -0.1, 1e300]
        .map(|float| (float, format!("{float}\n\u{7f}")))
        .into();
    let mut sink =
        open::<(f64, String)>(file(directory.path("out")), CollectionKind::Stream).unwrap();
    sink.write(1, &updates(rows.clone().into_iter().map(|row| (row, 1)))).unwrap();
    sink.finish().unwrap();
    let data_type = <(f64, String)>::data_type();
    let text = directory.read("out");
    let received = decode(&JsonlFormat::new(data_type), data_type, text.as_bytes());
    assert_eq!(received.rows, rows.iter().map(|row| format!("{row:?}")).collect::<Vec<_>>());
}
