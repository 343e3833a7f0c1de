//! What a sink receives.

/// See the alias in [`crate::io`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CollectionKind {
    /// Rows arrive once and are never retracted.
    Stream,
    /// Rows come and go.
    Table,
}
