//! Joins of many tables: the paths, cut where combinations move on to other workers.

use super::Renderer;
use crate::dataflow::delta_join::{DeltaJoin, From, Hop, Part, Reader, To};
use crate::dataflow::operator::{self, Closes, Edge, Pact};
use crate::dataflow::out_buffer::{OutBuffer, Route};
use crate::plan::Node;
use crate::plan::delta_join::{self as plan, DeltaHop, DeltaPath};
use crate::stage::{CombinationKey, EncodedStep};
use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;
use timely::dataflow::operators::probe::Probe as _;

/// One of the operators, under construction.
struct Level {
    readers: Vec<Reader>,
    /// By reader, the input of the node that it reads.
    inputs: Vec<usize>,
    parts: Vec<Part>,
    fed: Vec<usize>,
}

/// The edges that a level leaves for the next one, with the paths that they belong to.
type Moving<'scope> = Vec<(usize, Edge<'scope>)>;

pub(super) fn render(renderer: &mut Renderer<'_, '_>, node: &Node, delta: &plan::DeltaJoin) {
    let marks: Vec<Edge<'_>> = renderer.inputs(node).into_iter().map(|(edge, _)| edge).collect();
    let moves = renderer.peers() > 1;
    let parts: Vec<Vec<Range<usize>>> = delta.paths.iter().map(|path| cut(path, moves)).collect();
    let levels = parts.iter().map(Vec::len).max().unwrap_or(1);
    let mut moving: Moving<'_> = Vec::new();
    for at in 0..levels {
        let is_last = at + 1 == levels;
        let mut level =
            Level { readers: Vec::new(), inputs: Vec::new(), parts: Vec::new(), fed: Vec::new() };
        let mut buffers = Vec::new();
        let mut paths = Vec::new();
        for (start, path) in delta.paths.iter().enumerate() {
            // All paths end at the last level.
            let Some(number) = (at + parts[start].len()).checked_sub(levels) else { continue };
            let hops = &parts[start][number];
            let from = level.from(renderer, node, (start, path), hops);
            if matches!(from, From::Combinations { .. }) {
                level.fed.push(level.parts.len());
            }
            let to = match path.hops.get(hops.end).filter(|_| !is_last) {
                None => To::Root,
                Some(next) => {
                    let buffer = OutBuffer::new(Route::ByKey, renderer.peers());
                    let buffer = Rc::new(RefCell::new(buffer));
                    buffers.push(Rc::clone(&buffer));
                    paths.push(start);
                    let key = CombinationKey::new(&next.key, node.id.0);
                    To::Owner { key, tables: found(start, path, hops.end), buffer }
                }
            };
            let hops = path.hops[hops.clone()].iter();
            let hops = hops.map(|hop| level.hop(renderer, node, start, hop)).collect();
            level.parts.push(Part { start, from, hops, to });
        }
        let mut inputs: Vec<(Edge<'_>, Pact)> =
            level.inputs.iter().map(|&input| (marks[input].clone(), Pact::Local)).collect();
        inputs.extend(moving.drain(..).map(|(_, edge)| (edge, Pact::Exchanged)));
        let (root, feeds) = if is_last {
            let (root, feeds) = renderer.tree(node, |next| (delta.root)(node.id.0, next));
            buffers.extend(feeds.iter().map(|feed| Rc::clone(&feed.buffer)));
            (Some(root), feeds)
        } else {
            (None, Vec::new())
        };
        let logic = level.operator(renderer, node, delta, root, levels == 1);
        let name = node.describe();
        let (edges, end) = operator::build(
            renderer.scope,
            &name,
            inputs,
            buffers,
            Box::new(logic),
            Closes::Arrived,
        );
        end.probe_with(&renderer.probe);
        if is_last {
            for (feed, edge) in feeds.into_iter().zip(edges) {
                renderer.connect(&feed, edge);
            }
        } else {
            moving = paths.into_iter().zip(edges).collect();
        }
    }
}

/// The parts of a path: it is cut in front of each look-up for which combinations move.
fn cut(path: &DeltaPath, moves: bool) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, hop) in path.hops.iter().enumerate() {
        if moves && !hop.local {
            parts.push(start..at);
            start = at;
        }
    }
    parts.push(start..path.hops.len());
    parts
}

/// The tables whose rows a path has found in front of a look-up.
fn found(start: usize, path: &DeltaPath, hops: usize) -> Vec<usize> {
    std::iter::once(start).chain(path.hops[..hops].iter().map(|hop| hop.table)).collect()
}

impl Level {
    /// The reader of an input.
    fn reader(
        &mut self,
        renderer: &mut Renderer<'_, '_>,
        node: &Node,
        input: usize,
        asked_by: Option<usize>,
    ) -> usize {
        let at = self.inputs.iter().position(|&known| known == input).unwrap_or_else(|| {
            let index = renderer.index(node.inputs[input].node);
            self.inputs.push(input);
            self.readers.push(Reader { index, reader: 0, asked_by: Vec::new(), forgets: false });
            self.readers.len() - 1
        });
        let asked = &mut self.readers[at].asked_by;
        asked.extend(asked_by.filter(|table| !asked.contains(table)));
        at
    }

    fn from(
        &mut self,
        renderer: &mut Renderer<'_, '_>,
        node: &Node,
        (start, path): (usize, &DeltaPath),
        hops: &Range<usize>,
    ) -> From {
        let is_first = hops.start == 0 && path.hops[0].local || hops.end == 0;
        if !is_first && renderer.peers() > 1 {
            let tables = found(start, path, hops.start);
            return From::Combinations { tables, chunks: Vec::new() };
        }
        // Whether its keys have rows is asked by an optional table itself.
        let asked_by = path.optional.then_some(start);
        let reader = self.reader(renderer, node, path.input, asked_by);
        let by_same_key = path.hops[0].local;
        From::Index { reader, by_same_key, optional: path.optional }
    }

    fn hop(
        &mut self,
        renderer: &mut Renderer<'_, '_>,
        node: &Node,
        start: usize,
        hop: &DeltaHop,
    ) -> Hop {
        let key = |parts: &[_]| CombinationKey::new(parts, node.id.0);
        let check = |sides: &[_; 2]| sides.each_ref().map(|side| key(std::slice::from_ref(side)));
        Hop {
            table: hop.table,
            reader: self.reader(renderer, node, hop.input, Some(start)),
            key: key(&hop.key),
            checks: hop.checks.iter().map(check).collect(),
            optional: hop.optional,
            keys: Default::default(),
        }
    }

    fn operator(
        self,
        renderer: &mut Renderer<'_, '_>,
        node: &Node,
        delta: &plan::DeltaJoin,
        root: Option<Box<dyn EncodedStep>>,
        is_only: bool,
    ) -> DeltaJoin {
        let Self { mut readers, inputs, parts, fed } = self;
        for reader in &mut readers {
            reader.forgets = reader.asked_by.is_empty();
            reader.reader = reader.index.borrow_mut().add_reader(!reader.forgets);
        }
        let start = |path: &DeltaPath| renderer.index(node.inputs[path.input].node);
        let starts = delta.paths.iter().map(start).collect();
        let indexes_of = |(table, path): (usize, &DeltaPath)| {
            let hops = delta.paths.iter().flat_map(|path| &path.hops);
            let looked_up = hops.filter(|hop| hop.table == table).map(|hop| hop.input);
            let mut used: Vec<usize> = looked_up.chain([path.input]).collect();
            used.sort_unstable();
            used.dedup();
            let readers = used.iter().filter_map(|input| inputs.iter().position(|at| at == input));
            (table, readers.collect())
        };
        let eager = delta.paths.iter().enumerate().filter(|(_, path)| is_only && !path.optional);
        let eager = eager.map(indexes_of).collect();
        DeltaJoin { starts, readers, fed, parts, root, eager }
    }
}
