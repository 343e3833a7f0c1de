//! Other programs as steps: they run in the project's root and can be repeated by hand.

use crate::project;
use crate::steps::{Failure, Tests};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A `cargo` command.
#[derive(Debug)]
pub(crate) struct Cargo {
    args: Vec<String>,
    envs: Vec<(&'static str, String)>,
    /// Where it runs, unless in the project's root.
    folder: Option<std::path::PathBuf>,
}

/// A `cargo` command with arguments that are separated by spaces.
pub(crate) fn cargo(args: &str) -> Cargo {
    let args = args.split_whitespace().map(String::from).collect();
    Cargo { args, envs: Vec::new(), folder: None }
}

impl Cargo {
    pub(crate) fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    pub(crate) fn env(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.envs.push((name, value.into()));
        self
    }

    pub(crate) fn folder(mut self, folder: impl Into<std::path::PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// The command as one types it.
    pub(crate) fn line(&self) -> String {
        let mut line = String::new();
        if let Some(folder) = &self.folder {
            line += &format!("cd {} && ", quoted(&folder.display().to_string()));
        }
        for (name, value) in &self.envs {
            line += &format!("{name}={} ", quoted(value));
        }
        line += "cargo";
        for arg in &self.args {
            line += " ";
            line += &quoted(arg);
        }
        line
    }

    fn command(&self) -> Command {
        // Set by cargo to the toolchain that runs this very program.
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
        command.args(&self.args).envs(self.envs.iter().map(|(name, value)| (name, value)));
        command.current_dir(self.folder.clone().unwrap_or_else(project::root));
        command
    }

    fn spawn(&self, command: &mut Command) -> Result<Child, Failure> {
        println!("$ {}", self.line());
        command.spawn().map_err(|error| self.failure(format!("could not start cargo: {error}")))
    }

    fn failure(&self, problem: impl Into<String>) -> Failure {
        Failure::new(problem).rerun(self.line())
    }

    /// Runs it with its output shown.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let mut child = self.spawn(&mut self.command())?;
        self.wait(&mut child)
    }

    /// Runs it with its output shown, and ends it where it takes longer than that.
    pub(crate) fn run_within(&self, limit: Duration) -> Result<(), Failure> {
        let mut child = self.spawn(&mut self.command())?;
        let started = Instant::now();
        while started.elapsed() < limit {
            match child.try_wait() {
                Ok(None) => std::thread::sleep(Duration::from_millis(20)),
                _ => return self.wait(&mut child),
            }
        }
        // On Unix `cargo run` has become the program that it runs.
        drop(child.kill());
        drop(child.wait());
        Err(self.failure(format!("did not end within {} s", limit.as_secs())))
    }

    /// Runs it silently; its output is shown where it fails.
    pub(crate) fn run_silent(&self) -> Result<(), Failure> {
        let output = self
            .command()
            .output()
            .map_err(|error| self.failure(format!("could not start cargo: {error}")))?;
        if output.status.success() {
            return Ok(());
        }
        print!("{}", String::from_utf8_lossy(&output.stdout));
        print!("{}", String::from_utf8_lossy(&output.stderr));
        Err(self.failure(format!("cargo ended with {}", output.status)))
    }

    /// Runs tests, shows their output and counts them.
    pub(crate) fn run_tests(&self) -> Result<Tests, Failure> {
        let mut tests = Tests::default();
        let outcome = self.run_lines(|line| {
            if let Some(counts) = line.strip_prefix("test result: ") {
                tests.passed += count_before(counts, " passed");
                tests.failed += count_before(counts, " failed");
            }
        });
        outcome.map(|()| tests).map_err(|failure| failure.tests(tests))
    }

    /// Runs it, shows its output and passes each line of it to `f`.
    pub(crate) fn run_lines(&self, mut f: impl FnMut(&str)) -> Result<(), Failure> {
        let mut child = self.spawn(self.command().stdout(Stdio::piped()))?;
        let out = child.stdout.take().expect("the output was asked to be piped");
        for line in BufReader::new(out).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            f(&line);
        }
        self.wait(&mut child)
    }

    /// Runs it and returns its output.
    pub(crate) fn output(&self) -> Result<String, Failure> {
        let mut child = self.spawn(self.command().stdout(Stdio::piped()))?;
        let mut text = String::new();
        let out = child.stdout.take().expect("the output was asked to be piped");
        let read = BufReader::new(out).read_to_string(&mut text);
        self.wait(&mut child)?;
        read.map_err(|error| self.failure(format!("could not read its output: {error}")))?;
        Ok(text)
    }

    /// Whether it ends well; its output is dropped.
    pub(crate) fn succeeds(&self) -> bool {
        let mut command = self.command();
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    }

    fn wait(&self, child: &mut Child) -> Result<(), Failure> {
        match child.wait() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(self.failure(format!("cargo ended with {status}"))),
            Err(error) => Err(self.failure(format!("could not wait for cargo: {error}"))),
        }
    }
}

/// The number that stands before `word`: 12 in `ok. 12 passed; 0 failed`.
fn count_before(counts: &str, word: &str) -> u64 {
    let number = counts.split(word).next().and_then(|before| before.rsplit(' ').next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn quoted(arg: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+".contains(c);
    if arg.chars().all(plain) { arg.into() } else { format!("'{arg}'") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_tests_of_a_result_line() {
        let line = "FAILED. 12 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out";
        assert_eq!((count_before(line, " passed"), count_before(line, " failed")), (12, 3));
    }

    #[test]
    fn prints_a_command_that_can_be_pasted() {
        let doc = cargo("doc --no-deps").env("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(doc.line(), "RUSTDOCFLAGS='-D warnings' cargo doc --no-deps");
    }
}
