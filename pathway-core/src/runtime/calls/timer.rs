//! The one way by which calls wait: backoff, timeouts, lingering batches, rates.

use super::future::{Either, race};
use crate::runtime::Clock;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// What calls wait by.
pub(super) trait Timer: Send + Sync {
    /// The time since the run began.
    fn now(&self) -> Duration;

    /// Waits until that time.
    fn sleep_until(&self, at: Duration) -> Pin<Box<dyn Future<Output = ()>>>;

    /// Waits until that time for something that may not happen any more.
    fn expire_at(&self, at: Duration) -> Pin<Box<dyn Future<Output = ()>>> {
        self.sleep_until(at)
    }
}

/// The timer of an operator in a run with that clock.
pub(super) fn timer(clock: &Clock, detached: bool) -> Arc<dyn Timer> {
    match clock {
        Clock::System => Arc::new(SystemTimer::new()),
        Clock::Virtual(_) if detached => {
            Arc::new(TestTimer { clock: clock.clone(), start: clock.now() })
        }
        Clock::Virtual(_) => Arc::new(HeldTestTimer(SystemTimer::new())),
    }
}

/// No run waits longer than a hundred years.
const FAR: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// The time of the machine, by tokio.
pub(super) struct SystemTimer {
    start: tokio::time::Instant,
}

impl SystemTimer {
    pub(super) fn new() -> Self {
        Self { start: tokio::time::Instant::now() }
    }
}

impl Timer for SystemTimer {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep_until(&self, at: Duration) -> Pin<Box<dyn Future<Output = ()>>> {
        Box::pin(tokio::time::sleep_until(self.start + at.min(FAR)))
    }
}

/// The time of a test, which moves by hand.
struct TestTimer {
    clock: Clock,
    start: i64,
}

/// How soon a sleeper looks again whether a test has moved its clock.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

impl Timer for TestTimer {
    fn now(&self) -> Duration {
        let since = self.clock.now().saturating_sub(self.start);
        Duration::from_nanos(u64::try_from(since).unwrap_or(0))
    }

    fn sleep_until(&self, at: Duration) -> Pin<Box<dyn Future<Output = ()>>> {
        let timer = Self { clock: self.clock.clone(), start: self.start };
        Box::pin(async move {
            while timer.now() < at {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        })
    }
}

/// The time of calls that hold their epoch in a test. The test's clock cannot move before they have
/// come back, so nobody waits by it; what may hang has the time of the machine.
struct HeldTestTimer(SystemTimer);

impl Timer for HeldTestTimer {
    fn now(&self) -> Duration {
        self.0.now()
    }

    fn sleep_until(&self, _at: Duration) -> Pin<Box<dyn Future<Output = ()>>> {
        Box::pin(std::future::ready(()))
    }

    fn expire_at(&self, at: Duration) -> Pin<Box<dyn Future<Output = ()>>> {
        self.0.sleep_until(at)
    }
}

/// Waits for so long.
pub(super) async fn sleep(timer: &dyn Timer, duration: Duration) {
    timer.sleep_until(timer.now().saturating_add(duration)).await;
}

/// The result of a future, or nothing if it takes longer.
pub(super) async fn within<F>(timer: &dyn Timer, limit: Duration, future: F) -> Option<F::Output>
where
    F: Future + Unpin,
{
    match race(future, timer.expire_at(timer.now().saturating_add(limit))).await {
        Either::First(output) => Some(output),
        Either::Second(()) => None,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::sync::Mutex;
    use std::task::{Poll, Waker};

    /// A clock that a test moves on.
    #[derive(Clone, Default)]
    pub(in crate::runtime::calls) struct Virtual(Arc<Mutex<State>>);

    #[derive(Default)]
    struct State {
        now: Duration,
        next: u64,
        sleepers: BTreeMap<(Duration, u64), Waker>,
    }

    impl Virtual {
        /// Moves on to the next moment that somebody waits for. Answers how far that was, or
        /// nothing where nobody waits.
        pub(in crate::runtime::calls) fn advance(&self) -> Option<Duration> {
            let mut state = self.0.lock().unwrap();
            let (&(at, _), _) = state.sleepers.first_key_value()?;
            let step = at.saturating_sub(state.now);
            state.now = state.now.max(at);
            let later = state.sleepers.split_off(&(at, u64::MAX));
            for waker in std::mem::replace(&mut state.sleepers, later).into_values() {
                waker.wake();
            }
            Some(step)
        }
    }

    impl Timer for Virtual {
        fn now(&self) -> Duration {
            self.0.lock().unwrap().now
        }

        fn sleep_until(&self, at: Duration) -> Pin<Box<dyn Future<Output = ()>>> {
            let id = {
                let mut state = self.0.lock().unwrap();
                state.next += 1;
                state.next
            };
            Box::pin(Sleep { clock: self.clone(), key: (at, id) })
        }
    }

    struct Sleep {
        clock: Virtual,
        key: (Duration, u64),
    }

    impl Future for Sleep {
        type Output = ();

        fn poll(self: Pin<&mut Self>, context: &mut std::task::Context<'_>) -> Poll<()> {
            let mut state = self.clock.0.lock().unwrap();
            if state.now >= self.key.0 {
                return Poll::Ready(());
            }
            state.sleepers.insert(self.key, context.waker().clone());
            Poll::Pending
        }
    }

    impl Drop for Sleep {
        fn drop(&mut self) {
            self.clock.0.lock().unwrap().sleepers.remove(&self.key);
        }
    }
}
