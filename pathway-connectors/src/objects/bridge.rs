//! From the threads of a pipeline, which wait, to a storage that is asynchronous.

use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload};
use pathway_core::persistence::StoreError;
use std::future::Future;
use std::ops::Range;
use std::sync::{Arc, mpsc};
use tokio::runtime::Runtime;

/// A folder of a storage, and a thread that speaks to it.
pub(super) struct Bridge {
    storage: Arc<dyn ObjectStore>,
    folder: Path,
    /// There until this is dropped.
    runtime: Option<Runtime>,
}

fn failed(action: &str, place: &Path, error: &Error) -> StoreError {
    StoreError::Other { problem: format!("could not {action} `{place}`: {error}") }
}

impl Bridge {
    pub(super) fn new(storage: Arc<dyn ObjectStore>, folder: Path) -> Result<Self, StoreError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("object storage")
            .enable_all()
            .build()
            .map_err(|error| StoreError::Other {
                problem: format!("could not start a thread for object storage: {error}"),
            })?;
        Ok(Self { storage, folder, runtime: Some(runtime) })
    }

    /// Waits for a future on the thread of the storage: the one that waits may be one of an async
    /// runtime.
    fn wait<T: Send + 'static>(&self, future: impl Future<Output = T> + Send + 'static) -> T {
        let (send, receive) = mpsc::sync_channel(1);
        let runtime = self.runtime.as_ref().expect("the runtime is there until the drop");
        runtime.spawn(async move { send.send(future.await) });
        receive
            .recv()
            .expect("the storage's thread answers: a panic there is a defect of its client")
    }

    fn place(&self, name: &str) -> Path {
        Path::from(format!("{}/{name}", self.folder))
    }

    /// Writes an object, whether it is there or not.
    pub(super) fn put(&self, name: &str, bytes: Vec<u8>) -> Result<(), StoreError> {
        let (storage, place) = (Arc::clone(&self.storage), self.place(name));
        let (to, payload) = (place.clone(), PutPayload::from(bytes));
        let put = self.wait(async move { storage.put(&to, payload).await });
        put.map(drop).map_err(|error| failed("write", &place, &error))
    }

    /// Creates an object. Answers whether it was not there.
    fn create(&self, name: &str) -> Result<bool, StoreError> {
        let (storage, place) = (Arc::clone(&self.storage), self.place(name));
        let to = place.clone();
        let put = self.wait(async move {
            storage.put_opts(&to, PutPayload::new(), PutOptions::from(PutMode::Create)).await
        });
        match put {
            Ok(_) => Ok(true),
            Err(Error::AlreadyExists { .. }) => Ok(false),
            Err(error) => Err(failed("create", &place, &error)),
        }
    }

    /// So many bytes of an object that is there.
    pub(super) fn get(&self, name: &str, range: Range<u64>) -> Result<Vec<u8>, StoreError> {
        let (storage, place) = (Arc::clone(&self.storage), self.place(name));
        let from = place.clone();
        let got = self.wait(async move { storage.get_range(&from, range).await });
        got.map(Into::into).map_err(|error| failed("read", &place, &error))
    }

    /// All of an object, if it is there.
    pub(super) fn get_all(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let (storage, place) = (Arc::clone(&self.storage), self.place(name));
        let from = place.clone();
        let got = self.wait(async move { storage.get(&from).await?.bytes().await });
        match got {
            Ok(bytes) => Ok(Some(bytes.into())),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed("read", &place, &error)),
        }
    }

    /// The objects of a folder by their names in it, with their sizes, in order.
    pub(super) fn list(&self, folder: &str) -> Result<Vec<(String, u64)>, StoreError> {
        let (storage, place) = (Arc::clone(&self.storage), self.place(folder));
        let from = place.clone();
        let listed = self.wait(async move {
            let objects = storage.list(Some(&from));
            objects.map_ok(|object| (object.location, object.size)).try_collect::<Vec<_>>().await
        });
        let listed = listed.map_err(|error| failed("list", &place, &error))?;
        let front = format!("{place}/");
        let mut names: Vec<(String, u64)> = listed
            .into_iter()
            .filter_map(|(at, size)| Some((at.as_ref().strip_prefix(&front)?.to_owned(), size)))
            .collect();
        names.sort();
        Ok(names)
    }

    /// Removes all parts of an object.
    pub(super) fn remove(&self, name: &str) -> Result<(), StoreError> {
        let folder = format!("objects/{name}");
        let parts = self.list(&folder)?;
        let names = parts.into_iter().map(|(part, _)| format!("{folder}/{part}"));
        self.remove_all(&names.collect::<Vec<_>>())
    }

    pub(super) fn remove_all(&self, names: &[String]) -> Result<(), StoreError> {
        let places: Vec<_> = names.iter().map(|name| Ok(self.place(name))).collect();
        let storage = Arc::clone(&self.storage);
        let removed = self.wait(async move {
            let mut removed = storage.delete_stream(futures_util::stream::iter(places).boxed());
            while let Some(one) = removed.next().await {
                match one {
                    // What is not there need not be removed.
                    Ok(_) | Err(Error::NotFound { .. }) => {}
                    Err(error) => return Some(error),
                }
            }
            None
        });
        match removed {
            Some(error) => Err(failed("remove objects of", &self.folder, &error)),
            None => Ok(()),
        }
    }

    /// Takes the next number for a run.
    pub(super) fn claim(&self) -> Result<u64, StoreError> {
        let claims = self.list("claims")?;
        let newest = claims.iter().filter_map(|(name, _)| name.parse::<u64>().ok()).max();
        let mut claim = newest.map_or(1, |newest| newest + 1);
        while !self.create(&claim_name(claim))? {
            claim += 1;
        }
        Ok(claim)
    }

    /// Makes sure that no run has begun behind that one.
    pub(super) fn check(&self, claim: u64) -> Result<(), StoreError> {
        let (storage, place) = (Arc::clone(&self.storage), self.place(&claim_name(claim + 1)));
        let at = place.clone();
        match self.wait(async move { storage.head(&at).await }) {
            Err(Error::NotFound { .. }) => Ok(()),
            Ok(_) => Err(StoreError::Fenced),
            Err(error) => Err(failed("read", &place, &error)),
        }
    }
}

fn claim_name(claim: u64) -> String {
    format!("claims/{claim:016}")
}

impl Drop for Bridge {
    fn drop(&mut self) {
        // The thread that drops it may be one of an async runtime, which must not wait.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
