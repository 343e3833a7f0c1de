//! Windows written by hand on differential dataflow, whose time is then that of the events: a row
//! is given to the time at which its window is over, and rows of one window and key add up before
//! they leave. Nothing is kept of a window behind that.

use crate::Digest;
use differential_dataflow::input::InputSession;
use std::cell::RefCell;
use std::rc::Rc;

/// An event: its time, its key and a number.
pub type Event = (i64, u32, i64);

/// Which windows there are, and how far a row may be behind the latest one.
#[derive(Clone, Copy, Debug)]
pub struct Division {
    /// How long each is.
    pub size: i64,
    /// From the start of one to that of the next; divides the size.
    pub hop: i64,
    /// How far a row may be behind.
    pub lateness: i64,
}

/// Adds the sum and the count of a key in a window.
pub fn add(digest: &mut Digest, start: i64, key: u32, (sum, count): (i64, i64)) {
    let bytes = [start.to_le_bytes().as_slice(), &key.to_le_bytes()].concat();
    digest.update(&bytes, [sum, count], 1);
}

/// The sums and counts of all windows and keys, of events that come in epochs of so many.
pub fn differential(events: Vec<Event>, per_epoch: usize, division: Division) -> Digest {
    let Division { size, hop, lateness } = division;
    timely::execute_directly(move |worker| {
        let digest = Rc::new(RefCell::new(Digest::default()));
        let taken = Rc::clone(&digest);
        let mut input = InputSession::<u64, (i64, u32), (i64, i64)>::new();
        let probe = worker.dataflow(|scope| {
            let totals = input.to_collection(scope).consolidate();
            let seen = totals.inspect(move |((start, key), _, total)| {
                add(&mut taken.borrow_mut(), *start, *key, *total);
            });
            seen.probe().0
        });
        // Windows are counted by where they end.
        let number = |time: i64| u64::try_from(time.div_euclid(hop)).unwrap_or(0);
        let mut largest = 0;
        for rows in events.chunks(per_epoch) {
            for (time, key, value) in rows {
                largest = largest.max(*time);
                let mut start = time.div_euclid(hop) * hop;
                while start > time - size {
                    input.update_at((start, *key), number(start + size), (*value, 1));
                    start -= hop;
                }
            }
            input.advance_to(number(largest - lateness) + 1);
            input.flush();
            worker.step_while(|| probe.less_than(input.time()));
        }
        drop(input);
        worker.step_while(|| !probe.done());
        digest.take()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_by_hand_agree_with_a_definition() {
        let division = Division { size: 60, hop: 20, lateness: 10 };
        let events: Vec<Event> =
            (0..400).map(|n| (n + n * 7 % 10, u32::from(n % 3 == 0), n % 5)).collect();
        let mut expected = Digest::default();
        for start in (-60..480).step_by(20) {
            for key in 0..2 {
                let within =
                    |event: &&Event| event.1 == key && (start..start + 60).contains(&event.0);
                let within: Vec<&Event> = events.iter().filter(within).collect();
                if !within.is_empty() {
                    let sum = within.iter().map(|event| event.2).sum();
                    let count = i64::try_from(within.len()).expect("few events");
                    add(&mut expected, start, key, (sum, count));
                }
            }
        }
        assert_eq!(differential(events, 37, division), expected);
    }
}
