//! Results as systems write them, brought into one form: CSV files or folders of them, changes
//! with a `diff`, and batches of which a later one replaces rows of those before.

use crate::Outcome;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

/// What is in a column.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Text,
    Whole,
    /// Compared to so many decimals: sums of floats depend on their order, except ours.
    Decimal(usize),
}

/// The columns of a result, the key in front.
pub(super) type Columns = &'static [(&'static str, Kind)];

/// A result: each row in one form, and how often it is there.
#[derive(Debug, Default)]
pub(super) struct Table(BTreeMap<String, i64>);

impl Table {
    pub(super) fn rows(&self) -> i64 {
        self.0.values().sum()
    }

    pub(super) fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.0.hash(&mut hasher);
        hasher.finish()
    }

    /// The first rows that only one of the two has.
    pub(super) fn difference(&self, other: &Self) -> String {
        let only = |a: &Self, b: &Self| {
            let row = a.0.iter().find(|(row, count)| b.0.get(*row) != Some(count));
            row.map_or_else(|| "nothing".to_owned(), |(row, count)| format!("`{row}` × {count}"))
        };
        let (here, there) = (only(self, other), only(other, self));
        format!("{} rows and {}; {here} against {there}", self.rows(), other.rows())
    }
}

pub(super) fn read(path: &Path, columns: Columns) -> Outcome<Table> {
    let mut table = Table::default();
    if !path.is_dir() {
        add_file(&mut table, path, columns)?;
    } else if path.join("batch-00000").exists() {
        let mut latest: BTreeMap<String, String> = BTreeMap::new();
        for batch in crate::inputs::files(path)? {
            let mut rows = Table::default();
            add_folder(&mut rows, &batch, columns)?;
            for row in rows.0.into_keys() {
                let key = row.split(',').next().unwrap_or_default().to_owned();
                latest.insert(key, row);
            }
        }
        table.0 = latest.into_values().map(|row| (row, 1)).collect();
    } else {
        add_folder(&mut table, path, columns)?;
    }
    table.0.retain(|_, count| *count != 0);
    Ok(table)
}

fn add_folder(table: &mut Table, folder: &Path, columns: Columns) -> Outcome {
    let is_csv = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "csv");
    for file in crate::inputs::files(folder)?.into_iter().filter(is_csv) {
        add_file(table, &file, columns)?;
    }
    Ok(())
}

fn add_file(table: &mut Table, path: &Path, columns: Columns) -> Outcome {
    let mut reader = csv::Reader::from_path(path)?;
    let header = reader.headers()?.clone();
    let place = |name: &str| header.iter().position(|column| column == name);
    let places = columns
        .iter()
        .map(|(name, kind)| Ok((place(name).ok_or(format!("no column `{name}`"))?, *kind)))
        .collect::<Outcome<Vec<(usize, Kind)>>>()?;
    let diff = place("diff");
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record)? {
        let mut row = String::new();
        for (place, kind) in &places {
            if !row.is_empty() {
                row.push(',');
            }
            row += &cell(&record[*place], *kind)?;
        }
        let diff = diff.map_or(Ok(1), |diff| record[diff].parse())?;
        *table.0.entry(row).or_insert(0) += diff;
    }
    Ok(())
}

fn cell(text: &str, kind: Kind) -> Outcome<String> {
    match kind {
        Kind::Text => Ok(text.to_owned()),
        Kind::Whole => match text.parse::<i128>() {
            Ok(number) => Ok(number.to_string()),
            Err(_) => Err(format!("`{text}` is no whole number").into()),
        },
        Kind::Decimal(decimals) => {
            let number: f64 = text.parse().map_err(|_| format!("`{text}` is no number"))?;
            let unit = 10_f64.powi(i32::try_from(decimals)?);
            // Means of cents do fall between two decimals; hardly one falls on this.
            Ok(format!("{:.decimals$}", (number * unit + 0.314_159).floor() / unit))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: Columns = &[("word", Kind::Text), ("mean", Kind::Decimal(2))];

    #[test]
    fn a_mean_between_two_decimals_is_one_number() {
        let decimal = |text| cell(text, Kind::Decimal(4)).unwrap();
        assert_eq!(decimal("513.91375"), decimal("513.9137499999999"));
        assert_ne!(decimal("513.9138"), decimal("513.9139"));
    }

    #[test]
    fn forms_of_one_result_are_equal() {
        let folder = std::env::temp_dir().join(format!("peers-compare-{}", std::process::id()));
        let file = |name: &str, text: &str| {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, text).unwrap();
            path
        };
        let plain = file("plain.csv", "word,mean\na,0.30000000000000004\nb,2\n");
        let changes =
            file("changes.csv", "mean,word,time,diff\n1,a,2,1\n0.3,a,4,1\n1,a,4,-1\n2.0,b,2,1\n");
        file("batches/batch-00000/part-0.csv", "word,mean\na,1\nb,2\n");
        file("batches/batch-00001/part-0.csv", "word,mean\na,0.3\n");
        let batches = folder.join("batches");
        let other = file("other.csv", "word,mean\na,0.31\nb,2\n");

        let of = |path: &Path| read(path, COLUMNS).unwrap();
        assert_eq!(of(&plain).rows(), 2);
        assert_eq!(of(&changes).digest(), of(&plain).digest());
        assert_eq!(of(&batches).digest(), of(&plain).digest());
        assert_ne!(of(&other).digest(), of(&plain).digest());
        let said = of(&plain).difference(&of(&other));
        assert_eq!(said, "2 rows and 2; `a,0.30` × 1 against `a,0.31` × 1");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
