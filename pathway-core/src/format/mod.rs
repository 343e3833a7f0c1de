//! Rows as text, as JSON and for people, in both directions.
//!
//! Everything works on a [`DataType`](crate::schema::DataType) and compact bytes, never on a row
//! type, so that a user's crate compiles no parser.
//!
//! - [`text`]: one value as the text of a cell.
//! - [`json`]: a row as JSON.
//! - [`display`]: a row as `{:?}` would print it; [`table`]: rows as an aligned table.

pub mod base64;
mod closest;
pub mod display;
pub mod json;
pub mod table;
pub mod text;

pub use closest::closest;
