//! What the compiler says where a verb of streams is called on a table.

use super::Stream;

/// A collection whose rows are never retracted: a [`Stream`].
#[diagnostic::on_unimplemented(
    message = "this verb needs a `Stream`, and this is a `Table`",
    label = "the rows of a `Table` come and go",
    note = "read the source as a stream, or say what stands for the table: `.changes()` is the stream of its updates"
)]
pub trait NeedsStream {}

impl<T> NeedsStream for Stream<T> {}
