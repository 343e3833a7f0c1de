//! What runs leave in a storage that fails, and what others find there.

use super::Objects;
use futures_util::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use pathway_core::persistence::{Store, StoreError};
use pathway_core::table::Pipeline;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A storage that refuses all writes behind so many.
#[derive(Debug)]
struct Failing {
    storage: InMemory,
    writes: AtomicU64,
    writes_max: AtomicU64,
}

impl Failing {
    fn new() -> Arc<Self> {
        let (writes, writes_max) = (AtomicU64::new(0), AtomicU64::new(u64::MAX));
        Arc::new(Self { storage: InMemory::new(), writes, writes_max })
    }

    fn write(&self) -> Result<()> {
        let at = self.writes.fetch_add(1, Ordering::SeqCst);
        if at < self.writes_max.load(Ordering::SeqCst) {
            return Ok(());
        }
        Err(Error::Generic { store: "failing", source: "no more writes".into() })
    }

    fn fail_after(&self, writes: u64) {
        let at = self.writes.load(Ordering::SeqCst);
        self.writes_max.store(at.saturating_add(writes), Ordering::SeqCst);
    }
}

impl fmt::Display for Failing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a storage that fails")
    }
}

#[async_trait::async_trait]
impl ObjectStore for Failing {
    async fn put_opts(&self, at: &Path, bytes: PutPayload, opts: PutOptions) -> Result<PutResult> {
        self.write()?;
        self.storage.put_opts(at, bytes, opts).await
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.storage.put_multipart_opts(at, opts).await
    }

    async fn get_opts(&self, at: &Path, options: GetOptions) -> Result<GetResult> {
        self.storage.get_opts(at, options).await
    }

    fn delete_stream(
        &self,
        places: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        match self.write() {
            Ok(()) => self.storage.delete_stream(places),
            Err(error) => Box::pin(futures_util::stream::iter([Err(error)])),
        }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.storage.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.storage.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.storage.copy_opts(from, to, options).await
    }
}

/// The store as a process of its own has it.
fn store(storage: &Arc<Failing>) -> Objects {
    let storage = Arc::clone(storage) as Arc<dyn ObjectStore>;
    Objects::of(storage, "some/folder").unwrap().log_every(Duration::ZERO)
}

fn get(store: &Objects, name: &str) -> Option<Vec<u8>> {
    store.get(name).unwrap()
}

#[test]
fn a_run_finds_what_the_one_before_has_written() {
    let storage = Failing::new();
    let (first, second) = (store(&storage), store(&storage));
    let claim = first.claim().unwrap();
    assert!(first.list().unwrap().is_empty());
    first.put("b", b"one").unwrap();
    first.put("b", b"two").unwrap();
    let mut log = first.append("a").unwrap();
    log.write(b"he").unwrap();
    log.write(b"llo").unwrap();
    assert_eq!(get(&first, "a"), None, "it is not there before it is synced");
    log.sync().unwrap();
    log.write(b" you").unwrap();
    log.sync().unwrap();
    log.write(b" lost").unwrap();
    drop((log, claim));
    // Who only looks sees the same as who takes the store.
    for looks in [true, false] {
        let _claim = (!looks).then(|| second.claim().unwrap());
        assert_eq!(second.list().unwrap(), ["a", "b"]);
        assert_eq!(get(&second, "a").unwrap(), b"hello you");
        assert_eq!(get(&second, "b").unwrap(), b"two");
        assert_eq!(second.get_part("a", 3, 4).unwrap().unwrap(), b"lo y");
        assert_eq!(second.get_part("a", 7, 100).unwrap().unwrap(), b"ou");
        assert_eq!(get(&second, "c"), None);
    }
    let _claim = second.claim().unwrap();
    second.remove("b").unwrap();
    second.remove("b").unwrap();
    let mut log = second.append("a").unwrap();
    assert_eq!(
        get(&second, "a").unwrap(),
        b"hello you",
        "what was there stays until it is replaced"
    );
    log.write(b"anew").unwrap();
    log.sync().unwrap();
    let third = store(&storage);
    let _claim = third.claim().unwrap();
    assert_eq!(
        (third.list().unwrap(), get(&third, "a").unwrap()),
        (vec!["a".into()], b"anew".to_vec())
    );
}

#[test]
fn large_objects_are_written_in_parts() {
    let storage = Failing::new();
    let (first, second) = (store(&storage), store(&storage));
    let _claim = first.claim().unwrap();
    let bytes: Vec<u8> =
        (0..20_000_000u32).map(|n| u8::try_from(n / 1000 % 251).unwrap()).collect();
    let mut object = first.append("large").unwrap();
    bytes.chunks(3_000_000).for_each(|chunk| object.write(chunk).unwrap());
    object.sync().unwrap();
    assert!(get(&first, "large").unwrap() == bytes);
    let _claim = second.claim().unwrap();
    let part = second.get_part("large", 8_999_990, 9_000_020).unwrap().unwrap();
    assert!(part == bytes[8_999_990..18_000_010]);
}

#[test]
fn the_older_of_two_runs_ends_and_leaves_no_trace() {
    let storage = Failing::new();
    let (older, newer) = (store(&storage), store(&storage));
    let _older = older.claim().unwrap();
    let mut log = older.append("log").unwrap();
    let mut write = |bytes: &[u8]| {
        log.write(bytes).unwrap();
        log.sync()
    };
    write(b"one").unwrap();
    let _newer = newer.claim().unwrap();
    // What the older one writes fails, although the storage has it.
    assert!(matches!(write(b" two"), Err(StoreError::Fenced)));
    assert!(matches!(older.put("checkpoint", b"older"), Err(StoreError::Fenced)));
    assert!(matches!(older.remove("log"), Err(StoreError::Fenced)));
    assert_eq!(newer.list().unwrap(), ["log"]);
    assert_eq!(get(&newer, "log").unwrap(), b"one");
    newer.put("checkpoint", b"newer").unwrap();
    let third = store(&storage);
    let _third = third.claim().unwrap();
    assert_eq!(get(&third, "log").unwrap(), b"one");
    assert_eq!(get(&third, "checkpoint").unwrap(), b"newer");
    // What counted for nobody has been removed.
    let parts = third.shared.bridge.list("objects").unwrap();
    assert_eq!(parts.len(), 2, "{parts:?}");
}

#[test]
fn runs_in_one_process_follow_each_other() {
    let storage = Failing::new();
    let store = store(&storage);
    let first = store.claim().unwrap();
    store.put("a", b"1").unwrap();
    let mut log = store.append("log").unwrap();
    let second = store.claim().unwrap();
    log.write(b"late").unwrap();
    assert!(matches!(log.sync(), Err(StoreError::Fenced)));
    drop(first);
    store.put("a", b"2").unwrap();
    drop(second);
    assert_eq!(get(&store, "a").unwrap(), b"2");
}

/// Each write of three runs fails in turn: what had been acknowledged is there, and what was not is
/// there as a whole or not at all.
#[test]
fn a_storage_that_fails_at_any_write_loses_nothing_that_was_acknowledged() {
    let mut failed = 0;
    for fail_after in 0.. {
        let storage = Failing::new();
        storage.fail_after(fail_after);
        let mut acknowledged: Vec<u8> = Vec::new();
        let mut tried: Vec<u8> = Vec::new();
        let mut run = |n: u8| -> std::result::Result<(), StoreError> {
            let store = store(&storage);
            let _claim = store.claim()?;
            let before = store.get("log")?.unwrap_or_default();
            assert!(
                before.starts_with(&acknowledged) && tried.starts_with(&before),
                "{fail_after}"
            );
            let mut log = store.append("log")?;
            log.write(&before)?;
            for entry in [n * 2, n * 2 + 1] {
                tried = before.clone();
                log.write(&[entry])?;
                tried.extend((n * 2..=entry).collect::<Vec<u8>>());
                log.sync()?;
                acknowledged = tried.clone();
            }
            store.put("checkpoint", &[n])?;
            store.remove("old")
        };
        let results = [run(0), run(1), run(2)];
        let is_failed = results.iter().any(Result::is_err);
        storage.fail_after(u64::MAX);
        let store = store(&storage);
        let _claim = store.claim().unwrap();
        let log = get(&store, "log").unwrap_or_default();
        assert!(log.starts_with(&acknowledged) && tried.starts_with(&log), "{fail_after}: {log:?}");
        if !is_failed {
            break;
        }
        failed += 1;
    }
    assert!(failed > 20, "{failed} writes");
}

#[test]
fn addresses_that_are_no_store_say_why() {
    let problem = |url: &str| super::objects(url).unwrap_err().to_string();
    assert!(problem("checkpoints").contains("s3://bucket/folder"), "{}", problem("checkpoints"));
    assert!(problem("ftp://host/folder").contains("ftp"), "{}", problem("ftp://host/folder"));
    let secret = problem("ftp://user:secret@host/folder?token=secret");
    assert!(secret.contains("ftp://user@host/folder") && !secret.contains("secret"), "{secret}");
    if cfg!(not(feature = "s3")) {
        let problem = problem("s3://bucket/folder");
        assert!(problem.contains("needs the feature `s3`"), "{problem}");
    }
}

/// A pipeline that begins while another one goes on takes its store over with all that it has
/// published, and the other ends.
#[test]
fn the_older_of_two_pipelines_ends_with_an_error() {
    let storage = Failing::new();
    let build = || {
        let app = Pipeline::new("numbers").progress(false).durable(store(&storage));
        let (input, rows) = app.input::<u64>();
        let view = rows.view();
        let running = app.start().unwrap();
        (input, view, running)
    };
    let wait = Duration::from_secs(10);
    let (older_input, older_view, older) = build();
    (0..10).for_each(|n| older_input.push(n).unwrap());
    older_view.wait_for(|rows| rows.len() == 10, wait);
    let (input, view, newer) = build();
    assert!(view.rows().len() <= 10, "{:?}", view.rows());
    // It finds out when it writes.
    older_input.push(10).unwrap_or_default();
    let error = older.wait().unwrap_err().to_string();
    assert!(error.contains("has taken the store over"), "{error}");
    input.push(11).unwrap();
    view.wait_for(|rows| rows.iter().any(|row| row == 11), wait);
    newer.stop();
    newer.wait().unwrap();
    let (_input, view, newer) = build();
    assert!(view.rows().contains(&11) && !view.rows().contains(&10), "{:?}", view.rows());
    drop(newer);
}
