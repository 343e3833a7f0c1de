//! Joins by time: from a row to its key and time, and from the rows of a window to a result.

use super::{
    AnyStep, Diff, EncodedStep, JoinKeyOf, KeyedCollector, KeyedTerminal, Step, enter,
    outer_join_root,
};
use crate::dataflow::window::Division;
use crate::schema::{EventTime, Schema, TimePoint, Window, take_bytes};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

/// A condition on a row.
pub(crate) type Condition<T> = Arc<dyn Fn(&T) -> bool + Send + Sync>;

/// What stands in front of a row, behind its time.
pub(crate) enum Front<T> {
    Nothing,
    /// Whether it says that there is nothing from its time on.
    End(Condition<T>),
    /// The bounds of its windows: it is there once for each, with the window's last time.
    Windows(Division),
}

impl<T> Clone for Front<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Nothing => Self::Nothing,
            Self::End(condition) => Self::End(Arc::clone(condition)),
            Self::Windows(division) => Self::Windows(division.clone()),
        }
    }
}

struct Timed<T> {
    node: u32,
    key_of: JoinKeyOf<T>,
    front: Front<T>,
    collector: Box<dyn KeyedCollector>,
    key: Vec<u8>,
    message: Vec<u8>,
}

impl<T: EventTime> Step<T> for Timed<T> {
    fn push(&mut self, row: T, diff: Diff) {
        self.push_ref(&row, diff);
    }

    fn push_ref(&mut self, row: &T, diff: Diff) {
        // A row without a time has been refused in front.
        let Some(time) = row.event_time() else { return };
        let time = time.to_steps();
        let Self { node, key_of, front, collector, key, message } = self;
        key.clear();
        message.clear();
        enter(*node);
        let null = key_of(row, key);
        let key = if null { None } else { Some(key.as_slice()) };
        match front {
            Front::Nothing => message.extend_from_slice(&time.to_le_bytes()),
            Front::End(is_end) => {
                message.extend_from_slice(&time.to_le_bytes());
                message.push(u8::from(is_end(row)));
            }
            Front::Windows(division) => {
                for (start, end) in division.of_pane(division.pane(time)) {
                    message.clear();
                    for part in [end.saturating_sub(1), start, end] {
                        message.extend_from_slice(&part.to_le_bytes());
                    }
                    row.encode(message);
                    collector.update(key, message, diff);
                }
                return;
            }
        }
        row.encode(message);
        collector.update(key, message, diff);
    }
}

/// A terminal in front of a side of a join by time.
pub(crate) fn time_join_terminal<T: EventTime>(
    key_of: JoinKeyOf<T>,
    front: Front<T>,
) -> KeyedTerminal {
    Arc::new(move |node, collector| {
        AnyStep::new::<T>(Box::new(Timed {
            node,
            key_of: Arc::clone(&key_of),
            front: front.clone(),
            collector,
            key: Vec::new(),
            message: Vec::new(),
        }))
    })
}

/// The root behind a join of windows: takes the bounds off the rows.
struct WindowJoinRoot<P> {
    window: Rc<Cell<Option<Window<P>>>>,
    rows: Box<dyn EncodedStep>,
}

impl<P: TimePoint> WindowJoinRoot<P> {
    fn take<'a>(&self, mut row: &'a [u8]) -> &'a [u8] {
        let mut bound = || {
            let bytes = take_bytes(&mut row, 16);
            P::from_steps(i128::from_le_bytes(bytes.try_into().expect("sixteen bytes")))
        };
        self.window.set(Some(Window { start: bound(), end: bound() }));
        row
    }
}

impl<P: TimePoint> EncodedStep for WindowJoinRoot<P> {
    fn push(&mut self, left: &[u8], right: &[u8], diff: Diff) {
        let (left, right) = (self.take(left), self.take(right));
        self.rows.push(left, right, diff);
    }

    fn push_left(&mut self, left: &[u8], diff: Diff) {
        let left = self.take(left);
        self.rows.push_left(left, diff);
    }

    fn push_right(&mut self, right: &[u8], diff: Diff) {
        let right = self.take(right);
        self.rows.push_right(right, diff);
    }
}

/// The root behind a join of windows, whatever its kind.
pub(crate) fn window_join_root<P, L, R, U, F>(
    node: u32,
    select: Arc<F>,
    next: AnyStep,
) -> Box<dyn EncodedStep>
where
    P: TimePoint,
    L: Schema,
    R: Schema,
    U: Schema,
    F: Fn(Window<P>, Option<&L>, Option<&R>) -> U + 'static,
{
    let window = Rc::new(Cell::new(None));
    let of_rows = Rc::clone(&window);
    let select = move |left: Option<&L>, right: Option<&R>| {
        let window = of_rows.get().expect("a row comes behind its window");
        select(window, left, right)
    };
    let rows = outer_join_root::<L, R, U, _>(node, Arc::new(select), next);
    Box::new(WindowJoinRoot { window, rows })
}
