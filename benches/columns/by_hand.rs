//! The same programs over plain structs and hash maps, written for nothing else. A batch is what
//! an epoch brings; nothing is answered before the last one.

use crate::Supplier;
use crate::rows::Line;
use bench_support::Digest;
use std::collections::HashMap;

/// Rows of few quantities, with another cost.
pub(crate) fn steps<R: Line>(batches: Vec<Vec<R>>) -> Digest {
    let mut digest = Digest::default();
    for row in batches.into_iter().flatten() {
        if row.quantity() < 45.0 {
            let cost = row.cost() * 2;
            let row = row.with_cost(cost);
            digest.update(&row.supplier().to_le_bytes(), [row.cost(), 0], 1);
        }
    }
    digest
}

/// The number and the cost of the lines of each supplier.
pub(crate) fn group<R: Line>(batches: Vec<Vec<R>>) -> Digest {
    let mut groups: HashMap<i64, (i64, i64)> = HashMap::new();
    for row in batches.into_iter().flatten() {
        let group = groups.entry(row.supplier()).or_default();
        *group = (group.0 + 1, group.1 + row.cost());
    }
    let mut digest = Digest::default();
    #[expect(clippy::iter_over_hash_type, reason = "the digest does not depend on the order")]
    for (supplier, (count, sum)) in groups {
        digest.update(&supplier.to_le_bytes(), [count, sum], 1);
    }
    digest
}

/// The number and the cost of the lines of each nation that suppliers are from. Rows are kept, as
/// a supplier that moves would take its lines along.
pub(crate) fn join<R: Line>(batches: Vec<Vec<R>>, suppliers: Vec<Supplier>) -> Digest {
    let suppliers: HashMap<i64, Supplier> =
        suppliers.into_iter().map(|supplier| (supplier.id, supplier)).collect();
    let mut lines: HashMap<i64, Vec<R>> = HashMap::new();
    let mut groups: HashMap<String, (i64, i64)> = HashMap::new();
    for row in batches.into_iter().flatten() {
        if let Some(supplier) = suppliers.get(&row.supplier()) {
            let group = match groups.get_mut(&supplier.nation) {
                Some(group) => group,
                None => groups.entry(supplier.nation.clone()).or_default(),
            };
            *group = (group.0 + 1, group.1 + row.cost());
        }
        lines.entry(row.supplier()).or_default().push(row);
    }
    let mut digest = Digest::default();
    #[expect(clippy::iter_over_hash_type, reason = "the digest does not depend on the order")]
    for (nation, (count, sum)) in groups {
        digest.update(nation.as_bytes(), [count, sum], 1);
    }
    digest
}
