//! Numbers for people.

use std::time::Duration;

/// `999`, `1.2 k`, `340 M`: two digits at least, four at most.
fn scaled(value: f64, prefixes: &[&'static str]) -> String {
    let mut value = value;
    let mut prefixes = prefixes.iter();
    let mut prefix = prefixes.next().copied().unwrap_or_default();
    let whole = prefix;
    // What would be rounded to a thousand has the next prefix.
    while value >= 999.5
        && let Some(next) = prefixes.next()
    {
        value /= 1000.0;
        prefix = next;
    }
    let digits = usize::from(prefix != whole && value < 99.95);
    format!("{value:.digits$} {prefix}")
}

/// A number of rows: `1 row`, `1.2 M rows`.
pub(super) fn rows(rows: u64) -> String {
    if rows == 1 {
        return "1 row".to_owned();
    }
    format!("{} rows", scaled(rows as f64, &["", "k", "M", "G", "T"]).trim_end())
}

/// Rows per second.
pub(super) fn rate(per_second: f64) -> String {
    if per_second > 0.0 && per_second < 9.95 {
        return format!("{per_second:.1} rows/s");
    }
    format!("{} rows/s", scaled(per_second, &["", "k", "M", "G", "T"]).trim_end())
}

/// A number of bytes: `340 MB`.
pub(super) fn bytes(bytes: u64) -> String {
    scaled(bytes as f64, &["B", "kB", "MB", "GB", "TB", "PB"])
}

/// A time that has passed: `2.4 s`, `3 min 05 s`, `2 h 05 min`.
pub(super) fn elapsed(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{:.1} s", time.as_millis() as f64 / 1000.0),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_two_to_four_digits() {
        let shown = [0, 1, 999, 1_000, 1_249, 99_949, 99_950, 999_499, 999_500, 5_000_000];
        let expected = [
            "0 rows",
            "1 row",
            "999 rows",
            "1.0 k rows",
            "1.2 k rows",
            "99.9 k rows",
            "100 k rows",
            "999 k rows",
            "1.0 M rows",
            "5.0 M rows",
        ];
        assert_eq!(shown.map(rows), expected);
        assert_eq!([12, 340_000_000].map(bytes), ["12 B", "340 MB"]);
        let rates = [0.0, 3.3, 42.0, 2_100_000.0].map(rate);
        assert_eq!(rates, ["0 rows/s", "3.3 rows/s", "42 rows/s", "2.1 M rows/s"]);
    }

    #[test]
    fn times_have_two_units_at_most() {
        let shown = [40, 2_449, 65_000, 7_500_000].map(Duration::from_millis).map(elapsed);
        assert_eq!(shown, ["0.0 s", "2.4 s", "1 min 05 s", "2 h 05 min"]);
    }
}
