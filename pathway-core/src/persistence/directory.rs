//! A store in a directory of the local file system.
//!
//! An object is a file. It is written under another name, brought to the disk and renamed, and so
//! is the directory, so that a file with its own name is whole. The log is the exception: it is
//! appended to, and tells a torn end by itself.

use super::store::{Append, Claim, Store, StoreError};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The file that a run locks.
const LOCK: &str = "lock";
/// How the names of files end that are not whole.
const UNFINISHED: &str = ".tmp";

/// A store in a directory, which is made when a run begins. Made by [`directory`](fn@directory).
#[derive(Clone, Debug)]
pub struct Directory {
    path: PathBuf,
}

/// A store in a directory of the local file system, for
/// [`Pipeline::durable`](crate::table::Pipeline::durable).
pub fn directory(path: impl Into<PathBuf>) -> Directory {
    Directory { path: path.into() }
}

#[derive(Debug)]
struct Locked {
    /// The system unlocks it when it is closed, also where the process is killed.
    _file: File,
}

impl Claim for Locked {}

#[derive(Debug)]
struct Appended {
    path: PathBuf,
    file: File,
}

fn failed<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> StoreError + 'a {
    move |error| StoreError::Io { action, path: path.display().to_string(), error }
}

/// Whether an object of that name is one that durable pipelines write as a whole.
fn is_ours(name: &str) -> bool {
    super::manifest::epoch_of(name).is_some()
}

impl Directory {
    /// Removes what a killed run was writing.
    fn remove_unfinished(&self) -> Result<(), StoreError> {
        for entry in fs::read_dir(&self.path).map_err(failed("list", &self.path))? {
            let path = entry.map_err(failed("list", &self.path))?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.strip_suffix(UNFINISHED).is_some_and(is_ours) {
                fs::remove_file(&path).map_err(failed("remove", &path))?;
            }
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), StoreError> {
        let directory = File::open(&self.path).and_then(|directory| directory.sync_all());
        directory.map_err(failed("sync", &self.path))
    }
}

impl Store for Directory {
    fn label(&self) -> String {
        format!("`{}`", self.path.display())
    }

    fn claim(&self) -> Result<Box<dyn Claim>, StoreError> {
        if self.path.is_file() {
            return Err(StoreError::NoDirectory { path: self.path.display().to_string() });
        }
        fs::create_dir_all(&self.path).map_err(failed("create", &self.path))?;
        let path = self.path.join(LOCK);
        let options = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = options.map_err(failed("open", &path))?;
        match file.try_lock() {
            Ok(()) => {
                self.remove_unfinished()?;
                Ok(Box::new(Locked { _file: file }))
            }
            Err(TryLockError::WouldBlock) => Err(StoreError::Taken),
            Err(TryLockError::Error(error)) => Err(failed("lock", &path)(error)),
        }
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.path.join(name);
        let unfinished = self.path.join(format!("{name}{UNFINISHED}"));
        let write = || {
            let mut file = File::create(&unfinished)?;
            file.write_all(bytes)?;
            file.sync_all()
        };
        write().map_err(failed("write", &unfinished))?;
        fs::rename(&unfinished, &path).map_err(failed("write", &path))?;
        self.sync()
    }

    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.path.join(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("read", &path)(error)),
        }
    }

    fn get_part(&self, name: &str, at: u64, len: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.path.join(name);
        let read = || -> io::Result<Vec<u8>> {
            let mut file = File::open(&path)?;
            file.seek(SeekFrom::Start(at))?;
            // Of a file that was cut off, no room is made for what is not there.
            let there = file.metadata()?.len().saturating_sub(at).min(len);
            let mut bytes = Vec::with_capacity(usize::try_from(there).unwrap_or(0));
            file.take(len).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        match read() {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("read", &path)(error)),
        }
    }

    fn list(&self) -> Result<Vec<String>, StoreError> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(failed("list", &self.path))? {
            let entry = entry.map_err(failed("list", &self.path))?;
            // Names of ours are text.
            if let Ok(name) = entry.file_name().into_string()
                && name != LOCK
                && !name.ends_with(UNFINISHED)
            {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn remove(&self, name: &str) -> Result<(), StoreError> {
        let path = self.path.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(failed("remove", &path)(error))
            }
            _ => Ok(()),
        }
    }

    fn append(&self, name: &str) -> Result<Box<dyn Append>, StoreError> {
        let path = self.path.join(name);
        let file = File::create(&path).map_err(failed("create", &path))?;
        self.sync()?;
        Ok(Box::new(Appended { path, file }))
    }
}

impl Append for Appended {
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.file.write_all(bytes).map_err(failed("write", &self.path))
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        self.file.sync_data().map_err(failed("sync", &self.path))
    }
}
