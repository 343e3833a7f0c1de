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

/// A column, or several of fixed width that are passed by together.
#[derive(Clone, Copy, Debug)]
struct Walked {
    value_type: DataType,
    width: Option<usize>,
    nullable: bool,
    /// Where the caller wants to hear of it.
    place: Option<usize>,
}

impl Walked {
    /// The width, if the column always has it and nobody wants it.
    fn width_to_pass(self) -> Option<usize> {
        self.width.filter(|_| !self.nullable && self.place.is_none())
    }
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
        let mut columns: Vec<Walked> = Vec::with_capacity(last);
        for column in rows.columns[..last].iter().enumerate().map(walked) {
            match (column.width_to_pass(), columns.last_mut()) {
                (
                    Some(width),
                    Some(Walked { width: Some(passed), nullable: false, place: None, .. }),
                ) => {
                    *passed += width;
                }
                _ => columns.push(column),
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Schema;

    type Row = (u32, i64, Option<u16>, u8, String, u64, i16, bool);

    /// Columns of all kinds, in any choice: what is passed by together is passed by whole.
    #[test]
    fn any_columns_are_found() {
        let DataType::Struct(rows) = Row::data_type() else { panic!("tuples are structs") };
        for nullable in [None, Some(7)] {
            let row: Row = (1, -2, nullable, 3, "text".to_owned(), 4, -5, true);
            let bytes = row.to_row_bytes();
            let values = [
                Some(row.0.to_row_bytes()),
                Some(row.1.to_row_bytes()),
                row.2.map(|value| value.to_row_bytes()),
                Some(row.3.to_row_bytes()),
                Some(row.4.to_row_bytes()),
                Some(row.5.to_row_bytes()),
                Some(row.6.to_row_bytes()),
                Some(row.7.to_row_bytes()),
            ];
            for chosen in 0..1_u32 << values.len() {
                let wanted: Vec<usize> =
                    (0..values.len()).filter(|column| chosen >> column & 1 == 1).collect();
                let mut found = vec![None; wanted.len()];
                Locator::new(rows, &wanted)
                    .locate(&bytes, |place, value| found[place] = Some(value.map(<[u8]>::to_vec)));
                let expected: Vec<_> =
                    wanted.iter().map(|&column| Some(values[column].clone())).collect();
                assert_eq!(found, expected, "columns {wanted:?}");
            }
        }
    }
}
