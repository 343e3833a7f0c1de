//! What the verbs do, checked through the facade: against recomputation over random histories,
//! against naive evaluations, and case by case. One module a behaviour.

mod changes;
mod columns;
mod combined;
mod concat;
mod distinct;
mod failing;
mod filter_map;
mod filtered;
mod group;
mod grouping_sets;
mod join;
mod left_join;
mod oracle;
mod pivot;
mod reducers;
mod reference;
mod rows;
mod running;
mod set;
mod total;
mod upsert;
mod workers;
