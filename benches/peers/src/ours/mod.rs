//! Our side, through the public interface, as a user would write it.

pub(crate) mod join;
pub(crate) mod pagerank;
pub(crate) mod windows;
pub(crate) mod word_count;

use crate::{Args, Outcome};
use pathway::prelude::*;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, MutexGuard};

/// Does one piece of work.
pub(crate) fn run(args: &Args) -> Outcome {
    let (input, output) = (args.path("input")?, args.path("output")?);
    match args.word.as_str() {
        "wordcount" => word_count::whole(&input, args.text("format")?, &output),
        "wordcount-increments" => word_count::increments(&input, &output),
        "wordcount-files" => word_count::files_in_epochs(&input, args.number("rows")?, &output),
        "join" => join::whole(&input, &output),
        "join-open" => join::open(&input, args.number("total")?, &output),
        "join-increments" => join::increments(&input, &output),
        "join-upserts" => join::upserts(&input, &output),
        "pagerank" => pagerank::whole(&input, &output),
        "pagerank-changes" => pagerank::changes(&input, args.text("changes")?, &output),
        "window" => windows::whole(&input, args.text("window")?, &output),
        "window-final" => windows::when_final(&input, args.text("window")?, &output),
        other => Err(format!("unknown work `{other}`").into()),
    }
}

/// The rows of a table as a subscriber keeps them.
pub(crate) struct Followed<K, T> {
    rows: Arc<Mutex<HashMap<K, T>>>,
    epochs: Receiver<()>,
}

/// Follows a table whose rows have a key of their own.
pub(crate) fn follow<K, T>(
    table: &Table<T>,
    key: impl Fn(&T) -> K + Send + 'static,
) -> Followed<K, T>
where
    K: Eq + Hash + Send + 'static,
    T: Schema + Clone + Send + 'static,
{
    let rows: Arc<Mutex<HashMap<K, T>>> = Arc::default();
    let (send, epochs) = channel();
    let kept = Arc::clone(&rows);
    table.subscribe(move |_, changes| {
        let mut kept = kept.lock().expect("whoever reads it does not fail");
        for Change { row, diff } in changes {
            // Retractions come first.
            if *diff < 0 {
                kept.remove(&key(row));
            } else {
                kept.insert(key(row), row.clone());
            }
        }
        drop(kept);
        // Whoever has seen enough may be gone.
        send.send(()).ok();
    });
    Followed { rows, epochs }
}

impl<K, T> Followed<K, T> {
    /// Waits for the changes of an epoch.
    pub(crate) fn wait(&self) -> Outcome {
        self.epochs.recv().map_err(|_| "the pipeline has ended early".into())
    }

    /// The rows as of the last epoch.
    pub(crate) fn rows(&self) -> MutexGuard<'_, HashMap<K, T>> {
        self.rows.lock().expect("the subscriber does not fail")
    }
}
