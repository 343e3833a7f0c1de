//! Rows as an aligned table for people.

use super::text;
use crate::schema::{ColumnType, DataType, RowDecoder, StructType};

/// The most characters of one cell.
pub const CELL_CHARS_MAX: usize = 40;

/// A table of text: a line of names, a line of dashes, and the rows below.
///
/// Numbers stand on the right. The width of text is its number of `char`s.
#[derive(Clone, Debug, Default)]
pub struct TextTable {
    columns: Vec<Column>,
    cells: Vec<String>,
}

#[derive(Clone, Debug)]
struct Column {
    name: String,
    right: bool,
    width: usize,
}

impl TextTable {
    /// A table without columns.
    pub fn new() -> Self {
        Self::default()
    }

    /// A table with the columns of a row type.
    pub fn of(rows: DataType) -> Self {
        let mut table = Self::new();
        for column in row_columns(rows) {
            table.column(column.name, is_number(column.value_type));
        }
        table
    }

    /// Adds a column; `right` for what stands on the right. Call it before the first row.
    pub fn column(&mut self, name: &str, right: bool) {
        let name = cell(name);
        let width = name.chars().count();
        self.columns.push(Column { name, right, width });
    }

    /// Adds a row of cells, one for each column.
    ///
    /// # Panics
    ///
    /// If there are not as many cells as columns.
    pub fn push<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) {
        let before = self.cells.len();
        self.cells.extend(cells.into_iter().map(cell));
        let added = &self.cells[before..];
        assert_eq!(added.len(), self.columns.len(), "a row has a cell for each column");
        for (column, cell) in self.columns.iter_mut().zip(added) {
            column.width = column.width.max(cell.chars().count());
        }
    }

    /// Adds a compact row, and the cells that follow its columns.
    ///
    /// # Panics
    ///
    /// If there are not as many cells as columns.
    pub fn push_row(&mut self, rows: DataType, row: &[u8], further: &[String]) {
        let mut cells = Vec::with_capacity(self.columns.len());
        for_each_cell(rows, row, |data_type, value| {
            let mut cell = String::new();
            if let Some(input) = value {
                text::write(data_type, input, &mut cell);
            }
            cells.push(cell);
        });
        self.push(cells.iter().chain(further).map(String::as_str));
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        if self.columns.is_empty() { 0 } else { self.cells.len() / self.columns.len() }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Removes the rows; the columns keep their width.
    pub fn clear(&mut self) {
        self.cells.clear();
    }

    /// Appends the names and the line below them.
    pub fn write_header(&self, out: &mut String) {
        self.line(self.columns.iter().map(|column| column.name.as_str()), out);
        let dashes: Vec<String> =
            self.columns.iter().map(|column| "-".repeat(column.width)).collect();
        self.line(dashes.iter().map(String::as_str), out);
    }

    /// Appends the rows.
    pub fn write_rows(&self, out: &mut String) {
        if !self.columns.is_empty() {
            for row in self.cells.chunks(self.columns.len()) {
                self.line(row.iter().map(String::as_str), out);
            }
        }
    }

    fn line<'a>(&self, cells: impl Iterator<Item = &'a str>, out: &mut String) {
        let start = out.len();
        for (at, (column, cell)) in self.columns.iter().zip(cells).enumerate() {
            if at > 0 {
                out.push_str("  ");
            }
            let blanks = column.width - cell.chars().count();
            if column.right {
                out.extend(std::iter::repeat_n(' ', blanks));
                out.push_str(cell);
            } else {
                out.push_str(cell);
                out.extend(std::iter::repeat_n(' ', blanks));
            }
        }
        let end = out[start..].trim_end_matches(' ').len() + start;
        out.truncate(end);
        out.push('\n');
    }
}

impl std::fmt::Display for TextTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = String::new();
        self.write_header(&mut out);
        self.write_rows(&mut out);
        f.write_str(&out)
    }
}

/// A column as sinks see it, also where the row is a plain value.
#[derive(Clone, Copy, Debug)]
pub struct RowColumn {
    /// The name; `value` for a plain value.
    pub name: &'static str,
    /// The type of the values that are not null.
    pub value_type: DataType,
    /// Whether the column can be null.
    pub nullable: bool,
    /// The column of the struct; none for a plain value.
    pub column: Option<&'static ColumnType>,
}

/// The columns of a row of any type: a struct's own, or one named `value`.
pub fn row_columns(rows: DataType) -> Vec<RowColumn> {
    match rows {
        DataType::Struct(inner) => inner
            .columns
            .iter()
            .map(|column| RowColumn {
                name: column.name,
                value_type: column.value_type(),
                nullable: column.nullable,
                column: Some(column),
            })
            .collect(),
        DataType::Option(inner) => {
            vec![RowColumn { name: "value", value_type: inner(), nullable: true, column: None }]
        }
        plain => {
            vec![RowColumn { name: "value", value_type: plain, nullable: false, column: None }]
        }
    }
}

/// Calls `cell` for each of a row's [`row_columns`], with the input at its value, or `None` where
/// it is null. `cell` must advance the input past the value.
pub fn for_each_cell<'a>(
    rows: DataType,
    mut row: &'a [u8],
    mut cell: impl FnMut(DataType, Option<&mut &'a [u8]>),
) {
    match rows {
        DataType::Struct(inner) => struct_cells(inner, &mut row, cell),
        DataType::Option(inner) => {
            let present = crate::schema::take_bytes(&mut row, 1)[0] == 1;
            cell(inner(), present.then_some(&mut row));
        }
        plain => cell(plain, Some(&mut row)),
    }
}

fn struct_cells<'a>(
    inner: &StructType,
    row: &mut &'a [u8],
    mut cell: impl FnMut(DataType, Option<&mut &'a [u8]>),
) {
    let mut row = RowDecoder::new(row, inner.nullable_count());
    for column in inner.columns {
        if column.nullable {
            cell(column.value_type(), row.nullable());
        } else {
            cell((column.data_type)(), Some(row.value()));
        }
    }
}

fn is_number(data_type: DataType) -> bool {
    matches!(
        data_type,
        DataType::I8
            | DataType::I16
            | DataType::I32
            | DataType::I64
            | DataType::I128
            | DataType::U8
            | DataType::U16
            | DataType::U32
            | DataType::U64
            | DataType::U128
            | DataType::F32
            | DataType::F64
            | DataType::Decimal
    )
}

/// One line of at most [`CELL_CHARS_MAX`] characters; what would move the cursor is shown.
fn cell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, char) in text.chars().enumerate() {
        if at == CELL_CHARS_MAX {
            out.pop();
            out.push('…');
            break;
        }
        out.push(match char {
            '\n' => '⏎',
            char if char.is_control() => '\u{fffd}',
            char => char,
        });
    }
    out
}
