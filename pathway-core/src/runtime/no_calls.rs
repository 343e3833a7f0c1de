//! Stands in for the calls of asynchronous functions where the feature `async` is off, so that no
//! plan has any.

use super::shared::Shared;
use crate::dataflow::async_calls::Calls;
use crate::error::Result;
use crate::plan::{NodeId, Plan};
use std::sync::Arc;
use std::time::Duration;

#[derive(Default)]
pub(super) struct CallPorts;

impl CallPorts {
    pub(super) fn port(&self, _node: NodeId, _worker: usize) -> Box<dyn Calls> {
        unreachable!("no plan has calls where the feature `async` is off")
    }

    pub(super) fn is_full(&self) -> bool {
        false
    }

    pub(super) fn overdue(&self, _since: Duration, _at_once: bool) -> Option<(NodeId, usize)> {
        None
    }
}

pub(super) enum CallThread {}

impl CallThread {
    pub(super) fn join(self) {
        match self {}
    }
}

pub(super) fn start(
    _plan: &Plan,
    _needed: &[bool],
    _shared: &Arc<Shared>,
) -> Result<(CallPorts, Option<CallThread>)> {
    Ok((CallPorts, None))
}
