//! The reader of files: which, in what format, and whether they are watched.

use super::pattern::Pattern;
use super::{compression::Compression, mutable, once, watch};
use crate::format::Format;
use pathway_core::io::{Reader, SourceError, SourceWriter};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Reads files: one file, those that match a glob, or all in a directory tree.
///
/// The pattern is, in this order:
///
/// - the path of a file, even one whose name contains `*`, `?` or `[`;
/// - the path of a directory: every file in the tree below it, where links to files are followed
///   and links to directories are not, since they may form loops;
/// - a glob: `data/*.csv`, `data/**/part-?.csv`, `data/[0-9]*.csv`. It matches files, not
///   directories, and `*` does not match a name that begins with `.`.
///
/// Trees and globs leave out the names under which files are written before they are complete:
/// hidden ones (`.name`) and those that end in `~`, `.tmp`, `.swp` or `.part`, unless the glob
/// itself ends so. A program that writes to such a name and then renames is never seen half-way.
///
/// Files that begin as gzip or zstd do are decompressed, whatever their name.
pub struct FileReader {
    pub(super) pattern: PathBuf,
    pub(super) format: Arc<dyn Format>,
    pub(super) mode: Mode,
    pub(super) extensions: Vec<String>,
    pub(super) poll_interval: Duration,
    pub(super) readers: usize,
    /// How long a watched compressed file may stay incomplete without growing.
    pub(super) patience: Duration,
}

/// How long the files are read, and what may happen to them meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Once,
    Watch,
    WatchMutable,
}

impl FileReader {
    /// Reads each file once, to its end.
    pub fn new(pattern: impl Into<PathBuf>, format: Arc<dyn Format>) -> Self {
        Self {
            pattern: pattern.into(),
            format,
            mode: Mode::Once,
            extensions: Vec::new(),
            poll_interval: Duration::from_millis(100),
            readers: std::thread::available_parallelism().map_or(1, |cores| cores.get().min(4)),
            patience: Duration::from_secs(60),
        }
    }

    /// Goes on reading lines that are appended, and new files, until the run stops.
    ///
    /// A file that is deleted, becomes shorter or is rewritten stops the run with an error, since
    /// its rows cannot be taken back. A compressed file is read once it is complete. A last line
    /// without its newline waits for the newline.
    #[must_use]
    pub fn watch(mut self) -> Self {
        if self.mode == Mode::Once {
            self.mode = Mode::Watch;
        }
        self
    }

    /// Watches files that may also change and disappear: the rows of a file are replaced as a
    /// whole, in one transaction, when its content changes, and retracted when it goes away.
    ///
    /// A file is read when it has rested for a moment, and again if it changed meanwhile. A
    /// program that writes for longer, with pauses, should write to a name that is left out (such
    /// as `name.tmp`) and rename the file when it is complete.
    #[must_use]
    pub fn mutable(mut self) -> Self {
        self.mode = Mode::WatchMutable;
        self
    }

    /// How often watched files are listed to see what has changed. Default: 100 ms.
    ///
    /// Where listing takes more than a tenth of that, it is done less often.
    #[must_use]
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval;
        self
    }

    /// How many files are read at the same time. Default: the number of cores, at most 4.
    #[must_use]
    pub fn readers(mut self, readers: usize) -> Self {
        self.readers = readers.max(1);
        self
    }

    /// Reads only files with one of these extensions where the pattern is a directory: `csv`
    /// takes `a.csv`, `a.csv.gz`, `a.csv.zst` and `A.CSV`. Default: all files.
    #[must_use]
    pub fn extensions(mut self, extensions: &[&str]) -> Self {
        self.extensions = extensions.iter().map(|&extension| extension.to_owned()).collect();
        self
    }

    /// Which files the pattern means now.
    pub(super) fn resolve(&self) -> Result<Pattern, SourceError> {
        Pattern::resolve(&self.pattern, &self.extensions, self.mode != Mode::Once)
    }
}

impl Reader for FileReader {
    fn run(&self, out: &SourceWriter) -> Result<(), SourceError> {
        match self.mode {
            Mode::Once => once::run(self, out),
            Mode::Watch => watch::run(self, out),
            Mode::WatchMutable => mutable::run(self, out),
        }
    }

    fn label(&self) -> String {
        format!("{} `{}`", self.format.name(), self.pattern.display())
    }

    fn bounded(&self) -> bool {
        self.mode == Mode::Once
    }

    fn fingerprint(&self) -> String {
        format!("{} {:?}", self.label(), self.mode)
    }

    fn repeats(&self) -> bool {
        true
    }

    fn size_hint(&self) -> Option<u64> {
        if !self.bounded() {
            return None;
        }
        // The name is enough for an estimate: looking inside would open every file.
        let bytes_of = |path: &PathBuf, len: u64| match Compression::of_name(path) {
            Compression::None => len,
            Compression::Gzip | Compression::Zstd => len.saturating_mul(4),
        };
        let files = self.resolve().ok()?.list().ok()?;
        Some(files.iter().map(|(path, version)| bytes_of(path, version.len)).sum())
    }
}

impl fmt::Debug for FileReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileReader")
            .field("pattern", &self.pattern)
            .field("format", &self.format.name())
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}
