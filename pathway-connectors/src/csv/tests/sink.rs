use crate::csv::{CsvFormat, file};
use crate::testing::{Directory, decode, open, updates};
use pathway_core::format::display::display;
use pathway_core::io::CollectionKind;
use pathway_core::schema::Schema;

type Row = (String, Option<f64>);

fn row(word: &str, number: impl Into<Option<f64>>) -> Row {
    (word.into(), number.into())
}

#[test]
fn a_table_is_written_as_it_stands() {
    let directory = Directory::new("csv-table");
    std::fs::write(directory.path("out.csv"), "old").unwrap();
    let mut sink = open::<Row>(file(directory.path("out.csv")), CollectionKind::Table).unwrap();
    sink.write(1, &updates([(row("b", 1.0), 1), (row("a", None), 2)])).unwrap();
    assert_eq!(directory.read("out.csv"), "old");
    sink.flush().unwrap();
    assert_eq!(directory.read("out.csv"), "0,1\na,\na,\nb,1.0\n");

    sink.write(2, &updates([(row("b", 1.0), -1), (row("a", None), -1)])).unwrap();
    sink.flush().unwrap();
    assert_eq!(directory.read("out.csv"), "0,1\na,\na,\nb,1.0\n", "not yet a second later");
    sink.finish().unwrap();
    assert_eq!(directory.read("out.csv"), "0,1\na,\n");
    assert_eq!(directory.names(), ["out.csv"]);
}

#[test]
fn a_table_of_a_run_that_fails_leaves_what_was_published() {
    let directory = Directory::new("csv-failed");
    let mut sink = open::<Row>(file(directory.path("out.csv")), CollectionKind::Table).unwrap();
    sink.write(1, &updates([(row("b", 1.0), 1)])).unwrap();
    drop(sink);
    assert_eq!(directory.names(), Vec::<String>::new());
}

#[test]
fn an_empty_table_is_a_header() {
    let directory = Directory::new("csv-empty");
    open::<Row>(file(directory.path("out.csv")), CollectionKind::Table).unwrap().finish().unwrap();
    assert_eq!(directory.read("out.csv"), "0,1\n");
}

#[test]
fn a_stream_is_appended() {
    let directory = Directory::new("csv-stream");
    let mut sink = open::<String>(file(directory.path("out.csv")), CollectionKind::Stream).unwrap();
    sink.write(1, &updates([("b".to_owned(), 1)])).unwrap();
    sink.flush().unwrap();
    assert_eq!(directory.read("out.csv"), "value\nb\n");
    sink.write(2, &updates([("a".to_owned(), 2), (String::new(), 1)])).unwrap();
    sink.finish().unwrap();
    assert_eq!(directory.read("out.csv"), "value\nb\na\na\n\"\"\n");
}

#[test]
fn a_stream_can_be_written_as_it_stands() {
    let directory = Directory::new("csv-current");
    let mut sink =
        open::<String>(file(directory.path("out.csv")).current(), CollectionKind::Stream).unwrap();
    sink.write(1, &updates([("b".to_owned(), 1), ("a".to_owned(), 1)])).unwrap();
    sink.finish().unwrap();
    assert_eq!(directory.read("out.csv"), "value\na\nb\n");
}

#[test]
fn changes_have_an_epoch_and_a_diff() {
    let directory = Directory::new("csv-changes");
    let mut sink =
        open::<Row>(file(directory.path("out.csv")).changes(), CollectionKind::Table).unwrap();
    sink.write(3, &updates([(row("a", None), 2)])).unwrap();
    sink.write(5, &updates([(row("a", None), -1), (row("b", 0.5), 1)])).unwrap();
    sink.finish().unwrap();
    assert_eq!(directory.read("out.csv"), "0,1,epoch,diff\na,,3,2\na,,5,-1\nb,0.5,5,1\n");
}

#[test]
fn options_are_kept() {
    let directory = Directory::new("csv-options");
    let sink = file(directory.path("out.csv")).delimiter(b';').no_header().null("NA");
    let mut sink = open::<Row>(sink, CollectionKind::Stream).unwrap();
    sink.write(1, &updates([(row("a;b", None), 1)])).unwrap();
    sink.finish().unwrap();
    assert_eq!(directory.read("out.csv"), "\"a;b\";NA\n");
}

#[test]
fn what_is_written_reads_back() {
    let directory = Directory::new("csv-back");
    let rows = ["", "a,b", "say \"hi\"", "two\nlines", "\r", " blank ", "é"]
        .map(|text| (text.to_owned(), text.len(), vec![text.to_owned()]));
    let mut sink = open::<(String, usize, Vec<String>)>(
        file(directory.path("out.csv")),
        CollectionKind::Stream,
    )
    .unwrap();
    sink.write(1, &updates(rows.clone().map(|row| (row, 1)))).unwrap();
    sink.finish().unwrap();
    let data_type = <(String, usize, Vec<String>)>::data_type();
    let text = directory.read("out.csv");
    let received = decode(&CsvFormat::new(data_type), data_type, text.as_bytes());
    assert_eq!(received.bad, []);
    assert_eq!(received.rows, rows.map(|row| display(data_type, &row.to_row_bytes())));
}

#[test]
fn what_cannot_be_written_says_what_to_do() {
    let directory = Directory::new("csv-unwritable");
    drop(open::<Row>(file(directory.path("new/folder/out.csv")), CollectionKind::Table).unwrap());
    let shown = directory.0.display();
    let error = |path: &str| {
        open::<Row>(file(directory.path(path)), CollectionKind::Table).err().unwrap().to_string()
    };
    std::fs::write(directory.path("file"), "").unwrap();
    let below_a_file = error("file/out.csv");
    assert!(
        below_a_file.starts_with(&format!("could not create `{shown}/file`: ")),
        "{below_a_file}"
    );
    std::fs::create_dir(directory.path("sub")).unwrap();
    assert_eq!(
        error("sub"),
        format!("cannot write `{shown}/sub`: it is a directory\nhelp: name a file inside it")
    );
    let nothing = open::<()>(file(directory.path("out.csv")), CollectionKind::Table)
        .err()
        .unwrap()
        .to_string();
    assert_eq!(
        nothing,
        "rows of type `()` have no columns to write as CSV\nhelp: select at least one column"
    );
}
