//! Joins in a loop: pairs of two indexes, and the rows of a side by whether they have a partner.

use super::LoopRenderer;
use super::steps::LoopFeed;
use crate::dataflow::iterate::{self, AnyFeed, AnyFlow, Index, SharedFeed};
use crate::dataflow::{Alone, JoinKind};
use crate::plan::{Node, Port};
use crate::stage::{AnyStep, Diff, EncodedStep};

impl<'a, 'inner> LoopRenderer<'_, 'a, '_, 'inner> {
    pub(super) fn join(
        &mut self,
        node: &'a Node,
        kind: JoinKind,
        root: &dyn Fn(AnyStep) -> Box<dyn EncodedStep>,
    ) {
        let index = |at: usize| {
            let index: &Index<'inner> = &self.indexes[&node.inputs[at].node];
            index.clone()
        };
        let (left, right) = (index(0), index(1));
        let (name, kept) = (node.describe(), self.kept(node));
        // Where the rows go to several consumers, they are encoded in between.
        let port = Port { node: node.id, output: 0 };
        let mut several = Vec::new();
        let next = self.steps(port, &mut several);
        let direct = several.len() == 1;
        drop(next);
        let terminal = || {
            let mut feeds = Vec::new();
            let next = if direct {
                self.steps(port, &mut feeds)
            } else {
                let feed = SharedFeed::new();
                let any = AnyFeed::Rows(feed.clone());
                feeds.push(LoopFeed { consumer: node.id, input: 0, feed: any });
                (node.outputs[0].rows)(Box::new(feed))
            };
            (root(next), feeds.pop().expect("there is one"))
        };
        let mut flows = Vec::new();
        if kind.pairs {
            let (root, feed) = terminal();
            flows.push(iterate::join(left.clone(), right.clone(), &name, root, feed.feed));
        }
        for (alone, side) in [(kind.left, Side::Left), (kind.right, Side::Right)] {
            if alone == Alone::No {
                continue;
            }
            let (rows, other) = match side {
                Side::Left => (left.clone(), right.clone()),
                Side::Right => (right.clone(), left.clone()),
            };
            let rows = iterate::matched_keys(rows, other, alone == Alone::Unmatched, &kept);
            let (root, feed) = terminal();
            let root = Box::new(OneSide { side, root });
            flows.extend(iterate::steps(rows, &name, root, vec![feed.feed]));
        }
        let first = flows.pop().expect("a join gives something");
        let all = flows.into_iter().fold(first, AnyFlow::concat);
        if direct {
            let (_, feed) = terminal();
            self.inputs.entry((feed.consumer, feed.input)).or_default().push(all);
        } else {
            self.rows(node, 0, all.into_rows());
        }
    }
}

/// A side of a join.
#[derive(Clone, Copy)]
enum Side {
    Left,
    Right,
}

/// Gives rows to the root of a join that have no partner.
struct OneSide {
    side: Side,
    root: Box<dyn EncodedStep>,
}

impl EncodedStep for OneSide {
    fn push(&mut self, row: &[u8], _: &[u8], diff: Diff) {
        match self.side {
            Side::Left => self.root.push_left(row, diff),
            Side::Right => self.root.push_right(row, diff),
        }
    }
}
