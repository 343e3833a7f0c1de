//! Makes a failing history smaller, as long as it keeps failing.

use super::Random;
use super::history::{History, Inputs};
use super::rows::Simplify;

/// A history that fails is run again at most this often.
const ATTEMPTS_MAX: usize = 400;

struct Shrinking<'a, I, F> {
    history: History,
    failure: F,
    inputs: &'a I,
    run: &'a dyn Fn(&History) -> Option<F>,
    attempts: usize,
}

/// The smallest history found that fails, and how it does.
pub(super) fn shrink<I: Inputs, F>(
    history: History,
    failure: F,
    inputs: &I,
    run: &dyn Fn(&History) -> Option<F>,
) -> (History, F) {
    let mut shrinking = Shrinking { history, failure, inputs, run, attempts: 0 };
    // Fewer workers and rows first: each further attempt is then cheaper.
    while shrinking.attempts < ATTEMPTS_MAX {
        let before = shrinking.history.clone();
        shrinking.fewer_workers();
        shrinking.fewer_rows();
        shrinking.fewer_epochs();
        shrinking.fewer_retractions();
        shrinking.simpler_values();
        if shrinking.history == before {
            break;
        }
    }
    (shrinking.history, shrinking.failure)
}

impl<I: Inputs, F> Shrinking<'_, I, F> {
    /// Keeps the candidate if it fails too.
    fn attempt(&mut self, candidate: History) -> bool {
        if candidate == self.history || self.attempts >= ATTEMPTS_MAX {
            return false;
        }
        self.attempts += 1;
        let Some(failure) = (self.run)(&candidate) else { return false };
        self.history = candidate;
        self.failure = failure;
        true
    }

    fn fewer_workers(&mut self) {
        for workers in 1..self.history.workers {
            if self.attempt(History { workers, ..self.history.clone() }) {
                return;
            }
        }
    }

    fn fewer_rows(&mut self) {
        let mut size = self.history.lives.len();
        while size > 0 {
            let mut at = 0;
            while at < self.history.lives.len() {
                let mut candidate = self.history.clone();
                let end = (at + size).min(candidate.lives.len());
                candidate.lives.drain(at..end);
                if !self.attempt(candidate) {
                    at += size;
                }
            }
            size /= 2;
        }
    }

    /// Lets an epoch happen together with the one in front of it, or drops it if it is the last.
    fn fewer_epochs(&mut self) {
        let mut epoch = self.history.epochs;
        while epoch > 1 {
            epoch -= 1;
            let mut cut = self.history.clone();
            cut.epochs = epoch;
            cut.lives.retain(|life| life.from < epoch);
            for life in &mut cut.lives {
                life.until = life.until.filter(|&until| until < epoch);
            }
            if epoch + 1 == self.history.epochs && self.attempt(cut) {
                continue;
            }
            let mut merged = self.history.clone();
            merged.epochs -= 1;
            let earlier = |at: usize| if at >= epoch { at - 1 } else { at };
            for life in &mut merged.lives {
                life.from = earlier(life.from);
                life.until = life.until.map(earlier);
            }
            self.attempt(merged);
        }
    }

    fn fewer_retractions(&mut self) {
        for at in 0..self.history.lives.len() {
            let mut candidate = self.history.clone();
            candidate.lives[at].until = None;
            self.attempt(candidate);
            let mut candidate = self.history.clone();
            candidate.lives[at].goes_first = false;
            candidate.lives[at].partition = 0;
            self.attempt(candidate);
        }
    }

    fn simpler_values(&mut self) {
        for at in 0..self.history.lives.len() {
            let life = &self.history.lives[at];
            if let Some(rows) = self.inputs.simplify(life.input, &life.choices) {
                self.simpler_row(at, rows);
                continue;
            }
            let zeros = vec![0; self.history.lives[at].choices.len()];
            if self.attempt_choices(at, zeros) {
                continue;
            }
            for choice in 0..self.history.lives[at].choices.len() {
                let choices = self.history.lives[at].choices.clone();
                let Some(&old) = choices.get(choice) else { break };
                for simpler in [0, old / 2, old.saturating_sub(1)] {
                    let mut choices = choices.clone();
                    choices[choice] = simpler;
                    if simpler < old && self.attempt_choices(at, choices) {
                        break;
                    }
                }
            }
        }
    }

    /// Searches for the simplest row that fails.
    fn simpler_row(&mut self, at: usize, mut rows: Box<dyn Simplify>) {
        let mut goes_on = rows.simplify();
        while goes_on && self.attempts < ATTEMPTS_MAX {
            let mut candidate = self.history.clone();
            let life = &mut candidate.lives[at];
            (life.row, life.choices) = rows.row();
            let fails =
                candidate.lives[at].row == self.history.lives[at].row || self.attempt(candidate);
            goes_on = if fails { rows.simplify() } else { rows.complicate() };
        }
    }

    fn attempt_choices(&mut self, at: usize, choices: Vec<u64>) -> bool {
        let mut random = Random::replay(choices);
        let mut candidate = self.history.clone();
        let life = &mut candidate.lives[at];
        life.row = self.inputs.row(life.input, &mut random);
        // What the row was made of: fewer choices, where a shorter list needed fewer.
        life.choices = random.take_choices();
        self.attempt(candidate)
    }
}
