//! Counting distinct values approximately, in bounded memory.
//!
//! `HyperLogLog`: each value's hash chooses one of 4096 registers, which keeps the longest run of
//! zero bits seen. The registers are a maximum over the set of values, so they depend neither on
//! the order of rows nor on how they were divided, and merge without loss. Few values are kept as
//! their hashes, and counted exactly.
//!
//! The estimate is the improved one of O. Ertl, "New cardinality estimation algorithms for
//! `HyperLogLog` sketches" (2017), which needs no table of corrections.

use super::{Acc, Fold};
use crate::schema::{RowEncoder, Schema, put_len, stable_hash, take_bytes, take_len};
use crate::stage::{Diff, Input};
use std::collections::BTreeSet;

/// The bits of a hash that choose the register.
const PRECISION: u32 = 12;
const REGISTERS: usize = 1 << PRECISION;
/// A register holds at most this, and one more for a rest of zeros.
const REST_BITS: usize = 64 - PRECISION as usize;
/// More hashes than this take as much memory as the registers.
const HASHES_MAX: usize = 256;

/// What is known of the values of a group.
#[derive(Debug)]
pub enum Sketch {
    /// The hashes of all values, where there are few.
    Hashes(BTreeSet<u64>),
    /// The registers.
    Registers(Box<[u8; REGISTERS]>),
}

impl Default for Sketch {
    fn default() -> Self {
        Self::Hashes(BTreeSet::new())
    }
}

impl Sketch {
    fn add(&mut self, hash: u64) {
        match self {
            Self::Hashes(hashes) => {
                hashes.insert(hash);
                if hashes.len() > HASHES_MAX {
                    self.registers();
                }
            }
            Self::Registers(registers) => register(registers, hash),
        }
    }

    fn registers(&mut self) -> &mut [u8; REGISTERS] {
        if let Self::Hashes(hashes) = self {
            let mut registers = Box::new([0; REGISTERS]);
            hashes.iter().for_each(|hash| register(&mut registers, *hash));
            *self = Self::Registers(registers);
        }
        let Self::Registers(registers) = self else { unreachable!("made above") };
        registers
    }

    /// About how many values there are.
    fn estimate(&self) -> f64 {
        let registers = match self {
            Self::Hashes(hashes) => return hashes.len() as f64,
            Self::Registers(registers) => registers,
        };
        let mut counts = [0.0; REST_BITS + 2];
        registers.iter().for_each(|value| counts[usize::from(*value)] += 1.0);
        let all = REGISTERS as f64;
        let mut z = all * tau(1.0 - counts[REST_BITS + 1] / all);
        for count in counts[1..=REST_BITS].iter().rev() {
            z = 0.5 * (z + count);
        }
        z += all * sigma(counts[0] / all);
        all * all / (2.0 * std::f64::consts::LN_2 * z)
    }
}

fn register(registers: &mut [u8; REGISTERS], hash: u64) {
    let register = usize::try_from(hash >> (64 - PRECISION)).expect("twelve bits");
    let zeros = (hash << PRECISION).leading_zeros().min(64 - PRECISION);
    let value = u8::try_from(zeros + 1).expect("at most 53");
    registers[register] = registers[register].max(value);
}

/// x + x^2 + 2 x^4 + 4 x^8 + ..
fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut factor, mut sum) = (1.0, x);
    loop {
        x *= x;
        let before = sum;
        sum += x * factor;
        factor += factor;
        if sum == before {
            return sum;
        }
    }
}

/// (1 - x - (1 - x^(1/2))^2 / 2 - (1 - x^(1/4))^2 / 4 - ..) / 3
fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut factor, mut sum) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = sum;
        factor *= 0.5;
        sum -= (1.0 - x).powi(2) * factor;
        if sum == before {
            return sum / 3.0;
        }
    }
}

/// Counts distinct values approximately; arguments are in the compact encoding, and nothing is
/// ever retracted.
#[derive(Debug)]
pub struct ApproxCountDistinct;

fn sketch(acc: &mut Acc) -> &mut Sketch {
    if !matches!(acc, Acc::Sketch(_)) {
        *acc = Acc::Sketch(Box::default());
    }
    let Acc::Sketch(sketch) = acc else { unreachable!("the state was made above") };
    sketch
}

impl Fold for ApproxCountDistinct {
    fn update(&self, acc: &mut Acc, input: Input<'_>, _diff: Diff) {
        if let Input::Bytes(value) = input {
            sketch(acc).add(stable_hash(value));
        }
    }

    fn write(&self, acc: &Acc, out: &mut Vec<u8>) {
        match acc {
            Acc::Sketch(sketch) => match &**sketch {
                Sketch::Hashes(hashes) => {
                    out.push(0);
                    put_len(hashes.len(), out);
                    hashes.iter().for_each(|hash| hash.encode(out));
                }
                Sketch::Registers(registers) => {
                    out.push(1);
                    out.extend_from_slice(&**registers);
                }
            },
            _ => out.extend_from_slice(&[0, 0]),
        }
    }

    fn merge(&self, acc: &mut Acc, input: &mut &[u8]) {
        let sketch = sketch(acc);
        if bool::decode(input) {
            let others = take_bytes(input, REGISTERS);
            for (mine, other) in sketch.registers().iter_mut().zip(others) {
                *mine = (*mine).max(*other);
            }
        } else {
            for _ in 0..take_len(input) {
                sketch.add(u64::decode(input));
            }
        }
    }

    fn memory(&self, acc: &Acc) -> usize {
        match acc {
            Acc::Sketch(sketch) => match &**sketch {
                Sketch::Hashes(hashes) => hashes.len() * 2 * size_of::<u64>(),
                Sketch::Registers(_) => REGISTERS,
            },
            _ => 0,
        }
    }

    fn finish(&self, acc: &Acc, _rows: i64, out: &mut RowEncoder<'_>) -> Result<(), String> {
        let estimate = if let Acc::Sketch(sketch) = acc { sketch.estimate() } else { 0.0 };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        let count = estimate.round() as u64;
        count.encode(out.value());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl Iterator<Item = u64>) -> Sketch {
        let mut sketch = Sketch::default();
        values.for_each(|value| sketch.add(stable_hash(&value.to_le_bytes())));
        sketch
    }

    #[test]
    fn estimates_are_within_a_few_percent() {
        for count in [1, 100, 256, 300, 1_000, 5_000, 20_000, 100_000, 1_000_000] {
            let estimate = of((0..count).chain(0..count / 2)).estimate();
            let error = (estimate - count as f64).abs() / count as f64;
            // Three times the standard error of 1.04 / 64.
            assert!(error < 0.05, "{estimate} for {count}");
            assert!(count > 256 || error == 0.0, "few values are counted exactly");
        }
    }
}
