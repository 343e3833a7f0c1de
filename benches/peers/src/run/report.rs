//! The tables.

use super::environment::Environment;
use super::systems::{Command, System};
use super::turn::Turn;
use super::works::{Measured, Target, Work};
use bench_support::median;
use std::fmt;

/// What one system took for one piece of work.
#[derive(Debug)]
pub(super) struct Row {
    work: String,
    system: System,
    program: String,
    pub(super) turns: Vec<Turn>,
    /// Why there are no turns, or no more.
    pub(super) failed: Option<String>,
    /// Whether its result is another one.
    pub(super) differs: bool,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.system.label(), self.work)
    }
}

impl Row {
    pub(super) fn of(work: &Work, system: System, command: Command) -> Self {
        let (turns, failed, program) = (Vec::new(), None, command.short);
        Self { work: work.name.clone(), system, program, turns, failed, differs: false }
    }

    pub(super) fn without(work: &Work, system: System, why: String) -> Self {
        let (turns, failed, program) = (Vec::new(), Some(why), String::new());
        Self { work: work.name.clone(), system, program, turns, failed, differs: false }
    }

    /// Whether the program is written here and installed by nobody.
    pub(super) fn is_own(&self) -> bool {
        self.system.package().is_none()
    }

    fn median(&self, value: impl Fn(&Turn) -> f64) -> Option<f64> {
        median(&self.turns.iter().map(value).collect::<Vec<f64>>())
    }

    /// All values of a figure that the program has reported, over all turns.
    fn figures(&self, name: &str) -> Vec<f64> {
        let values = self.turns.iter().filter_map(|turn| turn.figures.get(name));
        values.flatten().copied().collect()
    }

    fn measured(&self, measured: Measured) -> Option<f64> {
        match measured {
            Measured::Cpu => self.median(|turn| turn.cpu_s),
            Measured::Increment => median(&self.figures("increment_cpu_s")),
            Measured::Memory => self.median(|turn| turn.mib),
        }
    }

    /// Wall milliseconds of increments, the median and the worst; then CPU milliseconds.
    fn increments(&self) -> String {
        let mut cells = Vec::new();
        for (name, word) in [("increment", ""), ("change", "changes ")] {
            let wall = self.figures(&format!("{name}_s"));
            let Some(middle) = median(&wall) else { continue };
            let worst = wall.iter().copied().fold(0.0, f64::max);
            let cpu = median(&self.figures(&format!("{name}_cpu_s")));
            let cpu = cpu.map_or_else(String::new, |cpu| format!("; CPU {}", number(cpu * 1e3)));
            cells.push(format!("{word}{}, {}{cpu}", number(middle * 1e3), number(worst * 1e3)));
        }
        if cells.is_empty() { "–".to_owned() } else { cells.join("; ") }
    }

    fn line(&self) -> String {
        let Self { work, system, program, turns, failed, differs } = self;
        let label = system.label();
        let Some(cpu_s) = self.median(|turn| turn.cpu_s) else {
            let why = failed.as_deref().unwrap_or("not measured");
            return format!("| {work} | {label} | {why} | | | | | | |");
        };
        let least = turns.iter().map(|turn| turn.cpu_s).fold(f64::INFINITY, f64::min);
        let most = turns.iter().map(|turn| turn.cpu_s).fold(0.0, f64::max);
        let start = median(&self.figures("start_cpu_s")).map_or("–".to_owned(), number);
        let [wall, mib] = [self.median(|turn| turn.wall_s), self.median(|turn| turn.mib)].map(cell);
        let mut note = String::new();
        if *differs {
            note += " **another result**";
        }
        if let Some(why) = failed {
            note += &format!(" then failed: {why}");
        }
        format!(
            "| {work} | {label}{note} | {} ({}–{}) | {start} | {wall} | {mib} | {} | {} | `{program}` |",
            number(cpu_s),
            number(least),
            number(most),
            self.increments(),
            turns.len(),
        )
    }
}

/// Three figures or so.
fn number(value: f64) -> String {
    match value {
        _ if value < 0.1 => format!("{value:.3}"),
        _ if value < 10.0 => format!("{value:.2}"),
        _ if value < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

fn cell(value: Option<f64>) -> String {
    value.map_or("–".to_owned(), number)
}

pub(super) fn table(environment: &Environment, works: &[Work], rows: &[Row], name: &str) -> String {
    let mut text = format!("{}.\n\n", environment.versions.join(", "));
    text += "| work | system | CPU s (least–most) | of it start-up | wall s | peak MiB | \
             increment: median, worst ms; CPU ms | runs | program |\n\
             |---|---|---|---|---|---|---|---|---|\n";
    for row in rows {
        text += &row.line();
        text.push('\n');
    }
    let targets: Vec<String> = works
        .iter()
        .flat_map(|work| work.targets.iter().map(move |target| (work, target)))
        .map(|(work, target)| target_line(work, target, rows))
        .collect();
    if !targets.is_empty() {
        text += "\n| work | to reach | ours | at most | reached |\n|---|---|---|---|---|\n";
        text += &targets.join("");
    }
    text + &format!("\nAll by `cargo xtask peers --only {name}`.\n")
}

fn target_line(work: &Work, target: &Target, rows: &[Row]) -> String {
    let find =
        |name: &str, system| rows.iter().find(|row| row.work == name && row.system == system);
    let of =
        |name: &str, system, measured| find(name, system).and_then(|row| row.measured(measured));
    let (what, measured, bound) = match target {
        Target::Beside(measured, system, factor) => {
            let theirs = of(&work.name, *system, *measured);
            let what = if *factor < 0.5 {
                format!("{:.0} times less than {}", 1.0 / factor, system.label())
            } else {
                format!("at most {factor} times {}", system.label())
            };
            (
                format!("{what}, {}", unit(*measured)),
                *measured,
                theirs.map(|theirs| theirs * factor),
            )
        }
        Target::AtMost(measured, most) => {
            (format!("{most} {}", unit(*measured)), *measured, Some(*most))
        }
        Target::BesideWork(name, factor) => {
            let ours = of(name, System::Ours, Measured::Cpu);
            let what = format!("at most {factor} times ours for “{name}”, CPU s");
            (what, Measured::Cpu, ours.map(|ours| ours * factor))
        }
    };
    let ours = of(&work.name, System::Ours, measured);
    let reached = match ours.zip(bound) {
        None => "–",
        Some((ours, bound)) if ours <= bound => "yes",
        Some(_) => "**no**",
    };
    format!("| {} | {what} | {} | {} | {reached} |\n", work.name, cell(ours), cell(bound))
}

fn unit(measured: Measured) -> &'static str {
    match measured {
        Measured::Cpu => "CPU s",
        Measured::Increment => "CPU s of an increment",
        Measured::Memory => "MiB",
    }
}
