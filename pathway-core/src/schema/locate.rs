//! Finding columns in an encoded row without decoding it.

use super::encoding::fixed_width;
use super::{DataType, StructType, skip, take_bytes};

/// Finds some of a struct's columns in its encoded rows: a walk over the bytes as far as the last
/// of them.
#[derive(Clone, Debug)]
pub struct Locator {
    bitmap: usize,
    columns: Vec<Walked>,
}

#[derive(Clone, Copy, Debug)]
struct Walked {
    value_type: DataType,
    width: Option<usize>,
    nullable: bool,
    /// Where the caller wants to hear of it.
    place: Option<usize>,
}

impl Locator {
    /// A locator of the columns at those positions; the same one may be asked for twice.
    ///
    /// # Panics
    ///
    /// If the struct has no such column.
    pub fn new(rows: &'static StructType, wanted: &[usize]) -> Self {
        let last = wanted.iter().max().map_or(0, |last| last + 1);
        let walked = |(at, column): (usize, &super::ColumnType)| {
            let value_type = column.value_type();
            Walked {
                value_type,
                width: fixed_width(value_type),
                nullable: column.nullable,
                place: wanted.iter().position(|&wanted| wanted == at),
            }
        };
        let columns = rows.columns[..last].iter().enumerate().map(walked).collect();
        Self { bitmap: rows.nullable_count().div_ceil(8), columns }
    }

    /// Calls `found` with the place of each wanted column among those asked for (the first, where
    /// one was asked for twice) and the bytes of its value, or nothing for null.
    pub fn locate<'a>(&self, mut row: &'a [u8], mut found: impl FnMut(usize, Option<&'a [u8]>)) {
        let bitmap = take_bytes(&mut row, self.bitmap);
        let mut nullable = 0;
        for column in &self.columns {
            let mut null = false;
            if column.nullable {
                null = bitmap[nullable / 8] & (1 << (nullable % 8)) != 0;
                nullable += 1;
            }
            let start = row;
            if !null {
                match column.width {
                    Some(width) => row = &row[width..],
                    None => skip(column.value_type, &mut row),
                }
            }
            if let Some(place) = column.place {
                found(place, (!null).then(|| &start[..start.len() - row.len()]));
            }
        }
    }
}
