//! What can be wrong with a file, as a person is told it.

use super::compression::Compression;
use super::input::InputError;
use super::names::{closest, describe_contents};
use pathway_core::io::SourceError;
use std::io;
use std::path::Path;

pub(super) fn unreadable(problem: String, help: impl Into<String>) -> SourceError {
    SourceError::Unreadable { problem, help: help.into() }
}

/// Whether an operation failed because the file is not there (any more).
pub(super) fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// A failed operation on a file or directory.
pub(super) fn failed(action: &'static str, path: &Path, error: io::Error) -> SourceError {
    if error.kind() == io::ErrorKind::PermissionDenied {
        return unreadable(
            format!("could not {action} `{}`: permission denied", path.display()),
            format!(
                "let the user that runs the program read it, for example with `chmod a+r{} {}`",
                if action == "list" { "x" } else { "" },
                path.display()
            ),
        );
    }
    SourceError::Io { action, path: path.display().to_string(), error }
}

/// A path at which nothing is. Names the closest name there is, at the first part that is wrong.
pub(super) fn missing(path: &Path) -> SourceError {
    let problem = format!("the path `{}` does not exist", path.display());
    let mut wrong = path;
    while let Some(parent) = wrong.parent() {
        if directory_of(wrong).is_dir() {
            break;
        }
        wrong = parent;
    }
    let directory = directory_of(wrong);
    let instead = closest(wrong).map_or_else(
        || {
            let contents = describe_contents(directory);
            format!("the directory `{}` {contents}", directory.display())
        },
        |name| format!("did you mean `{}`?", name.display()),
    );
    let help = if wrong == path {
        instead
    } else {
        format!("there is no directory `{}`; {instead}", wrong.display())
    };
    unreadable(problem, help)
}

/// The directory that holds an entry: `.` for a bare name.
pub(super) fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => path,
    }
}

/// A failure to read, or to decompress, what a file holds.
pub(super) fn bad_input(name: &str, error: InputError) -> SourceError {
    let format = |compression| match compression {
        Compression::Gzip => ("gzip", "gzip"),
        Compression::Zstd | Compression::None => ("zstd", "zstd"),
    };
    match error {
        InputError::Stopped => SourceError::Stopped,
        InputError::Read(error) => failed("read", Path::new(name), error),
        InputError::Truncated(compression) => unreadable(
            format!("the {} file `{name}` ends before its data do", format(compression).0),
            "it was cut off, or is still being written; copy it again, or write it under another \
             name and rename it when it is complete",
        ),
        InputError::Damaged(compression, error) => {
            let (kind, tool) = format(compression);
            unreadable(
                format!("the {kind} file `{name}` is damaged: {error}"),
                format!("test it with `{tool} -t {name}`, and copy it again"),
            )
        }
    }
}

/// Something happened to a file that `.watch()` cannot take back.
pub(super) fn changed_under_watch(path: &Path, what: &str) -> SourceError {
    unreadable(
        format!("the watched file `{}` {what}", path.display()),
        "`.watch()` reads appended lines and new files only; for files that change or disappear \
         use `.watch().mutable()`",
    )
}
