//! Globs: paths with `*`, `?`, `[..]` and `**`.
//!
//! The crate `glob` matches names. Its walk over directories is not used: it follows links into
//! loops, and skips (or panics at) names that are not UTF-8.

use super::errors::unreadable;
use super::listing::{Listing, add_file, each_entry, is_directory};
use super::names::{UNFINISHED, is_left_out};
use pathway_core::io::SourceError;
use std::path::{Path, PathBuf, is_separator};

/// A path with wildcards.
#[derive(Debug)]
pub(super) struct Glob {
    /// The directory in which the matches begin: `data` for `data/*/x.csv`.
    directory: PathBuf,
    parts: Vec<Part>,
    /// Whether the glob itself asks for unfinished files.
    unfinished: bool,
}

/// What one name of a path has to be.
#[derive(Debug)]
enum Part {
    /// Any number of directories: `**`.
    Directories,
    Literal(String),
    Matching(glob::Pattern),
}

impl Glob {
    pub(super) fn new(text: &str) -> Result<Self, SourceError> {
        let invalid = |error: glob::PatternError| {
            unreadable(
                format!("`{text}` is not a glob: {} at character {}", error.msg, error.pos + 1),
                "write a `*`, `?` or `[` that belongs to a name as `[*]`, `[?]` or `[[]`",
            )
        };
        glob::Pattern::new(text).map_err(invalid)?;
        let fixed = &text[..text.find(WILDCARDS).unwrap_or(text.len())];
        let start = fixed.rfind(is_separator).map_or(0, |separator| separator + 1);
        let mut parts = Vec::new();
        for part in text[start..].split(is_separator).filter(|part| !part.is_empty()) {
            parts.push(match part {
                "**" => Part::Directories,
                _ if part.contains(WILDCARDS) => {
                    Part::Matching(glob::Pattern::new(part).map_err(invalid)?)
                }
                _ => Part::Literal(part.to_owned()),
            });
        }
        if let Some(Part::Directories) = parts.last() {
            parts.push(Part::Matching(glob::Pattern::new("*").map_err(invalid)?));
        }
        let unfinished = UNFINISHED.iter().any(|end| text.ends_with(end));
        let directory = Path::new(&text[..start]).components().as_path().to_path_buf();
        Ok(Self { directory, parts, unfinished })
    }

    /// The directory in which the matches begin.
    pub(super) fn directory(&self) -> &Path {
        or_here(&self.directory)
    }

    pub(super) fn list(&self, files: &mut Listing) -> Result<(), SourceError> {
        self.walk(&self.directory, &self.parts, files)
    }

    fn walk(
        &self,
        directory: &Path,
        parts: &[Part],
        files: &mut Listing,
    ) -> Result<(), SourceError> {
        let Some((part, rest)) = parts.split_first() else { return Ok(()) };
        let enter = |path: PathBuf, files: &mut Listing| {
            if rest.is_empty() { add_file(path, files) } else { self.walk(&path, rest, files) }
        };
        match part {
            Part::Literal(name) => enter(directory.join(name), files),
            Part::Matching(pattern) => each_entry(or_here(directory), |name, entry| {
                // A leading `.` was matched by one in the pattern, so it is meant.
                let unfinished = is_left_out(name.trim_start_matches('.')) && !self.unfinished;
                if pattern.matches_with(name, MATCHING) && !unfinished {
                    enter(directory.join(entry.file_name()), files)
                } else {
                    Ok(())
                }
            }),
            Part::Directories => {
                self.walk(directory, rest, files)?;
                each_entry(or_here(directory), |name, entry| {
                    if is_directory(entry) && !name.starts_with('.') {
                        self.walk(&directory.join(entry.file_name()), parts, files)
                    } else {
                        Ok(())
                    }
                })
            }
        }
    }
}

const WILDCARDS: [char; 3] = ['*', '?', '['];

const MATCHING: glob::MatchOptions = glob::MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// Whether the path has wildcards.
pub(super) fn is_glob(path: &str) -> bool {
    path.contains(WILDCARDS)
}

fn or_here(directory: &Path) -> &Path {
    if directory.as_os_str().is_empty() { Path::new(".") } else { directory }
}
