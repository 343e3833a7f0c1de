//! A store in memory, for tests: it outlives a run, and can fail like a disk.

use super::store::{Append, Claim, Store, StoreError};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A store in memory. Clones are the same store. Made by [`memory`](fn@memory).
#[derive(Clone, Debug, Default)]
pub struct Memory(Arc<Shared>);

/// A store in the memory of this process: for tests of what happens between one run and the next.
pub fn memory() -> Memory {
    Memory::default()
}

#[derive(Debug, Default)]
struct Shared {
    objects: Mutex<BTreeMap<String, Object>>,
    taken: AtomicBool,
    /// How many writes have been made.
    writes: AtomicU64,
    /// How many may be made before the store fails, and one more; zero means all.
    writes_max: AtomicU64,
}

#[derive(Clone, Debug, Default)]
struct Object {
    bytes: Vec<u8>,
    /// How many of them survive the loss of power.
    synced: usize,
}

impl Memory {
    fn objects(&self) -> MutexGuard<'_, BTreeMap<String, Object>> {
        self.0.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many times something has been written, appended, synced or removed.
    pub fn writes(&self) -> u64 {
        self.0.writes.load(Ordering::SeqCst)
    }

    /// Lets so many more writes succeed; the one behind them tears, and all others fail, until the
    /// store is [mended](Self::mend).
    pub fn fail_after(&self, writes: u64) {
        self.0.writes_max.store(self.writes() + writes + 1, Ordering::SeqCst);
    }

    /// Makes a store that has failed work again. What had not been synced is cut off at `keep` of
    /// its bytes in a thousand, as a disk does that has lost its power.
    pub fn mend(&self, keep: usize) {
        self.0.writes_max.store(0, Ordering::SeqCst);
        for object in self.objects().values_mut() {
            let unsynced = object.bytes.len() - object.synced;
            object.bytes.truncate(object.synced + unsynced * keep.min(1000) / 1000);
            object.synced = object.bytes.len();
        }
    }

    /// Changes the bytes of an object, as a failing disk does.
    pub fn corrupt(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        if let Some(object) = self.objects().get_mut(name) {
            change(&mut object.bytes);
            object.synced = object.bytes.len();
        }
    }

    /// Counts a write. Answers whether it is done, torn or refused.
    fn write(&self) -> Write {
        let at = self.0.writes.fetch_add(1, Ordering::SeqCst) + 1;
        match self.0.writes_max.load(Ordering::SeqCst) {
            0 => Write::Done,
            max if at < max => Write::Done,
            max if at == max => Write::Torn,
            _ => Write::Refused,
        }
    }
}

enum Write {
    Done,
    Torn,
    Refused,
}

fn failed(name: &str) -> StoreError {
    StoreError::Other { problem: format!("the store in memory was told to fail, at `{name}`") }
}

#[derive(Debug)]
struct Taken(Memory);

impl Claim for Taken {}

impl Drop for Taken {
    fn drop(&mut self) {
        self.0.0.taken.store(false, Ordering::SeqCst);
    }
}

impl Store for Memory {
    fn label(&self) -> String {
        "in memory".to_owned()
    }

    fn claim(&self) -> Result<Box<dyn Claim>, StoreError> {
        if self.0.taken.swap(true, Ordering::SeqCst) {
            return Err(StoreError::Taken);
        }
        Ok(Box::new(Taken(self.clone())))
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        // An object is there as a whole or not at all.
        let Write::Done = self.write() else { return Err(failed(name)) };
        let object = Object { bytes: bytes.to_vec(), synced: bytes.len() };
        self.objects().insert(name.to_owned(), object);
        Ok(())
    }

    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.objects().get(name).map(|object| object.bytes.clone()))
    }

    fn list(&self) -> Result<Vec<String>, StoreError> {
        Ok(self.objects().keys().cloned().collect())
    }

    fn remove(&self, name: &str) -> Result<(), StoreError> {
        let Write::Done = self.write() else { return Err(failed(name)) };
        self.objects().remove(name);
        Ok(())
    }

    fn append(&self, name: &str) -> Result<Box<dyn Append>, StoreError> {
        let Write::Done = self.write() else { return Err(failed(name)) };
        self.objects().insert(name.to_owned(), Object::default());
        Ok(Box::new(Appended { store: self.clone(), name: name.to_owned() }))
    }
}

#[derive(Debug)]
struct Appended {
    store: Memory,
    name: String,
}

impl Append for Appended {
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let write = self.store.write();
        let mut objects = self.store.objects();
        let object = objects.entry(self.name.clone()).or_default();
        let written = match write {
            Write::Done => bytes.len(),
            Write::Torn => bytes.len() / 2,
            Write::Refused => 0,
        };
        object.bytes.extend_from_slice(&bytes[..written]);
        if written == bytes.len() { Ok(()) } else { Err(failed(&self.name)) }
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        let Write::Done = self.store.write() else { return Err(failed(&self.name)) };
        if let Some(object) = self.store.objects().get_mut(&self.name) {
            object.synced = object.bytes.len();
        }
        Ok(())
    }
}
