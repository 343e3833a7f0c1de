//! Events of two hours, up to five seconds out of order, of keys that fall silent now and then.

use super::with_header;
use bench_support::Random;
use std::io::{self, Write};
use std::path::Path;

const SECONDS: u64 = 7_200;
/// A key is active or silent for as long.
const STRETCH: u64 = 90;

pub(super) fn write(folder: &Path, rows: usize, keys: u64) -> io::Result<()> {
    let mut random = Random::new(3);
    let mut out = with_header(&folder.join("events.csv"), "ts,key,value")?;
    for row in 0..rows {
        let ts = row as u64 * SECONDS / rows as u64 + random.below(5);
        let key = loop {
            let key = random.below(keys);
            if is_active(key, ts) {
                break key;
            }
        };
        writeln!(out, "{},{key},{}", 1_700_000_000 + ts, random.below(1_000))?;
    }
    out.flush()
}

/// Whether a key has events then: one stretch of four is silent, another one for each key.
fn is_active(key: u64, ts: u64) -> bool {
    let stretch = (ts + key * 7 % STRETCH) / STRETCH;
    !Random::new(key << 32 | stretch).number().is_multiple_of(4)
}
