//! Sorted blocks of updates, of which batches are merged.

use super::LoopTime;
use differential_dataflow::batcher::merge::MergeBatcher;
use differential_dataflow::batcher::merge::vec::VecMerger;
use differential_dataflow::consolidation::consolidate_updates;
use differential_dataflow::difference::Semigroup;
use std::collections::VecDeque;
use timely::container::{ContainerBuilder, PushInto};

/// Builds the batches of a table in a loop.
pub(super) type BlockBatcher<D, R, B> = MergeBatcher<Blocks<D, R>, VecMerger<D, LoopTime, R>, B>;

/// So many updates are sorted at once, as far as they fit into the processor's cache.
const BLOCK: usize = 1 << 14;

/// Sorts and sums the updates of a block.
///
/// Differential sorts a hundred updates at once, and merges them again and again from there on.
/// Our updates are larger than its, so that this was most of what a loop took.
pub(super) struct Blocks<D, R> {
    pending: Vec<(D, LoopTime, R)>,
    ready: VecDeque<Vec<(D, LoopTime, R)>>,
    out: Vec<(D, LoopTime, R)>,
}

impl<D, R> Default for Blocks<D, R> {
    fn default() -> Self {
        Self { pending: Vec::new(), ready: VecDeque::new(), out: Vec::new() }
    }
}

impl<D: Ord, R: Semigroup> PushInto<&mut Vec<(D, LoopTime, R)>> for Blocks<D, R> {
    fn push_into(&mut self, updates: &mut Vec<(D, LoopTime, R)>) {
        self.pending.append(updates);
        if self.pending.len() >= BLOCK {
            consolidate_updates(&mut self.pending);
            // A block that is much smaller for it waits for more.
            if self.pending.len() > BLOCK / 2 {
                self.ready.push_back(std::mem::take(&mut self.pending));
            }
        }
    }
}

impl<D, R> ContainerBuilder for Blocks<D, R>
where
    D: Ord + Clone + 'static,
    R: Semigroup + 'static,
{
    type Container = Vec<(D, LoopTime, R)>;

    fn extract(&mut self) -> Option<&mut Self::Container> {
        self.out = self.ready.pop_front()?;
        Some(&mut self.out)
    }

    fn finish(&mut self) -> Option<&mut Self::Container> {
        consolidate_updates(&mut self.pending);
        if !self.pending.is_empty() {
            self.ready.push_back(std::mem::take(&mut self.pending));
        }
        self.extract()
    }
}
