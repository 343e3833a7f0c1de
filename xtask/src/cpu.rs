//! Processor time, read from `/proc` because std has no word for it.

use crate::steps::Failure;

/// The user and system seconds of all children that ended and were waited for, in steps of 10 ms.
pub(crate) fn children_s() -> Result<f64, Failure> {
    let stat = std::fs::read_to_string("/proc/self/stat").map_err(|_| {
        Failure::new(
            "processor time is read from `/proc/self/stat`, which is not there\n\
             help: run this step on Linux",
        )
    })?;
    children_ticks(&stat)
        // Linux reports in ticks of 100 Hz on every architecture that Rust supports.
        .map(|ticks| ticks as f64 / 100.0)
        .ok_or_else(|| Failure::new("`/proc/self/stat` has no times of children"))
}

/// The columns `cutime` and `cstime`, counted behind the program's name, which may hold anything.
fn children_ticks(stat: &str) -> Option<u64> {
    let behind_name = stat.rsplit_once(')')?.1;
    let mut columns = behind_name.split_whitespace().skip(13);
    let user: u64 = columns.next()?.parse().ok()?;
    let system: u64 = columns.next()?.parse().ok()?;
    Some(user + system)
}

#[cfg(test)]
mod tests {
    #[test]
    fn finds_the_times_behind_a_name_with_spaces() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194304 1 2 3 4 10 20 300 40 20 0 1 0 9";
        assert_eq!(super::children_ticks(stat), Some(340));
    }
}
