use pathway::prelude::*;

#[derive(Schema)]
struct Edge {
    from: u64,
    to: u64,
}

fn ends(edges: &Table<Edge>) -> Table<u64> {
    edges
        .join(edges)
        .on(Edge.to, Edge.from)
        .join(edges)
        .on(Edge.to, Edge.from)
        .select(|_, _, last| last.to)
}

fn main() {}
