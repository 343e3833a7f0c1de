//! What a row is: its columns, its types and its two encodings.
//!
//! A [`Schema`] type is anything that can be a row or a column of one. It is described once, as a
//! [`DataType`], and encoded in the *compact* form that the engine hashes, exchanges, stores and
//! writes. Everything else (equality, order, text, JSON) works on the pair of type and bytes, so
//! it is compiled once, here, and not again for every row type of a program.
//!
//! - [`Schema`]: the trait, usually derived.
//! - [`DataType`], [`StructType`], [`ColumnType`], [`EnumType`]: the description.
//! - [`RowEncoder`], [`RowDecoder`]: how a struct's columns are laid out.
//! - [`ordered`]: the second encoding, which sorts by `memcmp`.
//! - [`Path`]: a column named at compile time.

mod column;
mod containers;
mod data_type;
mod encoding;
mod event_time;
mod json;
mod locate;
pub mod ordered;
mod reverse;
mod scalars;
#[cfg(test)]
pub(crate) mod tests;
mod time;
mod tuples;
mod window;

pub use column::{ColumnAt, Expr, NamedColumns, Path, PathFn, path};
pub use data_type::{ColumnType, EnumType, StructKind, StructType, VariantType};
pub use encoding::{
    RowDecoder, RowEncoder, put_bytes, put_len, put_str, skip, take_bytes, take_len, take_sized,
    take_str,
};

pub use event_time::{EventTime, EventTimeColumn, TimePoint};
pub use locate::Locator;
pub use scalars::{Bytes, Text};
pub use time::{Date, DateTime, Duration, InUtc, NaiveDateTime, Time, Zoned};
pub use window::Window;

/// The description of a column's or a row's type.
///
/// Nested descriptions are functions rather than values, so that recursive types
/// (`struct Node { children: Vec<Node> }`) have one.
// An alias, so that no public path leads to the variants: where two public items have one name,
// and variants are items, the compiler writes both with their paths, in all messages of every
// program that uses the crate, and `String` becomes `std::string::String`.
pub type DataType = data_type::DataType;

use std::cmp::Ordering;

/// A type that can be a row of a table, or a column of one.
///
/// Derive it: `#[derive(Schema)]` on a struct or an enum gives the columns, the codec, and an
/// equality, a total order and a hash that also cover floats. Numbers, strings, options,
/// vectors, tuples, maps, times and JSON values implement it already.
///
/// The derive implements none of std's comparison traits, so `PartialEq`, `Ord` and `Hash` may
/// be derived freely beside it; the engine never uses them.
///
/// # The compact encoding
///
/// Equal values have equal bytes: `-0.0` is written as `0.0`, every NaN as one NaN, maps are
/// sorted. A struct is a bitmap of its nullable columns followed by the columns that are not
/// null. Integers and floats are little-endian at their own width, strings and lists carry a
/// variable-length count.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a row or a column of a table",
    label = "`{Self}` does not implement `Schema`",
    note = "if `{Self}` is yours, add `#[derive(Schema)]` to it",
    note = "otherwise turn it into a type that is: numbers, `String`, `Option`, `Vec`, tuples, maps, times, JSON"
)]
pub trait Schema: Sized + Send + Sync + 'static {
    /// This type, or null: what a reducer gives where there may be no rows. `Option<Self>`; for
    /// an `Option` itself.
    type OrNull: Schema;

    /// Whether a value can be null, as `Option` can.
    const NULLABLE: bool = false;

    /// A column of this type, with no name and no further property.
    #[doc(hidden)]
    const COLUMN: ColumnType = ColumnType::of::<Self>("");

    /// The description of this type.
    fn data_type() -> DataType;

    /// Appends the compact encoding of this value to `out`.
    fn encode(&self, out: &mut Vec<u8>);

    /// Reads a value back from the front of `input`, and advances it.
    ///
    /// The bytes come from [`encode`](Self::encode) or from an encoder driven by the
    /// [`data_type`](Self::data_type); other bytes may panic.
    fn decode(input: &mut &[u8]) -> Self;

    /// Whether decoding its encoding would give this very value: not for `-0.0`, which comes back
    /// as `0.0`, or for fields that are skipped. Only such values may reach a closure without
    /// having been encoded. False, which always holds, costs time only.
    #[doc(hidden)]
    fn is_canonical(&self) -> bool {
        false
    }

    /// Whether this value is null.
    #[doc(hidden)]
    fn is_null(&self) -> bool {
        false
    }

    /// Appends this value as the key of a join: the compact encoding, but of an optional value
    /// that is not null as of the value itself, so that `Option<K>` can be joined with `K`.
    #[doc(hidden)]
    fn encode_key(&self, out: &mut Vec<u8>) {
        self.encode(out);
    }

    /// Whether this value is null or, as a tuple, has a null in it: a key that matches nothing.
    #[doc(hidden)]
    fn has_null(&self) -> bool {
        self.is_null()
    }

    /// Writes this value as one column of a struct.
    #[doc(hidden)]
    fn encode_column(&self, row: &mut RowEncoder<'_>) {
        self.encode(row.value());
    }

    /// Reads this value as one column of a struct.
    #[doc(hidden)]
    fn decode_column(row: &mut RowDecoder<'_, '_>) -> Self {
        Self::decode(row.value())
    }

    /// The compact encoding of this value alone.
    fn to_row_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode(&mut out);
        out
    }

    /// Whether both rows are the same: floats by value, with every NaN equal to itself.
    fn row_eq(&self, other: &Self) -> bool {
        self.to_row_bytes() == other.to_row_bytes()
    }

    /// The total order of rows: columns from the first to the last, null before every value,
    /// floats by value with NaN last, text by its UTF-8 bytes.
    fn row_cmp(&self, other: &Self) -> Ordering {
        ordered_bytes(self).cmp(&ordered_bytes(other))
    }

    /// A hash of the row that is the same on every machine and in every release.
    fn row_hash(&self) -> u64 {
        stable_hash(&self.to_row_bytes())
    }

    /// A copy of this value, made by its codec.
    ///
    /// `Schema` asks for no `Clone`, so that one derive is enough; where rows are shared between
    /// several consumers, this is how the second one gets its own.
    #[doc(hidden)]
    fn duplicate(&self) -> Self {
        Self::decode(&mut self.to_row_bytes().as_slice())
    }
}

/// A row type that names its key with `#[schema(key)]`.
///
/// Naming a key asserts nothing about the rows; `upsert` and `unique_by` establish it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no key",
    label = "`{Self}` names no key column",
    note = "mark the key with `#[schema(key)]` on one or more fields of `{Self}`"
)]
pub trait Keyed: Schema {
    /// The type of the key: the column's own for one column, a tuple for several.
    type Key: Schema;

    /// The key of this row.
    fn key(&self) -> Self::Key;
}

/// A hash of encoded bytes that is the same on every machine and in every release (XXH3, 64 bit).
pub fn stable_hash(bytes: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(bytes)
}

fn ordered_bytes<T: Schema>(value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    ordered::from_compact(T::data_type(), &mut value.to_row_bytes().as_slice(), &mut out);
    out
}
