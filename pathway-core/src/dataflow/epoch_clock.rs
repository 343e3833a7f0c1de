//! The processing time of epochs, as the operators of one worker see it.
//!
//! An epoch has one time: that of its close, the same on all workers. An operator that is to act
//! at a certain time says so, and the run closes an epoch then even if no row arrives.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// Nothing is to happen at any time.
pub(crate) const NEVER: i64 = i64::MAX;

/// The clock of one worker, in nanoseconds since 1970.
#[derive(Debug)]
pub(crate) struct EpochClock {
    now: Cell<i64>,
    alarms: RefCell<Vec<i64>>,
}

impl Default for EpochClock {
    fn default() -> Self {
        Self { now: Cell::new(i64::MIN), alarms: RefCell::default() }
    }
}

impl EpochClock {
    /// The time of the epoch that is being closed.
    pub(crate) fn now(&self) -> i64 {
        self.now.get()
    }

    /// Sets the time of the epoch that is about to be closed.
    pub(crate) fn set(&self, now: i64) {
        self.now.set(now);
    }

    /// When the first operator is to act.
    pub(crate) fn next_alarm(&self) -> i64 {
        self.alarms.borrow().iter().copied().min().unwrap_or(NEVER)
    }
}

/// One operator's alarm.
#[derive(Debug)]
pub(crate) struct Alarm {
    clock: Rc<EpochClock>,
    at: usize,
}

impl Alarm {
    pub(crate) fn new(clock: &Rc<EpochClock>) -> Self {
        let mut alarms = clock.alarms.borrow_mut();
        alarms.push(NEVER);
        Self { clock: Rc::clone(clock), at: alarms.len() - 1 }
    }

    /// The time of the epoch that is being closed.
    pub(crate) fn now(&self) -> i64 {
        self.clock.now()
    }

    /// Asks for an epoch at that time, instead of the time that was asked for before.
    pub(crate) fn set(&self, time: i64) {
        self.clock.alarms.borrow_mut()[self.at] = time;
    }
}
