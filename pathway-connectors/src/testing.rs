//! What the tests of formats and sinks share.

use crate::format::Format;
use pathway_core::format::display::display;
use pathway_core::io::{BadRow, CollectionKind, RowReceiver, Sink, SinkError, SinkWriter, Updates};
use pathway_core::schema::{ColumnType, DataType, Schema, StructKind, StructType, put_len};
use std::path::PathBuf;

/// A struct with columns of the usual kinds, as the derive would describe it.
#[derive(Debug)]
pub(crate) struct Flight;

impl Flight {
    pub(crate) const ROWS: DataType = DataType::Struct(&StructType {
        name: "Flight",
        kind: StructKind::Named,
        columns: &[
            ColumnType::of::<String>("carrier"),
            ColumnType::of::<Option<f64>>("delay"),
            ColumnType::of::<i32>("miles"),
        ],
    });
}

/// A struct with defaults.
pub(crate) const PLANE: DataType = DataType::Struct(&StructType {
    name: "Plane",
    kind: StructKind::Named,
    columns: &[
        ColumnType::of::<String>("tail"),
        ColumnType::of::<u16>("seats").default(|out| 9_u16.encode(out)),
        ColumnType::of::<Option<u16>>("year").default(|out| Some(1999_u16).encode(out)),
        ColumnType::of::<Vec<u8>>("engines").default(|out| put_len(0, out)),
    ],
});

/// Collects rows as text; takes bad rows if told so.
#[derive(Debug)]
pub(crate) struct Received {
    data_type: DataType,
    or_errors: bool,
    pub(crate) rows: Vec<String>,
    pub(crate) bad: Vec<BadRow>,
}

impl RowReceiver for Received {
    fn update(&mut self, row: &[u8], diff: i64) {
        assert_eq!(diff, 1);
        self.rows.push(display(self.data_type, row));
    }

    fn reject(&mut self, bad: BadRow) -> Result<(), Box<BadRow>> {
        if self.or_errors {
            self.bad.push(bad);
            Ok(())
        } else {
            Err(Box::new(bad))
        }
    }
}

/// Decodes a file in blocks of that many bytes, and takes its bad rows.
pub(crate) fn decode_in(
    format: &impl Format,
    rows: DataType,
    bytes: &[u8],
    block: usize,
) -> Received {
    let mut received =
        Received { data_type: rows, or_errors: true, rows: Vec::new(), bad: Vec::new() };
    let mut decoder = format.decoder("data.txt").unwrap();
    for block in bytes.chunks(block) {
        decoder.decode(block, &mut received).unwrap();
    }
    decoder.finish(&mut received).unwrap();
    received
}

/// Decodes a file, whose rows and bad rows do not depend on the blocks it comes in.
pub(crate) fn decode(format: &impl Format, rows: DataType, bytes: &[u8]) -> Received {
    let whole = decode_in(format, rows, bytes, usize::MAX);
    for block in 1..=bytes.len().min(40) {
        let pieces = decode_in(format, rows, bytes, block);
        assert_eq!(pieces.rows, whole.rows, "blocks of {block} bytes");
        assert_eq!(pieces.bad, whole.bad, "blocks of {block} bytes");
    }
    whole
}

/// The messages of a file's bad rows.
pub(crate) fn messages(received: &Received) -> Vec<String> {
    received.bad.iter().map(ToString::to_string).collect()
}

/// The error that stops the run at the first bad row.
pub(crate) fn stops(format: &impl Format, rows: DataType, bytes: &[u8]) -> Box<BadRow> {
    let mut received =
        Received { data_type: rows, or_errors: false, rows: Vec::new(), bad: Vec::new() };
    let mut decoder = format.decoder("data.txt").unwrap();
    decoder
        .decode(bytes, &mut received)
        .and_then(|()| decoder.finish(&mut received))
        .expect_err("a bad row stops the run")
}

/// An empty directory, removed at the end of the test.
#[derive(Debug)]
pub(crate) struct Directory(pub(crate) PathBuf);

impl Directory {
    pub(crate) fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("pathway-{test}-{}", std::process::id()));
        drop(std::fs::remove_dir_all(&path));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The content of a file.
    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// The names of all files.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(&self.0)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

pub(crate) fn updates<T: Schema>(rows: impl IntoIterator<Item = (T, i64)>) -> Updates {
    let mut updates = Updates::default();
    for (row, diff) in rows {
        updates.push(&row.to_row_bytes(), diff);
    }
    updates
}

pub(crate) fn open<T: Schema>(
    sink: impl Sink,
    kind: CollectionKind,
) -> Result<Box<dyn SinkWriter>, SinkError> {
    Box::new(sink).open(T::data_type(), kind)
}
