//! Makes the inputs grow while the pipeline runs and is killed.

use crate::inputs::{ACCOUNTS, Transfer, name, transfer, word};
use crate::random::Random;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// The pace.
const TURN: Duration = Duration::from_millis(10);
/// The most rows of each input in a turn.
const ROWS_MAX: u64 = 200;

/// What the inputs hold in the end.
#[derive(Debug, Default)]
pub(crate) struct Fed {
    pub(crate) words: Vec<String>,
    pub(crate) transfers: Vec<Transfer>,
    /// The versions of the names.
    pub(crate) versions: u64,
}

/// Feeds on a thread of its own.
pub(crate) struct Feeder {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<io::Result<Fed>>,
}

struct Feeding {
    folder: PathBuf,
    words: File,
    transfers: File,
    random: Random,
    fed: Fed,
}

impl Feeder {
    /// Makes the inputs in a folder, and begins.
    pub(crate) fn start(folder: &Path, seed: u64) -> io::Result<Self> {
        let open = |name| OpenOptions::new().create(true).append(true).open(folder.join(name));
        let (mut words, transfers) = (open("words.csv")?, open("transfers.jsonl")?);
        words.write_all(b"word\n")?;
        let (folder, random) = (folder.to_owned(), Random::new(seed));
        let mut feeding = Feeding { folder, words, transfers, random, fed: Fed::default() };
        feeding.rename()?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::SeqCst) {
                feeding.turn()?;
                std::thread::sleep(TURN);
            }
            // The windows in front of this are final.
            feeding.transfers(600)?;
            Ok(feeding.fed)
        });
        Ok(Self { stop, thread })
    }

    /// Ends, and answers what the inputs hold.
    pub(crate) fn finish(self) -> io::Result<Fed> {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.join().map_err(|_| io::Error::other("the feeder panicked"))?
    }
}

impl Feeding {
    fn turn(&mut self) -> io::Result<()> {
        let mut lines = String::new();
        for _ in 0..self.random.below(ROWS_MAX) {
            let word = word(&mut self.random);
            lines += &word;
            lines.push('\n');
            self.fed.words.push(word);
        }
        // Now and then a line is written in two parts.
        let half = if self.random.below(4) == 0 { lines.len() / 2 } else { 0 };
        self.words.write_all(&lines.as_bytes()[..half])?;
        self.words.write_all(&lines.as_bytes()[half..])?;
        let rows = self.random.below(ROWS_MAX);
        self.transfers(rows)?;
        if self.random.below(20) == 0 {
            self.rename()?;
        }
        Ok(())
    }

    fn transfers(&mut self, rows: u64) -> io::Result<()> {
        let mut lines = String::new();
        for _ in 0..rows {
            let row = transfer(self.fed.transfers.len() as u64, &mut self.random);
            let Transfer { from, to, amount, second } = &row;
            lines += &format!(
                "{{\"from\":{from},\"to\":{to},\"amount\":{amount},\"second\":{second}}}\n"
            );
            self.fed.transfers.push(row);
        }
        self.transfers.write_all(lines.as_bytes())
    }

    /// Replaces the names by their next version.
    fn rename(&mut self) -> io::Result<()> {
        let mut lines = "account,name\n".to_owned();
        for account in 0..ACCOUNTS {
            lines += &format!("{account},{}\n", name(account, self.fed.versions));
        }
        self.fed.versions += 1;
        let new = self.folder.join("names.csv.tmp");
        fs::write(&new, lines)?;
        fs::rename(new, self.folder.join("names.csv"))
    }
}
