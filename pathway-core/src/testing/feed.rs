//! An input whose updates a check sends, as encoded rows, through several partitions.

use super::history::PARTITIONS;
use crate::io::{PartitionId, Reader, SourceError, SourceWriter, Stopped};
use crate::table::{Encoded, put_update};
use std::sync::{Arc, Mutex, PoisonError};

/// The sending end.
#[derive(Clone, Debug, Default)]
pub(super) struct Feed(Arc<Mutex<Option<Open>>>);

#[derive(Debug)]
struct Open {
    writer: SourceWriter,
    partitions: Vec<PartitionId>,
}

/// The end that a run attaches to.
pub(super) struct FeedReader(pub(super) Feed);

impl Reader for FeedReader {
    fn run(&self, _out: &SourceWriter) -> Result<(), SourceError> {
        unreachable!("a check's input is attached to its run, and needs no thread")
    }

    fn attach(&self, out: &SourceWriter) -> bool {
        let open = || out.open("check", Box::new(Encoded));
        let partitions: Result<Vec<_>, Stopped> = (0..PARTITIONS).map(|_| open()).collect();
        if let Ok(partitions) = partitions {
            let open = Open { writer: out.clone(), partitions };
            *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(open);
        }
        true
    }

    fn label(&self) -> String {
        "check".to_owned()
    }

    fn bounded(&self) -> bool {
        false
    }
}

impl Feed {
    /// Sends updates into the open epoch: partition, row, diff. An input that nothing observes
    /// takes none.
    pub(super) fn send<'a>(
        &self,
        updates: impl Iterator<Item = (usize, &'a [u8], i64)>,
    ) -> Result<(), Stopped> {
        let open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Open { writer, partitions }) = &*open else { return Ok(()) };
        let mut blocks = vec![Vec::new(); partitions.len()];
        for (partition, row, diff) in updates {
            put_update(row, diff, &mut blocks[partition]);
        }
        for (&partition, block) in partitions.iter().zip(blocks) {
            if !block.is_empty() {
                writer.send(partition, block)?;
            }
        }
        Ok(())
    }
}
