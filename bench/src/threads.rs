//! Two threads that work against each other, and runtimes for raw async clients.

use std::future::Future;
use std::panic;
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use crate::error::{BenchError, Result};

/// Nothing that is measured takes as long. Whoever waits longer for the other side gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Runs `there` in a thread of its own while `here` runs in this one. If both fail, the error of
/// `there` is told: the other one has probably waited for it.
pub(crate) fn beside<A: Send, B>(
    there: impl FnOnce() -> Result<A> + Send,
    here: impl FnOnce() -> Result<B>,
) -> Result<(A, B)> {
    thread::scope(|scope| {
        let there = scope.spawn(there);
        let here = here();
        let there = there.join().unwrap_or_else(|panic| panic::resume_unwind(panic));
        Ok((there?, here?))
    })
}

/// A runtime in the thread that waits for it, as a role's client has it.
pub(crate) fn runtime() -> Result<Runtime> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.map_err(BenchError::io("a runtime for a raw client"))
}

/// Drives `work` to its end, but not for ever.
pub(crate) fn drive<T>(runtime: &Runtime, work: impl Future<Output = Result<T>>) -> Result<T> {
    let limited = async { tokio::time::timeout(PATIENCE, Box::pin(work)).await };
    let silent = |_| BenchError::Silent { what: "a raw client" };
    runtime.block_on(limited).map_err(silent)?
}
