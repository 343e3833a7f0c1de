//! From cells to a row: which cell each column takes, and how a row is put together.

use super::Options;
use super::records::Cell;
use pathway_core::format::table::{RowColumn, row_columns};
use pathway_core::format::{closest, text};
use pathway_core::schema::{DataType, RowEncoder, StructKind};

/// The most names of a header that a message lists.
const LISTED_MAX: usize = 20;

/// How the cells of a record become a row.
#[derive(Debug)]
pub(super) struct Columns {
    shape: Shape,
    columns: Vec<Column>,
    /// How many cells each record has.
    pub(super) cells: usize,
    nulls: Vec<String>,
}

/// How the row's bytes begin.
#[derive(Clone, Copy, Debug)]
enum Shape {
    /// A struct with that many nullable columns.
    Struct(usize),
    /// A plain value.
    Value,
    /// A plain value that can be null.
    Option,
}

#[derive(Debug)]
struct Column {
    name: &'static str,
    value_type: DataType,
    nullable: bool,
    from: Origin,
}

#[derive(Debug)]
enum Origin {
    Cell(usize),
    /// The default of a column that the file does not have; none is null.
    Default(Option<Vec<u8>>),
}

/// A column that a header should have and has not, or has twice.
#[derive(Debug)]
pub(super) struct HeaderError {
    pub(super) column: &'static str,
    pub(super) problem: String,
}

/// A cell that is not of its column's type.
#[derive(Debug)]
pub(super) struct CellError {
    pub(super) column: &'static str,
    pub(super) cell: usize,
    pub(super) problem: String,
}

impl Columns {
    /// Finds the columns of the row type in a header, or by position in the first record.
    pub(super) fn new<'a>(
        rows: DataType,
        options: &Options,
        first: impl ExactSizeIterator<Item = &'a str> + Clone,
    ) -> Result<Self, HeaderError> {
        let cells = first.len();
        let named = options.header
            && matches!(rows, DataType::Struct(inner) if inner.kind == StructKind::Named);
        let wanted = row_columns(rows);
        let mut columns = Vec::with_capacity(wanted.len());
        let mut missing = Vec::new();
        for (at, column) in wanted.iter().enumerate() {
            let cell =
                if named { find(column.name, first.clone())? } else { (at < cells).then_some(at) };
            match cell.map(Origin::Cell).or_else(|| default(column)) {
                Some(from) => columns.push(Column {
                    name: column.name,
                    value_type: column.value_type,
                    nullable: column.nullable,
                    from,
                }),
                None => missing.push(column.name),
            }
        }
        let Some(&column) = missing.first() else {
            let shape = match rows {
                DataType::Struct(inner) => Shape::Struct(inner.nullable_count()),
                DataType::Option(_) => Shape::Option,
                _ => Shape::Value,
            };
            return Ok(Self { shape, columns, cells, nulls: options.nulls.clone() });
        };
        let problem = if named {
            missing_from_header(column, &missing, first)
        } else {
            format!("the file has {cells} columns, the row type {}", wanted.len())
        };
        Err(HeaderError { column, problem })
    }

    /// Puts a row together. The text begins at `start`, by which the cells are counted.
    #[inline]
    pub(super) fn encode(
        &self,
        text: &str,
        start: usize,
        cells: &[Cell],
        out: &mut Vec<u8>,
    ) -> Result<(), CellError> {
        let Shape::Struct(nullable) = self.shape else {
            return self.encode_plain(text, start, cells, out);
        };
        let mut row = RowEncoder::new(out, nullable);
        for column in &self.columns {
            match &column.from {
                Origin::Cell(cell) => {
                    let (from, to) = cells[*cell];
                    let text = &text[from - start..to - start];
                    let out = if !column.nullable {
                        row.value()
                    } else if self.is_null(text) {
                        row.null();
                        continue;
                    } else {
                        row.present()
                    };
                    if let Err(error) = text::parse(column.value_type, text, out) {
                        return Err(self.mismatch(column, *cell, text, error.problem));
                    }
                }
                Origin::Default(None) => row.null(),
                Origin::Default(Some(value)) if column.nullable => {
                    row.present().extend_from_slice(value);
                }
                Origin::Default(Some(value)) => row.value().extend_from_slice(value),
            }
        }
        Ok(())
    }

    fn encode_plain(
        &self,
        text: &str,
        start: usize,
        cells: &[Cell],
        out: &mut Vec<u8>,
    ) -> Result<(), CellError> {
        let (from, to) = cells[0];
        let text = &text[from - start..to - start];
        let column = &self.columns[0];
        if matches!(self.shape, Shape::Option) {
            if self.is_null(text) {
                out.push(0);
                return Ok(());
            }
            out.push(1);
        }
        text::parse(column.value_type, text, out)
            .map_err(|error| self.mismatch(column, 0, text, error.problem))
    }

    fn is_null(&self, text: &str) -> bool {
        text.is_empty() || self.nulls.iter().any(|null| null == text)
    }

    #[cold]
    fn mismatch(&self, column: &Column, cell: usize, text: &str, problem: String) -> CellError {
        let problem = if text.is_empty() {
            format!(
                "{problem}, found an empty cell; make the column an `Option` to read it as null"
            )
        } else if self.is_null(text) {
            format!("{problem}; make the column an `Option` to read this as null")
        } else {
            problem
        };
        CellError { column: column.name, cell, problem }
    }

    /// The name of the column that takes a cell.
    pub(super) fn name_of(&self, cell: usize) -> Option<&'static str> {
        self.columns
            .iter()
            .find(|column| matches!(column.from, Origin::Cell(at) if at == cell))
            .map(|column| column.name)
    }
}

fn find<'a>(
    name: &'static str,
    mut header: impl Iterator<Item = &'a str>,
) -> Result<Option<usize>, HeaderError> {
    let found = header.position(|cell| cell == name);
    if found.is_some() && header.any(|cell| cell == name) {
        let problem = "stands twice in the header".into();
        return Err(HeaderError { column: name, problem });
    }
    Ok(found)
}

/// What stands in for a column that the file does not have.
fn default(column: &RowColumn) -> Option<Origin> {
    let default = column.column?.default?;
    let mut value = Vec::new();
    default(&mut value);
    if column.nullable {
        // The default is a value by itself, so it begins with its tag.
        let present = value.remove(0) == 1;
        return Some(Origin::Default(present.then_some(value)));
    }
    Some(Origin::Default(Some(value)))
}

fn missing_from_header<'a>(
    column: &str,
    missing: &[&str],
    header: impl ExactSizeIterator<Item = &'a str> + Clone,
) -> String {
    let also = match &missing[1..] {
        [] => String::new(),
        [one] => format!(", and so is {}", quoted([*one])),
        many => format!(", and so are {}", quoted(many.iter().copied())),
    };
    let meant = match closest(column, header.clone()) {
        Some(name) => format!("; did you mean `{name}`?"),
        None => String::new(),
    };
    format!("missing from the header{also}; the file has {}{meant}", quoted(header))
}

fn quoted<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names = names.into_iter();
    let mut listed: Vec<String> =
        names.by_ref().take(LISTED_MAX).map(|name| format!("`{name}`")).collect();
    match names.count() {
        0 => {}
        more => listed.push(format!("and {more} more")),
    }
    listed.join(", ")
}
