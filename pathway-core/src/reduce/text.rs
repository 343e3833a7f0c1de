//! Which types are text.

use crate::schema::{Schema, Text};

/// Text, or an optional one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no text",
    label = "`join_text` needs a `String` or a `Text`, or an `Option` of one",
    note = "turn it into text first: `row.number.to_string()`"
)]
pub trait TextValue: Schema {}

impl TextValue for String {}
impl TextValue for Text {}
impl TextValue for Option<String> {}
impl TextValue for Option<Text> {}
