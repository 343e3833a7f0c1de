//! The words of suggestions: which known name was meant, and which there are.

/// Names in backticks, the last one after `and`.
pub(crate) fn list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

/// The known name that is most like the one written, if any is.
pub(crate) fn closest<'k>(written: &str, known: &[&'k str]) -> Option<&'k str> {
    let written = written.to_lowercase();
    known
        .iter()
        .map(|name| (distance(&written, &name.to_lowercase()), *name))
        .filter(|(distance, name)| {
            *distance <= 1 + name.len() / 4 || name.starts_with(&written) && written.len() > 2
        })
        .min()
        .map(|(_, name)| name)
}

/// How many letters have to be added, removed, changed or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let changed = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = changed.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::{closest, list};

    #[test]
    fn the_closest_name_is_near_enough() {
        let known = ["key", "event_time", "rename", "skip", "default"];
        for (written, meant) in [
            ("keys", Some("key")),
            ("eventtime", Some("event_time")),
            ("evnet_time", Some("event_time")),
            ("Rename", Some("rename")),
            ("def", Some("default")),
            ("colour", None),
            ("x", None),
        ] {
            assert_eq!(closest(written, &known), meant, "{written}");
        }
    }

    #[test]
    fn names_are_listed() {
        assert_eq!(list(&["a"]), "`a`");
        assert_eq!(list(&["a", "b", "c"]), "`a`, `b` and `c`");
    }
}
