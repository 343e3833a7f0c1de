//! A user's state machine: a function on rows and one on timers, with a state for each key.

use super::{AnyStep, Step, enter};
use crate::schema::{Schema, TimePoint, take_bytes};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

/// What a machine asks of its timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimerRequest {
    /// A timer at that time, in steps.
    Set(i128),
    /// No timer at that time any more.
    Cancel(i128),
    /// No timer at all any more.
    CancelAll,
}

/// A key's part of a state machine, as the functions of
/// [`state_machine`](crate::table::Stream::state_machine) see it.
pub struct Machine<'a, K, S, U, P> {
    key: &'a K,
    state: &'a mut Option<S>,
    now: i128,
    requests: &'a mut Vec<TimerRequest>,
    next: &'a mut dyn Step<U>,
    time: PhantomData<fn() -> P>,
}

impl<K: fmt::Debug, S, U, P> fmt::Debug for Machine<'_, K, S, U, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine").field("key", &self.key).field("now", &self.now).finish()
    }
}

impl<K, S, U, P: TimePoint> Machine<'_, K, S, U, P> {
    /// The key.
    pub fn key(&self) -> &K {
        self.key
    }

    /// The key's state: `None` at first. A key whose state is left `None` and that has no timers
    /// takes no memory.
    pub fn state(&mut self) -> &mut Option<S> {
        self.state
    }

    /// The time: of the row or of the timer; by the clock, that of the epoch.
    pub fn now(&self) -> P {
        P::from_steps(self.now)
    }

    /// Adds a row to the output.
    pub fn emit(&mut self, row: U) {
        self.next.push(row, 1);
    }

    /// Sets a timer of this key. There is one at most at each time; one in the past is due now.
    ///
    /// A timer that a timer sets is to be later than it; otherwise the run ends with an error.
    pub fn set_timer(&mut self, time: P) {
        self.requests.push(TimerRequest::Set(time.to_steps()));
    }

    /// Takes the timer of this key at that time away, if there is one.
    pub fn cancel_timer(&mut self, time: P) {
        self.requests.push(TimerRequest::Cancel(time.to_steps()));
    }

    /// Takes all timers of this key away.
    pub fn cancel_timers(&mut self) {
        self.requests.push(TimerRequest::CancelAll);
    }
}

/// A machine with its types erased. States are numbered by the operator around it.
pub trait KeyedMachine {
    /// Gives it a row. Answers whether the key has a state.
    fn row(
        &mut self,
        slot: usize,
        key: &[u8],
        row: &[u8],
        now: i128,
        requests: &mut Vec<TimerRequest>,
    ) -> bool;

    /// Fires a timer. Answers whether the key has a state.
    fn timer(
        &mut self,
        slot: usize,
        key: &[u8],
        at: i128,
        requests: &mut Vec<TimerRequest>,
    ) -> bool;

    /// Forgets the state of a key.
    fn forget(&mut self, slot: usize);

    /// Appends the state of a key.
    fn save(&self, slot: usize, out: &mut Vec<u8>);

    /// Reads what [`save`](Self::save) wrote.
    fn load(&mut self, slot: usize, input: &mut &[u8]);

    /// The memory of the states, in bytes, without what they point to.
    fn memory(&self) -> usize;
}

struct Typed<K, S, T, U, P, F, G> {
    node: u32,
    on_row: Arc<F>,
    on_timer: Arc<G>,
    states: Vec<Option<S>>,
    next: Box<dyn Step<U>>,
    types: PhantomData<fn(K, T, P)>,
}

impl<K, S, T, U, P, F, G> Typed<K, S, T, U, P, F, G>
where
    K: Schema,
    P: TimePoint,
{
    fn with(
        &mut self,
        slot: usize,
        mut key: &[u8],
        now: i128,
        requests: &mut Vec<TimerRequest>,
        f: impl FnOnce(&F, &G, &mut Machine<'_, K, S, U, P>),
    ) -> bool {
        if slot >= self.states.len() {
            self.states.resize_with(slot + 1, || None);
        }
        let state = &mut self.states[slot];
        let key = &K::decode(&mut key);
        let next = &mut *self.next;
        enter(self.node);
        let mut machine = Machine { key, state, now, requests, next, time: PhantomData };
        f(&self.on_row, &self.on_timer, &mut machine);
        self.states[slot].is_some()
    }
}

impl<K, S, T, U, P, F, G> KeyedMachine for Typed<K, S, T, U, P, F, G>
where
    K: Schema,
    S: Schema,
    T: Schema,
    U: Schema,
    P: TimePoint,
    F: Fn(&mut Machine<'_, K, S, U, P>, T),
    G: Fn(&mut Machine<'_, K, S, U, P>, P),
{
    fn row(
        &mut self,
        slot: usize,
        key: &[u8],
        mut row: &[u8],
        now: i128,
        requests: &mut Vec<TimerRequest>,
    ) -> bool {
        let row = T::decode(&mut row);
        self.with(slot, key, now, requests, |on_row, _, machine| on_row(machine, row))
    }

    fn timer(
        &mut self,
        slot: usize,
        key: &[u8],
        at: i128,
        requests: &mut Vec<TimerRequest>,
    ) -> bool {
        let time = P::from_steps(at);
        self.with(slot, key, at, requests, |_, on_timer, machine| on_timer(machine, time))
    }

    fn forget(&mut self, slot: usize) {
        if let Some(state) = self.states.get_mut(slot) {
            *state = None;
        }
    }

    fn save(&self, slot: usize, out: &mut Vec<u8>) {
        let state = self.states.get(slot).and_then(Option::as_ref);
        out.push(u8::from(state.is_some()));
        if let Some(state) = state {
            state.encode(out);
        }
    }

    fn load(&mut self, slot: usize, input: &mut &[u8]) {
        let is_some = take_bytes(input, 1)[0] != 0;
        if slot >= self.states.len() {
            self.states.resize_with(slot + 1, || None);
        }
        self.states[slot] = is_some.then(|| S::decode(input));
    }

    fn memory(&self) -> usize {
        self.states.capacity() * size_of::<Option<S>>()
    }
}

/// Builds the machine of one worker in front of the steps of its output.
pub type MachineFactory = Arc<dyn Fn(u32, AnyStep) -> Box<dyn KeyedMachine> + Send + Sync>;

/// A machine of two functions.
pub fn machine<K, S, T, U, P, F, G>(on_row: F, on_timer: G) -> MachineFactory
where
    K: Schema,
    S: Schema,
    T: Schema,
    U: Schema,
    P: TimePoint,
    F: Fn(&mut Machine<'_, K, S, U, P>, T) + Send + Sync + 'static,
    G: Fn(&mut Machine<'_, K, S, U, P>, P) + Send + Sync + 'static,
{
    let (on_row, on_timer) = (Arc::new(on_row), Arc::new(on_timer));
    Arc::new(move |node, next| {
        let (on_row, on_timer) = (Arc::clone(&on_row), Arc::clone(&on_timer));
        let (next, types) = (next.typed::<U>(), PhantomData);
        Box::new(Typed::<K, S, T, U, P, F, G> {
            node,
            on_row,
            on_timer,
            states: Vec::new(),
            next,
            types,
        })
    })
}
