use super::LinesFormat;
use crate::format::Format;
use crate::testing::{Flight, decode, messages};
use pathway_core::schema::{ColumnType, DataType, Schema, StructKind, StructType};

const LINE: DataType = DataType::Struct(&StructType {
    name: "Line",
    kind: StructKind::Named,
    columns: &[
        ColumnType::of::<Option<u8>>("seen").default(|out| None::<u8>.encode(out)),
        ColumnType::of::<String>("text"),
        ColumnType::of::<Option<u8>>("level").default(|out| Some(3_u8).encode(out)),
    ],
});

#[test]
fn each_line_is_a_row() {
    let text = "\u{feff}one\r\n\ntwo \nthree";
    let rows = String::data_type();
    let received = decode(&LinesFormat::new(rows), rows, text.as_bytes());
    assert_eq!(received.rows, [r#""one""#, r#""""#, r#""two ""#, r#""three""#]);
    let received = decode(&LinesFormat::new(LINE), LINE, text.as_bytes());
    assert_eq!(received.rows[2], r#"Line { seen: None, text: "two ", level: Some(3) }"#);
}

#[test]
fn a_bad_line_names_the_byte_or_the_limit() {
    let rows = String::data_type();
    let format = LinesFormat::new(rows).record_bytes_max(5);
    let received = decode(&format, rows, b"12345\n123456\nx\xff\nend");
    assert_eq!(received.rows, [r#""12345""#, r#""end""#]);
    assert_eq!(
        messages(&received),
        [
            "data.txt:2: the line is longer than 5 bytes; if it is right, raise \
             `record_bytes_max`, found `12345`",
            "data.txt:3: invalid UTF-8: byte 0xff at byte 2 of the record, found `x\u{fffd}`",
        ]
    );
}

#[test]
fn other_row_types_are_refused() {
    for rows in [Flight::ROWS, u8::data_type(), <(String, String)>::data_type()] {
        let error = LinesFormat::new(rows).decoder("a").err().unwrap().to_string();
        assert_eq!(
            error,
            format!(
                "lines cannot be read as rows of type `{}`\nhelp: read them as `String`, or as a \
                 struct with one `String` column and defaults for all others",
                rows.name()
            )
        );
    }
}
