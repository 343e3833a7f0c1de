//! The guide, a chapter a module.

#[doc = include_str!("rows.md")]
pub mod rows {}

#[doc = include_str!("tables.md")]
pub mod tables {}

#[cfg(feature = "async")]
#[doc = include_str!("calls.md")]
pub mod calls {}
#[doc = include_str!("time.md")]
pub mod time {}

#[doc = include_str!("files.md")]
pub mod files {}

#[doc = include_str!("running.md")]
pub mod running {}

#[doc = include_str!("durable.md")]
pub mod durable {}

#[doc = include_str!("testing.md")]
pub mod testing {}
