//! The same written by hand on differential dataflow, over derived structs, on one worker.

mod join;
mod pagerank;
mod windows;
mod word_count;

use crate::{Args, Outcome};
use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::Hash;
use std::rc::Rc;

/// Does one piece of work.
pub(crate) fn run(args: &Args) -> Outcome {
    let (input, output) = (args.path("input")?, args.path("output")?);
    match args.word.as_str() {
        "wordcount" => word_count::whole(&input, args.text("format")?, &output),
        "wordcount-increments" => word_count::increments(&input, &output),
        "join" => join::whole(&input, &output),
        "join-increments" => join::increments(&input, &output),
        "pagerank" => pagerank::whole(&input, args.maybe("ranks"), &output),
        "pagerank-changes" => {
            pagerank::changes(&input, args.text("changes")?, args.maybe("ranks"), &output)
        }
        "window" => windows::whole(&input, args.text("window")?, &output),
        other => Err(format!("unknown work `{other}`").into()),
    }
}

/// What an `inspect` keeps of a collection with keys: updates come in any order.
struct Kept<K, V>(Rc<RefCell<HashMap<K, V>>>);

impl<K, V> Clone for Kept<K, V> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<K: Eq + Hash, V: PartialEq> Kept<K, V> {
    fn new() -> Self {
        Self(Rc::default())
    }

    fn update(&self, key: K, value: V, diff: isize) {
        let mut rows = self.0.borrow_mut();
        if diff > 0 {
            rows.insert(key, value);
        } else if rows.get(&key) == Some(&value) {
            rows.remove(&key);
        }
    }

    fn take(&self) -> HashMap<K, V> {
        self.0.take()
    }
}
