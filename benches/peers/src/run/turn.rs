//! One run of one system, as a process of its own under `peers measure`.

use super::systems::Command;
use crate::Outcome;
use std::collections::BTreeMap;
use std::path::Path;

/// No run takes longer, in seconds.
const LIMIT: &str = "1800";
const QUICK_LIMIT: &str = "300";

/// What a run took.
#[derive(Clone, Debug, Default)]
pub(super) struct Turn {
    /// User and system seconds of the program and all that it started.
    pub(super) cpu_s: f64,
    pub(super) wall_s: f64,
    /// The most memory that its largest process held.
    pub(super) mib: f64,
    /// What the program itself has reported, by name.
    pub(super) figures: BTreeMap<String, Vec<f64>>,
}

impl Turn {
    pub(super) fn take(command: &Command, output: &Path, quick: bool) -> Outcome<Self> {
        let log = output.with_extension("log");
        let limit = if quick { QUICK_LIMIT } else { LIMIT };
        let mut measure = std::process::Command::new(std::env::current_exe()?);
        measure.arg("measure").arg(&log).arg(limit).args(&command.words);
        let measured = measure.arg("--output").arg(output).output()?;
        let text = String::from_utf8_lossy(&measured.stdout).into_owned();
        let said = std::fs::read_to_string(&log).unwrap_or_default();
        let Some(numbers) = text.lines().find_map(|line| line.strip_prefix("measured ")) else {
            return Err(String::from_utf8_lossy(&measured.stderr).trim().to_owned().into());
        };
        let numbers: Vec<f64> = numbers.split(' ').map(str::parse).collect::<Result<_, _>>()?;
        let [well, cpu_s, wall_s, mib] = numbers[..] else {
            return Err(format!("`{text}` is no measurement").into());
        };
        if well < 1.0 {
            let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no word");
            return Err(format!("{last} (see `{}`)", log.display()).into());
        }
        let mut figures: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for line in said.lines().filter_map(|line| line.strip_prefix("figure ")) {
            if let Some((name, value)) = line.split_once(' ') {
                figures.entry(name.to_owned()).or_default().push(value.parse()?);
            }
        }
        Ok(Self { cpu_s, wall_s, mib, figures })
    }
}
