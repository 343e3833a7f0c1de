//! Holds sources back whose event times are ahead of others'.
//!
//! Nothing is taken off the queues of a source that feeds an aligned watermark which is too far
//! ahead; so its queue fills up, and the queue holds the reader back. Nobody waits for ever: a
//! source that feeds the watermark which is furthest behind is never held back, and one that is
//! furthest behind and brings no rows is excepted once it is idle, or has ended.
//!
//! In a batch, and while a live run reads what was there at the start, what has entered the open
//! epoch does not count, for that epoch covers all of it. Where epochs are closed by hand, neither,
//! so that an epoch's rows do not depend on when workers look.

use super::clock::Clock;
use super::shared::SourceShared;
use crate::dataflow::watermark::{END, Watermark};
use crate::plan::{NodeId, Operation, Plan};
use std::any::TypeId;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

struct Aligned {
    watermark: Rc<Watermark>,
    drift: i128,
    idle_after: i64,
    line: TypeId,
    /// The sources that feed it.
    sources: Vec<Arc<SourceShared>>,
}

impl Aligned {
    /// Whether others wait for it.
    fn is_awaited(&self, now: i64, started: i64) -> bool {
        let is_open = |source: &Arc<SourceShared>| source.open_on.load(Ordering::SeqCst) > 0;
        let heard = self.watermark.heard().max(started);
        self.watermark.get() < END
            && self.sources.iter().any(is_open)
            && now < heard.saturating_add(self.idle_after)
    }
}

/// The aligned watermarks of a run, on one worker.
pub(super) struct Alignment {
    aligned: Vec<Aligned>,
    started: i64,
}

impl Alignment {
    pub(super) fn new(
        plan: &Plan,
        watermarks: Vec<(NodeId, Rc<Watermark>)>,
        sources: &[Arc<SourceShared>],
        started: i64,
    ) -> Self {
        let aligned = watermarks.into_iter().filter_map(|(id, watermark)| {
            let Operation::Watermark(node) = &plan.node(id).operation else { return None };
            let aligned = node.aligned.as_ref()?;
            let upstream = plan.needed_by([id]);
            let is_feeding = |source: &&Arc<SourceShared>| upstream[source.node.index()];
            Some(Aligned {
                watermark,
                drift: aligned.drift,
                idle_after: node.plan.idle_after,
                line: aligned.line,
                sources: sources.iter().filter(is_feeding).cloned().collect(),
            })
        });
        Self { aligned: aligned.collect(), started }
    }

    /// The sources that are held back. With `open`, what has entered the open epoch counts.
    pub(super) fn held(&self, open: bool, clock: &Clock) -> BTreeSet<NodeId> {
        let (mut ahead, mut behind) = (BTreeSet::new(), BTreeSet::new());
        if self.aligned.len() < 2 {
            return ahead;
        }
        let now = clock.now();
        let at = |one: &Aligned| {
            let largest = one.watermark.largest();
            if open { largest.max(one.watermark.seen()) } else { largest }
        };
        for one in &self.aligned {
            let of_line = self.aligned.iter().filter(|other| other.line == one.line);
            let awaited = of_line.filter(|other| other.is_awaited(now, self.started));
            let Some(least) = awaited.map(at).min() else { continue };
            let sources = one.sources.iter().map(|source| source.node);
            if at(one) == least {
                behind.extend(sources);
            } else if at(one) > least.saturating_add(one.drift) {
                ahead.extend(sources);
            }
        }
        ahead.retain(|source| !behind.contains(source));
        ahead
    }
}
