//! The word count as one writes it by hand, for nothing else.

use crate::Digest;
use std::collections::HashMap;
use std::path::Path;

/// Counts the words of a CSV file with the `csv` crate, owned strings and a hash map.
///
/// # Errors
///
/// What reading the file can fail with.
pub fn word_count(path: &Path) -> csv::Result<Digest> {
    let mut reader = csv::Reader::from_path(path)?;
    let mut record = csv::StringRecord::new();
    let mut counts: HashMap<String, i64> = HashMap::new();
    while reader.read_record(&mut record)? {
        *counts.entry(record[0].to_owned()).or_insert(0) += 1;
    }
    let mut digest = Digest::default();
    #[expect(clippy::iter_over_hash_type, reason = "the digest does not depend on the order")]
    for (word, count) in counts {
        digest.update(word.as_bytes(), [count, 0], 1);
    }
    Ok(digest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::words_csv;
    use std::collections::BTreeMap;

    #[test]
    fn counts_each_word() {
        let folder = std::env::temp_dir().join(format!("bench-support-{}", std::process::id()));
        let path = words_csv(&folder, 50, 1_000).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let mut counts = BTreeMap::new();
        text.lines().skip(1).for_each(|word| *counts.entry(word).or_insert(0) += 1);
        let mut expected = Digest::default();
        for (word, count) in &counts {
            expected.update(word.as_bytes(), [*count, 0], 1);
        }

        assert_eq!(counts.values().sum::<i64>(), 1_000);
        assert_eq!(word_count(&path).unwrap(), expected);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
