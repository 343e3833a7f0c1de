//! The generated crate: written, built, and rebuilt with the time taken.

use super::programs::{self, Program};
use crate::command::{Cargo, cargo};
use crate::steps::Failure;
use crate::{cpu, project};
use std::path::{Path, PathBuf};

/// How a program is compiled.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mode {
    Check,
    Debug,
    Release,
}

impl Mode {
    pub(super) const ALL: [Self; 3] = [Self::Check, Self::Debug, Self::Release];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Debug => "debug build",
            Self::Release => "release build",
        }
    }

    fn command(self) -> Cargo {
        cargo(match self {
            Self::Check => "check --quiet --bin",
            Self::Debug => "build --quiet --bin",
            Self::Release => "build --quiet --release --bin",
        })
    }
}

const WORD_COUNT: &str = "word_count";

/// A crate of a user of `pathway`, outside the workspace.
#[derive(Debug)]
pub(super) struct UserCrate {
    folder: PathBuf,
}

impl UserCrate {
    /// Writes the crate; what was built of it before stays.
    pub(super) fn generate(pathway: &Path) -> Result<Self, Failure> {
        let folder = project::target().join("build-cost");
        let user_crate = Self { folder };
        let manifest = format!(
            "[package]\nname = \"build-cost\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
             [dependencies]\npathway = {{ path = {pathway:?} }}\n\n\
             # A workspace of its own, so that it is in no other.\n[workspace]\n\n{}",
            profile_lines()?,
        );
        project::write(&user_crate.folder.join("Cargo.toml"), &manifest)?;
        // The versions that the project itself is tested with.
        if let Ok(lock) = project::read(&pathway.join("Cargo.lock")) {
            project::write(&user_crate.folder.join("Cargo.lock"), &lock)?;
        }
        for program in Program::ALL {
            project::write(&user_crate.source(program.name()), &program.text())?;
        }
        project::write(&user_crate.source(WORD_COUNT), &programs::word_count(0))?;
        Ok(user_crate)
    }

    /// Builds a program and whatever it needs.
    pub(super) fn build(&self, program: Program, mode: Mode) -> Result<(), Failure> {
        self.at_home(mode.command().arg(program.name())).run_silent()
    }

    /// The CPU seconds of building a program again, alone, from its first line.
    pub(super) fn rebuild(&self, program: Program, mode: Mode) -> Result<f64, Failure> {
        project::write(&self.source(program.name()), &program.text())?;
        seconds_of(&self.at_home(mode.command().arg(program.name())))
    }

    /// The median CPU seconds of a debug build of the word count after a small edit, as the
    /// user's own settings have it: incremental.
    pub(super) fn rebuild_after_edit(&self, repeats: usize) -> Result<f64, Failure> {
        let build = Mode::Debug.command().arg(WORD_COUNT).folder(&self.folder);
        let build = build.env("CARGO_TARGET_DIR", self.target());
        println!("word count ..");
        build.run_silent()?;
        let mut seconds = Vec::new();
        for edit in 1..=repeats {
            project::write(&self.source(WORD_COUNT), &programs::word_count(edit))?;
            seconds.push(seconds_of(&build)?);
        }
        Ok(median(seconds))
    }

    /// Builds the word count; the program.
    pub(super) fn word_count(&self, mode: Mode) -> Result<PathBuf, Failure> {
        let build = mode.command().arg(WORD_COUNT).folder(&self.folder);
        build.env("CARGO_TARGET_DIR", self.target()).run_silent()?;
        let profile = match mode {
            Mode::Release => "release",
            Mode::Check | Mode::Debug => "debug",
        };
        Ok(PathBuf::from(self.target()).join(profile).join(WORD_COUNT))
    }

    /// Where programs find their files.
    pub(super) fn run_folder(&self) -> PathBuf {
        self.folder.join("run")
    }

    /// Incremental compilation would find that nothing has changed.
    fn at_home(&self, command: Cargo) -> Cargo {
        let command = command.folder(&self.folder).env("CARGO_INCREMENTAL", "0");
        command.env("CARGO_TARGET_DIR", self.target())
    }

    fn target(&self) -> String {
        self.folder.join("target").display().to_string()
    }

    fn source(&self, binary: &str) -> PathBuf {
        self.folder.join("src/bin").join(binary).with_extension("rs")
    }
}

/// The `toml` block of the README that sets up a user's debug builds.
fn profile_lines() -> Result<String, Failure> {
    let readme = project::read(&project::root().join("README.md"))?;
    let blocks = readme.split("```toml\n").skip(1);
    let mut blocks = blocks.filter_map(|rest| rest.split("```").next());
    let block = blocks.find(|block| block.contains("[profile.dev.package.\"*\"]"));
    block.map(String::from).ok_or_else(|| {
        Failure::new("README.md has no `toml` block with `[profile.dev.package.\"*\"]`")
    })
}

fn seconds_of(command: &Cargo) -> Result<f64, Failure> {
    let before = cpu::children_s()?;
    command.run_silent()?;
    Ok(cpu::children_s()? - before)
}

/// The middle value.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_gives_profile_lines() {
        let lines = profile_lines().expect("README.md gives them");
        assert!(lines.contains("opt-level = 3"), "{lines}");
    }

    #[test]
    fn the_median_is_the_middle_value() {
        assert!((median(vec![3.0, 9.0, 1.0]) - 3.0).abs() < 1e-9);
    }
}
