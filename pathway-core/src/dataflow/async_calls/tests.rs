//! The states of calls, saved and loaded.

use super::*;
use crate::dataflow::state::{State, Stored};
use std::sync::{Arc, Mutex};

/// Notes which rows are called, and answers when it is told.
#[derive(Clone, Default)]
struct Fake(Arc<Mutex<Vec<(u64, Vec<u8>)>>>);

impl Fake {
    fn begun(&self) -> Vec<(u64, Vec<u8>)> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Calls for Fake {
    fn begin(&self, ticket: u64, _epoch: Epoch, row: &[u8]) -> Interest {
        self.0.lock().unwrap().push((ticket, row.to_vec()));
        Box::new(())
    }

    fn take(&self, _done: &mut Vec<Done>) {}

    fn wake_by(&self, _wake: Box<dyn Fn() + Send>) {}
}

/// Collects what comes out.
#[derive(Clone, Default)]
struct Emitted(Rc<RefCell<Vec<(Vec<u8>, Diff)>>>);

impl EncodedStep for Emitted {
    fn push(&mut self, row: &[u8], _: &[u8], diff: Diff) {
        self.0.borrow_mut().push((row.to_vec(), diff));
    }
}

fn outputs(emitted: &Emitted) -> Outputs {
    let rows = Box::new(emitted.clone());
    Outputs { rows: rows.clone(), errors: Some(rows), buffers: Vec::new() }
}

#[test]
fn loaded_pairs_take_back_what_was_given_and_call_again() {
    let (calls, emitted) = (Fake::default(), Emitted::default());
    let mut out = outputs(&emitted);
    let mut pairs = Pairs::new(Box::new(calls.clone()), None);
    for row in 1..=4_u8 {
        assert!(pairs.update(&[row], 2, &mut out));
    }
    assert_eq!(calls.begun().len(), 4);
    pairs.answered(0, Outcome::Row(vec![10]), &mut out);
    pairs.answered(1, Outcome::Nothing, &mut out);
    pairs.answered(2, Outcome::Failed(vec![30]), &mut out);
    assert_eq!(emitted.0.take(), [(vec![10], 2), (vec![30], 2)]);

    let mut stored = Stored::default();
    stored.save(&mut pairs);
    let mut loaded = Pairs::new(Box::new(calls.clone()), None);
    stored.load(&mut loaded);
    assert_eq!(loaded.size().rows, 4);
    let begun = calls.begun();
    assert_eq!(begun.len(), 1, "the call that had not come back is made again");
    assert_eq!(begun[0].1, [4]);
    for row in 1..=3_u8 {
        assert!(loaded.update(&[row], -1, &mut out));
        assert!(loaded.update(&[row], -1, &mut out));
    }
    assert_eq!(emitted.0.take(), [(vec![10], -1), (vec![10], -1), (vec![30], -1), (vec![30], -1)]);
    loaded.answered(begun[0].0, Outcome::Row(vec![40]), &mut out);
    assert_eq!(emitted.0.take(), [(vec![40], 2)]);
    assert!(!loaded.update(&[9], -1, &mut out), "what is not there cannot go");
    assert_eq!(loaded.size().rows, 1);
}

#[test]
fn loaded_rows_of_a_stream_are_called_again() {
    let (calls, inbox) = (Fake::default(), SharedInbox::default());
    let new = |inbox| Waiting::new(Box::new(calls.clone()), inbox);
    let mut waiting = new(SharedInbox::default());
    for row in [1, 2, 1] {
        waiting.begin(&[row], 1);
    }
    let begun = calls.begun();
    assert_eq!(begun, [(0, vec![1]), (1, vec![2]), (2, vec![1])]);
    let mut stored = Stored::default();
    stored.save(&mut waiting);
    let mut loaded = new(Rc::clone(&inbox));
    stored.load(&mut loaded);
    assert_eq!(calls.begun(), begun, "each call is made again");
    assert_eq!((loaded.size().rows, inbox.borrow().waiting), (3, 3));
}
