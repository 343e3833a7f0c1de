use pathway::prelude::*;

fn ranks(points: &Table<u32>) -> Table<(u32, u64)> {
    points
        .sort_by(|points| *points)
        .over(|o| (o.rank(), o.running_sum(|points| *points)))
        .select(|points, (rank, _, _)| (points, rank))
}

fn main() {}
