//! Sessions of neighbouring rows beside a naive evaluation, over random histories.

use super::*;
use crate::dataflow::OutputShape;
use crate::dataflow::fold::{AnyFold, Count};
use crate::dataflow::state::Stored;
use crate::dataflow::window::time_bytes;
use crate::stage::{Inputs, put_sort_header};
use crate::testing::Random;

/// A time and a number.
type Numbered = (i64, u8);
/// The bounds of a session and its rows.
type Counted = (i128, i128, u64);

#[derive(Default)]
struct Root(BTreeMap<Counted, Diff>);

impl EncodedStep for Root {
    fn push(&mut self, mut key: &[u8], mut count: &[u8], diff: Diff) {
        let key = &mut key;
        let (start, end) = (i128::decode(key), i128::decode(key));
        *self.0.entry((start, end, u64::decode(&mut count))).or_insert(0) += diff;
        self.0.retain(|_, diff| *diff != 0);
    }
}

fn same(before: Numbered, next: Numbered) -> bool {
    !(before.1 + 2 * next.1).is_multiple_of(3)
}

fn new(within: Option<i64>, results: Results) -> NeighbourSessions {
    let plan = ReducePlan::new(vec![AnyFold::Words(Arc::new(Count))], OutputShape::Single);
    let same: SameSession = Arc::new(|mut before, mut next| {
        same(Numbered::decode(&mut before), Numbered::decode(&mut next))
    });
    let within = within.map(i128::from);
    let neighbours = Neighbours { same, within, described: String::new() };
    NeighbourSessions::new(0, plan, neighbours, results, |t| t.to_string(), Numbered::data_type)
}

fn update(sessions: &mut NeighbourSessions, row: Numbered, diff: Diff) {
    let (mut sort, mut compact) = (time_bytes(row.0.into()).to_vec(), Vec::new());
    let key_len = sort.len();
    row.encode(&mut compact);
    ordered::from_compact(Numbered::data_type(), &mut &*compact, &mut sort);
    let mut inputs = Inputs::default();
    inputs.null();
    let mut message = Vec::new();
    put_sort_header(key_len, sort.len(), &mut message);
    message.extend_from_slice(&sort);
    inputs.write(&mut message);
    sessions.merge(&[7], &message, diff);
}

/// The sessions of sorted rows, with whether each is over.
fn naive(rows: &[Numbered], within: Option<i64>, over: i64) -> Vec<(Vec<Numbered>, bool)> {
    let joined = |before: &Numbered, next: &Numbered| {
        before == next
            || (within.is_none_or(|within| next.0 - before.0 <= within) && same(*before, *next))
    };
    let chunks: Vec<&[Numbered]> = rows.chunk_by(joined).collect();
    let is_over = |at: usize| {
        let last = chunks[at][chunks[at].len() - 1].0;
        chunks.get(at + 1).is_some_and(|next| next[0].0 < over)
            || within.is_some_and(|within| last.saturating_add(within) < over)
            || over == i64::MAX
    };
    (0..chunks.len()).map(|at| (chunks[at].to_vec(), is_over(at))).collect()
}

fn history(seed: u64) {
    let random = &mut Random::new(seed);
    let mut stored = Stored::default();
    let within = random.one_in(2).then(|| i64::try_from(random.below(5)).unwrap());
    let emission = [Emission::EveryChange, Emission::WhenFinal, Emission::Early(10)];
    let emission = emission[random.index(3)];
    let forgets = emission != Emission::WhenFinal && random.one_in(2);
    let results = Results { emission, forgets };
    let (mut sessions, mut root) = (new(within, results), Root::default());
    let (mut rows, mut over): (Vec<Numbered>, _) = (Vec::new(), i64::MIN);
    for epoch in 0..12 {
        let ends = epoch == 11;
        for _ in 0..random.below(6) {
            let may_go: Vec<Numbered> = rows.iter().filter(|row| row.0 >= over).copied().collect();
            if random.one_in(3) && !may_go.is_empty() {
                let row = may_go[random.index(may_go.len())];
                rows.remove(rows.iter().position(|other| *other == row).unwrap());
                update(&mut sessions, row, -1);
                continue;
            }
            let time = epoch * 2 + i64::try_from(random.below(10)).unwrap() - 5;
            let row = (time, u8::try_from(random.below(4)).unwrap());
            if time >= over {
                rows.push(row);
                update(&mut sessions, row, 1);
            }
        }
        if random.one_in(2) {
            over = over.max(epoch * 2 - i64::try_from(random.below(6)).unwrap());
        }
        over = if ends { i64::MAX } else { over };
        rows.sort_unstable();
        let watermark = match over {
            i64::MIN => START,
            i64::MAX => END,
            over => over.into(),
        };
        // The clock: every third epoch, what waits is due.
        let now = epoch / 3 * 10;
        let was_due = sessions.due().is_some_and(|due| due <= now);
        let at = Moment { watermark, other: START, now, ended: ends };
        sessions.close(&at, &mut root).unwrap();
        let all = naive(&rows, within, over);
        let mut expected = BTreeMap::new();
        for (session, is_over) in &all {
            let shown = match emission {
                Emission::WhenFinal => *is_over,
                _ => !(forgets && *is_over),
            };
            if shown {
                let (start, last) = (session[0].0, session[session.len() - 1].0);
                let counted = (start.into(), i128::from(last) + 1, session.len() as u64);
                *expected.entry(counted).or_insert(0) += 1;
            }
        }
        if !matches!(emission, Emission::Early(_)) || was_due || ends {
            assert_eq!(root.0, expected, "{seed} {epoch} {within:?} {results:?} {rows:?}");
        }
        // No more is kept than can still matter.
        let open: Vec<&Vec<Numbered>> =
            all.iter().filter(|(_, is_over)| !is_over).map(|(session, _)| session).collect();
        let mut kept: Vec<Numbered> = open.iter().copied().flatten().copied().collect();
        kept.dedup();
        let settled = kept.iter().filter(|row| row.0 < over).count();
        let kept = kept.len() - settled.saturating_sub(1) + open.len();
        assert_eq!(sessions.size().rows, kept, "{seed} {epoch} {within:?} {over} {rows:?}");
        if random.one_in(3) {
            stored.save(&mut sessions);
            sessions = new(within, results);
            stored.load(&mut sessions);
            assert_eq!(sessions.size().rows, kept);
        }
    }
}

#[test]
fn sessions_are_as_from_scratch_and_no_more_is_kept_than_matters() {
    (0..400).for_each(history);
}
