//! What every stateful operator's state can do, whatever it holds.
//!
//! Operators change their state through their own methods, because an update of a group is not an
//! update of an index. What all have in common is here: how large a state is, and how it is
//! written and loaded as of a closed epoch. Durability needs no more of an operator.

/// The state of one operator on one worker.
pub trait State {
    /// How large the state is.
    fn size(&self) -> StateSize;

    /// Appends the state as of the epoch that was closed last.
    fn save(&self, out: &mut Vec<u8>);

    /// Adds what [`save`](Self::save) wrote, and advances past it.
    fn load(&mut self, input: &mut &[u8]);
}

/// The size of a state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateSize {
    /// Groups, or rows.
    pub rows: usize,
    /// Memory, in bytes.
    pub bytes: usize,
}
