//! What the engine needs of a row type, as functions.

use super::{AnyStep, Diff, KeyedCollector, RowStep, RowTerminal, Step, root};
use crate::schema::{DataType, Schema};

/// The functions of one row type. Instantiated once per type of row in a program.
#[derive(Clone, Copy, Debug)]
pub struct RowType {
    /// The description of the row.
    pub data_type: fn() -> DataType,
    /// A step that hands each row to several.
    pub(crate) tee: fn(Vec<AnyStep>) -> AnyStep,
    /// A root that decodes rows.
    pub(crate) root: fn(AnyStep) -> Box<dyn RowStep>,
    /// A terminal that encodes whole rows.
    pub(crate) rows: fn(Box<dyn KeyedCollector>) -> AnyStep,
}

impl RowType {
    /// The functions of `T`.
    pub const fn of<T: Schema>() -> Self {
        Self {
            data_type: T::data_type,
            tee: tee::<T>,
            root: root::row_root::<T>,
            rows: RowTerminal::<T>::build,
        }
    }
}

struct Tee<T> {
    consumers: Vec<Box<dyn Step<T>>>,
}

impl<T: Schema> Step<T> for Tee<T> {
    fn push(&mut self, row: T, diff: Diff) {
        let Some((last, others)) = self.consumers.split_last_mut() else { return };
        for consumer in others {
            consumer.push_ref(&row, diff);
        }
        last.push(row, diff);
    }

    fn push_ref(&mut self, row: &T, diff: Diff) {
        for consumer in &mut self.consumers {
            consumer.push_ref(row, diff);
        }
    }
}

fn tee<T: Schema>(consumers: Vec<AnyStep>) -> AnyStep {
    let consumers = consumers.into_iter().map(AnyStep::typed::<T>).collect();
    AnyStep::new::<T>(Box::new(Tee { consumers }))
}
