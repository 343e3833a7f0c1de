//! What a store gives back: whole, torn, damaged, and of other versions.

use super::log::EpochCut;
use super::memory::memory;
use super::records::{Id, Records, for_each};
use super::recovery::{Recovered, Refusal, recover};
use super::sections::SavedState;
use super::store::Store;
use super::writer::{CheckpointWriter, LogWriter, Message, Notify, Program};
use super::{Memory, directory};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;

#[derive(Default)]
struct Noted {
    logged: AtomicU64,
    checkpointed: AtomicU64,
}

impl Notify for Noted {
    fn logged(&self, epoch: u64) {
        self.logged.store(epoch, Ordering::SeqCst);
    }

    fn checkpointed(&self, epoch: u64) {
        self.checkpointed.store(epoch, Ordering::SeqCst);
    }
}

fn program() -> Program {
    Program { pipeline: "test".into(), workers: 2, nodes: Vec::new(), sinks: 1 }
}

/// What a worker hands over in front of an epoch: a part that it writes anew, and one of which a
/// record changes.
fn states(epoch: u64, worker: usize) -> Vec<SavedState> {
    let mut small = Records::default();
    small.put(Id::default(), |out| out.extend(format!("states {epoch} {worker}").bytes()));
    let mut changes = Records::default();
    // Many at first.
    let one = u8::try_from(epoch % 3).unwrap();
    let keys = if epoch == 2 { 0..40 } else { one..one + 1 };
    for key in keys {
        changes.put(Id::of(&[key]), |out| out.extend([7; 40]));
    }
    changes.add(Id::at(b"row"), 1);
    let parts = [(b"changes".to_vec(), false, changes), (b"small".to_vec(), true, small)];
    let parts = parts.map(|(name, whole, records)| (name, whole, records.into_bytes())).to_vec();
    vec![SavedState { operator: 5, number: 1, parts }]
}

/// A run that logs epochs, each with a part for each worker, and makes checkpoints in front of some.
fn run(store: &Arc<dyn Store>, epochs: std::ops::Range<u64>, checkpoints: &[u64]) -> Noted {
    let (from, sections) = match recover(&**store).unwrap() {
        Some(found) => (found.manifest.epoch, found.manifest.sections),
        None => Default::default(),
    };
    let noted = Noted::default();
    let (to_checkpoints, made) = mpsc::sync_channel(100);
    let log =
        LogWriter::begin(Arc::clone(store), program(), epochs.start, Vec::new(), to_checkpoints);
    let (send, messages) = mpsc::sync_channel(1000);
    for epoch in epochs {
        for worker in 0..2 {
            if checkpoints.contains(&epoch) {
                let states = states(epoch, worker);
                send.send(Message::States { worker, epoch, time: 7, states }).unwrap();
            }
            let part = format!("part {epoch} {worker}").into_bytes();
            let checkpoint = checkpoints.contains(&(epoch + 1));
            send.send(Message::Cut {
                worker,
                epoch,
                time: Some(10 + epoch as i64),
                part,
                checkpoint,
            })
            .unwrap();
        }
        if checkpoints.contains(&epoch) {
            send.send(Message::Sink { sink: 0, epoch, state: vec![1, 2, 3] }).unwrap();
        }
        send.send(Message::Delivered { sink: 0, epoch }).unwrap();
    }
    drop(send);
    log.unwrap().run(&messages, &noted).unwrap();
    let checkpoints = CheckpointWriter::new(Arc::clone(store), from, sections, false);
    checkpoints.run(&made, &noted).unwrap();
    noted
}

fn recovered(store: &dyn Store) -> Recovered {
    recover(store).unwrap().expect("the store has a checkpoint")
}

/// What the parts of the states come to: by worker and name.
fn records(recovered: &Recovered) -> BTreeMap<(usize, String), Vec<String>> {
    let mut all = BTreeMap::new();
    for (part, sections) in &recovered.states {
        let name = String::from_utf8(part.name.clone()).unwrap();
        let of_part: &mut Vec<String> = all.entry((part.worker, name)).or_default();
        for_each(sections, |record| of_part.push(format!("{:?} {:?}", record.id, record.value)));
    }
    all
}

fn small(recovered: &Recovered, worker: usize) -> String {
    let part = recovered
        .states
        .iter()
        .find(|(part, _)| (part.worker, part.name.as_slice()) == (worker, b"small"));
    let mut found = String::new();
    for_each(part.unwrap().1, |record| {
        found = String::from_utf8(record.bytes().to_vec()).unwrap();
    });
    found
}

fn epochs(recovered: &Recovered) -> Vec<u64> {
    recovered.cuts.iter().map(|cut| cut.epoch).collect()
}

fn damage(store: &Memory, starts_with: &str, change: impl FnOnce(&mut Vec<u8>)) {
    let names = store.list().unwrap();
    let name = names.iter().rfind(|name| name.starts_with(starts_with)).unwrap();
    store.corrupt(name, change);
}

fn stored(epochs: std::ops::Range<u64>, checkpoints: &[u64]) -> Memory {
    let store = memory();
    program().begin(&store, 5).unwrap();
    let shared: Arc<dyn Store> = Arc::new(store.clone());
    run(&shared, epochs, checkpoints);
    store
}

#[test]
fn what_was_written_is_read() {
    let path = std::env::temp_dir().join(format!("pathway-store-{}", std::process::id()));
    let stores: [Arc<dyn Store>; 2] = [Arc::new(memory()), Arc::new(directory(&path))];
    for store in stores {
        let claim = store.claim().unwrap();
        assert!(store.claim().unwrap_err().to_string().contains("another run uses it"));
        assert!(recover(&*store).unwrap().is_none());
        program().begin(&*store, 5).unwrap();
        let noted = run(&store, 0..5, &[3]);
        assert_eq!(noted.logged.load(Ordering::SeqCst), 5);
        assert_eq!(noted.checkpointed.load(Ordering::SeqCst), 3);
        let found = recovered(&*store);
        assert_eq!((found.manifest.epoch, found.manifest.time), (3, 7));
        assert_eq!([small(&found, 0), small(&found, 1)], ["states 3 0", "states 3 1"]);
        assert_eq!(found.manifest.sinks, [[1, 2, 3]]);
        assert_eq!(found.delivered, [(0, 4)].into());
        let parts = vec![b"part 4 0".to_vec(), b"part 4 1".to_vec()];
        assert_eq!(found.cuts[1], EpochCut { epoch: 4, time: 14, parts });
        assert_eq!(epochs(&found), [3, 4]);
        drop(claim);
        drop(store.claim().unwrap());
    }
    std::fs::remove_dir_all(&path).unwrap();
}

#[test]
fn two_checkpoints_and_the_log_behind_the_older_one_are_kept() {
    let store = stored(0..9, &[2, 4, 6]);
    let names = store.list().unwrap();
    let expected = [
        "checkpoint-00000000000000000004",
        "checkpoint-00000000000000000006",
        "log-00000000000000000004",
        "log-00000000000000000006",
        "states-00000000000000000002",
        "states-00000000000000000004",
        "states-00000000000000000006",
    ];
    assert_eq!(names, expected, "what has not changed since the second epoch stays there");
    // Another run goes on with the sections of the one before, and each comes to the same.
    run(&(Arc::new(store.clone()) as Arc<dyn Store>), 9..30, &[12, 14, 20]);
    let found = recovered(&store);
    let records = records(&found);
    assert_eq!(small(&found, 1), "states 20 1");
    let changed = &records[&(1, "changes".to_owned())];
    assert_eq!(changed.len(), 41, "forty keys and a row: {changed:?}");
    assert!(changed.iter().any(|record| record.ends_with("Copies(6)")), "{changed:?}");
    assert!(store.list().unwrap().len() < 10);
}

#[test]
fn a_damaged_checkpoint_is_done_without() {
    for object in ["checkpoint-", "states-"] {
        let store = stored(0..9, &[2, 4]);
        damage(&store, object, |bytes| *bytes.last_mut().unwrap() ^= 1);
        let found = recovered(&store);
        assert_eq!((found.manifest.epoch, epochs(&found)), (2, (2..9).collect()));
        assert!(found.warnings[0].contains(object) && found.warnings[0].contains("not as it was"));
        // It is not tried again.
        assert!(recovered(&store).warnings.is_empty());
    }
}

#[test]
fn an_entry_that_was_not_written_to_its_end_is_no_epoch() {
    for cut in 1..60 {
        let store = stored(0..5, &[2]);
        let shared: Arc<dyn Store> = Arc::new(store.clone());
        run(&shared, 5..6, &[]);
        damage(&store, "log-", |bytes| bytes.truncate(bytes.len().saturating_sub(cut)));
        if cut % 2 == 0 {
            // The file had grown before its bytes were there.
            damage(&store, "log-", |bytes| bytes.truncate(12));
            damage(&store, "log-", |bytes| bytes.extend(vec![0; cut]));
        }
        let found = recovered(&store);
        assert_eq!((found.manifest.epoch, epochs(&found)), (2, vec![2, 3, 4]), "cut {cut}");
        assert!(found.warnings.is_empty());
        // The next run begins there, and what was torn stays behind.
        run(&shared, 5..7, &[]);
        assert_eq!(epochs(&recovered(&store)), [2, 3, 4, 5, 6]);
    }
}

#[test]
fn a_log_that_is_damaged_in_the_middle_is_refused() {
    let store = stored(0..5, &[2]);
    let shared: Arc<dyn Store> = Arc::new(store.clone());
    run(&shared, 5..6, &[]);
    // Of the first of two entries: its length, the checksum of that, its own, and its bytes.
    for at in [12, 19, 20, 28, 44, 60] {
        let store = stored(0..5, &[2]);
        store.corrupt("log-00000000000000000002", |bytes| {
            let entry = bytes[12..].to_vec();
            bytes.extend(entry);
            bytes[at] ^= 1;
        });
        let refused = recover(&store).unwrap_err();
        assert!(
            matches!(refused, Refusal::Damaged(problems) if problems[0].contains("log-")),
            "{at}"
        );
    }

    let store = stored(0..5, &[2]);
    run(&(Arc::new(store.clone()) as Arc<dyn Store>), 6..7, &[]);
    let refused = recover(&store).unwrap_err();
    assert!(matches!(refused, Refusal::Damaged(problems) if problems[0].contains("5 is missing")));
}

#[test]
fn a_later_version_is_refused() {
    let store = stored(0..5, &[2]);
    damage(&store, "checkpoint-", |bytes| bytes[8] += 1);
    assert!(matches!(recover(&store).unwrap_err(), Refusal::Newer(3)));
}

#[test]
fn no_checkpoint_but_epochs_is_refused() {
    let store = stored(0..3, &[]);
    store.remove("checkpoint-00000000000000000000").unwrap();
    assert!(matches!(recover(&store).unwrap_err(), Refusal::Damaged(_)));
}

/// What was written before a form was released is refused, with its number.
#[test]
fn the_version_before_the_first_release_is_refused() {
    let store = stored(0..5, &[2]);
    damage(&store, "checkpoint-", |bytes| bytes[8] -= 1);
    assert!(matches!(recover(&store).unwrap_err(), Refusal::Older(1)));
}

const VERSION_2: &str = include_str!("golden/version_2.txt");

/// The form of version 2, byte by byte. A later form has a file of its own beside it.
#[test]
fn the_form_is_that_of_the_file() {
    let store = stored(0..3, &[1]);
    let mut form = String::new();
    for name in store.list().unwrap() {
        let bytes = store.get(&name).unwrap().unwrap();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        form += &format!("{name} {hex}\n");
    }
    assert_eq!(form, VERSION_2);
}

/// Every later version has to pass this with this file as it is.
#[test]
fn a_store_of_the_first_released_version_is_read() {
    let store = memory();
    for line in VERSION_2.lines() {
        let (name, hex) = line.split_once(' ').unwrap();
        let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        let bytes: Vec<u8> = (0..hex.len()).step_by(2).map(byte).collect();
        store.put(name, &bytes).unwrap();
    }
    let found = recovered(&store);
    assert_eq!((found.manifest.epoch, epochs(&found)), (1, vec![1, 2]));
    assert_eq!([small(&found, 0), small(&found, 1)], ["states 1 0", "states 1 1"]);
    assert_eq!(found.cuts[0].parts[1], b"part 1 1");
}
