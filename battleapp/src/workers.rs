//! Threads that step the battles of a node.
//!
//! For each core tick in which enough is to be done, threads are started and waited for. That
//! costs some ten microseconds, and needs neither locks around battles nor messages: every battle
//! is lent to one thread for one step.

use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::core::app::{Job, Workers};

/// Threads at most, whatever was configured.
pub const WORKERS_MAX: usize = 64;
/// Seats for which a further thread is started: about 100 us of work.
const SEATS_PER_WORKER: usize = 64;

/// Steps battles on several threads, the caller's among them.
#[derive(Clone, Copy, Debug)]
pub struct Threads {
    workers: usize,
}

impl Threads {
    /// So many threads, from 1 to [`WORKERS_MAX`]. Zero takes one less than the machine runs at
    /// once, and one at least: the others have gateways, baseapps and the system.
    #[must_use]
    pub fn new(workers: usize) -> Self {
        let spare = || thread::available_parallelism().map_or(1, |cores| cores.get() - 1);
        let workers = if workers == 0 { spare() } else { workers };
        Self { workers: workers.clamp(1, WORKERS_MAX) }
    }

    /// How many threads there are.
    #[must_use]
    pub const fn count(self) -> usize {
        self.workers
    }
}

impl Workers for Threads {
    fn run(&mut self, jobs: &mut [Job<'_>]) {
        let weight: usize = jobs.iter().map(Job::weight).sum();
        let wanted = self.workers.min(weight / SEATS_PER_WORKER).min(jobs.len());
        if wanted <= 1 {
            return jobs.iter_mut().for_each(Job::run);
        }
        let queue = Mutex::new(jobs.iter_mut());
        let work = || {
            loop {
                // A battle's panic is caught within its step, so the queue is never half changed.
                let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                let Some(job) = next else { return };
                job.run();
            }
        };
        thread::scope(|scope| {
            for n in 1..wanted {
                let name = format!("battles {n}");
                // Whoever gets no thread has the others do its part.
                if thread::Builder::new().name(name).spawn_scoped(scope, work).is_err() {
                    break;
                }
            }
            work();
        });
    }
}
