//! Random rows of any type, from its description.
//!
//! Domains are small, so that keys meet and rows repeat; the values that break things are among
//! them: null, empty and long text, NaN and infinities. Integers stay small: a sum that overflows
//! ends a run, and is no difference between two runs.

use super::Random;
use crate::schema::{DataType, RowEncoder, Schema, StructType, ordered, put_len, put_str};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

const INTEGERS: [i8; 10] = [0, 1, 2, 3, 4, -1, -2, 7, 42, 100];
const FLOATS: [f64; 9] = [0.0, 1.0, 2.0, -1.0, 0.5, 0.1, 0.2, 1e16, -1e16];
const RARE_FLOATS: [f64; 4] = [-0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
const CHARS: [char; 5] = ['a', 'b', 'c', 'é', '\0'];
const LONG: &str = "text that is too long to be kept beside its length";
const TEXTS: [&str; 7] = ["a", "b", "c", "", "ab", "é\u{1F600}", LONG];
/// Types that contain themselves end here.
const DEPTH_MAX: usize = 4;

/// Appends the compact encoding of a random value.
pub(super) fn generate(data_type: DataType, random: &mut Random, out: &mut Vec<u8>) {
    value(data_type, random, 0, out);
}

fn integer(random: &mut Random) -> i8 {
    *random.pick(&INTEGERS)
}

fn float(random: &mut Random) -> f64 {
    if random.one_in(24) { *random.pick(&RARE_FLOATS) } else { *random.pick(&FLOATS) }
}

fn timestamp(random: &mut Random) -> jiff::Timestamp {
    let second = *random.pick(&[1_700_000_000, 1_700_000_001, 1_700_086_400, 0, -1]);
    let nanosecond = if random.one_in(4) { 1_000 } else { 0 };
    let nanosecond = if second < 0 { -nanosecond } else { nanosecond };
    jiff::Timestamp::new(second, nanosecond).expect("the instant is in range")
}

fn naive(random: &mut Random) -> jiff::civil::DateTime {
    timestamp(random).to_zoned(TimeZone::UTC).datetime()
}

fn json_value(random: &mut Random) -> Value {
    let values =
        [Value::Null, json!(true), json!(1), json!(0.5), json!("a"), json!([]), json!({"a": 1})];
    random.pick(&values).clone()
}

fn decimal(random: &mut Random, out: &mut Vec<u8>) {
    #[cfg(feature = "decimal")]
    rust_decimal::Decimal::new(i64::from(integer(random)), 1).encode(out);
    #[cfg(not(feature = "decimal"))]
    unreachable!("no row has a decimal without its feature: {random:?}, {out:?}");
}

fn count(random: &mut Random, depth: usize) -> usize {
    let bound = if depth >= DEPTH_MAX { 1 } else { 4 };
    random.index(bound)
}

fn value(data_type: DataType, random: &mut Random, depth: usize, out: &mut Vec<u8>) {
    match data_type {
        DataType::Bool => out.push(u8::from(random.below(2) == 1)),
        DataType::I8 => integer(random).encode(out),
        DataType::I16 => i16::from(integer(random)).encode(out),
        DataType::I32 => i32::from(integer(random)).encode(out),
        DataType::I64 => i64::from(integer(random)).encode(out),
        DataType::I128 => i128::from(integer(random)).encode(out),
        DataType::U8 => integer(random).unsigned_abs().encode(out),
        DataType::U16 => u16::from(integer(random).unsigned_abs()).encode(out),
        DataType::U32 => u32::from(integer(random).unsigned_abs()).encode(out),
        DataType::U64 => u64::from(integer(random).unsigned_abs()).encode(out),
        DataType::U128 | DataType::Uuid => u128::from(integer(random).unsigned_abs()).encode(out),
        #[expect(clippy::cast_possible_truncation, reason = "the nearest float will do")]
        DataType::F32 => (float(random) as f32).encode(out),
        DataType::F64 => float(random).encode(out),
        DataType::Char => random.pick(&CHARS).encode(out),
        DataType::String => put_str(random.pick::<&str>(&TEXTS), out),
        DataType::Bytes => {
            let bytes = random.pick::<&str>(&TEXTS).as_bytes();
            put_len(bytes.len(), out);
            out.extend_from_slice(bytes);
        }
        DataType::Date => naive(random).date().encode(out),
        DataType::Time => naive(random).time().encode(out),
        DataType::NaiveDateTime => naive(random).encode(out),
        DataType::DateTime => timestamp(random).encode(out),
        DataType::Zoned => timestamp(random).to_zoned(TimeZone::UTC).encode(out),
        DataType::Duration => {
            jiff::SignedDuration::from_millis(i64::from(integer(random)) * 500).encode(out);
        }
        DataType::UnsignedDuration => {
            let halves = u64::from(integer(random).unsigned_abs());
            std::time::Duration::from_millis(halves * 500).encode(out);
        }
        DataType::Decimal => decimal(random, out),
        DataType::Json => json_value(random).encode(out),
        DataType::Option(inner) => {
            let present = is_present(random, depth);
            out.push(u8::from(present));
            if present {
                value(inner(), random, depth + 1, out);
            }
        }
        DataType::Reverse(inner) => value(inner(), random, depth, out),
        DataType::List(inner) => {
            let len = count(random, depth);
            put_len(len, out);
            (0..len).for_each(|_| value(inner(), random, depth + 1, out));
        }
        DataType::Array(inner, len) => {
            (0..len).for_each(|_| value(inner(), random, depth + 1, out));
        }
        DataType::Map(key, inner) => map(key(), inner(), random, depth, out),
        DataType::Struct(inner) => columns(inner, random, depth, out),
        DataType::Enum(inner) => {
            let variants = inner.variants;
            // Deep inside, the variant with the fewest fields ends a type that contains itself.
            let at = if depth < DEPTH_MAX {
                random.index(variants.len())
            } else {
                let fields = |at: &usize| variants[*at].fields.columns.len();
                (0..variants.len()).min_by_key(fields).expect("an enum has variants")
            };
            put_len(at, out);
            columns(&variants[at].fields, random, depth, out);
        }
    }
}

fn is_present(random: &mut Random, depth: usize) -> bool {
    depth < DEPTH_MAX && random.below(4) != 0
}

/// Entries are sorted by key and keys are unique, as in every encoded map.
fn map(key: DataType, inner: DataType, random: &mut Random, depth: usize, out: &mut Vec<u8>) {
    let mut entries = std::collections::BTreeMap::new();
    for _ in 0..count(random, depth) {
        let mut entry = Vec::new();
        value(key, random, depth + 1, &mut entry);
        let mut place = Vec::new();
        ordered::from_compact(key, &mut entry.as_slice(), &mut place);
        value(inner, random, depth + 1, &mut entry);
        entries.insert(place, entry);
    }
    put_len(entries.len(), out);
    entries.values().for_each(|entry| out.extend_from_slice(entry));
}

fn columns(row: &StructType, random: &mut Random, depth: usize, out: &mut Vec<u8>) {
    let mut encoder = RowEncoder::new(out, row.nullable_count());
    for column in row.columns {
        if !column.nullable {
            value((column.data_type)(), random, depth + 1, encoder.value());
        } else if is_present(random, depth) {
            value(column.value_type(), random, depth + 1, encoder.present());
        } else {
            encoder.null();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{Bytes, Date, DateTime, Duration, NaiveDateTime, Text, Time, Zoned};
    use std::cmp::Reverse;
    use std::collections::BTreeMap;

    /// What is generated is what the type itself would write.
    fn check<T: Schema>() {
        for seed in 0..200 {
            let mut random = Random::new(seed);
            let mut row = Vec::new();
            generate(T::data_type(), &mut random, &mut row);
            let mut input = row.as_slice();
            let value = T::decode(&mut input);
            assert!(input.is_empty(), "{}: {row:?}", T::data_type().name());
            assert_eq!(value.to_row_bytes(), row, "{}", T::data_type().name());
            // The same choices make the same row.
            let mut again = Vec::new();
            generate(T::data_type(), &mut Random::replay(random.take_choices()), &mut again);
            assert_eq!(again, row);
        }
    }

    #[test]
    fn rows_of_every_type() {
        check::<(bool, char, String, Text, Bytes, Value)>();
        check::<(i8, i16, i32, i64, i128, isize)>();
        check::<(u8, u16, u32, u64, u128, usize)>();
        check::<(f32, f64, Option<f64>, Option<Option<i64>>, Vec<Option<String>>, [u8; 3])>();
        check::<(Date, Time, NaiveDateTime, DateTime, Zoned, Duration, std::time::Duration)>();
        check::<(BTreeMap<String, Vec<i64>>, BTreeMap<Option<i32>, (u8, Option<f64>)>)>();
        check::<Option<(Option<u8>, ())>>();
        check::<(Reverse<Option<String>>, Option<Reverse<Vec<i64>>>)>();
        check::<()>();
        #[cfg(feature = "decimal")]
        check::<rust_decimal::Decimal>();
        #[cfg(feature = "uuid")]
        check::<uuid::Uuid>();
    }

    #[test]
    fn the_least_choices_make_the_simplest_row() {
        let mut row = Vec::new();
        let data_type = <(i64, String, Option<u8>, Vec<u8>, f64)>::data_type();
        generate(data_type, &mut Random::replay(Vec::new()), &mut row);
        let simplest = (0_i64, "a".to_owned(), None::<u8>, Vec::<u8>::new(), 0.0);
        assert_eq!(row, simplest.to_row_bytes());
    }
}
