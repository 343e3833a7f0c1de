use super::{StdoutTable, Wanted};
use crate::testing::{open, updates};
use pathway_core::io::CollectionKind;
use std::io::Write;
use std::sync::{Arc, Mutex};

#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl Screen {
    fn sink(&self, redraw: bool) -> StdoutTable {
        StdoutTable { out: Box::new(self.clone()), redraw, wanted: Wanted::default(), rows_max: 2 }
    }

    fn text(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

type Row = (String, u8);

fn row(word: &str, number: u8) -> Row {
    (word.into(), number)
}

#[test]
fn a_table_is_printed_as_it_stands() {
    let screen = Screen::default();
    let mut sink = open::<Row>(screen.sink(false), CollectionKind::Table).unwrap();
    sink.write(1, &updates([(row("one", 100), 1), (row("two", 2), 1)])).unwrap();
    sink.flush().unwrap();
    assert_eq!(screen.text(), "0      1\n---  ---\none  100\ntwo    2\n");
    sink.write(2, &updates([(row("three", 3), 1)])).unwrap();
    sink.flush().unwrap();
    assert_eq!(screen.text(), "", "not yet a second later");
    sink.finish().unwrap();
    assert_eq!(
        screen.text(),
        "\n0        1\n-----  ---\none    100\nthree    3\n… and 1 more rows\n"
    );
}

#[test]
fn a_terminal_shows_the_new_state_in_place_of_the_old_one() {
    let screen = Screen::default();
    let mut sink = open::<Row>(screen.sink(true), CollectionKind::Table).unwrap();
    sink.write(1, &updates([(row("a", 1), 1)])).unwrap();
    sink.flush().unwrap();
    sink.write(2, &updates([(row("a", 1), -1), (row("a", 2), 1)])).unwrap();
    sink.finish().unwrap();
    assert_eq!(screen.text(), "0  1\n-  -\na  1\n\x1b[3A\x1b[J0  1\n-  -\na  2\n");
}

#[test]
fn the_rows_of_a_stream_are_printed_as_they_come() {
    let screen = Screen::default();
    let mut sink = open::<Row>(screen.sink(false), CollectionKind::Stream).unwrap();
    sink.write(1, &updates([(row("a", 1), 2)])).unwrap();
    sink.write(2, &updates([(row("b", 100), 1)])).unwrap();
    sink.finish().unwrap();
    assert_eq!(screen.text(), "0  1\n-  -\na  1\na  1\nb  100\n");
}

#[test]
fn changes_have_an_epoch_and_a_diff() {
    let screen = Screen::default();
    let mut sink = open::<Row>(screen.sink(false).changes(), CollectionKind::Table).unwrap();
    sink.write(7, &updates([(row("a", 1), -1), (row("a", 2), 1)])).unwrap();
    sink.finish().unwrap();
    assert_eq!(
        screen.text(),
        "0  1  epoch  diff\n-  -  -----  ----\na  1      7    -1\na  2      7    +1\n"
    );
}
