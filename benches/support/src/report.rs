//! Measurements and the lines that report them.

use crate::Digest;
use cpu_time::ProcessTime;
use std::fmt;
use std::process::{Command, Stdio};

/// Whether the benchmark is asked to show that it works rather than how fast it is: small inputs.
pub fn is_quick() -> bool {
    std::env::args().any(|arg| arg == "--quick")
}

/// One figure: a line of the table in `docs/benchmarks.md`, without the command.
#[derive(Clone, Debug)]
pub struct Figure<'a> {
    /// The work that both did.
    pub work: &'a str,
    /// What was measured, with its unit.
    pub measured: &'a str,
    /// Ours.
    pub pathway: Option<f64>,
    /// The reference's.
    pub reference: Option<f64>,
    /// The most that the ratio of the two may be, where there is such a promise.
    pub ratio_max: Option<f64>,
}

impl fmt::Display for Figure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cell = |value: Option<f64>| match value {
            None => String::from("–"),
            Some(value) if value < 100.0 => format!("{value:.2}"),
            Some(value) => format!("{value:.0}"),
        };
        let ratio = self.pathway.zip(self.reference).map(|(ours, theirs)| ours / theirs);
        let Self { work, measured, .. } = self;
        let [pathway, reference] = [self.pathway, self.reference].map(cell);
        let [ratio, ratio_max] = [ratio, self.ratio_max].map(cell);
        write!(f, "| {work} | {measured} | {pathway} | {reference} | {ratio} | {ratio_max} |")
    }
}

/// The middle value, or the mean of the two middle ones; none of no values.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.as_slice() {
        [] => None,
        odd if odd.len() % 2 == 1 => Some(odd[middle]),
        even => Some(f64::midpoint(even[middle - 1], even[middle])),
    }
}

/// What one run of a program took, from its start to its result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// Its result.
    pub digest: Digest,
    /// User and system seconds of all its threads.
    pub cpu_s: f64,
    /// The most memory it held at any time, in bytes.
    pub peak_bytes: f64,
}

/// Runs this same program again with other arguments, as a process of its own, so that its time
/// and its memory are its own too. It is to end with [`report_self`].
///
/// # Panics
///
/// If the program cannot be started, fails, or reports nothing.
pub fn measure_child(args: &[&str]) -> Measured {
    let line = child_line(args);
    let report = parse_report(&line);
    report.unwrap_or_else(|| panic!("{args:?} reported what cannot be understood: {line}"))
}

/// Runs this same program again with other arguments, as a process of its own, and returns the
/// last line that it prints.
///
/// # Panics
///
/// If the program cannot be started, fails, or prints nothing.
pub fn child_line(args: &[&str]) -> String {
    let program = std::env::current_exe().expect("a program that runs has a file");
    let output = Command::new(program)
        .args(args)
        .stderr(Stdio::inherit())
        .output()
        .expect("this program can be started again");
    assert!(output.status.success(), "{args:?} ended with {}", output.status);
    let text = String::from_utf8(output.stdout).expect("programs report in UTF-8");
    text.lines().last().unwrap_or_else(|| panic!("{args:?} printed nothing")).to_owned()
}

/// Prints what [`measure_child`] reads.
#[expect(clippy::print_stdout, reason = "the parent reads it")]
pub fn report_self(digest: Digest) {
    let cpu_s = ProcessTime::now().as_duration().as_secs_f64();
    println!("{} {} {cpu_s} {}", digest.rows, digest.sum, peak_bytes());
}

fn parse_report(line: &str) -> Option<Measured> {
    let mut cells = line.split(' ');
    let rows = cells.next()?.parse().ok()?;
    let sum = cells.next()?.parse().ok()?;
    let cpu_s = cells.next()?.parse().ok()?;
    let peak_bytes = cells.next()?.parse().ok()?;
    Some(Measured { digest: Digest { rows, sum }, cpu_s, peak_bytes })
}

/// The most memory that this process held; NaN where the system keeps no account.
fn peak_bytes() -> f64 {
    status_bytes("VmHWM:")
}

/// The memory that this process holds; NaN where the system keeps no account.
pub fn resident_bytes() -> f64 {
    status_bytes("VmRSS:")
}

fn status_bytes(name: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")).map(str::trim);
    kib.and_then(|kib| kib.parse().ok()).map_or(f64::NAN, |kib: f64| kib * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_a_line_of_a_table() {
        let mut figure = Figure {
            work: "join",
            measured: "CPU s",
            pathway: Some(1.0),
            reference: Some(4.0),
            ratio_max: Some(0.5),
        };
        assert_eq!(figure.to_string(), "| join | CPU s | 1.00 | 4.00 | 0.25 | 0.50 |");
        figure.pathway = None;
        assert_eq!(figure.to_string(), "| join | CPU s | – | 4.00 | – | 0.50 |");
    }

    #[test]
    fn an_even_number_of_values_has_its_median_between_two() {
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }
}
