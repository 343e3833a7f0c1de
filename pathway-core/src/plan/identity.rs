//! Which operator of one program is which of another, and whether it still does the same.
//!
//! An operator is identified by its verb, what it was told, the types of its rows and the
//! identities of its inputs; never by its source line, nor by where in the program it was made.
//! Operators that are alike in all of that are told apart by their order. A name given by
//! [`named`](crate::table::Table::named) stands for the verb and the inputs, so that a part of a
//! program can be put elsewhere.
//!
//! Whether its closures still compute the same is another question: each has a version, which is
//! that of `#[operator]`, or else the build's.

use super::{Node, NodeId, Operation, Plan, Port};
use crate::schema::DataType;
use std::collections::{BTreeMap, BTreeSet};
use xxhash_rust::xxh3::xxh3_128;

/// The identities of a plan's nodes.
#[derive(Debug)]
pub(crate) struct Identities {
    by_node: Vec<u128>,
}

/// The version of what a node computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CodeVersion {
    /// The node calls no code of the user's.
    None,
    /// The user's code has a version of its own.
    Own(u64),
    /// It changes with every build that changes anything.
    Build,
}

impl Identities {
    pub(crate) fn of(plan: &Plan) -> Self {
        let mut by_node: Vec<u128> = Vec::with_capacity(plan.nodes().len());
        let mut alike: BTreeMap<u128, u64> = BTreeMap::new();
        for node in plan.nodes() {
            let mut text = described(plan, node);
            // The name of an `#[operator]` is that of its function, which may be used often.
            if node.name.is_none() || node.version.is_some() {
                for Port { node: input, output } in &node.inputs {
                    // The inputs of a loop's variables may come later.
                    let identity = by_node.get(input.index()).copied().unwrap_or_default();
                    text += &format!("|{identity:032x}.{output}");
                }
            }
            let identity = xxh3_128(text.as_bytes());
            let number = alike.entry(identity).or_insert(0);
            by_node.push(match *number {
                0 => identity,
                number => xxh3_128(format!("{text}|{number}").as_bytes()),
            });
            *number += 1;
        }
        Self { by_node }
    }

    pub(crate) fn node(&self, node: NodeId) -> u128 {
        self.by_node[node.index()]
    }

    /// What identifies what enters a loop at one place.
    pub(crate) fn entry(&self, end: NodeId, port: Port) -> u128 {
        let (end, from) = (self.node(end), self.node(port.node));
        xxh3_128(format!("{end:032x} from {from:032x}.{}", port.output).as_bytes())
    }

    /// The given nodes, in an order that is the same in every program that has them.
    pub(crate) fn in_order(&self, nodes: impl IntoIterator<Item = NodeId>) -> Vec<NodeId> {
        let mut nodes: Vec<NodeId> = nodes.into_iter().collect();
        nodes.sort_by_key(|node| self.node(*node));
        nodes
    }
}

fn described(plan: &Plan, node: &Node) -> String {
    let mut text = match (&node.name, &node.operation) {
        (Some(name), operation) => format!("{operation:?} named {name}"),
        (None, Operation::Source(source)) => format!("source {}", source.reader.fingerprint()),
        (None, Operation::Sink(sink)) => format!("sink {}", sink.fingerprint),
        (None, operation) => format!("{} {operation:?}", node.verb),
    };
    text += &match &node.operation {
        Operation::Window(window) => format!(" {window:?}"),
        Operation::TimeJoin(join) => format!(" {join:?}"),
        Operation::Watermark(watermark) => format!(" {watermark:?}"),
        Operation::Sort(sorted) => format!(" {:?}", sorted.output.limits()),
        Operation::Join { kind, .. } => format!(" {kind:?}"),
        Operation::Set { intersect } => format!(" {intersect}"),
        Operation::Upsert { versioned, .. } => format!(" {versioned}"),
        Operation::Index(index) => format!(" {:?} {}", index.column, index.unique),
        Operation::Loop(id) | Operation::Variable(id) => {
            let inner = &plan.loops()[id.index()];
            format!(" {:?} at {}", inner.limit, inner.level)
        }
        _ => String::new(),
    };
    for output in &node.outputs {
        text.push('|');
        shape((output.data_type)(), &mut BTreeSet::new(), &mut text);
    }
    text
}

/// The type with the names and types of its columns, which are what encoded rows depend on.
fn shape(data_type: DataType, seen: &mut BTreeSet<String>, out: &mut String) {
    let name = data_type.name();
    out.push_str(&name);
    match data_type {
        DataType::Option(inner) | DataType::Reverse(inner) | DataType::List(inner) => {
            shape(inner(), seen, out);
        }
        DataType::Array(inner, _) => shape(inner(), seen, out),
        DataType::Map(key, value) => {
            shape(key(), seen, out);
            shape(value(), seen, out);
        }
        DataType::Struct(inner) if inner.name.is_empty() || seen.insert(name.clone()) => {
            for column in inner.columns {
                out.push_str(&format!("{{{}:", column.name));
                shape((column.data_type)(), seen, out);
                out.push('}');
            }
        }
        DataType::Enum(inner) if seen.insert(name.clone()) => {
            for variant in inner.variants {
                out.push_str(&format!("<{}", variant.name));
                for column in variant.fields.columns {
                    shape((column.data_type)(), seen, out);
                }
                out.push('>');
            }
        }
        _ => {}
    }
}

impl Node {
    /// The version of what the node computes.
    pub(crate) fn code_version(&self) -> CodeVersion {
        match (&self.operation, self.version) {
            (_, Some(version)) => CodeVersion::Own(version),
            (
                Operation::Source(_)
                | Operation::Sink(_)
                | Operation::Concat
                | Operation::Unique
                | Operation::Distinct
                | Operation::Set { .. }
                | Operation::LeastWatermark
                | Operation::Join { root: None, .. },
                None,
            ) => CodeVersion::None,
            (Operation::Index(index), None) if index.column.is_some() => CodeVersion::None,
            (_, None) => CodeVersion::Build,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::table::Pipeline;
    use std::collections::BTreeSet;

    fn identities(build: impl Fn(&Pipeline)) -> BTreeSet<u128> {
        let app = Pipeline::new("test");
        build(&app);
        let plan = app.graph.plan();
        let all = super::Identities::of(&plan).by_node;
        let distinct: BTreeSet<u128> = all.iter().copied().collect();
        assert_eq!(distinct.len(), all.len(), "two nodes have one identity");
        distinct
    }

    #[test]
    fn the_order_of_definition_does_not_matter() {
        let words = |app: &Pipeline| {
            let words = app.rows(vec![String::new()]).named("words");
            drop(words.group_by(|word| word.clone()).reduce(|g| g.count()));
        };
        let numbers = |app: &Pipeline| drop(app.rows(vec![1]).distinct());
        let one = identities(|app| {
            words(app);
            numbers(app);
        });
        let other = identities(|app| {
            numbers(app);
            words(app);
        });
        assert_eq!(one, other);
    }

    #[test]
    fn twins_are_told_apart_and_other_types_and_limits_are_others() {
        let one = |app: &Pipeline| drop(app.rows(vec![1i64]).distinct());
        let twice = |app: &Pipeline| {
            one(app);
            one(app);
        };
        assert!(identities(twice).is_superset(&identities(one)));
        let other_type = |app: &Pipeline| drop(app.rows(vec![1u64]).distinct());
        assert!(identities(one).is_disjoint(&identities(other_type)));
        let limit = |limit| {
            move |app: &Pipeline| drop(app.rows(vec![1i64]).sort_by(|n| *n).limit(limit).distinct())
        };
        assert_ne!(identities(limit(1)), identities(limit(2)));
    }

    #[test]
    fn a_name_stands_for_what_is_in_front() {
        let named = |odd: bool| {
            move |app: &Pipeline| {
                let rows = app.rows(vec![1i64]);
                let rows = if odd { rows.filter(|n| n % 2 == 1) } else { rows };
                drop(rows.distinct().named("distinct"));
            }
        };
        assert!(identities(named(true)).is_superset(&identities(named(false))));
    }
}
