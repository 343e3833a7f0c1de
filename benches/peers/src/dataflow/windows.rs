//! Sums and counts by key and window: weights of a window and key; sessions by `reduce`, over the
//! events of a key in the order of their times.

use super::Kept;
use crate::Outcome;
use crate::by_hand::windows::{Event, HOP, SIZE, each, sessions_of, starts};
use crate::results::{self, Total};
use differential_dataflow::VecCollection;
use differential_dataflow::input::Input;
use differential_dataflow::operators::CountTotal;
use std::path::Path;

/// The start of a window, and a key.
type Group = (i64, u32);
/// A sum and a count.
type Weight = (isize, isize);

fn fixed(
    events: VecCollection<'_, u64, Event, isize>,
    hop: i64,
) -> VecCollection<'_, u64, (Group, Weight), isize> {
    let weights = events.explode(move |(ts, key, value)| {
        let value = isize::try_from(value).expect("the machine counts in 64 bits");
        starts(ts, hop).map(move |start| ((start, key), (value, 1)))
    });
    weights.count_total()
}

fn sessions(
    events: VecCollection<'_, u64, Event, isize>,
) -> VecCollection<'_, u64, (Group, Weight), isize> {
    let sessions = events.map(|(ts, key, value)| (key, (ts, value))).reduce(|key, events, out| {
        let events = events.iter().flat_map(|(event, count)| {
            std::iter::repeat_n(**event, usize::try_from(*count).unwrap_or(0))
        });
        out.extend(sessions_of(*key, events).into_iter().map(|session| {
            let Total { start, total, count, .. } = session;
            ((start, total, count), 1)
        }));
    });
    sessions.map(|(key, (start, total, count))| {
        let fits = "the machine counts in 64 bits";
        let weight = (isize::try_from(total).expect(fits), isize::try_from(count).expect(fits));
        ((start, key), weight)
    })
}

pub(super) fn whole(input: &Path, name: &str, output: &Path) -> Outcome {
    let (input, name, output) = (input.to_owned(), name.to_owned(), output.to_owned());
    timely::execute_directly(move |worker| {
        let totals: Kept<Group, Weight> = Kept::new();
        let kept = totals.clone();
        let (mut events, probe) = worker.dataflow::<u64, _, _>(|scope| {
            let (input, events) = scope.new_collection::<Event, isize>();
            let totals = match name.as_str() {
                "tumbling" => fixed(events, SIZE),
                "sliding" => fixed(events, HOP),
                _ => sessions(events),
            };
            let (probe, _) = totals
                .inspect(move |((group, total), _, diff)| kept.update(*group, *total, *diff))
                .probe();
            (input, probe)
        });
        each(&input, |event| events.insert(event))?;
        events.advance_to(1);
        events.flush();
        worker.step_while(|| probe.less_than(events.time()));
        let rows = totals.take().into_iter().map(|((start, key), (total, count))| Total {
            start,
            key,
            total: total as i64,
            count: count.unsigned_abs() as u64,
        });
        results::write(&output, rows)
    })
}
