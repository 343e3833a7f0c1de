//! What durable pipelines keep in object storage: S3, Google Cloud Storage, Azure, or anything else
//! that the `object_store` crate speaks to.
//!
//! Object storage has no locks and cannot append. So an object of the store is a row of *parts*, each
//! an object of the storage that is written once; and a run that begins takes the store over, where a
//! directory would refuse it.
//!
//! ```text
//! <folder>/claims/<claim>                    each run that began, by number
//! <folder>/views/<claim>                     what was there when it began
//! <folder>/objects/<name>/<writing>-<part>   what it has written
//! ```
//!
//! A *writing* is a claim and a number that counts the objects which its run has begun.
//!
//! A run writes its claim first and lists what is there then: its *view*. What counts is what the
//! view of the newest run has, and what that run has written itself. A run that writes looks, behind
//! each write and before it says that it is done, whether there is a newer claim. If there is none
//! yet, what it wrote is part of every view to come, because the storage is consistent; if there is
//! one, the run ends, whatever became of what it wrote. So two runs never both publish.

mod bridge;
#[cfg(test)]
mod tests;
mod view;

use bridge::Bridge;
use object_store::ObjectStore;
use object_store::path::Path;
use pathway_core::error::BuildError;
use pathway_core::persistence::store::{Append, Claim};
use pathway_core::persistence::{Store, StoreError};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use view::Object;

/// What is appended without a sync is written in parts of so many bytes.
const PART_BYTES: usize = 8 << 20;
/// How often the log is written at most.
const LOG_EVERY: Duration = Duration::from_millis(50);

/// A store in object storage, for [`Pipeline::durable`](pathway_core::table::Pipeline::durable).
/// Clones are the same store. Made by [`objects`].
#[derive(Clone)]
pub struct Objects {
    shared: Arc<Shared>,
    log_every: Duration,
}

struct Shared {
    label: String,
    bridge: Bridge,
    /// The claim of a run of this process.
    claim: Mutex<Option<Held>>,
}

/// What a run knows of the store that it has taken.
#[derive(Debug)]
struct Held {
    claim: u64,
    /// How many objects it has begun.
    writings: u64,
    /// Those that count, as it began and since.
    objects: view::Objects,
}

/// A store in object storage: `s3://bucket/folder`, `gs://bucket/folder`, `az://container/folder`,
/// behind the features `s3`, `gcs` and `azure`. The store has the folder for itself.
///
/// Credentials, the region and the like come from the environment, as the storage's own tools have
/// them: `AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT`, `GOOGLE_SERVICE_ACCOUNT`, `AZURE_STORAGE_ACCOUNT_NAME`
/// and so on. What is like S3 needs `AWS_ENDPOINT` and, without TLS, `AWS_ALLOW_HTTP=true`.
///
/// **What differs from a directory.** A run that begins while another one goes on takes the store
/// over, and the other ends with an error: so the machine of a run that has gone away holds nobody
/// up. Each write of the log is an object, at most every 50 ms: [`log_every`](Objects::log_every).
/// The storage must be strongly consistent and must refuse to create what is there; all three are
/// and do. `file:///folder` works for tests, and does not survive the loss of power.
///
/// ```no_run
/// use pathway::prelude::*;
///
/// let app = Pipeline::new("orders").durable(store::objects("s3://checkpoints/orders")?);
/// # Ok::<(), pathway::Error>(())
/// ```
///
/// # Errors
///
/// An address that is none, of a storage whose feature is not enabled, or settings that make no
/// sense, with what is wrong.
pub fn objects(url: &str) -> pathway_core::error::Result<Objects> {
    let failed = |store: String, error| BuildError::Store { store, error };
    let parsed = url::Url::parse(url).map_err(|error| {
        let problem = format!("it is no address: {error}\nhelp: write it as `s3://bucket/folder`");
        failed(format!("`{url}`"), StoreError::Other { problem })
    })?;
    // Neither a password nor a query belongs into messages.
    let mut shown = parsed.clone();
    shown.set_query(None);
    // What has no host has no password either.
    shown.set_password(None).unwrap_or_default();
    Ok(opened(&parsed, &shown).map_err(|error| failed(format!("`{shown}`"), error))?)
}

fn opened(url: &url::Url, shown: &url::Url) -> Result<Objects, StoreError> {
    let failed = |problem: String| StoreError::Other { problem };
    let feature = match url.scheme() {
        "s3" | "s3a" => Some(("s3", cfg!(feature = "s3"))),
        "gs" => Some(("gcs", cfg!(feature = "gcs"))),
        "az" | "adl" | "azure" | "abfs" | "abfss" => Some(("azure", cfg!(feature = "azure"))),
        _ => None,
    };
    if let Some((feature, false)) = feature {
        return Err(failed(format!("it needs the feature `{feature}` of `pathway`")));
    }
    // The names of settings are those of the environment in lower case.
    let settings = std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok()?.to_ascii_lowercase();
        let is_known = ["aws_", "google_", "azure_"].iter().any(|front| name.starts_with(front));
        Some((name, value.into_string().ok()?)).filter(|_| is_known)
    });
    let (storage, folder) = object_store::parse_url_opts(url, settings)
        .map_err(|error| failed(error.to_string().replace(url.as_str(), shown.as_str())))?;
    Objects::over(storage.into(), folder, format!("`{shown}`"))
}

impl Objects {
    /// A store in a folder of a storage that the program has made itself.
    ///
    /// # Errors
    ///
    /// If the system gives no thread to speak to the storage on.
    pub fn of(storage: Arc<dyn ObjectStore>, folder: &str) -> Result<Self, StoreError> {
        let label = format!("`{folder}` of {storage}");
        Self::over(storage, Path::from(folder), label)
    }

    fn over(
        storage: Arc<dyn ObjectStore>,
        folder: Path,
        label: String,
    ) -> Result<Self, StoreError> {
        let bridge = Bridge::new(storage, folder)?;
        let claim = Mutex::new(None);
        Ok(Self { shared: Arc::new(Shared { label, bridge, claim }), log_every: LOG_EVERY })
    }

    /// How often the log is written at most, which is how long sinks wait: a write costs money, and
    /// what comes meanwhile is written with it. Not at all with zero; 50 ms if nothing is said.
    #[must_use]
    pub fn log_every(self, every: Duration) -> Self {
        Self { log_every: every, ..self }
    }

    fn held(&self) -> MutexGuard<'_, Option<Held>> {
        self.shared.claim.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls `f` with what counts: for the run that has the store, or as it is now for who only looks.
    fn with<T>(&self, f: impl FnOnce(&view::Objects) -> T) -> Result<T, StoreError> {
        match &*self.held() {
            Some(held) => Ok(f(&held.objects)),
            None => Ok(f(&view::as_of_now(&self.shared.bridge)?)),
        }
    }

    /// Writes the next part of an object, and makes sure that the store is still this run's. The first
    /// part takes the place of what was there under the object's name.
    fn write_part(&self, writing: &Writing, bytes: Vec<u8>) -> Result<(), StoreError> {
        let Writing { claim, name, writing } = writing;
        let len = bytes.len() as u64;
        let part = match &*self.held() {
            Some(held) if held.claim == *claim => {
                let object = held.objects.get(name).filter(|object| object.writing == *writing);
                object.map_or(0, |object| object.sizes.len())
            }
            _ => return Err(StoreError::Fenced),
        };
        self.shared.bridge.put(&part_name(name, writing, part), bytes)?;
        self.shared.bridge.check(*claim)?;
        let mut held = self.held();
        let Some(held) = held.as_mut().filter(|held| held.claim == *claim) else {
            return Err(StoreError::Fenced);
        };
        if part == 0 {
            let object = Object { writing: writing.clone(), sizes: vec![len] };
            held.objects.insert(name.clone(), object);
        } else if let Some(object) = held.objects.get_mut(name) {
            object.sizes.push(len);
        }
        Ok(())
    }

    /// Begins an object anew. What was there under its name is there until a part is written.
    fn begin(&self, name: &str) -> Result<Writing, StoreError> {
        let mut held = self.held();
        let held = held.as_mut().ok_or(StoreError::Fenced)?;
        held.writings += 1;
        let claim = held.claim;
        let writing = format!("{claim:016}.{:08}", held.writings);
        Ok(Writing { claim, name: name.to_owned(), writing })
    }
}

/// An object that is being written.
#[derive(Debug)]
struct Writing {
    claim: u64,
    name: String,
    writing: String,
}

fn part_name(name: &str, writing: &str, part: usize) -> String {
    format!("objects/{name}/{writing}-{part:08}")
}

impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Objects").field("label", &self.shared.label).finish_non_exhaustive()
    }
}

/// The right to the store, until another run takes it.
#[derive(Debug)]
struct Taken {
    store: Objects,
    claim: u64,
}

impl Claim for Taken {}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut held = self.store.held();
        if held.as_ref().is_some_and(|held| held.claim == self.claim) {
            *held = None;
        }
    }
}

impl Store for Objects {
    fn label(&self) -> String {
        self.shared.label.clone()
    }

    fn claim(&self) -> Result<Box<dyn Claim>, StoreError> {
        let bridge = &self.shared.bridge;
        let claim = bridge.claim()?;
        let objects = view::as_of_now(bridge)?;
        view::write(&objects, bridge, claim)?;
        bridge.check(claim)?;
        view::remove_others(&objects, bridge, claim)?;
        *self.held() = Some(Held { claim, writings: 0, objects });
        Ok(Box::new(Taken { store: self.clone(), claim }))
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.write_part(&self.begin(name)?, bytes.to_vec())
    }

    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.get_part(name, 0, u64::MAX)
    }

    fn get_part(&self, name: &str, at: u64, len: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let object = self.with(|objects| objects.get(name).cloned())?;
        let Some(Object { writing, sizes }) = object else { return Ok(None) };
        let (mut bytes, mut start, end) = (Vec::new(), 0, at.saturating_add(len));
        for (part, size) in sizes.into_iter().enumerate() {
            let (from, to) = (at.max(start), end.min(start + size));
            if from < to {
                let part = part_name(name, &writing, part);
                bytes.extend(self.shared.bridge.get(&part, from - start..to - start)?);
            }
            start += size;
        }
        Ok(Some(bytes))
    }

    fn list(&self) -> Result<Vec<String>, StoreError> {
        self.with(|objects| objects.keys().cloned().collect())
    }

    fn remove(&self, name: &str) -> Result<(), StoreError> {
        let claim = match &mut *self.held() {
            Some(held) => {
                held.objects.remove(name);
                held.claim
            }
            None => return self.shared.bridge.remove(name),
        };
        self.shared.bridge.check(claim)?;
        self.shared.bridge.remove(name)
    }

    fn append(&self, name: &str) -> Result<Box<dyn Append>, StoreError> {
        let (writing, store) = (self.begin(name)?, self.clone());
        Ok(Box::new(Appended { store, writing, bytes: Vec::new(), written: None }))
    }
}

/// An object that is written bit by bit.
#[derive(Debug)]
struct Appended {
    store: Objects,
    writing: Writing,
    /// What is no part yet.
    bytes: Vec<u8>,
    /// When a part was written last.
    written: Option<Instant>,
}

impl Appended {
    fn write_part(&mut self) -> Result<(), StoreError> {
        let bytes = std::mem::take(&mut self.bytes);
        self.store.write_part(&self.writing, bytes)?;
        self.written = Some(Instant::now());
        Ok(())
    }
}

impl Append for Appended {
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() >= PART_BYTES {
            self.write_part()?;
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        if let Some(written) = self.written {
            std::thread::sleep(self.store.log_every.saturating_sub(written.elapsed()));
        }
        self.write_part()
    }
}
