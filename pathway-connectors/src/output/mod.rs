//! What the sinks of files share: the three forms of output, and how each gets into a file.

mod appended;
mod current;

use appended::Appended;
use current::Current;
use pathway_core::format::table::row_columns;
use pathway_core::io::{CollectionKind, SinkError, SinkWriter};
use pathway_core::schema::DataType;
use std::path::{Path, PathBuf};

/// Writes rows in one format, a line or more for each.
pub(crate) trait Encoder: Send + 'static {
    /// Appends what stands before the first row.
    fn begin(&mut self, changes: bool, out: &mut String);

    /// Appends one row, and where the change stream is written, its change.
    fn row(&mut self, row: &[u8], change: Option<Change>, out: &mut String);
}

/// What is written beside a row of the change stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    pub(crate) epoch: u64,
    pub(crate) diff: i64,
}

/// What the program asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The current state of a `Table`, the rows of a `Stream` as they come.
    #[default]
    Usual,
    Current,
    Changes,
}

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Appended,
    Current,
    Changes,
}

impl Wanted {
    /// The form for a collection, or an error where rows have columns of the changes' names.
    pub(crate) fn form(
        self,
        rows: DataType,
        kind: CollectionKind,
        label: &str,
    ) -> Result<Form, SinkError> {
        match (self, kind) {
            (Self::Current, _) | (Self::Usual, CollectionKind::Table) => Ok(Form::Current),
            (Self::Usual, CollectionKind::Stream) => Ok(Form::Appended),
            (Self::Changes, _) => {
                let clash = row_columns(rows)
                    .into_iter()
                    .find(|column| matches!(column.name, "epoch" | "diff"));
                match clash {
                    None => Ok(Form::Changes),
                    Some(column) => Err(SinkError::Unwritable {
                        problem: format!(
                            "{label} cannot hold the changes of rows that have a column `{}` of \
                             their own",
                            column.name
                        ),
                        help: "rename that column: the changes add `epoch` and `diff`".into(),
                    }),
                }
            }
        }
    }
}

/// What a sink of a file was given.
#[derive(Debug)]
pub(crate) struct FileOptions {
    pub(crate) path: PathBuf,
    pub(crate) label: String,
    pub(crate) wanted: Wanted,
}

/// Opens a file for rows: anew or, in a durable pipeline, where an earlier run was.
pub(crate) fn open_file(
    options: FileOptions,
    rows: DataType,
    kind: CollectionKind,
    encoder: impl Encoder,
    state: Option<&[u8]>,
) -> Result<Box<dyn SinkWriter>, SinkError> {
    let FileOptions { path, label, wanted } = options;
    let form = wanted.form(rows, kind, &label)?;
    check_path(&path)?;
    let changes = form == Form::Changes;
    match (form, state) {
        (Form::Current, state) => {
            let mut current = Current::new(path, rows, encoder);
            if let Some(state) = state {
                current.restore(state);
            }
            Ok(Box::new(current))
        }
        (_, None) => Ok(Box::new(Appended::create(path, changes, encoder)?)),
        (_, Some(state)) => Ok(Box::new(Appended::reopen(path, changes, encoder, state)?)),
    }
}

/// The directory of a file.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn check_path(path: &Path) -> Result<(), SinkError> {
    let shown = path.display();
    if path.is_dir() || path.file_name().is_none() {
        return Err(SinkError::Unwritable {
            problem: format!("cannot write `{shown}`: it is a directory"),
            help: "name a file inside it".into(),
        });
    }
    // A first run should not fail for the want of an empty folder.
    let directory = parent(path);
    std::fs::create_dir_all(directory).map_err(io_error("create", directory))?;
    Ok(())
}

fn io_error<'a>(
    action: &'static str,
    path: &'a Path,
) -> impl FnOnce(std::io::Error) -> SinkError + 'a {
    move |error| SinkError::Io { action, path: path.display().to_string(), error }
}
