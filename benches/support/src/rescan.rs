//! Windows over a sorted partition as one writes them by hand without further thought: every
//! update looks at every row again.

use crate::Digest;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A row: what it is sorted by, and a value.
pub type Row = (i64, i64);

/// What is computed from the sorted rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// The rows with the greatest keys.
    Top(usize),
    /// The value of the row in front, or -1.
    Lag,
    /// The sum of the values from that many rows in front to this one.
    MovingSum(usize),
}

/// A partition, with the outputs of its rows.
#[derive(Clone, Debug)]
pub struct Rescan {
    window: Window,
    rows: Vec<Row>,
    outputs: Vec<(Row, i64)>,
    digest: Digest,
}

impl Rescan {
    /// The window over those rows, whose keys differ.
    pub fn new(window: Window, mut rows: Vec<Row>) -> Self {
        rows.sort_unstable();
        let mut rescan = Self { window, rows, outputs: Vec::new(), digest: Digest::default() };
        rescan.scan();
        rescan
    }

    /// Replaces a row.
    ///
    /// # Panics
    ///
    /// If the row is not there.
    pub fn replace(&mut self, old: Row, new: Row) {
        let at = self.rows.binary_search(&old).expect("only rows that are there are replaced");
        self.rows.remove(at);
        let at = self.rows.partition_point(|row| *row < new);
        self.rows.insert(at, new);
        self.scan();
    }

    /// The digest of all outputs.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    fn scan(&mut self) {
        let new = outputs(self.window, &self.rows);
        let (mut left, mut right) = (self.outputs.iter().peekable(), new.iter().peekable());
        while left.peek().is_some() || right.peek().is_some() {
            let diff = match (left.peek(), right.peek()) {
                (Some(old), Some(new)) if old == new => 0,
                (Some(old), new) if new.is_none_or(|new| old < new) => -1,
                _ => 1,
            };
            let output = if diff < 0 { left.next() } else { right.next() };
            if diff == 0 {
                left.next();
            } else if let Some(&((key, value), output)) = output {
                self.digest.update(&key.to_le_bytes(), [value, output], diff);
            }
        }
        self.outputs = new;
    }
}

/// The outputs of all rows.
fn outputs(window: Window, rows: &[Row]) -> Vec<(Row, i64)> {
    match window {
        Window::Top(count) => {
            let mut best = BinaryHeap::with_capacity(count + 1);
            for row in rows {
                best.push(Reverse(*row));
                if best.len() > count {
                    best.pop();
                }
            }
            let mut best: Vec<(Row, i64)> = best.into_iter().map(|row| (row.0, 0)).collect();
            best.sort_unstable();
            best
        }
        Window::Lag => {
            let front = std::iter::once(-1).chain(rows.iter().map(|row| row.1));
            rows.iter().copied().zip(front).collect()
        }
        Window::MovingSum(preceding) => {
            let mut sum = 0;
            let output = |(at, row): (usize, &Row)| {
                sum += row.1;
                if at > preceding {
                    sum -= rows[at - preceding - 1].1;
                }
                (*row, sum)
            };
            rows.iter().enumerate().map(output).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_of_three_rows() {
        let rows = [(1, 10), (2, 20), (3, 40)];
        let of = |window| outputs(window, &rows).into_iter().map(|row| row.1).collect::<Vec<_>>();
        assert_eq!(of(Window::Lag), [-1, 10, 20]);
        assert_eq!(of(Window::MovingSum(1)), [10, 30, 60]);
        assert_eq!(outputs(Window::Top(2), &rows), [((2, 20), 0), ((3, 40), 0)]);
    }

    #[test]
    fn a_replaced_row_leaves_nothing_behind() {
        for window in [Window::Top(2), Window::Lag, Window::MovingSum(1)] {
            let mut rescan = Rescan::new(window, vec![(1, 10), (2, 20), (3, 40), (4, 80)]);
            rescan.replace((2, 20), (5, 5));
            rescan.replace((4, 80), (0, 1));
            let expected = Rescan::new(window, vec![(5, 5), (0, 1), (1, 10), (3, 40)]);
            assert_eq!(rescan.digest(), expected.digest(), "{window:?}");
        }
    }
}
