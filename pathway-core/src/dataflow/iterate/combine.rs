//! Weights that are added up before they go on.

use super::weights::{Weighed, Weight};
use super::{LoopTime, Row};
use differential_dataflow::difference::{IsZero as _, Semigroup as _};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use std::collections::VecDeque;
use std::hash::BuildHasher as _;
use timely::container::{ContainerBuilder, PushInto};

/// So many sums at once: the table stays in the processor's cache, more or less.
const SUMS_MAX: usize = 1 << 18;

/// So many weights are added one after the other, so that the processor waits for the memory of
/// their groups together.
const BATCH: usize = 128;

/// Builds containers of weights, of which it has one for each group and time.
///
/// A join hands out the parts of a group's sum one by one, and mostly many of them. To add them up
/// where they are made costs a look-up; to sort them all does far more.
#[derive(Default)]
pub(super) struct Combiner {
    /// What has come, to be added.
    batch: Vec<Weighed>,
    hashes: Vec<u64>,
    sums: HashTable<Sum>,
    /// Most joins work on few times at once.
    times: Vec<LoopTime>,
    hasher: foldhash::fast::RandomState,
    ready: VecDeque<Vec<Weighed>>,
    out: Vec<Weighed>,
}

/// The weights of one group at one time.
struct Sum {
    group: Row,
    /// Which of the times.
    time: u32,
    weight: Weight,
}

fn hash(hasher: &foldhash::fast::RandomState, group: &Row, time: u32) -> u64 {
    let [first, second, third] = group.words();
    hasher.hash_one((first, second, third ^ u64::from(time) << 32))
}

impl PushInto<Weighed> for Combiner {
    fn push_into(&mut self, weighed: Weighed) {
        self.batch.push(weighed);
        if self.batch.len() == BATCH {
            self.add();
        }
    }
}

impl Combiner {
    /// The number of a time.
    fn time(&mut self, time: LoopTime) -> u32 {
        let at = self.times.iter().rposition(|other| *other == time).unwrap_or_else(|| {
            self.times.push(time);
            self.times.len() - 1
        });
        u32::try_from(at).expect("a join works on few times")
    }

    fn add(&mut self) {
        let mut batch = std::mem::take(&mut self.batch);
        self.hashes.clear();
        let (mut last, mut number) = (None, 0);
        for ((group, ()), time, _) in &mut batch {
            if last != Some(*time) {
                (last, number) = (Some(*time), self.time(*time));
            }
            self.hashes.push(hash(&self.hasher, group, number));
        }
        let (mut last, mut number) = (None, 0);
        for (at, ((group, ()), time, weight)) in batch.drain(..).enumerate() {
            if last != Some(time) {
                (last, number) = (Some(time), self.time(time));
            }
            let hasher = &self.hasher;
            let found = self.sums.entry(
                self.hashes[at],
                |sum| sum.group == group && sum.time == number,
                |sum| hash(hasher, &sum.group, sum.time),
            );
            match found {
                Entry::Occupied(mut sum) => sum.get_mut().weight.plus_equals(&weight),
                Entry::Vacant(place) => {
                    place.insert(Sum { group, time: number, weight });
                }
            }
        }
        self.batch = batch;
        // Times are looked for one by one.
        if self.sums.len() >= SUMS_MAX || self.times.len() > TIMES_MAX {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let times = std::mem::take(&mut self.times);
        let sums = self.sums.drain().filter(|sum| !sum.weight.is_zero());
        let sums: Vec<Weighed> =
            sums.map(|sum| ((sum.group, ()), times[sum.time as usize], sum.weight)).collect();
        if !sums.is_empty() {
            self.ready.push_back(sums);
        }
    }
}

/// No more different times at once.
const TIMES_MAX: usize = 64;

impl ContainerBuilder for Combiner {
    type Container = Vec<Weighed>;

    fn extract(&mut self) -> Option<&mut Vec<Weighed>> {
        self.out = self.ready.pop_front()?;
        Some(&mut self.out)
    }

    fn finish(&mut self) -> Option<&mut Vec<Weighed>> {
        self.add();
        self.flush();
        self.extract()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use timely::progress::Timestamp as _;

    #[test]
    fn the_weights_of_a_group_add_up() {
        let mut combiner = Combiner::default();
        let time = LoopTime::minimum();
        for turn in 0..3 {
            for group in 0..100_u64 {
                let weight = Weight::new(1, group);
                combiner.push_into(((Row::new(&group.to_le_bytes()), ()), time, weight));
                let gone = Weight::new(if turn == 2 { -2 } else { 1 }, 0);
                combiner.push_into(((Row::new(b"nothing"), ()), time, gone));
            }
        }
        let mut sums = combiner.finish().unwrap().clone();
        sums.sort();
        let sum =
            |group: u64| ((Row::new(&group.to_le_bytes()), ()), time, Weight::new(3, 3 * group));
        assert_eq!(sums, (0..100).map(sum).collect::<Vec<_>>());
        assert!(combiner.finish().is_none());
    }
}
