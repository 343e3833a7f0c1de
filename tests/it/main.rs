//! What the verbs do, checked through the facade: against recomputation over random histories,
//! against naive evaluations, and case by case. One module a behaviour.

mod as_of_now;
mod changes;
mod columns;
mod combined;
mod concat;
mod distinct;
mod ended;
mod explain;
mod failing;
mod filter_map;
mod filtered;
mod graph;
mod group;
mod grouping_sets;
mod iterate;
mod join;
mod left_join;
mod lookup;
mod oracle;
mod outer_join;
mod pivot;
mod random_plans;
mod reducers;
mod reference;
mod refusals;
mod rows;
mod running;
mod set;
mod sort;
mod sort_over;
mod stateful;
mod total;
mod update;
mod upsert;
mod workers;
