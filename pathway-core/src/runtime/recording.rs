//! Recordings: a log without checkpoints, which another run, or a test, lets in again.
//!
//! A run that records is durable but for going on: its log begins with its first epoch, and it makes
//! no checkpoints. A run that replays reads no source. Every worker lets in what the log has, as a run
//! that goes on does before it reads on; then the inputs end. The program may be another one, if only
//! its sources are among those that were recorded: each is found by its identity, which is its name
//! and the type of its rows.

use crate::error::{BuildError, Error, Result};
use crate::persistence::Store;
use crate::persistence::cut::{Cut, Event, events};
use crate::persistence::manifest::Manifest;
use crate::persistence::recovery::{Recovered, recover};
use crate::plan::identity::Identities;
use crate::plan::{Node, NodeId};
use std::collections::HashMap;

/// Why a store cannot be recorded to.
pub(super) fn refuse_used(store: &dyn Store) -> Error {
    let problem = "something is there already";
    let help = "record into an empty store, or remove what was recorded before";
    BuildError::Recording { store: store.label(), problem: problem.to_owned(), help }.into()
}

/// What a program lets in again: the epochs of a recording, with the sources as this program counts
/// them.
pub(super) fn read(
    store: &dyn Store,
    plan_nodes: &[Node],
    sources: &[NodeId],
    identities: &Identities,
) -> Result<Recovered> {
    let refused = |problem: String, help| -> Error {
        BuildError::Recording { store: store.label(), problem, help }.into()
    };
    let recovered = recover(store).map_err(|refusal| super::durable::refused(store, refusal))?;
    let Some(mut recovered) = recovered else {
        let help = "record a run by `.record(..)` first";
        return Err(refused("nothing is there".to_owned(), help));
    };
    if recovered.manifest.epoch > 0 {
        let problem = "it is that of a durable pipeline: what entered before its last checkpoint is \
                       gone";
        let help = "record a run by `.record(..)`";
        return Err(refused(problem.to_owned(), help));
    }
    let recorded = recorded_sources(&recovered.manifest);
    let mut ranks = HashMap::new();
    for (rank, &source) in sources.iter().enumerate() {
        let identity = identities.node(source);
        let Some(of) = recorded.iter().position(|(known, _)| *known == identity) else {
            let known: Vec<String> =
                recorded.iter().map(|(_, described)| format!("- {described}")).collect();
            let problem = format!(
                "it has no source that is called {} and has these rows; it has:\n{}",
                plan_nodes[source.index()].describe(),
                known.join("\n")
            );
            let help = "give both sources one name by `.named(..)`, and rows of one type";
            return Err(refused(problem, help));
        };
        ranks.insert(of, rank);
    }
    for cut in &mut recovered.cuts {
        for part in &mut cut.parts {
            *part = for_sources(part, &ranks);
        }
    }
    Ok(recovered)
}

/// The identities of the sources, in the order in which a log counts them.
fn recorded_sources(manifest: &Manifest) -> Vec<(u128, String)> {
    let sources = manifest.nodes.iter().filter(|node| node.inputs.is_empty());
    let mut sources: Vec<_> = sources.map(|node| (node.identity, node.described.clone())).collect();
    sources.sort();
    sources
}

/// What entered an epoch, of the sources that have a rank now. What calls gave is left out: they are
/// made.
fn for_sources(part: &[u8], ranks: &HashMap<usize, usize>) -> Vec<u8> {
    let (mut cut, mut rank) = (Cut::default(), None);
    for event in events(part) {
        if let Event::At { source, partition } = event {
            rank = ranks.get(&source);
            if let Some(&rank) = rank {
                cut.at(rank, partition);
            }
            continue;
        }
        if rank.is_none() {
            continue;
        }
        match event {
            Event::Row { row, diff, error: false } => cut.row(row, diff),
            Event::Row { row, diff, error: true } => cut.error(row, diff),
            Event::Position(position) => cut.position(&position),
            Event::Closed => cut.closed(),
            Event::At { .. } | Event::Result(_) => {}
        }
    }
    cut.take()
}
