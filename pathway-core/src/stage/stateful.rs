//! A user's function with a state for each key.

use super::{AnyStep, Diff, Step, enter};
use crate::schema::Schema;
use std::marker::PhantomData;
use std::sync::Arc;

/// A function on the rows of a key and its state, with its types erased. States are numbered by
/// the operator around it.
pub trait KeyedLogic {
    /// Gives the function a row. Answers whether the key still has a state.
    fn row(&mut self, slot: usize, key: &[u8], row: &[u8]) -> bool;

    /// Appends the state of a key.
    fn save(&self, slot: usize, out: &mut Vec<u8>);

    /// Reads what [`save`](Self::save) wrote.
    fn load(&mut self, slot: usize, input: &mut &[u8]);

    /// The memory of the states, in bytes, without what they point to.
    fn memory(&self) -> usize;
}

struct Stateful<K, S, T, U, F> {
    node: u32,
    f: Arc<F>,
    states: Vec<Option<S>>,
    next: Box<dyn Step<U>>,
    rows: PhantomData<fn(K, T)>,
}

impl<K, S, T, U, F> Stateful<K, S, T, U, F> {
    fn state(&mut self, slot: usize) -> &mut Option<S> {
        if slot >= self.states.len() {
            self.states.resize_with(slot + 1, || None);
        }
        &mut self.states[slot]
    }
}

impl<K, S, T, U, F> KeyedLogic for Stateful<K, S, T, U, F>
where
    K: Schema,
    S: Schema,
    T: Schema,
    U: Schema,
    F: Fn(&K, &mut Option<S>, T, &mut dyn FnMut(U, Diff)),
{
    fn row(&mut self, slot: usize, mut key: &[u8], mut row: &[u8]) -> bool {
        let (key, row) = (K::decode(&mut key), T::decode(&mut row));
        let mut state = self.state(slot).take();
        enter(self.node);
        (self.f)(&key, &mut state, row, &mut |row, diff| self.next.push(row, diff));
        let is_kept = state.is_some();
        self.states[slot] = state;
        is_kept
    }

    fn save(&self, slot: usize, out: &mut Vec<u8>) {
        if let Some(Some(state)) = self.states.get(slot) {
            state.encode(out);
        }
    }

    fn load(&mut self, slot: usize, input: &mut &[u8]) {
        *self.state(slot) = Some(S::decode(input));
    }

    fn memory(&self) -> usize {
        self.states.capacity() * size_of::<Option<S>>()
    }
}

/// Builds the function of one worker in front of the steps of its output.
pub type KeyedLogicFactory = Arc<dyn Fn(u32, AnyStep) -> Box<dyn KeyedLogic> + Send + Sync>;

/// A function that is given each row with its key and the key's state, and emits updates.
pub fn stateful<K, S, T, U, F>(f: F) -> KeyedLogicFactory
where
    K: Schema,
    S: Schema,
    T: Schema,
    U: Schema,
    F: Fn(&K, &mut Option<S>, T, &mut dyn FnMut(U, Diff)) + Send + Sync + 'static,
{
    let f = Arc::new(f);
    Arc::new(move |node, next| {
        let (f, next) = (Arc::clone(&f), next.typed::<U>());
        Box::new(Stateful::<K, S, T, U, F> { node, f, states: Vec::new(), next, rows: PhantomData })
    })
}
