//! Kills, starts again, and looks at what has come out meanwhile.

use crate::check;
use crate::feeder::Feeder;
use crate::random::Random;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The longest that a pipeline lives before it is killed.
const LIFE_MS_MAX: u64 = 300;
/// The longest that the last run may take to come to the end of its inputs.
const LAST_MAX: Duration = Duration::from_secs(120);

/// Where the number of threads changes, it is at most this.
const THREADS_MAX: u64 = 4;

/// One pipeline, killed so many times.
#[derive(Debug)]
pub(crate) struct Campaign {
    pub(crate) runs: u64,
    /// Zero where each run has another number.
    pub(crate) threads: u64,
    pub(crate) seed: u64,
    pub(crate) store: Store,
}

/// Where the pipeline keeps what it needs to go on.
#[derive(Clone, Debug)]
pub(crate) enum Store {
    Directory,
    /// Object storage that is a folder.
    Objects,
    /// A bucket, or a folder of one.
    Url(String),
}

impl Store {
    /// The address of a campaign's own store.
    fn url(&self, folder: &Path) -> Option<String> {
        match self {
            Self::Directory => None,
            Self::Objects => Some(format!("file://{}", folder.join("store").display())),
            Self::Url(url) => {
                let own = folder.file_name().unwrap_or_default().to_string_lossy();
                Some(format!("{}/{own}", url.trim_end_matches('/')))
            }
        }
    }
}

/// A folder that goes when its test has passed, and stays to be looked at when it has not.
struct Folder(PathBuf);

impl Campaign {
    /// Runs, and answers what to print.
    pub(crate) fn run(&self) -> Result<String, String> {
        let folder = Folder::new(self).map_err(|error| error.to_string())?;
        if let Some(url) = self.store.url(&folder.0) {
            fs::write(folder.0.join("store.url"), url).map_err(|error| error.to_string())?;
        }
        let outcome = self.run_in(&folder.0);
        if outcome.is_ok() {
            // What is left of a folder does no harm.
            drop(fs::remove_dir_all(&folder.0));
        }
        outcome.map_err(|problem| {
            let Self { runs, threads, seed, .. } = self;
            format!(
                "{problem}\nwhat there is of it: {}\n\
                 help: run it again with `--runs {runs} --threads {threads} --seed {seed}`",
                folder.0.display()
            )
        })
    }

    fn run_in(&self, folder: &Path) -> Result<String, String> {
        let io_problem = |error: io::Error| error.to_string();
        let mut random = Random::new(self.seed);
        let started = Instant::now();
        let feeder = Feeder::start(&folder.join("in"), self.seed).map_err(io_problem)?;
        let mut seen = Seen::default();
        let (mut kills, mut stops) = (0, 0);
        for _ in 0..self.runs {
            self.choose_threads(folder, &mut random).map_err(io_problem)?;
            let mut victim = Victim::start(folder)?;
            std::thread::sleep(Duration::from_millis(random.below(LIFE_MS_MAX)));
            if random.below(8) == 0 {
                victim.stop()?;
                stops += 1;
            } else {
                victim.kill()?;
                kills += 1;
            }
            seen.look(&folder.join("out"))?;
        }
        let fed = feeder.finish().map_err(io_problem)?;
        self.choose_threads(folder, &mut random).map_err(io_problem)?;
        let mut victim = Victim::start(folder)?;
        let since = Instant::now();
        let complete = (fed.words.len(), fed.transfers.len());
        while check::counted(&folder.join("out")).ok() != Some(complete) {
            victim.check()?;
            if since.elapsed() > LAST_MAX {
                let counted = check::counted(&folder.join("out"));
                return Err(format!(
                    "the last run did not come to the end: {counted:?} of {complete:?}"
                ));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        // The last names may be behind the last transfers.
        std::thread::sleep(Duration::from_millis(500));
        victim.stop()?;
        seen.look(&folder.join("out"))?;
        let rows = check::all(&folder.join("out"), &fed)?;
        let threads = match self.threads {
            0 => "another number of threads in each run".to_owned(),
            threads => format!("{threads} threads"),
        };
        let store = match &self.store {
            Store::Directory => "",
            Store::Objects | Store::Url(_) => ", in object storage",
        };
        Ok(format!(
            "{threads}{store}: {kills} kills, {stops} stops, {} restarts, {} words and {} transfers, \
             {rows} rows compared, 0 differences, {:.1} s",
            self.runs,
            fed.words.len(),
            fed.transfers.len(),
            started.elapsed().as_secs_f64()
        ))
    }
}

impl Campaign {
    /// Tells the next run how many threads it has.
    fn choose_threads(&self, folder: &Path, random: &mut Random) -> io::Result<()> {
        let threads = match self.threads {
            0 => 1 + random.below(THREADS_MAX),
            threads => threads,
        };
        fs::write(folder.join("threads"), threads.to_string())
    }
}

impl Folder {
    fn new(campaign: &Campaign) -> io::Result<Self> {
        let Campaign { threads, seed, store, .. } = campaign;
        let kind = match store {
            Store::Directory => "directory",
            Store::Objects | Store::Url(_) => "objects",
        };
        let name = format!("pathway-kill-{}-{kind}-{threads}-{seed}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        for inner in ["in", "out"] {
            fs::create_dir_all(folder.join(inner))?;
        }
        Ok(Self(folder))
    }
}

/// What somebody has seen who reads along.
#[derive(Default)]
struct Seen(BTreeMap<&'static str, Vec<u8>>);

impl Seen {
    /// Looks at the outputs that only grow: what was there before has to be there still.
    fn look(&mut self, outputs: &Path) -> Result<(), String> {
        for name in ["counts.jsonl", "balances.jsonl", "totals.jsonl", "minutes.jsonl"] {
            let Ok(now) = fs::read(outputs.join(name)) else { continue };
            let before = self.0.entry(name).or_default();
            if !now.starts_with(before) {
                return Err(format!("`{name}` has lost or changed what had been published"));
            }
            *before = now;
        }
        Ok(())
    }
}

/// A run of the pipeline.
struct Victim {
    child: Child,
    errors: PathBuf,
}

impl Victim {
    fn start(folder: &Path) -> Result<Self, String> {
        let errors = folder.join("errors");
        let start = || {
            let mut command = Command::new(std::env::current_exe()?);
            command.arg("victim").arg(folder).stdin(Stdio::null());
            command.stderr(File::options().create(true).append(true).open(&errors)?);
            command.spawn()
        };
        let child = start().map_err(|error| format!("could not start the pipeline: {error}"))?;
        Ok(Self { child, errors })
    }

    /// An error if the run has ended by itself.
    fn check(&mut self) -> Result<(), String> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => {
                let errors = fs::read_to_string(&self.errors).unwrap_or_default();
                Err(format!("the pipeline ended by itself, with {status}:\n{errors}"))
            }
            Err(error) => Err(error.to_string()),
        }
    }

    fn kill(&mut self) -> Result<(), String> {
        self.check()?;
        self.child.kill().and_then(|()| self.child.wait()).map(drop).map_err(|e| e.to_string())
    }

    /// Asks for an end, and waits for it.
    fn stop(&mut self) -> Result<(), String> {
        // Before its handlers are there, SIGTERM ends it as SIGKILL does.
        self.check()?;
        let pid = Pid::from_raw(i32::try_from(self.child.id()).map_err(|error| error.to_string())?);
        kill(pid, Signal::SIGTERM).map_err(|error| error.to_string())?;
        let status = self.child.wait().map_err(|error| error.to_string())?;
        if status.code().is_some_and(|code| code != 0) {
            let errors = fs::read_to_string(&self.errors).unwrap_or_default();
            return Err(format!("the pipeline did not stop well, with {status}:\n{errors}"));
        }
        Ok(())
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // It has ended, or nobody waits for it any more.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
