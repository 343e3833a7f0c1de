//! The rows that several tests share.

use pathway::prelude::*;

/// User and amount.
pub(crate) type Order = (u8, i64);
/// Number and name.
pub(crate) type User = (u8, String);

/// A row with a key and a version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Schema)]
pub(crate) struct Price {
    #[schema(key)]
    pub(crate) item: u8,
    pub(crate) at: u8,
    pub(crate) cents: i64,
}

pub(crate) fn price(item: u8, at: u8, cents: i64) -> Price {
    Price { item, at, cents }
}
