use pathway::prelude::*;

fn ranks(points: &Table<u32>) -> Table<(u32, u64)> {
    points.sort_by(|points| *points).over(|o| (o.rank(), 1)).select(|points, (rank, _)| (points, rank))
}

fn main() {}
