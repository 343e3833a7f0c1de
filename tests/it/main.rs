//! What the verbs do, checked through the facade: against recomputation over random histories,
//! against naive evaluations, and case by case. One module a behaviour.

mod changes;
mod columns;
mod combined;
mod concat;
mod distinct;
mod failing;
mod filter_map;
mod graph;
mod group;
mod iterate;
mod join;
mod left_join;
mod oracle;
mod reference;
mod rows;
mod running;
mod set;
mod upsert;
mod workers;
