//! Single-purpose programs: the limit of what the work costs with the usual crates.

pub(crate) mod join;
pub(crate) mod pagerank;
pub(crate) mod windows;
pub(crate) mod word_count;

use crate::{Args, Outcome};
use std::collections::HashMap;

/// A map with a fast hash.
pub(crate) type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// Does one piece of work.
pub(crate) fn run(args: &Args) -> Outcome {
    let (input, output) = (args.path("input")?, args.path("output")?);
    match args.word.as_str() {
        "wordcount" => word_count::whole(&input, args.text("format")?, &output),
        "wordcount-increments" => word_count::increments(&input, &output),
        "join" => join::whole(&input, &output),
        "join-increments" => join::increments(&input, &output),
        "pagerank" => pagerank::whole(&input, &output),
        "pagerank-changes" => pagerank::changes(&input, args.text("changes")?, &output),
        "window" => windows::whole(&input, args.text("window")?, &output),
        other => Err(format!("unknown work `{other}`").into()),
    }
}
