//! The epochs behind a checkpoint: what entered them, and their time.
//!
//! The log is a row of segments. A segment begins with the epoch in its name, and a new one begins
//! with every checkpoint, so that those that no checkpoint needs any more are removed as a whole.
//! What is written together is one frame: only the last frame of the log may be torn.

use super::frame::{self, Framed};
use super::manifest::{HEAD_LEN, Unreadable, put_head, take_head};
use super::store::{Append, Store, StoreError};
use crate::schema::{Schema, put_len, take_bytes, take_len};

const SEGMENT: &str = "log-";

/// One epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EpochCut {
    pub(crate) epoch: u64,
    /// When it closed, in nanoseconds since 1970.
    pub(crate) time: i64,
    /// What each worker let in, as [`cut`](super::cut) writes it.
    pub(crate) parts: Vec<Vec<u8>>,
}

/// What is written together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) cuts: Vec<EpochCut>,
    /// Sinks that cannot be brought back to a checkpoint, with the epochs that they have taken.
    pub(crate) delivered: Vec<(usize, u64)>,
}

fn segment_name(epoch: u64) -> String {
    format!("{SEGMENT}{epoch:020}")
}

/// The first epochs of the segments among some names, in order.
pub(super) fn segments(names: &[String]) -> Vec<u64> {
    names.iter().filter_map(|name| name.strip_prefix(SEGMENT)?.parse().ok()).collect()
}

/// Removes the segments that end before an epoch.
pub(super) fn remove_before(
    store: &dyn Store,
    names: &[String],
    epoch: u64,
) -> Result<(), StoreError> {
    let segments = segments(names);
    for (&first, &next) in segments.iter().zip(segments.iter().skip(1)) {
        if next <= epoch {
            store.remove(&segment_name(first))?;
        }
    }
    Ok(())
}

/// The end of the log.
#[derive(Debug)]
pub(super) struct Segment {
    append: Box<dyn Append>,
}

impl Segment {
    /// Begins a segment with an epoch.
    pub(super) fn create(store: &dyn Store, epoch: u64) -> Result<Self, StoreError> {
        let mut append = store.append(&segment_name(epoch))?;
        let mut head = Vec::new();
        put_head(&mut head);
        append.write(&head)?;
        append.sync()?;
        Ok(Self { append })
    }

    /// Writes an entry; epochs are there to stay when this returns.
    pub(super) fn write(&mut self, entry: &Entry) -> Result<(), StoreError> {
        let parts = entry.cuts.iter().flat_map(|cut| &cut.parts);
        let mut body = Vec::with_capacity(parts.map(|part| part.len() + 64).sum());
        put_len(entry.cuts.len(), &mut body);
        for cut in &entry.cuts {
            cut.epoch.encode(&mut body);
            cut.time.encode(&mut body);
            put_len(cut.parts.len(), &mut body);
            for part in &cut.parts {
                put_len(part.len(), &mut body);
                body.extend_from_slice(part);
            }
        }
        put_len(entry.delivered.len(), &mut body);
        for (sink, epoch) in &entry.delivered {
            put_len(*sink, &mut body);
            epoch.encode(&mut body);
        }
        // The bytes are not copied once more behind their head: an entry may be large.
        self.append.write(&frame::head(&body))?;
        self.append.write(&body)?;
        // What a sink has taken is a saving, and may be lost with the machine's power.
        if entry.cuts.is_empty() { Ok(()) } else { self.append.sync() }
    }
}

fn entry(input: &mut &[u8]) -> Entry {
    let part = |input: &mut &[u8]| {
        let len = take_len(input);
        take_bytes(input, len).to_vec()
    };
    let cut = |input: &mut &[u8]| {
        let (epoch, time) = (u64::decode(input), i64::decode(input));
        let parts = (0..take_len(input)).map(|_| part(input)).collect();
        EpochCut { epoch, time, parts }
    };
    let cuts = (0..take_len(input)).map(|_| cut(input)).collect();
    let delivered = (0..take_len(input)).map(|_| (take_len(input), u64::decode(input))).collect();
    Entry { cuts, delivered }
}

/// The log from an epoch on.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) entries: Vec<Entry>,
    /// What has its length and not its bytes, at the very end. An entry that is only too short is
    /// no more than what a crash leaves.
    pub(super) torn: Option<String>,
}

/// Reads the epochs from one on, in which a segment begins.
pub(super) fn read(
    store: &dyn Store,
    names: &[String],
    epoch: u64,
) -> Result<Result<Read, Unreadable>, StoreError> {
    let mut log = Read::default();
    let mut next = epoch;
    let segments: Vec<u64> = segments(names).into_iter().filter(|first| *first >= epoch).collect();
    for (at, &first) in segments.iter().enumerate() {
        let name = segment_name(first);
        let Some(object) = store.get(&name)? else { continue };
        let problem = match read_segment(&name, &object, &mut next, &mut log.entries) {
            Ok(problem) => problem,
            Err(unreadable) => return Ok(Err(unreadable)),
        };
        let Some(Torn { problem, whole }) = problem else { continue };
        match segments.get(at + 1) {
            None => log.torn = Some(problem).filter(|_| whole),
            // What was torn off had entered no epoch: a run behind it began there.
            Some(&following) if following == next => {}
            Some(_) => return Ok(Err(Unreadable::Damaged(problem))),
        }
    }
    Ok(Ok(log))
}

/// The end of a segment that was not written as it should have been.
struct Torn {
    problem: String,
    /// Whether it has the length that it should have.
    whole: bool,
}

/// Reads one segment, up to where it is torn.
fn read_segment(
    name: &str,
    object: &[u8],
    next: &mut u64,
    entries: &mut Vec<Entry>,
) -> Result<Option<Torn>, Unreadable> {
    let torn = |problem, whole| Ok(Some(Torn { problem, whole }));
    let mut rest = match take_head(name, object) {
        Ok(rest) => rest,
        Err(Unreadable::Damaged(_)) if object.len() < HEAD_LEN => {
            return torn(format!("`{name}` ends within its first bytes"), false);
        }
        Err(unreadable) => return Err(unreadable),
    };
    loop {
        let at = object.len() - rest.len();
        match frame::read(rest) {
            Framed::End => return Ok(None),
            Framed::Whole(mut body, len) => {
                let entry = entry(&mut body);
                for cut in &entry.cuts {
                    if cut.epoch != *next {
                        let problem = format!(
                            "`{name}` goes on with the epoch {}, but {next} is missing",
                            cut.epoch
                        );
                        return Err(Unreadable::Damaged(problem));
                    }
                    *next += 1;
                }
                entries.push(entry);
                rest = &rest[len..];
            }
            Framed::Short => {
                return torn(format!("`{name}` ends within the entry at byte {at}"), false);
            }
            // Something was written behind it, so it was once whole.
            Framed::Damaged(len) if len.is_none_or(|len| rest.len() > len) => {
                let problem = format!("`{name}` is not as it was written, at byte {at}");
                return Err(Unreadable::Damaged(problem));
            }
            Framed::Damaged(_) => {
                let problem =
                    format!("the last entry of `{name}`, at byte {at}, is not as it was written");
                return torn(problem, true);
            }
        }
    }
}
