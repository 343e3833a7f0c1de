use crate::csv::CsvFormat;
use crate::format::Format;
use crate::testing::{Flight, PLANE, decode, decode_in, messages, stops};
use pathway_core::io::BadRow;
use pathway_core::schema::{DataType, Schema};
use proptest::prelude::*;

fn flights() -> CsvFormat {
    CsvFormat::new(Flight::ROWS)
}

/// The rows of a file without bad ones.
fn rows(format: &CsvFormat, data_type: DataType, text: &str) -> Vec<String> {
    let received = decode(format, data_type, text.as_bytes());
    assert_eq!(messages(&received), Vec::<String>::new());
    received.rows
}

/// The rows and the messages of a file.
fn both(format: &CsvFormat, text: impl AsRef<[u8]>) -> (Vec<String>, Vec<String>) {
    let received = decode(format, Flight::ROWS, text.as_ref());
    let messages = messages(&received);
    (received.rows, messages)
}

const UA: &str = r#"Flight { carrier: "UA", delay: Some(1.5), miles: 100 }"#;
const AA: &str = r#"Flight { carrier: "AA", delay: None, miles: -7 }"#;

#[test]
fn columns_are_found_by_name() {
    assert_eq!(
        rows(&flights(), Flight::ROWS, "carrier,delay,miles\nUA,1.5,100\nAA,,-7\n"),
        [UA, AA]
    );
    let shuffled = "miles,tail number,carrier,delay\n100,N1,UA,1.5\n-7,N2,AA,";
    assert_eq!(rows(&flights(), Flight::ROWS, shuffled), [UA, AA]);
}

#[test]
fn line_ends_blank_lines_and_a_byte_order_mark_make_no_difference() {
    for text in [
        "carrier,delay,miles\r\nUA,1.5,100\r\nAA,,-7\r\n",
        "carrier,delay,miles\rUA,1.5,100\rAA,,-7",
        "\u{feff}\n\ncarrier,delay,miles\n\nUA,1.5,100\r\n\r\n\nAA,,-7\n\n",
    ] {
        assert_eq!(rows(&flights(), Flight::ROWS, text), [UA, AA], "{text:?}");
    }
}

#[test]
fn quoted_cells_hold_anything() {
    let text =
        "carrier,\"delay\",miles\n\"a,\"\"b\"\"\nc\",\"1.5\",1\n\"x\ny\",,2\n\"\",,3\nx\"y,,4\n";
    let carriers = ["a,\\\"b\\\"\\nc", "x\\ny", "", "x\\\"y"];
    let expected: Vec<String> = carriers
        .iter()
        .zip(1..)
        .map(|(carrier, miles)| {
            let delay = if miles == 1 { "Some(1.5)" } else { "None" };
            format!("Flight {{ carrier: \"{carrier}\", delay: {delay}, miles: {miles} }}")
        })
        .collect();
    assert_eq!(rows(&flights(), Flight::ROWS, text), expected);
}

#[test]
fn delimiter_quote_and_null_can_be_chosen() {
    let format = flights().delimiter(b';').quote(b'\'').null("NA").null("-");
    let text = "carrier;delay;miles\n'U;A';NA;1\nNA;-;2\n";
    assert_eq!(
        rows(&format, Flight::ROWS, text),
        [
            r#"Flight { carrier: "U;A", delay: None, miles: 1 }"#,
            r#"Flight { carrier: "NA", delay: None, miles: 2 }"#,
        ]
    );
}

#[test]
fn a_column_that_is_absent_takes_its_default() {
    let format = CsvFormat::new(PLANE);
    assert_eq!(
        rows(&format, PLANE, "tail\nN1\n"),
        [r#"Plane { tail: "N1", seats: 9, year: Some(1999), engines: [] }"#]
    );
    assert_eq!(
        rows(&format, PLANE, "engines,year,tail,seats\n\"[1,2]\",,N2,3\n"),
        [r#"Plane { tail: "N2", seats: 3, year: None, engines: [1, 2] }"#]
    );
}

#[test]
fn without_a_header_columns_are_taken_by_position() {
    let format = flights().no_header();
    assert_eq!(rows(&format, Flight::ROWS, "UA,1.5,100\nAA,,-7\n"), [UA, AA]);
    assert_eq!(rows(&format, Flight::ROWS, "UA,1.5,100,more\n"), [UA]);
}

#[test]
fn plain_values_and_tuples_are_rows() {
    let words = CsvFormat::new(String::data_type());
    assert_eq!(rows(&words, String::data_type(), "value\na\n\"\"\n"), [r#""a""#, r#""""#]);
    let options = CsvFormat::new(Option::<u8>::data_type());
    assert_eq!(rows(&options, Option::<u8>::data_type(), "value\n1\n\"\"\n"), ["Some(1)", "None"]);
    type Pair = (String, Option<i8>);
    let pairs = CsvFormat::new(Pair::data_type());
    assert_eq!(
        rows(&pairs, Pair::data_type(), "word,count\na,1\nb,\n"),
        [r#"("a", Some(1))"#, r#"("b", None)"#]
    );
}

#[test]
fn a_cell_that_is_not_of_its_type_names_line_column_and_text() {
    let text =
        "carrier,delay,miles\n\"x\ny\",late,1\nUA,1.5,3000000000\nUA,,\nUA,1.5,100\nUA,1.5,-\n";
    let received = decode(&flights().null("-"), Flight::ROWS, text.as_bytes());
    assert_eq!(received.rows, [UA]);
    assert_eq!(
        messages(&received),
        [
            "data.txt:2, column `delay`: expected f64, found `late`",
            "data.txt:4, column `miles`: number out of range: expected i32, found `3000000000`",
            "data.txt:5, column `miles`: expected i32, found an empty cell; make the column an \
             `Option` to read it as null",
            "data.txt:7, column `miles`: expected i32; make the column an `Option` to read this \
             as null, found `-`",
        ]
    );
    assert_eq!(
        received.bad[0],
        BadRow {
            source: "data.txt".into(),
            line: 2,
            column: Some("delay".into()),
            text: "late".into(),
            problem: "expected f64".into(),
            record: "\"x\ny\",late,1".into(),
        }
    );
    assert_eq!(*stops(&flights(), Flight::ROWS, text.as_bytes()), received.bad[0]);
}

#[test]
fn a_missing_column_is_an_error_of_the_whole_file() {
    assert_eq!(
        both(&flights(), "carier,delay,miles\nUA,1.5,100\nUA,1.5,100\n"),
        (
            vec![],
            vec![
                "data.txt:1, column `carrier`: missing from the header; the file has `carier`, \
                 `delay`, `miles`; did you mean `carier`?"
                    .into()
            ]
        )
    );
    assert_eq!(
        both(&flights(), "\nyear,day\n1,2\n").1,
        [
            "data.txt:2, column `carrier`: missing from the header, and so are `delay`, `miles`; the \
          file has `year`, `day`"
        ]
    );
    assert_eq!(
        both(&flights(), "carrier,delay,miles,carrier\n").1,
        ["data.txt:1, column `carrier`: stands twice in the header"]
    );
    assert_eq!(
        both(&flights().no_header(), "UA,1.5\n").1,
        ["data.txt:1, column `miles`: the file has 2 columns, the row type 3"]
    );
    let many: Vec<String> = (0..25).map(|at| format!("c{at}")).collect();
    let (_, messages) = both(&flights(), many.join(","));
    assert!(messages[0].ends_with("`c19`, and 5 more"), "{messages:?}");
}

#[test]
fn a_record_with_another_number_of_cells_is_bad() {
    assert_eq!(
        both(&flights(), "carrier,delay,miles\nUA,1.5\nUA,1.5,100\nUA,1.5,100,\n"),
        (
            vec![UA.into()],
            vec![
                "data.txt:2: the record has 2 cells, the header has 3, found `UA,1.5`".into(),
                "data.txt:4: the record has 4 cells, the header has 3, found `UA,1.5,100,`".into(),
            ]
        )
    );
    assert_eq!(
        both(&flights().no_header(), "UA,1.5,100\nUA\n").1,
        ["data.txt:2: the record has 1 cells, the first record has 3, found `UA`"]
    );
}

#[test]
fn invalid_utf8_names_the_byte() {
    let text = b"carrier,delay,miles,note\nU\xffA,1,2,\nUA,1.5,100,\n\xc3\xa9,,1,\n\"\"\"\",,1,\x80\nAA,,-7,";
    assert_eq!(
        both(&flights(), text),
        (
            vec![UA.into(), "Flight { carrier: \"é\", delay: None, miles: 1 }".into(), AA.into()],
            vec![
                "data.txt:2, column `carrier`: invalid UTF-8: byte 0xff at byte 2 of the record, \
                 found `U\u{fffd}A`"
                    .into(),
                "data.txt:5: invalid UTF-8: byte 0x80 at byte 9 of the record, found `\u{fffd}`"
                    .into(),
            ]
        )
    );
    assert_eq!(
        both(&flights(), b"carrier,d\xe9lay,miles\nUA,1.5,100\n"),
        (
            vec![],
            vec![
                "data.txt:1: invalid UTF-8: byte 0xe9 at byte 10 of the record, found \
                 `d\u{fffd}lay`"
                    .into()
            ]
        )
    );
}

#[test]
fn a_record_longer_than_the_limit_is_bad() {
    let long = "x".repeat(1000);
    let text = format!("carrier,delay,miles\n{long},1,2\nUA,1.5,100\n\"{long}\n\",,3\nAA,,-7\n");
    let (found, messages) = both(&flights().record_bytes_max(30), &text);
    assert_eq!(found, [UA, AA]);
    let message = |line| {
        format!(
            "data.txt:{line}: the record is longer than 30 bytes; if no quote is missing, raise \
             `record_bytes_max`, found `"
        )
    };
    assert_eq!(
        messages,
        [
            format!("{}{}`", message(2), "x".repeat(30)),
            format!("{}\"{}`", message(4), "x".repeat(29)),
        ]
    );
}

#[test]
fn a_quote_that_is_never_closed_is_bad() {
    assert_eq!(
        both(&flights(), "carrier,delay,miles\nUA,1.5,100\n\"AA,,-7\nUA,1.5,100\n"),
        (
            vec![UA.into()],
            vec![
                "data.txt:3: a quote is never closed, up to the end of the file, found \
                 `\"AA,,-7\nUA,1.5,100`"
                    .into()
            ]
        )
    );
}

#[test]
fn an_empty_file_has_no_rows() {
    for text in ["", "\u{feff}", "\n\r\n", "carrier,delay,miles"] {
        assert_eq!(rows(&flights(), Flight::ROWS, text), Vec::<String>::new());
    }
}

#[test]
fn options_are_checked_before_anything_is_read() {
    let error = |format: CsvFormat| format.decoder("a").err().unwrap().to_string();
    assert_eq!(
        error(flights().delimiter(b'\n')),
        "`\\n` cannot be the delimiter of CSV\nhelp: choose an ASCII character that ends no \
         line, another one for each"
    );
    assert!(error(flights().delimiter(b'"')).starts_with("`\\\"` cannot be the delimiter"));
    assert_eq!(
        error(CsvFormat::new(<()>::data_type())),
        "rows of type `()` have no columns\nhelp: add fields to the row type, or read plain text \
         with `lines`"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// The scan in place and `csv-core` agree on every text, however it is cut.
    #[test]
    fn both_ways_agree(text in "([ab,\"\n\r]|\"a\"|é){0,24}", block in 1_usize..30) {
        type Cells = (String, String);
        let text = format!("p,q\n{text}");
        // The decoder sees the whole text at once, and then byte by byte, which is csv-core alone.
        let format = CsvFormat::new(Cells::data_type());
        let whole = decode_in(&format, Cells::data_type(), text.as_bytes(), usize::MAX);
        for block in [1, block] {
            let pieces = decode_in(&format, Cells::data_type(), text.as_bytes(), block);
            prop_assert_eq!(&pieces.rows, &whole.rows);
            prop_assert_eq!(&pieces.bad, &whole.bad);
        }
    }
}
