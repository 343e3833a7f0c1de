//! Names in a directory: which are left out, and which is closest to a misspelt one.

use super::errors::directory_of;
use std::path::{Path, PathBuf};

/// What the names of files end in while they are being written.
pub(super) const UNFINISHED: [&str; 4] = ["~", ".tmp", ".swp", ".part"];

/// Whether a file of that name is not yet, or not meant, to be read.
pub(super) fn is_left_out(name: &str) -> bool {
    name.starts_with('.') || UNFINISHED.iter().any(|end| name.ends_with(end))
}

/// The entry most like the last part of `path` in its directory, if one is like it.
pub(super) fn closest(path: &Path) -> Option<PathBuf> {
    let wanted = path.file_name()?.to_str()?;
    let distance_max = (wanted.chars().count() / 3).max(1);
    let (_, name) = names_in(directory_of(path))
        .into_iter()
        .filter(|name| name != wanted)
        .map(|name| (distance(&wanted.to_lowercase(), &name.to_lowercase()), name))
        .filter(|&(distance, _)| distance <= distance_max)
        .min()?;
    Some(path.with_file_name(name))
}

/// What a directory holds, in a few words: `holds a, b and 3 more`.
pub(super) fn describe_contents(directory: &Path) -> String {
    let all = names_in(directory);
    let names: Vec<&String> = all.iter().filter(|name| !is_left_out(name)).collect();
    match names.as_slice() {
        [] if all.is_empty() => "is empty".to_owned(),
        [] => "holds only names that are left out: hidden ones, and those that end in `~`, \
               `.tmp`, `.swp` or `.part`"
            .to_owned(),
        names => {
            let shown: Vec<String> = names.iter().take(3).map(|name| format!("`{name}`")).collect();
            let rest = names.len() - shown.len();
            let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
            format!("holds {}{more}", shown.join(", "))
        }
    }
}

fn names_in(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// How many characters have to be inserted, removed, replaced or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}
