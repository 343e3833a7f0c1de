//! The systems, and the program of each for a piece of work.

use super::environment::Environment;
use super::works::Work;

/// What does the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum System {
    Ours,
    /// Ours, where an order is the latest version of a stream rather than a row of a table.
    OursUpserts,
    /// Ours, each window once, when it is final.
    OursFinal,
    ByHand,
    Differential,
    /// Differential, with ranks as weights rather than rows.
    Weights,
    Duckdb,
    Polars,
    Pathway,
    Spark,
}

/// What one may ask for by `--systems`.
pub(super) const NAMES: [&str; 7] =
    ["pathway-rs", "by-hand", "differential", "duckdb", "polars", "pathway", "spark"];

/// A program with its arguments, but for where its result goes.
#[derive(Clone, Debug)]
pub(super) struct Command {
    pub(super) words: Vec<String>,
    /// As a reader would type it, without folders.
    pub(super) short: String,
}

/// What a system does about a piece of work.
#[derive(Debug)]
pub(super) enum Plan {
    /// It is no system for this work.
    Absent,
    /// It cannot, for this reason.
    Cannot(String),
    Run(Command),
}

const BATCH_ONLY: &str = "cannot: a batch engine, without increments";

impl System {
    pub(super) const ALL: [Self; 10] = [
        Self::Ours,
        Self::OursUpserts,
        Self::OursFinal,
        Self::ByHand,
        Self::Differential,
        Self::Weights,
        Self::Duckdb,
        Self::Polars,
        Self::Pathway,
        Self::Spark,
    ];

    /// The systems that a name stands for.
    pub(super) fn named(name: &str) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |system| system.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Ours | Self::OursUpserts | Self::OursFinal => "pathway-rs",
            Self::ByHand => "by-hand",
            Self::Differential | Self::Weights => "differential",
            Self::Duckdb => "duckdb",
            Self::Polars => "polars",
            Self::Pathway => "pathway",
            Self::Spark => "spark",
        }
    }

    pub(super) fn id(self) -> &'static str {
        match self {
            Self::OursUpserts => "pathway-rs-upserts",
            Self::OursFinal => "pathway-rs-final",
            Self::Weights => "differential-weights",
            other => other.name(),
        }
    }

    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Ours => "**ours**",
            Self::OursUpserts => "ours, upserts",
            Self::OursFinal => "ours, when final",
            Self::ByHand => "Rust by hand",
            Self::Differential => "differential",
            Self::Weights => "differential, weights",
            Self::Duckdb => "DuckDB",
            Self::Polars => "Polars",
            Self::Pathway => "Python's Pathway",
            Self::Spark => "Spark",
        }
    }

    /// The package that has to be installed for it.
    pub(super) fn package(self) -> Option<&'static str> {
        match self {
            Self::Duckdb => Some("duckdb"),
            Self::Polars => Some("polars"),
            Self::Pathway => Some("pathway"),
            Self::Spark => Some("pyspark"),
            _ => None,
        }
    }

    pub(super) fn is_slow(self) -> bool {
        matches!(self, Self::Pathway | Self::Spark)
    }

    pub(super) fn plan(self, work: &Work, environment: &Environment) -> Plan {
        let word = match (self, work.word) {
            (Self::OursUpserts, "join-increments") => "join-upserts",
            (Self::OursFinal, "window") => "window-final",
            (Self::Weights, word @ ("pagerank" | "pagerank-changes")) => word,
            (Self::OursUpserts | Self::OursFinal | Self::Weights, _) => return Plan::Absent,
            // A loop has no inputs to leave open, and differential has done so in the whole run.
            (Self::ByHand | Self::Differential, "join-open" | "wordcount-files") => {
                return Plan::Absent;
            }
            (
                Self::Duckdb | Self::Polars,
                "wordcount-increments"
                | "wordcount-files"
                | "join-open"
                | "join-increments"
                | "pagerank-changes",
            ) => return Plan::Cannot(BATCH_ONLY.to_owned()),
            (Self::Spark, "wordcount-increments") => {
                return Plan::Cannot("cannot: a program has no rows to push; see files".to_owned());
            }
            (Self::Spark, "join-open" | "join-increments") => {
                let why = "cannot: an aggregate over a join of streams that update";
                return Plan::Cannot(why.to_owned());
            }
            (Self::Spark, "pagerank-changes") => {
                return Plan::Cannot("cannot: no loops over streams".to_owned());
            }
            (_, word) => word,
        };
        if let Some(package) = self.package()
            && let Some(why) = environment.missing(package)
        {
            return Plan::Cannot(format!("not installed: {why}"));
        }
        Plan::Run(self.command(word, work, environment))
    }

    fn command(self, word: &str, work: &Work, environment: &Environment) -> Command {
        let (mut words, mut short) = match self.package() {
            Some(_) => {
                let script = format!("{}_peer.py", self.name());
                let path = environment.scripts.join(&script).display().to_string();
                (vec![environment.python.display().to_string(), path], script)
            }
            None => {
                let own = match self {
                    Self::ByHand => "by-hand",
                    Self::Differential | Self::Weights => "differential",
                    _ => "ours",
                };
                (
                    vec![environment.own.display().to_string(), own.to_owned()],
                    format!("peers {own}"),
                )
            }
        };
        words.push(word.to_owned());
        short = format!("{short} {word}");
        let mut options: Vec<(&str, String)> = work.options.clone();
        if self == Self::Weights {
            options.push(("ranks", "weights".to_owned()));
        }
        for (name, value) in options {
            short = format!("{short} --{name} {value}");
            words.extend([format!("--{name}"), value]);
        }
        words.extend(["--input".to_owned(), work.input.display().to_string()]);
        Command { words, short }
    }
}
