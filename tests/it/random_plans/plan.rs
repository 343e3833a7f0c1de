//! Random plans: lists of nodes, each derived from earlier ones.

use super::folds::Fold;
use super::keyed::KeyedVerb;
use super::times::TimeVerb;
use super::windows::Window;
use pathway::testing::Random;

/// One node of a random plan; numbers are earlier nodes.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Input(usize),
    Map(usize, i64),
    Filter(usize, i64),
    FlatMap(usize),
    Split(usize, bool),
    /// The rows that a fallible step takes, or its errors.
    Try(usize, bool),
    Concat(usize, usize),
    Union(usize, usize),
    Distinct(usize),
    Difference(usize, usize),
    Intersect(usize, usize),
    Reduce(usize, Fold),
    /// Groups that are large enough.
    Having(usize),
    /// Sums by some selections of a key's columns.
    Sets(usize, Sets),
    /// A column for each of some values.
    Pivot(usize),
    Unpivot(usize),
    /// The whole table as one row.
    All(usize),
    Join(Kind, usize, usize, Key),
    /// A full join whose pairs must meet a condition.
    Where(usize, usize),
    Semi(usize, usize, Key),
    Anti(usize, usize, Key),
    /// A semi or an anti join whose matches must meet a condition.
    SemiWhere(usize, usize, bool),
    /// Two joins by one index, of the table with another and with itself.
    Shared(usize, usize),
    Cross(usize, usize),
    /// Some of the greatest numbers of each group, or of the whole table.
    Limit(usize, Page),
    Over(usize, Window),
    Keyed(KeyedVerb, usize, usize),
    /// A verb of event time, which may not stand in a loop.
    Timed(TimeVerb, usize, usize),
    Loop(Loop),
}

/// A loop around a table of the plan.
#[derive(Clone, Debug)]
pub(super) struct Loop {
    pub(super) kind: LoopKind,
    /// What it begins with.
    pub(super) start: usize,
    /// A table from outside, where it needs one.
    pub(super) other: usize,
}

#[derive(Clone, Debug)]
pub(super) enum LoopKind {
    /// So many rounds of any plan, in which the table of the loop comes behind those that are
    /// there. The last node is the next round's table.
    Rounds(u64, Vec<Node>),
    /// As [`Rounds`](Self::Rounds), of the table and another one, which they hand to and fro.
    Two(u64, Vec<Node>),
    /// All that is reached, to the end.
    Reach,
    /// The least number that reaches each key, to the end.
    Least,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Inner,
    Left,
    Right,
    Full,
}

/// Selections of the columns of a key.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sets {
    /// All prefixes.
    Rollup,
    /// All there are.
    Cube,
    /// The second column, and none.
    Some,
}

/// What a join compares.
#[derive(Clone, Copy, Debug)]
pub(super) enum Key {
    First,
    Second,
    Both,
    /// The first of the left side with the second of the right one.
    Mixed,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    /// By the second column, or of the whole table.
    pub(super) grouped: bool,
    pub(super) offset: u64,
    pub(super) limit: u64,
}

pub(super) const INPUTS: usize = 2;
/// Loops nest so deep.
const DEPTH_MAX: u64 = 2;

pub(super) fn plan(random: &mut Random) -> Vec<Node> {
    let mut nodes: Vec<Node> = (0..INPUTS).map(Node::Input).collect();
    for _ in 0..2 + random.below(7) {
        let next = node(random, nodes.len(), DEPTH_MAX);
        nodes.push(next);
    }
    nodes
}

/// A node behind so many others, with loops that nest so deep.
fn node(random: &mut Random, tables: usize, depth: u64) -> Node {
    // Later tables are more interesting.
    let mut table = || random.index(tables).max(random.index(tables));
    let (a, b) = (table(), table());
    let key = *random.pick(&[Key::First, Key::Second, Key::Both, Key::Mixed]);
    let n = random.value::<i64>() % 5;
    let kinds = match depth {
        0 => 30,
        DEPTH_MAX => 37,
        _ => 33,
    };
    match random.below(kinds) {
        0 => Node::Map(a, n),
        1 => Node::Filter(a, n),
        2 => Node::FlatMap(a),
        3 => Node::Split(a, n > 0),
        4 => Node::Try(a, n > 0),
        5 => Node::Concat(a, b),
        6 => Node::Union(a, b),
        7 => Node::Distinct(a),
        8 => Node::Difference(a, b),
        9 => Node::Intersect(a, b),
        10..=13 => Node::Reduce(a, *random.pick(Fold::ALL)),
        14 => Node::Having(a),
        15 => Node::Sets(a, *random.pick(&[Sets::Rollup, Sets::Cube, Sets::Some])),
        16 if n > 0 => Node::Pivot(a),
        16 => Node::Unpivot(a),
        17 => Node::All(a),
        18 | 19 => {
            Node::Join(*random.pick(&[Kind::Inner, Kind::Left, Kind::Right, Kind::Full]), a, b, key)
        }
        20 => Node::Where(a, b),
        21 if n > 1 => Node::SemiWhere(a, b, n > 2),
        21 => Node::Semi(a, b, key),
        22 => Node::Anti(a, b, key),
        23 => Node::Shared(a, b),
        24 => Node::Cross(a, b),
        25 => {
            Node::Limit(a, Page { grouped: n > 0, offset: random.below(3), limit: random.below(4) })
        }
        26 | 27 => Node::Over(a, *random.pick(Window::ALL)),
        28 | 29 => Node::Keyed(*random.pick(KeyedVerb::ALL), a, b),
        30..=32 => Node::Loop(around(random, tables, depth - 1, (a, b))),
        _ => Node::Timed(*random.pick(TimeVerb::ALL), a, b),
    }
}

fn around(random: &mut Random, tables: usize, depth: u64, (start, other): (usize, usize)) -> Loop {
    let mut body = |variables: usize| {
        let mut body = Vec::new();
        for at in 0..1 + random.index(4) {
            let next = node(random, tables + variables + at, depth);
            body.push(next);
        }
        (1 + random.below(3), body)
    };
    let (rounds, nodes) = body(1);
    let (turns, pair) = body(2);
    let kind = match random.below(6) {
        0 => LoopKind::Reach,
        1 => LoopKind::Least,
        2 => LoopKind::Two(turns, pair),
        _ => LoopKind::Rounds(rounds, nodes),
    };
    Loop { kind, start, other }
}
