//! Where bytes are kept.

use std::fmt;

/// Where a durable pipeline keeps its checkpoints and its log: objects with names.
///
/// A store belongs to one pipeline, and to one run of it at a time.
pub trait Store: fmt::Debug + Send + Sync {
    /// What messages call the store.
    fn label(&self) -> String;

    /// Takes the store for one run, until what is returned is dropped.
    ///
    /// # Errors
    ///
    /// If another run has it; so for all methods if the store cannot be reached.
    fn claim(&self) -> Result<Box<dyn Claim>, StoreError>;

    /// Writes an object as a whole. It is there with all its bytes, also after the machine has lost
    /// its power, when this returns; or it is as it was before.
    ///
    /// # Errors
    ///
    /// If it could not be written.
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError>;

    /// The bytes of an object; nothing if there is no such object.
    ///
    /// # Errors
    ///
    /// If it could not be read.
    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// So many bytes of an object from a position on, or as many as there are; nothing if there is
    /// no such object.
    ///
    /// # Errors
    ///
    /// If they could not be read.
    fn get_part(&self, name: &str, at: u64, len: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let clamp = |at: u64, len: usize| usize::try_from(at).unwrap_or(usize::MAX).min(len);
        Ok(self.get(name)?.map(|bytes| {
            let (from, to) = (clamp(at, bytes.len()), clamp(at.saturating_add(len), bytes.len()));
            bytes[from..to].to_vec()
        }))
    }

    /// The names of all objects, in order.
    ///
    /// # Errors
    ///
    /// If they could not be listed.
    fn list(&self) -> Result<Vec<String>, StoreError>;

    /// Removes an object, if it is there.
    ///
    /// # Errors
    ///
    /// If it could not be removed.
    fn remove(&self, name: &str) -> Result<(), StoreError>;

    /// Begins an object that is written bit by bit.
    ///
    /// # Errors
    ///
    /// If it could not be created.
    fn append(&self, name: &str) -> Result<Box<dyn Append>, StoreError>;
}

/// The right to a store.
pub trait Claim: fmt::Debug + Send + Sync {}

/// An object that is written bit by bit.
pub trait Append: fmt::Debug + Send {
    /// Appends bytes. They may be lost, from the end, until [`sync`](Self::sync) has returned.
    ///
    /// # Errors
    ///
    /// If they could not be written.
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError>;

    /// Brings what was written to where it survives the loss of power.
    ///
    /// # Errors
    ///
    /// If that failed.
    fn sync(&mut self) -> Result<(), StoreError>;
}

/// A failure of a store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another run has the store.
    #[error(
        "another run uses it\n\
         help: wait for its end, or give this pipeline a store of its own"
    )]
    Taken,
    /// Another run has taken the store over.
    #[error(
        "another run has begun since and has taken the store over, so this one ends\n\
         help: give this pipeline a store of its own, or do not start it twice"
    )]
    Fenced,
    /// An operation of the operating system failed.
    #[error("could not {action} `{path}`: {error}")]
    Io {
        /// The action, as a verb: `write`, `read`.
        action: &'static str,
        /// The file.
        path: String,
        /// The cause.
        error: std::io::Error,
    },
    /// The place of the store is something else.
    #[error(
        "`{path}` is a file, not a directory\nhelp: name a directory, which need not exist yet"
    )]
    NoDirectory {
        /// The file.
        path: String,
    },
    /// A store of another kind failed.
    #[error("{problem}")]
    Other {
        /// What failed, and what to do.
        problem: String,
    },
}
