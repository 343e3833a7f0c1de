//! Rows per second, smoothed.

use std::time::Duration;

/// How far back a rate looks, in seconds.
const SPAN_S: f64 = 2.0;

/// Rows per second that are none.
const RATE_MIN: f64 = 0.05;

/// The rates of the sources.
#[derive(Default)]
pub(super) struct Rates {
    rates: Vec<f64>,
    rows: Vec<u64>,
    at: Duration,
}

impl Rates {
    /// The rates, after so many rows of each source.
    pub(super) fn update(&mut self, at: Duration, rows: Vec<u64>) -> &[f64] {
        let first = self.rates.is_empty();
        self.rates.resize(rows.len(), 0.0);
        self.rows.resize(rows.len(), 0);
        let seconds = at.saturating_sub(self.at).as_secs_f64();
        if seconds > 0.0 {
            let weight = if first { 1.0 } else { 1.0 - (-seconds / SPAN_S).exp() };
            for ((rate, before), now) in self.rates.iter_mut().zip(&self.rows).zip(&rows) {
                *rate += weight * (now.saturating_sub(*before) as f64 / seconds - *rate);
                // A source that has been silent for a while has no rate at all.
                if *rate < RATE_MIN {
                    *rate = 0.0;
                }
            }
            (self.rows, self.at) = (rows, at);
        }
        &self.rates
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_follow_and_die_away() {
        let mut rates = Rates::default();
        assert_eq!(rates.update(Duration::from_secs(1), vec![100]), [100.0]);
        let slower = rates.update(Duration::from_secs(2), vec![150])[0];
        assert!(slower > 50.0 && slower < 100.0, "{slower}");
        assert_eq!(rates.update(Duration::from_secs(60), vec![150]), [0.0]);
    }
}
