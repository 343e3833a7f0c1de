//! Values of which only the first and the last are asked for, with how often each is there.
//!
//! Memory is what costs here: a large group has more values than the cache holds, and to put one
//! into its place among them is several waits for memory. So none is put anywhere when it comes.
//! It is appended to the *latest* ones; when the group is read, at the close of an epoch, these
//! are sorted and added up. When they have become too many they are a *run*: sorted, never changed
//! but for counts, and merged with the run in front until that is twice as long.
//!
//! ```text
//! runs    [ 2 3 5 8 9 .. ] [ 1 4 6 .. ] [ 7 .. ]     counts of at least zero
//! latest  [ 0 4 ]                                    counts of any sign but zero
//! ```
//!
//! What is taken away lowers counts where they are found, in the longest run first; several values
//! are looked up side by side, so that their waits overlap. A value that no run has stays among the
//! latest, with a count below zero. Both ends of a run are values that are there.

use super::multiset::TAKEN_AWAY;
use crate::schema::ordered;
use crate::stage::Diff;
use std::array;
use std::cell::RefCell;
use std::fmt;
use std::ops::Deref;

/// So many latest values stand beside the runs.
const LATEST_MAX: usize = 64;
/// So many more wait to be sorted, or a quarter of all there are.
const WAITING_MAX: usize = 512;
/// So few are put into their places one by one.
const FEW: usize = 8;
/// So many values are looked up side by side.
const LANES: usize = 8;
/// Values of up to so many bytes have no memory of their own.
const SHORT_MAX: usize = 24;

/// Values in the ordered encoding, with how often each was added. Reading sorts them.
#[derive(Default)]
pub struct Extremes(RefCell<Option<Box<dyn Values>>>);

impl fmt::Debug for Extremes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Extremes")
    }
}

/// One of the values.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Short([u8; SHORT_MAX], usize),
    Long(Box<[u8]>),
}

impl Deref for Value {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Short(bytes, len) => &bytes[..*len],
            Self::Long(bytes) => bytes,
        }
    }
}

impl Extremes {
    /// Adds a value `diff` times.
    pub(super) fn add(&mut self, value: &[u8], diff: Diff) {
        if diff == 0 {
            return;
        }
        let values = self.0.get_mut().get_or_insert_with(|| of_length(value.len()));
        if !values.add(value, diff) {
            let mut any = Box::new(Runs::<Long>::new(None));
            values.each(&mut |value, count| {
                any.add(value, count);
            });
            any.add(value, diff);
            *values = any;
        }
    }

    fn read<R>(&self, f: impl FnOnce(&mut dyn Values) -> R) -> Option<R> {
        let mut values = self.0.borrow_mut();
        let values = values.as_mut()?;
        values.settle();
        Some(f(&mut **values))
    }

    /// The first value.
    pub(super) fn first(&self) -> Option<Value> {
        self.read(|values| values.first()).flatten()
    }

    /// The last value.
    pub(super) fn last(&self) -> Option<Value> {
        self.read(|values| values.last()).flatten()
    }

    /// Refuses values that are there less than no times.
    pub(super) fn check(&self) -> Result<(), String> {
        match self.read(|values| values.owes()) {
            Some(true) => Err(TAKEN_AWAY.to_owned()),
            _ => Ok(()),
        }
    }

    /// Whether there are no values.
    pub(super) fn is_empty(&self) -> bool {
        self.read(|values| values.parts() == 0).unwrap_or(true)
    }

    /// Hands out every value, with how often it is there; one may come in several parts.
    pub(super) fn each(&self, mut f: impl FnMut(&[u8], i64)) {
        self.read(|values| values.each(&mut f));
    }

    /// How many parts [`each`](Self::each) hands out.
    pub(super) fn parts(&self) -> usize {
        self.read(|values| values.parts()).unwrap_or(0)
    }

    pub(super) fn memory(&self) -> usize {
        self.0.borrow().as_ref().map_or(0, |values| values.memory())
    }
}

/// Values that are kept in one way.
trait Values {
    /// Adds a value `diff` times, unless it cannot be kept in this way.
    fn add(&mut self, value: &[u8], diff: Diff) -> bool;
    /// Sorts those that wait. All that is read is of settled values.
    fn settle(&mut self);
    fn first(&self) -> Option<Value>;
    fn last(&self) -> Option<Value>;
    /// Whether one is there less than no times.
    fn owes(&self) -> bool;
    fn each(&mut self, f: &mut dyn FnMut(&[u8], i64));
    fn parts(&self) -> usize;
    fn memory(&self) -> usize;
}

/// For values of that length, until there is another one.
fn of_length(len: usize) -> Box<dyn Values> {
    match len {
        0..=8 => Box::new(Runs::<[u64; 1]>::new(Some(len))),
        9..=16 => Box::new(Runs::<[u64; 2]>::new(Some(len))),
        17..=SHORT_MAX => Box::new(Runs::<[u64; 3]>::new(Some(len))),
        _ => Box::new(Runs::<Long>::new(None)),
    }
}

/// A value in a form that compares quickly.
trait Key: Ord {
    fn of(value: &[u8]) -> Self;

    /// The value; all of them have that length, if they have one.
    fn value(&self, len: Option<usize>) -> Value;

    /// The memory beyond its own size.
    fn memory(&self) -> usize;
}

impl<const WORDS: usize> Key for [u64; WORDS] {
    #[inline]
    fn of(value: &[u8]) -> Self {
        let mut bytes = [[0; 8]; WORDS];
        bytes.as_flattened_mut()[..value.len()].copy_from_slice(value);
        bytes.map(u64::from_be_bytes)
    }

    fn value(&self, len: Option<usize>) -> Value {
        let mut bytes = [0; SHORT_MAX];
        for (bytes, word) in bytes.chunks_exact_mut(8).zip(self) {
            bytes.copy_from_slice(&word.to_be_bytes());
        }
        Value::Short(bytes, len.unwrap_or(SHORT_MAX))
    }

    fn memory(&self) -> usize {
        0
    }
}

/// Any value. Its first bytes stand beside it, so that a comparison seldom follows the pointer.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Long {
    front: u64,
    value: Box<[u8]>,
}

impl Key for Long {
    fn of(value: &[u8]) -> Self {
        Self { front: ordered::front(value), value: value.into() }
    }

    fn value(&self, _len: Option<usize>) -> Value {
        Value::Long(self.value.clone())
    }

    fn memory(&self) -> usize {
        self.value.len()
    }
}

struct Runs<K> {
    /// The length of all values.
    len: Option<usize>,
    /// Each at least twice as long as the one behind it.
    runs: Vec<Run<K>>,
    /// The first `sorted` are in order and each there once; the others wait.
    latest: Vec<(K, i64)>,
    sorted: usize,
    /// Whether something is taken away by those that wait.
    takes: bool,
    /// How many may wait.
    waiting_max: usize,
}

/// Values in order, each there at least no times; the first and the last are there.
struct Run<K> {
    keys: Vec<K>,
    counts: Vec<i64>,
    /// Those in front have gone.
    start: usize,
    /// How many are there.
    live: usize,
}

impl<K: Key> Values for Runs<K> {
    #[inline]
    fn add(&mut self, value: &[u8], diff: Diff) -> bool {
        if self.len.is_some_and(|len| len != value.len()) {
            return false;
        }
        self.latest.push((K::of(value), diff));
        self.takes |= diff < 0;
        if self.latest.len() - self.sorted > self.waiting_max {
            self.settle();
        }
        true
    }

    fn settle(&mut self) {
        let waiting = self.latest.len() - self.sorted;
        if waiting == 0 {
            return;
        }
        if waiting <= FEW {
            self.place_few();
        } else {
            self.sort();
        }
        if std::mem::take(&mut self.takes) && !self.runs.is_empty() {
            self.take_away();
        }
        if self.latest.len() > LATEST_MAX {
            self.begin_run();
        }
        self.waiting_max = WAITING_MAX.max(self.parts() / 4);
    }

    fn first(&self) -> Option<Value> {
        let latest = self.latest.iter().find(|(_, count)| *count > 0).map(|(key, _)| key);
        let first = self.runs.iter().map(|run| &run.keys[run.start]).chain(latest).min();
        first.map(|key| key.value(self.len))
    }

    fn last(&self) -> Option<Value> {
        let latest = self.latest.iter().rfind(|(_, count)| *count > 0).map(|(key, _)| key);
        let last = self.runs.iter().filter_map(|run| run.keys.last()).chain(latest).max();
        last.map(|key| key.value(self.len))
    }

    fn owes(&self) -> bool {
        self.latest.iter().any(|(_, count)| *count < 0)
    }

    fn each(&mut self, f: &mut dyn FnMut(&[u8], i64)) {
        self.settle();
        for run in &self.runs {
            for (key, &count) in run.keys.iter().zip(&run.counts) {
                if count > 0 {
                    f(&key.value(self.len), count);
                }
            }
        }
        self.latest.iter().for_each(|(key, count)| f(&key.value(self.len), *count));
    }

    fn parts(&self) -> usize {
        self.live() + self.latest.len()
    }

    fn memory(&self) -> usize {
        let keys = |run: &Run<K>| {
            run.keys.capacity() * size_of::<K>()
                + run.counts.capacity() * size_of::<i64>()
                + run.keys.iter().map(Key::memory).sum::<usize>()
        };
        size_of::<Self>()
            + self.runs.capacity() * size_of::<Run<K>>()
            + self.runs.iter().map(keys).sum::<usize>()
            + self.latest.capacity() * size_of::<(K, i64)>()
            + self.latest.iter().map(|(key, _)| key.memory()).sum::<usize>()
    }
}

impl<K: Key> Runs<K> {
    fn new(len: Option<usize>) -> Self {
        let (runs, latest) = (Vec::new(), Vec::new());
        Self { len, runs, latest, sorted: 0, takes: false, waiting_max: WAITING_MAX }
    }

    /// How many parts are in runs.
    fn live(&self) -> usize {
        self.runs.iter().map(|run| run.live).sum()
    }

    fn place_few(&mut self) {
        while self.latest.len() > self.sorted {
            let Some((key, diff)) = self.latest.pop() else { return };
            let place = self.latest[..self.sorted].binary_search_by(|(other, _)| other.cmp(&key));
            match place {
                Ok(at) => {
                    self.latest[at].1 += diff;
                    if self.latest[at].1 == 0 {
                        self.latest.remove(at);
                        self.sorted -= 1;
                    }
                }
                Err(at) => {
                    self.latest.insert(at, (key, diff));
                    self.sorted += 1;
                }
            }
        }
    }

    fn sort(&mut self) {
        // Those in front are sorted, which this kind of sort makes use of.
        self.latest.sort_by(|(a, _), (b, _)| a.cmp(b));
        self.latest.dedup_by(|(key, diff), (kept, sum)| {
            let is_same = key == kept;
            if is_same {
                *sum += *diff;
            }
            is_same
        });
        self.drop_zeros();
    }

    fn drop_zeros(&mut self) {
        self.latest.retain(|(_, count)| *count != 0);
        self.sorted = self.latest.len();
    }

    /// Lowers the counts of what is to go in the runs that have it.
    fn take_away(&mut self) {
        let Self { runs, latest, .. } = self;
        let mut wanted: Vec<usize> = (0..latest.len()).filter(|&at| latest[at].1 < 0).collect();
        for run in runs {
            for lanes in wanted.chunks(LANES) {
                // Of too few, the last one is looked up more than once.
                let key = |lane: usize| &latest[lanes[lane.min(lanes.len() - 1)]].0;
                let places = run.at_most(&array::from_fn(key));
                for (&at, place) in lanes.iter().zip(places) {
                    run.take(place, &mut latest[at]);
                }
            }
            wanted.retain(|&at| latest[at].1 < 0);
        }
        self.drop_zeros();
        self.runs.iter_mut().for_each(Run::tidy);
        self.runs.retain(|run| run.live > 0);
        self.merge();
    }

    /// Makes a run of the latest values.
    fn begin_run(&mut self) {
        let len = self.latest.len();
        let mut run = Run {
            keys: Vec::with_capacity(len),
            counts: Vec::with_capacity(len),
            start: 0,
            live: 0,
        };
        for (key, count) in self.latest.extract_if(.., |(_, count)| *count > 0) {
            run.push(key, count);
        }
        self.latest.shrink_to(2 * LATEST_MAX);
        self.sorted = self.latest.len();
        if run.live > 0 {
            self.runs.push(run);
            self.merge();
        }
    }

    /// Merges runs until each is at least twice as long as the one behind it.
    fn merge(&mut self) {
        for at in (1..self.runs.len()).rev() {
            if self.runs[at - 1].live < 2 * self.runs[at].live {
                let behind = self.runs.remove(at);
                let run = &mut self.runs[at - 1];
                *run = std::mem::take(run).merged(behind);
            }
        }
    }
}

impl<K> Default for Run<K> {
    fn default() -> Self {
        Self { keys: Vec::new(), counts: Vec::new(), start: 0, live: 0 }
    }
}

impl<K: Key> Run<K> {
    fn push(&mut self, key: K, count: i64) {
        self.keys.push(key);
        self.counts.push(count);
        self.live += 1;
    }

    /// Where the last value is that is not greater, for each; the first one if there is none.
    fn at_most(&self, keys: &[&K; LANES]) -> [usize; LANES] {
        let mut places = [self.start; LANES];
        let mut len = self.keys.len() - self.start;
        while len > 1 {
            let half = len / 2;
            for (place, key) in places.iter_mut().zip(keys) {
                let middle = *place + half;
                *place = if self.keys[middle] <= **key { middle } else { *place };
            }
            len -= half;
        }
        places
    }

    /// Takes away as much as there is, if that value is at that place.
    fn take(&mut self, place: usize, (key, owed): &mut (K, i64)) {
        let count = &mut self.counts[place];
        if self.keys[place] == *key && *count > 0 {
            let taken = owed.saturating_neg().min(*count);
            *count -= taken;
            *owed += taken;
            self.live -= usize::from(*count == 0);
        }
    }

    /// Forgets values at both ends that have gone, and all of these when they are most.
    fn tidy(&mut self) {
        while self.counts.pop_if(|count| *count == 0).is_some() {
            self.keys.pop();
        }
        self.start = self.start.min(self.counts.len());
        let gone = self.counts[self.start..].iter().take_while(|count| **count == 0);
        self.start += gone.count();
        if self.keys.len() > 2 * self.live {
            *self = std::mem::take(self).merged(Self::default());
        }
    }

    fn into_live(self) -> impl Iterator<Item = (K, i64)> {
        let all = self.keys.into_iter().zip(self.counts).skip(self.start);
        all.filter(|(_, count)| *count > 0)
    }

    fn merged(self, other: Self) -> Self {
        let len = self.live + other.live;
        let mut run = Self {
            keys: Vec::with_capacity(len),
            counts: Vec::with_capacity(len),
            ..Self::default()
        };
        let (mut left, mut right) = (self.into_live(), other.into_live());
        let mut heads = (left.next(), right.next());
        loop {
            match heads {
                (Some(a), Some(b)) if a.0 < b.0 => {
                    run.push(a.0, a.1);
                    heads = (left.next(), Some(b));
                }
                (Some(a), Some(b)) if a.0 == b.0 => {
                    run.push(a.0, a.1 + b.1);
                    heads = (left.next(), right.next());
                }
                (a, Some(b)) => {
                    run.push(b.0, b.1);
                    heads = (a, right.next());
                }
                (Some(a), None) => {
                    run.push(a.0, a.1);
                    heads = (left.next(), None);
                }
                (None, None) => break,
            }
        }
        // Many values were in both.
        if run.keys.len() < len / 2 {
            run.keys.shrink_to_fit();
            run.counts.shrink_to_fit();
        }
        run
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// Two bytes of a number, and as many others as make the length.
    fn value(number: u16, len: usize) -> Vec<u8> {
        let mut value = vec![7; len.max(2)];
        let end = value.len();
        value[end - 2..].copy_from_slice(&number.to_be_bytes());
        value
    }

    fn all(values: &Extremes) -> BTreeMap<Vec<u8>, i64> {
        let mut all = BTreeMap::new();
        values.each(|value, count| *all.entry(value.to_vec()).or_default() += count);
        all
    }

    fn runs_are_in_order<K: Key>(runs: &Runs<K>) {
        for run in &runs.runs {
            assert!(run.keys[run.start..].is_sorted_by(|a, b| a < b));
            assert!(run.counts.iter().all(|count| *count >= 0));
            assert!(run.counts[run.start] > 0 && *run.counts.last().unwrap() > 0);
            assert_eq!(run.counts.iter().filter(|count| **count > 0).count(), run.live);
            assert!(run.counts.len() <= 2 * run.live);
        }
        assert!(runs.runs.is_sorted_by(|a, b| a.live >= 2 * b.live));
        assert!(runs.latest.is_sorted_by(|a, b| a.0 < b.0));
    }

    proptest! {
        #[test]
        fn as_a_tree_would_have_it(
            lens in prop::sample::select(vec![vec![2], vec![8], vec![9], vec![24], vec![30], vec![9, 3]]),
            epochs in prop::collection::vec(
                prop::collection::vec((0u16..3_000, -1i64..4), 0..900),
                0..8,
            ),
            takes in 0u8..4,
        ) {
            let (mut values, mut tree) = (Extremes::default(), BTreeMap::<Vec<u8>, i64>::new());
            for (epoch, updates) in epochs.iter().enumerate() {
                for &(number, diff) in updates {
                    let value = value(number, lens[usize::from(number) % lens.len()]);
                    values.add(&value, diff);
                    *tree.entry(value).or_default() += diff;
                }
                // Many of the smallest go, some of the others, and all that are owed come.
                for (at, (value, count)) in tree.iter_mut().enumerate() {
                    let goes = at % 4 < usize::from(takes) || at < tree_part(epoch, updates.len());
                    if goes || *count < 0 {
                        values.add(value, -*count);
                        *count = 0;
                    }
                }
                tree.retain(|_, count| *count != 0);
                prop_assert!(values.check().is_ok());
                prop_assert_eq!(values.first().map(|value| value.to_vec()), tree.keys().next().cloned());
                prop_assert_eq!(values.last().map(|value| value.to_vec()), tree.keys().last().cloned());
                prop_assert_eq!(values.is_empty(), tree.is_empty());
                prop_assert_eq!(&all(&values), &tree);
                let mut parts = 0;
                values.each(|_, _| parts += 1);
                prop_assert_eq!(values.parts(), parts);
            }
            // One more than there is of it cannot go, whatever comes beside it.
            let absent = tree.keys().next().cloned().unwrap_or_else(|| value(1, 8));
            let count = tree.get(&absent).copied().unwrap_or(0);
            values.add(&absent, -count - 1);
            (0..100).for_each(|number| values.add(&value(10_000 + number, absent.len()), 1));
            prop_assert_eq!(values.check(), Err(TAKEN_AWAY.to_owned()));
            (0..700).for_each(|number| values.add(&value(20_000 + number, absent.len()), -1));
            prop_assert!(values.check().is_err());
            (0..700).for_each(|number| values.add(&value(20_000 + number, absent.len()), 1));
            values.add(&absent, 1);
            prop_assert!(values.check().is_ok());
            tree.remove(&absent);
            (0..100).for_each(|number| {
                tree.insert(value(10_000 + number, absent.len()), 1);
            });
            prop_assert_eq!(all(&values), tree);
        }

        #[test]
        fn runs_keep_their_order(
            epochs in prop::collection::vec((0u32..5_000, 1u32..700, any::<bool>()), 1..40),
        ) {
            let mut runs = Runs::<[u64; 1]>::new(Some(4));
            let mut there = std::collections::BTreeSet::new();
            for (first, len, comes) in epochs {
                for number in first..first + len {
                    if comes && there.insert(number) {
                        runs.add(&number.to_be_bytes(), 1);
                    } else if !comes && there.remove(&number) {
                        runs.add(&number.to_be_bytes(), -1);
                    }
                }
                runs.settle();
                runs_are_in_order(&runs);
                prop_assert!(!runs.owes());
                prop_assert_eq!(runs.parts(), there.len());
                let first = there.first().map(|number| number.to_be_bytes().to_vec());
                prop_assert_eq!(runs.first().map(|value| value.to_vec()), first);
            }
        }
    }

    /// How many of the smallest values go in an epoch.
    fn tree_part(epoch: usize, updates: usize) -> usize {
        if epoch % 3 == 2 { updates * 2 } else { 0 }
    }
}
