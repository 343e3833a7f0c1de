//! What lies in directories.

use super::errors::{failed, is_gone};
use super::names::is_left_out;
use super::version::Version;
use pathway_core::io::SourceError;
use std::collections::BTreeMap;
use std::fs::{self, DirEntry, Metadata};
use std::path::{Path, PathBuf};

/// The files that there are, in order of their paths, each as it is now.
pub(super) type Listing = BTreeMap<PathBuf, Version>;

/// What is at the path now, if anything.
pub(super) fn look(path: &Path) -> Result<Option<Metadata>, SourceError> {
    match fs::metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if is_gone(&error) => Ok(None),
        Err(error) => Err(failed("open", path, error)),
    }
}

/// Adds the path if it is that of a file.
pub(super) fn add_file(path: PathBuf, files: &mut Listing) -> Result<(), SourceError> {
    if let Some(found) = look(&path)?.filter(Metadata::is_file) {
        files.insert(path, Version::of(&found));
    }
    Ok(())
}

/// Calls `visit` with the name of each entry. None if there is no such directory (any more).
pub(super) fn each_entry(
    directory: &Path,
    mut visit: impl FnMut(&str, &DirEntry) -> Result<(), SourceError>,
) -> Result<(), SourceError> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if is_gone(&error) => return Ok(()),
        Err(error) => return Err(failed("list", directory, error)),
    };
    for entry in entries {
        let entry = entry.map_err(|error| failed("list", directory, error))?;
        visit(&entry.file_name().to_string_lossy(), &entry)?;
    }
    Ok(())
}

/// Whether an entry is a directory, and not a link to one: links may form loops.
pub(super) fn is_directory(entry: &DirEntry) -> bool {
    entry.file_type().is_ok_and(|kind| kind.is_dir())
}

/// Adds the files in the tree below a directory.
pub(super) fn list_tree(
    directory: &Path,
    extensions: &[String],
    files: &mut Listing,
) -> Result<(), SourceError> {
    each_entry(directory, |name, entry| {
        if is_left_out(name) {
            Ok(())
        } else if is_directory(entry) {
            list_tree(&entry.path(), extensions, files)
        } else if has_extension(name, extensions) {
            add_file(entry.path(), files)
        } else {
            Ok(())
        }
    })
}

/// Whether the name ends in one of the extensions, compressed or not; any does if none is given.
fn has_extension(name: &str, extensions: &[String]) -> bool {
    let name = name.to_ascii_lowercase();
    let name = name.strip_suffix(".gz").or(name.strip_suffix(".zst")).unwrap_or(&name);
    extensions.is_empty()
        || extensions.iter().any(|extension| {
            name.strip_suffix(extension.to_ascii_lowercase().as_str())
                .is_some_and(|stem| stem.ends_with('.'))
        })
}
