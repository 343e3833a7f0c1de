//! Which rows of a key, in their order, make a match.
//!
//! Each row that fits the first step begins a *run*. A run tries the rows that follow, one by one:
//! a row that fits a step which may come next is taken; one that fits none is skipped, unless a
//! step that it was waiting for asks for the very next row, or forbids such a row in between.
//! Where a row fits several steps, the run goes on in as many *ways*, in the order of preference:
//! a repetition goes on rather than ends, and an optional step is taken rather than left out. A run
//! is decided once its most preferred way that is left is complete, or none is left.
//!
//! No row type in here: rows are numbers, and [`Fits`] knows what they are.

use crate::schema::{Schema, put_len, take_len};

/// A step of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PatternStep {
    /// How many rows it takes at least.
    pub min: u32,
    /// How many rows it takes at most.
    pub max: u32,
    /// Whether its first row follows the row before, and each of its rows the one before it.
    pub adjacent: bool,
    /// The first step of the alternative that it is a step of.
    pub alternative: usize,
}

/// What a pattern asks for.
#[derive(Clone, Debug, Default)]
pub struct PatternPlan {
    /// The steps of one alternative after the other, the preferred one first. The first step of
    /// each takes a row at least.
    pub steps: Vec<PatternStep>,
    /// Whether a row can be part of several matches.
    pub overlapping: bool,
}

/// A row that was taken: for which step, and the number of the row.
pub(super) type Taken = (u32, u64);

/// What rows fit.
pub(super) trait Fits {
    /// Whether a row fits a step, behind the rows that were taken.
    fn fits(&self, step: usize, taken: &[Taken], row: u64) -> bool;

    /// Whether a row must not come before a row of that step.
    fn forbids(&self, step: usize, taken: &[Taken], row: u64) -> bool;
}

/// What becomes of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decided {
    /// It is a match of these rows.
    Match(Vec<Taken>),
    /// Its time was over; it had got so far.
    TimedOut(Vec<Taken>),
}

/// A way that a run may go on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Way {
    taken: Vec<Taken>,
    /// The steps that may take the next row, as bits; none where it is complete.
    open: u64,
}

impl Way {
    fn is_complete(&self) -> bool {
        self.open == 0
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Run {
    start: u64,
    /// The last time at which it may take a row.
    until: i128,
    /// In the order of preference; behind a complete one there is none.
    ways: Vec<Way>,
    is_over: bool,
}

impl Run {
    fn is_decided(&self) -> bool {
        self.is_over || self.ways.first().is_none_or(Way::is_complete)
    }
}

/// The runs of one key, in the order of their first rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Runs {
    runs: Vec<Run>,
    /// The number of the next row.
    next: u64,
}

impl PatternPlan {
    /// Adds the ways behind a row that was taken for a step: going on, and being complete. Answers
    /// whether one is complete, so that no other matters.
    fn go_on(&self, mut taken: Vec<Taken>, step: usize, row: u64, ways: &mut Vec<Way>) -> bool {
        taken.push((number(step), row));
        let of_step = taken.iter().rev().take_while(|(of, _)| *of == number(step)).count();
        let has = u32::try_from(of_step).unwrap_or(u32::MAX);
        let mut open = u64::from(has < self.steps[step].max) << step;
        let mut is_complete = has >= self.steps[step].min;
        if is_complete {
            let alternative = self.steps[step].alternative;
            let rest = self.steps.iter().enumerate().skip(step + 1);
            for (next, plan) in rest.take_while(|(_, plan)| plan.alternative == alternative) {
                open |= 1 << next;
                if plan.min > 0 {
                    is_complete = false;
                    break;
                }
            }
        }
        if is_complete && open != 0 {
            ways.push(Way { taken: taken.clone(), open });
            open = 0;
        }
        ways.push(Way { taken, open });
        is_complete
    }

    /// Lets a run try a row.
    fn advance(&self, run: &mut Run, row: u64, rows: &dyn Fits) {
        let mut ways = Vec::new();
        for way in std::mem::take(&mut run.ways) {
            if way.is_complete() {
                ways.push(way);
                break;
            }
            let open = |step: &usize| way.open & 1 << step != 0;
            let steps = || (0..self.steps.len()).filter(open);
            let fitting: Vec<usize> =
                steps().filter(|&step| rows.fits(step, &way.taken, row)).collect();
            let mut is_complete = false;
            for &step in &fitting {
                if is_complete {
                    break;
                }
                is_complete = self.go_on(way.taken.clone(), step, row, &mut ways);
            }
            if fitting.is_empty() {
                let waits = |&step: &usize| {
                    !self.steps[step].adjacent && !rows.forbids(step, &way.taken, row)
                };
                let open = steps().filter(waits).fold(0, |open, step| open | 1 << step);
                if open != 0 {
                    ways.push(Way { open, ..way });
                }
            }
            if is_complete {
                break;
            }
        }
        run.ways = ways;
    }
}

impl Runs {
    /// Whether nothing is under way.
    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// The first row that something under way needs.
    pub(super) fn first(&self) -> u64 {
        self.runs.first().map_or(self.next, |run| run.start)
    }

    /// Takes the next row. A run that begins with it may take rows until a time. Answers whether
    /// one has begun.
    pub(super) fn row(
        &mut self,
        plan: &PatternPlan,
        rows: &dyn Fits,
        until: i128,
        decided: &mut dyn FnMut(Decided),
    ) -> bool {
        let row = self.next;
        self.next += 1;
        for run in &mut self.runs {
            if !run.is_decided() {
                plan.advance(run, row, rows);
            }
        }
        let mut ways = Vec::new();
        for (step, _) in plan.steps.iter().enumerate().filter(|(at, of)| *at == of.alternative) {
            if rows.fits(step, &[], row) && plan.go_on(Vec::new(), step, row, &mut ways) {
                break;
            }
        }
        let begins = !ways.is_empty();
        if begins {
            self.runs.push(Run { start: row, until, ways, is_over: false });
        }
        self.settle(plan, decided);
        begins
    }

    /// Ends the runs that may take no row behind a time.
    pub(super) fn expire(
        &mut self,
        plan: &PatternPlan,
        time: i128,
        decided: &mut dyn FnMut(Decided),
    ) {
        for run in self.runs.iter_mut().filter(|run| run.until <= time) {
            run.is_over = true;
        }
        self.settle(plan, decided);
    }

    /// Hands over what is decided, in the order of first rows; without overlaps, a run is decided
    /// only once those in front of it are, whose match it may be part of.
    fn settle(&mut self, plan: &PatternPlan, decided: &mut dyn FnMut(Decided)) {
        let mut last = None;
        let mut is_open = false;
        self.runs.retain_mut(|run| {
            if last.is_some_and(|last| run.start <= last) {
                return false;
            }
            if is_open || !run.is_decided() {
                is_open = !plan.overlapping;
                return true;
            }
            let complete = run.ways.iter_mut().find(|way| way.is_complete());
            if let Some(way) = complete {
                if !plan.overlapping {
                    last = way.taken.last().map(|(_, row)| *row);
                }
                decided(Decided::Match(std::mem::take(&mut way.taken)));
            } else if let Some(way) = run.ways.first_mut().filter(|_| run.is_over) {
                decided(Decided::TimedOut(std::mem::take(&mut way.taken)));
            }
            false
        });
    }

    /// Appends the runs.
    pub(super) fn save(&self, out: &mut Vec<u8>) {
        self.next.encode(out);
        put_len(self.runs.len(), out);
        for run in &self.runs {
            run.start.encode(out);
            run.until.encode(out);
            run.is_over.encode(out);
            put_len(run.ways.len(), out);
            for way in &run.ways {
                way.taken.encode(out);
                way.open.encode(out);
            }
        }
    }

    /// Reads what [`save`](Self::save) wrote.
    pub(super) fn load(input: &mut &[u8]) -> Self {
        let next = u64::decode(input);
        let runs = (0..take_len(input))
            .map(|_| Run {
                start: u64::decode(input),
                until: i128::decode(input),
                is_over: bool::decode(input),
                ways: (0..take_len(input))
                    .map(|_| Way { taken: Vec::decode(input), open: u64::decode(input) })
                    .collect(),
            })
            .collect();
        Self { runs, next }
    }
}

fn number(step: usize) -> u32 {
    u32::try_from(step).expect("a pattern has few steps")
}
