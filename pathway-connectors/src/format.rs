//! What lies between a file's bytes and rows: one [`Format`] per kind of file.

use pathway_core::io::{Decoder, SourceError};

/// How the bytes of a file become rows.
///
/// A value holds the row type and the options; it makes one [`Decoder`] for each file.
pub trait Format: Send + Sync + 'static {
    /// What the plan and the progress display call files of this format: `csv`, `jsonl`, `lines`.
    fn name(&self) -> &'static str;

    /// The extensions of such files, without the dot: what is read of a directory. Compressed
    /// files (`.csv.gz`) count too. Default: every file.
    fn extensions(&self) -> &'static [&'static str] {
        &[]
    }

    /// A decoder for one file; `file` is the name that its bad rows carry.
    ///
    /// # Errors
    ///
    /// A row type that the format has no form for.
    fn decoder(&self, file: &str) -> Result<Box<dyn Decoder>, SourceError>;
}
