//! The laws of the two encodings, for every type.
//!
//! - Compact: a value reads back; equal values have equal bytes; `skip` passes exactly one value.
//! - Ordered: `memcmp` of two encodings is the documented order; the form is reversible, and none
//!   is a prefix of another.

mod golden;
mod laws;
pub(crate) mod rows;
