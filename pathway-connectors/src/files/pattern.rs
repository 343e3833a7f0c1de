//! Which files a pattern means.

use super::errors::{failed, is_gone, missing, unreadable};
use super::listing::{Listing, add_file, list_tree, look};
use super::names::describe_contents;
use super::version::Version;
use super::wildcards::{Glob, is_glob};
use pathway_core::io::SourceError;
use std::fs;
use std::path::{Path, PathBuf};

/// A pattern whose meaning is settled: it does not turn from a glob into a file while it is
/// watched.
#[derive(Debug)]
pub(super) enum Pattern {
    File(PathBuf),
    Tree { root: PathBuf, extensions: Vec<String> },
    Glob { text: String, glob: Glob },
}

impl Pattern {
    /// Settles what the pattern means, and that it can mean something.
    ///
    /// A watched directory may be empty, and files that match a watched glob may come later, but
    /// a misspelt path would wait for ever.
    pub(super) fn resolve(
        path: &Path,
        extensions: &[String],
        watched: bool,
    ) -> Result<Self, SourceError> {
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => {
                Ok(Self::Tree { root: path.to_path_buf(), extensions: extensions.to_vec() })
            }
            Ok(found) if watched && !found.is_file() => Err(unreadable(
                format!("`{}` is not a regular file, so it cannot be watched", path.display()),
                "read it once, without `.watch()`",
            )),
            Ok(_) => Ok(Self::File(path.to_path_buf())),
            Err(error) => match path.to_str() {
                Some(text) if is_glob(text) => {
                    let glob = Glob::new(text)?;
                    if watched && !glob.directory().is_dir() {
                        return Err(missing(glob.directory()));
                    }
                    Ok(Self::Glob { text: text.to_owned(), glob })
                }
                _ if is_gone(&error) => Err(missing(path)),
                _ => Err(failed("open", path, error)),
            },
        }
    }

    /// The files that there are. None if the directory has disappeared.
    pub(super) fn list(&self) -> Result<Listing, SourceError> {
        let mut files = Listing::new();
        match self {
            // A path that is named is read, whatever it is: a pipe, a device, `/dev/stdin`.
            Self::File(path) => {
                if let Some(found) = look(path)?.filter(|found| !found.is_dir()) {
                    files.insert(path.clone(), Version::of(&found));
                }
            }
            Self::Tree { root, extensions } => list_tree(root, extensions, &mut files)?,
            Self::Glob { glob, .. } => glob.list(&mut files)?,
        }
        Ok(files)
    }

    /// The files that there are, when those of `known` have been there before.
    ///
    /// A listing may miss a file that is replaced at that moment, so each is looked for itself
    /// before it counts as deleted.
    pub(super) fn list_again<'a>(
        &self,
        known: impl Iterator<Item = &'a PathBuf>,
    ) -> Result<Listing, SourceError> {
        let mut files = self.list()?;
        for path in known {
            if !files.contains_key(path) {
                add_file(path.clone(), &mut files)?;
            }
        }
        Ok(files)
    }

    /// The error for a pattern that means no file.
    pub(super) fn nothing_found(&self) -> SourceError {
        match self {
            Self::File(path) => missing(path),
            Self::Tree { root, extensions } => {
                let kinds: Vec<String> = extensions.iter().map(|e| format!("`.{e}` ")).collect();
                let (kinds, directory) = (kinds.join("or "), root.display());
                unreadable(
                    format!("the directory `{directory}` holds no {kinds}files"),
                    format!("it {}; to wait for files, use `.watch()`", describe_contents(root)),
                )
            }
            Self::Glob { text, glob } if glob.directory().is_dir() => unreadable(
                format!("no file matches `{text}`"),
                format!(
                    "the directory `{}` {}; to wait for files, use `.watch()`",
                    glob.directory().display(),
                    describe_contents(glob.directory())
                ),
            ),
            Self::Glob { glob, .. } => missing(glob.directory()),
        }
    }
}
