//! "Did you mean": the name that a misspelt one was meant to be.

/// The candidate that is nearest to `name`, if one is near enough to be a slip of the pen.
///
/// Case and the difference between `_`, `-` and a space count for nothing.
pub fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = folded(name);
    let limit = (wanted.len() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(&wanted, &folded(candidate)), candidate))
        .filter(|&(distance, _)| distance <= limit)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

fn folded(name: &str) -> Vec<char> {
    name.trim()
        .chars()
        .map(|char| if matches!(char, '-' | ' ') { '_' } else { char })
        .flat_map(char::to_lowercase)
        .collect()
}

/// The number of insertions, removals and replacements between the two (Levenshtein).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(left != right);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn a_slip_is_recognised() {
        assert_eq!(closest("carier", ["origin", "carrier"]), Some("carrier"));
        assert_eq!(closest("dep_delay", ["Dep Delay", "arr_delay"]), Some("Dep Delay"));
    }

    #[test]
    fn another_word_is_not() {
        assert_eq!(closest("year", ["month", "day"]), None);
    }
}
