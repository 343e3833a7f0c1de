//! Steps with their times, the first failure, and the summary.

use crate::cpu;
use std::fmt;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Why a step failed.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What went wrong.
    problem: String,
    /// What repeats it; empty where repeating the whole command is all there is.
    rerun: String,
    /// How many tests passed and failed before it stopped.
    tests: Tests,
    /// Whether the command line itself is at fault.
    usage: bool,
}

impl Failure {
    pub(crate) fn new(problem: impl Into<String>) -> Self {
        let (rerun, tests) = (String::new(), Tests::default());
        Self { problem: problem.into(), rerun, tests, usage: false }
    }

    /// A failure of the command line.
    pub(crate) fn usage(problem: &str) -> Self {
        Self { usage: true, ..Self::new(format!("{problem}\n\n{}", crate::USAGE)) }
    }

    /// Names the command that repeats the failure.
    pub(crate) fn rerun(mut self, command: impl Into<String>) -> Self {
        self.rerun = command.into();
        self
    }

    /// Keeps the counts of a test run that failed.
    pub(crate) fn tests(mut self, tests: Tests) -> Self {
        self.tests = tests;
        self
    }
}

/// Tests that a step ran.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tests {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

/// What a step gives back where it ends well: `()` for a single check, or counted tests.
pub(crate) trait Outcome {
    fn tests(self) -> Tests;
}

impl Outcome for () {
    fn tests(self) -> Tests {
        Tests { passed: 1, failed: 0 }
    }
}

impl Outcome for Tests {
    fn tests(self) -> Tests {
        self
    }
}

/// The time that a step took.
#[derive(Clone, Copy, Debug)]
struct Took {
    wall: Duration,
    /// CPU seconds of the programs it ran, where the system tells.
    cpu_s: Option<f64>,
}

/// A moment to take times from.
#[derive(Clone, Copy, Debug)]
struct Start {
    at: Instant,
    cpu_s: Option<f64>,
}

impl Start {
    fn now() -> Self {
        Self { at: Instant::now(), cpu_s: cpu::children_s().ok() }
    }

    fn elapsed(self) -> Took {
        let now = Self::now();
        let cpu_s = now.cpu_s.zip(self.cpu_s).map(|(now, before)| now - before);
        Took { wall: now.at - self.at, cpu_s }
    }
}

impl fmt::Display for Took {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>7.1} s", self.wall.as_secs_f64())?;
        self.cpu_s.map_or(Ok(()), |cpu_s| write!(f, "{cpu_s:>8.1} CPU s"))
    }
}

/// The steps of one command.
#[derive(Debug)]
pub(crate) struct Steps {
    command: String,
    started: Start,
    done: Vec<(String, Took)>,
    total: Tests,
}

impl Steps {
    pub(crate) fn new(command: &str) -> Self {
        let (done, total) = (Vec::new(), Tests::default());
        Self { command: command.into(), started: Start::now(), done, total }
    }

    /// Does one step and prints its time.
    pub(crate) fn run<T: Outcome>(
        &mut self,
        name: &str,
        work: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<(), Failure> {
        println!("\n── {name}");
        let started = Start::now();
        let outcome = work();
        let took = started.elapsed();
        let (word, outcome) = match outcome {
            Ok(value) => {
                let tests = value.tests();
                self.total.passed += tests.passed;
                ("ok", Ok(()))
            }
            Err(failure) => {
                self.total.passed += failure.tests.passed;
                self.total.failed += failure.tests.failed.max(1);
                ("failed", Err(failure))
            }
        };
        println!("── {name}: {word}, {:.1} s", took.wall.as_secs_f64());
        self.done.push((format!("{name}: {word}"), took));
        outcome
    }

    /// Prints the summary, whose last line counts tests and the steps that are no tests.
    pub(crate) fn finish(self, outcome: &Result<(), Failure>) -> ExitCode {
        if let Err(failure) = outcome
            && failure.usage
        {
            println!("{}", failure.problem);
            return ExitCode::from(2);
        }
        println!("\n{}", self.command);
        for (name, took) in &self.done {
            println!("  {took}  {name}");
        }
        println!("  {}  in all", self.started.elapsed());
        if let Err(failure) = outcome {
            println!("\nerror: {}", failure.problem);
            let rerun = if failure.rerun.is_empty() { &self.command } else { &failure.rerun };
            println!("help: to repeat this step alone, run\n    {rerun}");
        }
        println!("\n{} passed, {} failed", self.total.passed, self.total.failed);
        if outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
