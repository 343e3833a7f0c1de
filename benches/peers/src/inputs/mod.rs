//! The inputs, made from a seed; each folder is written on first use.

mod events;
mod graph;
mod shop;
mod words;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// How much of everything there is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// Rows of words, of orders and of events.
    pub(crate) rows: usize,
    /// Different words, of a small dictionary and of a large one.
    pub(crate) words: [usize; 2],
    pub(crate) users: u64,
    /// Into how many increments rows are cut.
    pub(crate) increments: usize,
    /// In how many increments a tenth of the orders is changed.
    pub(crate) change_increments: usize,
    pub(crate) vertices: u32,
    pub(crate) edges: usize,
    /// Increments of one changed edge.
    pub(crate) single_edges: usize,
    /// Increments of `edges_changed` edges.
    pub(crate) edge_increments: usize,
    pub(crate) edges_changed: usize,
    /// Of events.
    pub(crate) keys: u64,
}

const FULL: Sizes = Sizes {
    rows: 5_000_000,
    words: [5_000, 1_000_000],
    users: 100_000,
    increments: 100,
    change_increments: 10,
    vertices: 200_000,
    edges: 2_000_000,
    single_edges: 10,
    edge_increments: 3,
    edges_changed: 1_000,
    keys: 1_000,
};

pub(crate) const QUICK: Sizes = Sizes {
    rows: 20_000,
    words: [100, 4_000],
    users: 500,
    increments: 10,
    change_increments: 5,
    vertices: 300,
    edges: 3_000,
    single_edges: 3,
    edge_increments: 2,
    edges_changed: 50,
    keys: 20,
};

/// The inputs of one size.
#[derive(Clone, Debug)]
pub(crate) struct Inputs {
    pub(crate) folder: PathBuf,
    pub(crate) sizes: Sizes,
}

impl Inputs {
    /// Inputs in a folder of that folder.
    pub(crate) fn new(data: &Path, quick: bool) -> Self {
        let (name, sizes) = if quick { ("quick", QUICK) } else { ("full", FULL) };
        Self { folder: data.join(name), sizes }
    }

    /// `words-5000` and the like: `words.csv`, `words.jsonl`, and the rows cut into `parts`.
    pub(crate) fn words(&self) -> io::Result<()> {
        for words in self.sizes.words {
            self.once(&words_folder(words), |folder| {
                words::write(folder, words, self.sizes.rows, self.sizes.increments)
            })?;
        }
        Ok(())
    }

    /// `shop`: `users.csv`, `orders.csv`, these cut into `parts`, and what happens to them later in
    /// `changes`.
    pub(crate) fn shop(&self) -> io::Result<()> {
        self.once("shop", |folder| shop::write(folder, &self.sizes))
    }

    /// `graph`: `edges.csv`, and changes of one edge each (`single`) and of many (`batches`).
    pub(crate) fn graph(&self) -> io::Result<()> {
        self.once("graph", |folder| graph::write(folder, &self.sizes))
    }

    /// `events`: `events.csv`.
    pub(crate) fn events(&self) -> io::Result<()> {
        self.once("events", |folder| events::write(folder, self.sizes.rows, self.sizes.keys))
    }

    /// A folder takes its name when it is whole, so that a run that was interrupted leaves none.
    fn once(&self, name: &str, write: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
        let folder = self.folder.join(name);
        if folder.exists() {
            return Ok(());
        }
        let part = self.folder.join(format!("{name}.part"));
        if part.exists() {
            fs::remove_dir_all(&part)?;
        }
        fs::create_dir_all(&part)?;
        write(&part)?;
        fs::rename(&part, &folder)
    }
}

/// The folder of the rows of a dictionary of so many words.
pub(crate) fn words_folder(words: usize) -> String {
    format!("words-{words}")
}

/// The files of a folder by name.
pub(crate) fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|error| {
        io::Error::new(error.kind(), format!("`{}`: {error}", folder.display()))
    })?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    files.sort();
    Ok(files)
}

/// A file whose first line is that.
fn with_header(path: &Path, header: &str) -> io::Result<BufWriter<File>> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut out = BufWriter::new(File::create(path)?);
    writeln!(out, "{header}")?;
    Ok(out)
}

/// Where the n-th part of a folder is written.
fn part_path(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("part-{number:03}.csv"))
}
