//! Joins of many tables that keep nothing but the tables: in which order a changed row meets them.
//!
//! With the rows of a table that stand only before an epoch (removed), only after it (added), or
//! both before and after (kept), the change of the product of all tables is, exactly once each,
//!
//! ```text
//! Σ over tables i:   kept of those in front × added of i   × all behind as they are
//!                  − kept of those in front × removed of i × all behind as they were
//! ```
//!
//! So every table has a *path*: the order in which its changed rows look up rows of the others, by
//! the keys that they share with those found already. All that is kept is an index for each table
//! and key of a path.
//!
//! An optional table, joined by `left_join`, is as if it had an empty row for every key that it
//! has no row of. Then all tables are alike, and may be looked up in any order.

use super::Rooted;
use crate::stage::RowKey;
use std::fmt;

/// What the rows of two tables must have in common, by the tables' numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The table in front.
    pub left: usize,
    /// The table behind.
    pub right: usize,
    /// Whether the table behind is optional.
    pub optional: bool,
}

/// One look-up of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// The table whose rows are looked up.
    pub table: usize,
    /// The conditions whose keys make the key of the look-up.
    pub by: Vec<usize>,
    /// The conditions that the rows found must meet besides.
    pub checks: Vec<usize>,
    /// Whether an empty row is found where there is none.
    pub optional: bool,
}

impl Condition {
    fn joins(self, table: usize) -> bool {
        self.left == table || self.right == table
    }

    /// The table at the other side.
    pub fn other(self, table: usize) -> usize {
        if self.left == table { self.right } else { self.left }
    }
}

/// The paths of all tables. Each condition's right table is one that no earlier condition's left
/// table follows: tables are joined in their order, so that each is joined with one in front.
pub fn paths(tables: usize, conditions: &[Condition]) -> Vec<Vec<Hop>> {
    (0..tables).map(|start| path(start, tables, conditions)).collect()
}

/// The condition by which an optional table is joined.
pub fn own_condition(table: usize, conditions: &[Condition]) -> Option<usize> {
    conditions.iter().position(|condition| condition.optional && condition.right == table)
}

fn path(start: usize, tables: usize, conditions: &[Condition]) -> Vec<Hop> {
    let mut found = vec![false; tables];
    found[start] = true;
    let mut hops: Vec<Hop> = Vec::new();
    while hops.len() + 1 < tables {
        let first = own_condition(start, conditions).filter(|_| hops.is_empty());
        let hop = match first {
            // Which rows an empty row meets is known by its key alone.
            Some(own) => hop_to(conditions[own].left, &found, conditions),
            None => {
                let hops = (0..tables)
                    .filter(|&table| !found[table])
                    .map(|table| hop_to(table, &found, conditions));
                // The more conditions, the fewer rows. Of equals the first, as the program has it.
                hops.rev().max_by_key(|hop| hop.by.len()).expect("a table is left")
            }
        };
        debug_assert!(!hop.by.is_empty(), "each table is joined with one in front of it");
        found[hop.table] = true;
        hops.push(hop);
    }
    hops
}

fn hop_to(table: usize, found: &[bool], conditions: &[Condition]) -> Hop {
    let joins = |at: &usize| {
        let condition = conditions[*at];
        condition.joins(table) && found[condition.other(table)]
    };
    let by: Vec<usize> = (0..conditions.len()).filter(joins).collect();
    match own_condition(table, conditions).filter(|own| by.contains(own)) {
        // Whether it has a row is for its own condition alone to say.
        Some(own) => {
            let checks = by.into_iter().filter(|&at| at != own).collect();
            Hop { table, by: vec![own], checks, optional: true }
        }
        None => Hop { table, by, checks: Vec::new(), optional: false },
    }
}

/// A join of many tables of a plan. Its inputs are the indexes that it reads.
pub struct DeltaJoin {
    /// By table, how its changed rows find the others.
    pub paths: Vec<DeltaPath>,
    /// Calls the user's closure on each combination.
    pub root: Rooted,
}

/// How the changed rows of a table find those of the others.
#[derive(Clone, Debug)]
pub struct DeltaPath {
    /// The input that the changed rows are read from.
    pub input: usize,
    /// Whether the table is optional.
    pub optional: bool,
    /// The look-ups.
    pub hops: Vec<DeltaHop>,
}

/// One look-up.
#[derive(Clone, Debug)]
pub struct DeltaHop {
    /// The table whose rows are looked up.
    pub table: usize,
    /// The input that they are looked up in.
    pub input: usize,
    /// The tables whose rows give the key, and how.
    pub key: Vec<(usize, RowKey)>,
    /// Keys that must be equal besides.
    pub checks: Vec<[(usize, RowKey); 2]>,
    /// Whether an empty row is found where there is none.
    pub optional: bool,
    /// Whether the key is the one that the worker owns already: that of the index that the path
    /// begins in, or of a look-up before.
    pub local: bool,
}

impl fmt::Debug for DeltaJoin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DeltaJoin").field(&self.paths.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(tables: usize, conditions: &[Condition]) -> Vec<String> {
        let hop = |hop: &Hop| {
            let (table, by) = (hop.table, &hop.by);
            let checks =
                if hop.checks.is_empty() { String::new() } else { format!(" if {:?}", hop.checks) };
            format!("{table}{} by {by:?}{checks}", if hop.optional { "?" } else { "" })
        };
        let text = |hops: Vec<Hop>| hops.iter().map(hop).collect::<Vec<_>>().join(", ");
        paths(tables, conditions).into_iter().map(text).collect()
    }

    fn on(left: usize, right: usize) -> Condition {
        Condition { left, right, optional: false }
    }

    fn left_on(left: usize, right: usize) -> Condition {
        Condition { left, right, optional: true }
    }

    #[test]
    fn a_chain_is_walked_from_both_ends() {
        assert_eq!(
            text(3, &[on(0, 1), on(1, 2)]),
            ["1 by [0], 2 by [1]", "0 by [0], 2 by [1]", "1 by [1], 0 by [0]"]
        );
    }

    #[test]
    fn a_triangle_is_closed_by_both_keys_at_once() {
        assert_eq!(
            text(3, &[on(0, 1), on(1, 2), on(0, 2)]),
            ["1 by [0], 2 by [1, 2]", "0 by [0], 2 by [1, 2]", "0 by [2], 1 by [0, 1]"]
        );
    }

    #[test]
    fn an_optional_table_is_found_by_its_own_key() {
        assert_eq!(
            text(3, &[left_on(0, 1), on(1, 2)]),
            ["1? by [0], 2 by [1]", "0 by [0], 2 by [1]", "1 by [1], 0 by [0]"]
        );
    }

    #[test]
    fn what_else_an_optional_row_must_meet_is_checked() {
        let star = [on(0, 1), left_on(0, 2), on(1, 3), on(2, 3)];
        assert_eq!(
            text(4, &star),
            [
                "1 by [0], 2? by [1], 3 by [2, 3]",
                "0 by [0], 2? by [1], 3 by [2, 3]",
                "0 by [1], 1 by [0], 3 by [2, 3]",
                "1 by [2], 0 by [0], 2? by [1] if [3]",
            ]
        );
    }
}
