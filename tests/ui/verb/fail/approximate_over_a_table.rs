use pathway::prelude::*;

fn visitors(visits: &Table<(u32, String)>) -> Table<(u32, u64)> {
    visits.group_by(|visit| visit.0).reduce(|g| g.approx_count_distinct(|visit| visit.1.clone())).into()
}

fn main() {}
