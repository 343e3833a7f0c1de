//! The peers' own environment: Python packages in a folder of their own, and Java.

use super::systems::System;
use crate::Outcome;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

const REQUIREMENTS: &str = include_str!("../../requirements.txt");
const NO_PYTHON: &str = "Python 3.10 to 3.13 with `venv` and `pip` is needed \
                         (Debian: `apt install python3-venv`)";
const NO_JAVA: &str = "Java 17 is needed (Debian: `apt install openjdk-17-jre-headless`)";

/// What the programs run in.
#[derive(Debug)]
pub(super) struct Environment {
    /// This program.
    pub(super) own: PathBuf,
    pub(super) python: PathBuf,
    pub(super) scripts: PathBuf,
    /// Why packages are not there.
    missing: BTreeMap<String, String>,
    pub(super) versions: Vec<String>,
}

impl Environment {
    pub(super) fn prepare(folder: &Path, systems: &[System]) -> Outcome<Self> {
        let venv = folder.join("venv");
        let mut environment = Self {
            own: std::env::current_exe()?,
            python: venv.join("bin/python"),
            scripts: Path::new(env!("CARGO_MANIFEST_DIR")).join("python"),
            missing: BTreeMap::new(),
            versions: vec![rustc(), "timely 0.32.0, differential-dataflow 0.26.0".to_owned()],
        };
        let pins = REQUIREMENTS.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        for pin in pins {
            let package = pin.split("==").next().unwrap_or(pin);
            if !systems.iter().any(|system| system.package() == Some(package)) {
                continue;
            }
            match environment.install(&venv, package, pin) {
                Ok(()) => environment.versions.push(pin.replace("==", " ")),
                Err(why) => {
                    println!("{package} is missing: {why}");
                    environment.missing.insert(package.to_owned(), why);
                }
            }
        }
        Ok(environment)
    }

    /// Why a package is not there.
    pub(super) fn missing(&self, package: &str) -> Option<&str> {
        self.missing.get(package).map(String::as_str)
    }

    fn install(&mut self, venv: &Path, package: &str, pin: &str) -> Result<(), String> {
        if package == "pyspark" {
            let said = succeeded(Command::new("java").arg("-version")).map_err(|_| NO_JAVA)?;
            let version = said.split('"').nth(1).unwrap_or_default();
            let major: u32 = version.split('.').next().unwrap_or("").parse().unwrap_or(0);
            if major < 17 {
                return Err(format!("{NO_JAVA}, and `java` is {version}"));
            }
            self.versions.push(format!("Java {version}"));
        }
        if !self.python.exists() {
            println!("making {}", venv.display());
            succeeded(Command::new("python3").arg("-m").arg("venv").arg(venv))
                .map_err(|why| format!("{NO_PYTHON}: {why}"))?;
        }
        let installed = format!("import importlib.metadata as m; print(m.version('{package}'))");
        let version = succeeded(Command::new(&self.python).arg("-c").arg(installed));
        if version.is_ok_and(|version| pin.ends_with(&format!("=={}", version.trim()))) {
            return Ok(());
        }
        println!("installing {pin}");
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", pin];
        succeeded(Command::new(&self.python).args(pip)).map(drop)
    }
}

/// What a program says on both its outputs, or why it fails.
fn succeeded(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    if output.status.success() {
        return Ok(said);
    }
    let last = said.lines().rev().find(|line| !line.trim().is_empty());
    Err(last.unwrap_or("it failed without a word").to_owned())
}

fn rustc() -> String {
    let said = succeeded(Command::new("rustc").arg("--version")).unwrap_or_default();
    said.split(" (").next().unwrap_or_default().trim().to_owned()
}
