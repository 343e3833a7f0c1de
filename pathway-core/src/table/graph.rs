//! The plan under construction, shared by all handles of a pipeline.

use crate::plan::{NodeId, Operation, Plan, Port};
use crate::runtime::Settings;
use crate::stage::RowType;
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One pipeline's plan and settings.
#[derive(Debug)]
pub(crate) struct Graph {
    pub(crate) name: String,
    plan: Mutex<Arc<Plan>>,
    pub(crate) settings: Mutex<Settings>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Graph {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), plan: Mutex::default(), settings: Mutex::default() }
    }

    /// The plan as it is.
    pub(crate) fn plan(&self) -> Arc<Plan> {
        Arc::clone(&lock(&self.plan))
    }

    pub(crate) fn settings(&self) -> Settings {
        lock(&self.settings).clone()
    }

    /// Changes the plan.
    ///
    /// # Panics
    ///
    /// If the pipeline is running: what runs is what was built.
    pub(crate) fn change<R>(&self, f: impl FnOnce(&mut Plan) -> R) -> R {
        let mut plan = lock(&self.plan);
        let plan = Arc::get_mut(&mut plan).unwrap_or_else(|| {
            panic!("pipeline `{}` is running; derive its tables before it starts", self.name)
        });
        f(plan)
    }

    pub(crate) fn push(
        &self,
        verb: &'static str,
        location: &'static Location<'static>,
        operation: Operation,
        inputs: Vec<Port>,
        outputs: Vec<RowType>,
        append_only: bool,
    ) -> NodeId {
        self.change(|plan| plan.push(verb, location, operation, inputs, outputs, append_only))
    }
}
