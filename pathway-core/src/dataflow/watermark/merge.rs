//! How far time has come: the same on every worker, from what the edges of all have noted.

use super::{END, START, Watermark, WatermarkPlan};
use crate::dataflow::chunk::Chunk;
use crate::dataflow::epoch_clock::{Alarm, NEVER};
use crate::dataflow::operator::{Epoch, Logic};
use crate::dataflow::state::{Saved, State, StateSize};
use crate::persistence::records::Record;
use crate::schema::{Schema, put_len, take_bytes, take_len};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Partition {
    largest: i128,
    /// When its last row came, in nanoseconds since 1970.
    heard: i64,
}

/// What is known of all partitions: the same on every worker.
#[derive(Debug)]
pub(crate) struct Partitions {
    plan: WatermarkPlan,
    partitions: BTreeMap<u64, Partition>,
    watermark: Rc<Watermark>,
}

impl Partitions {
    pub(crate) fn new(plan: WatermarkPlan, watermark: Rc<Watermark>) -> Self {
        Self { plan, partitions: BTreeMap::new(), watermark }
    }

    fn hear(&mut self, partition: u64, largest: i128, now: i64) {
        let known = self.partitions.entry(partition).or_insert(Partition { largest, heard: now });
        known.largest = known.largest.max(largest);
        known.heard = now;
        self.watermark.largest.set(largest.max(self.watermark.largest()));
        self.watermark.heard.set(now);
    }

    /// Moves the watermark on. Answers when it will move by itself.
    fn advance(&mut self, now: i64) -> i64 {
        let idle = self.by_rows(now);
        let Some(every) = self.plan.follows else { return idle };
        let at = i128::from(now).saturating_sub(self.plan.lateness);
        self.watermark.at.set(self.watermark.get().max(at));
        idle.min(now.saturating_add(every))
    }

    /// Moves the watermark on by what has been heard. Answers when the next partition will be
    /// idle, if that would move it.
    fn by_rows(&mut self, now: i64) -> i64 {
        let idle_after = self.plan.idle_after;
        let idle_at = |known: &Partition| known.heard.saturating_add(idle_after);
        // One that is heard of again begins anew, so that keys of the past take no memory.
        self.partitions.retain(|_, known| idle_at(known) > now);
        let active = self.partitions.values();
        let Some(lowest) = active.clone().map(|known| known.largest).min() else { return NEVER };
        let at = lowest.saturating_sub(self.plan.lateness);
        self.watermark.at.set(self.watermark.get().max(at));
        // Where all that are active are as far, none of them holds the others back.
        let held = active.clone().any(|known| known.largest > lowest);
        let behind = active.filter(|known| known.largest == lowest);
        if held { behind.map(idle_at).min().unwrap_or(NEVER) } else { NEVER }
    }
}

impl State for Partitions {
    fn size(&self) -> StateSize {
        let rows = self.partitions.len();
        StateSize { rows, bytes: rows * size_of::<(u64, Partition)>() }
    }

    fn save(&mut self, out: &mut Saved) {
        out.small(&[], |out| {
            self.watermark.get().encode(out);
            self.watermark.largest().encode(out);
            put_len(self.partitions.len(), out);
            for (id, known) in &self.partitions {
                id.encode(out);
                known.largest.encode(out);
                known.heard.encode(out);
            }
        });
    }

    fn load(&mut self, _part: &[u8], record: Record<'_>) {
        let input = &mut record.bytes();
        self.watermark.at.set(i128::decode(input));
        self.watermark.largest.set(i128::decode(input));
        for _ in 0..take_len(input) {
            let id = u64::decode(input);
            let largest = i128::decode(input);
            self.partitions.insert(id, Partition { largest, heard: i64::decode(input) });
        }
    }
}

/// Computes the watermark on one worker, from what the edges of all have noted.
pub(crate) struct Merge {
    pub(crate) partitions: Rc<RefCell<Partitions>>,
    pub(crate) alarm: Alarm,
    /// What has arrived in this epoch.
    pub(crate) heard: Vec<Chunk>,
    pub(crate) ended: bool,
}

impl Logic for Merge {
    fn receive(&mut self, _port: usize, chunk: Chunk) {
        self.heard.push(chunk);
    }

    fn close(&mut self, _epoch: Epoch) -> bool {
        let (mut partitions, now) = (self.partitions.borrow_mut(), self.alarm.now());
        for (partition, largest, _) in self.heard.iter().flat_map(Chunk::iter) {
            let mut partition = partition.unwrap_or_default();
            let mut largest = take_bytes(&mut { largest }, 16);
            partitions.hear(u64::decode(&mut partition), i128::decode(&mut largest), now);
        }
        self.heard.clear();
        self.alarm.set(partitions.advance(now));
        if self.ended {
            partitions.watermark.at.set(END);
            self.alarm.set(NEVER);
        }
        true
    }

    fn sealed(&mut self, _port: usize) {
        self.ended = true;
    }
}

/// The least of several watermarks: that of their streams put together.
pub(crate) struct Least {
    pub(crate) of: Vec<Rc<Watermark>>,
    pub(crate) least: Rc<Watermark>,
}

impl Logic for Least {
    fn receive(&mut self, _port: usize, _mark: Chunk) {}

    fn close(&mut self, _epoch: Epoch) -> bool {
        let least = self.of.iter().map(|watermark| watermark.get()).min().unwrap_or(END);
        let largest = self.of.iter().map(|watermark| watermark.largest()).max().unwrap_or(START);
        self.least.at.set(least);
        self.least.largest.set(largest);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataflow::state::Stored;

    const PLAN: WatermarkPlan =
        WatermarkPlan { lateness: 10, idle_after: 100, per_key: false, ahead: None, follows: None };

    #[test]
    fn the_slowest_partition_that_is_not_idle_counts() {
        let watermark = Rc::new(Watermark::default());
        let mut partitions = Partitions::new(PLAN, Rc::clone(&watermark));
        assert_eq!((partitions.advance(0), watermark.get()), (NEVER, START));
        partitions.hear(1, 50, 0);
        assert_eq!((partitions.advance(0), watermark.get()), (NEVER, 40));
        partitions.hear(2, 30, 5);
        // The watermark does not go back for a partition that comes later.
        assert_eq!((partitions.advance(5), watermark.get()), (105, 40));
        partitions.hear(1, 90, 60);
        assert_eq!((partitions.advance(60), watermark.get()), (105, 40));
        assert_eq!((partitions.advance(105), watermark.get()), (NEVER, 80));
        partitions.hear(2, 95, 110);
        partitions.hear(1, 200, 110);
        assert_eq!((partitions.advance(110), watermark.get()), (210, 85));
    }

    #[test]
    fn the_least_of_several_is_as_far_as_the_slowest() {
        let [slow, fast, least] = [(); 3].map(|()| Rc::<Watermark>::default());
        let mut logic =
            Least { of: vec![Rc::clone(&slow), Rc::clone(&fast)], least: Rc::clone(&least) };
        let ends = [(START, 5), (3, 9), (END, 9), (END, END)];
        for (at, (slow_at, fast_at)) in (0..).zip(ends) {
            slow.at.set(slow_at);
            fast.at.set(fast_at);
            logic.close(at);
            assert_eq!(least.get(), slow_at.min(fast_at));
        }
    }

    #[test]
    fn a_loaded_watermark_goes_on_as_the_saved_one() {
        let watermark = Rc::new(Watermark::default());
        let mut partitions = Partitions::new(PLAN, watermark);
        partitions.hear(7, 50, 3);
        partitions.hear(9, 70, 4);
        partitions.advance(4);
        let mut stored = Stored::default();
        stored.save(&mut partitions);
        let mut loaded = Partitions::new(PLAN, Rc::default());
        stored.load(&mut loaded);
        assert_eq!(loaded.watermark.get(), 40);
        assert_eq!(loaded.partitions, partitions.partitions);
        assert_eq!(loaded.advance(103), partitions.advance(103));
        assert_eq!(loaded.watermark.get(), 60);
    }
}
