use pathway::prelude::*;

#[derive(Schema)]
struct Edge {
    from: u64,
    to: u64,
}

fn starts(edges: &Table<Edge>) -> Table<u64> {
    edges
        .join(edges)
        .on(Edge.to, Edge.from)
        .left_join(edges)
        .on_second(Edge.to, Edge.from)
        .on_first(Edge.from, Edge.to)
        .select(|first, _, _| first.from)
}

fn main() {}
