//! The end of a node: take nothing new, let battles end, close everything.

use std::time::Duration;

use shared::ids::Role;
use shared::runtime::NodeStatus;

use super::{LOOK, Service};
use crate::clock;
use crate::failure::Failure;
use crate::status::view::value;

/// How often progress is told.
const PROGRESS: Duration = Duration::from_secs(5);
/// How long open connections to the status page may take to end.
const HTTP_LIMIT: Duration = Duration::from_secs(2);

/// How a drain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Drained {
    /// Nothing was left.
    Whole,
    /// The limit was reached.
    Late,
    /// Somebody asked a second time.
    Forced,
}

impl Service {
    /// Drains within `limit`, then closes everything. A second signal ends the drain at once.
    ///
    /// # Errors
    /// [`Failure::Check`] if something had to be cut short, [`Failure::Node`] if a role had failed
    /// or the store was not closed cleanly. Nothing acknowledged is lost in either case.
    pub async fn finish(mut self, limit: Duration) -> Result<(), Failure> {
        eprintln!("draining, at most {} s (Ctrl-C again stops at once)", limit.as_secs());
        let begun = clock::now();
        self.cluster.drain();
        let drained = self.wait_until_drained(limit).await;
        let left = self.cluster.status();
        self.end_http().await;
        let failed = failed_role(&left);
        self.cluster.stop().await?;
        if let Some(what) = failed {
            return Err(Failure::Node { what });
        }
        match drained {
            Drained::Whole => {
                eprintln!("drained in {:.1} s, store closed", begun.elapsed().as_secs_f64());
                Ok(())
            }
            Drained::Late => {
                let what = format!("the drain limit of {} s was reached", limit.as_secs());
                Err(Failure::Check { what: format!("{what} with {} left", rest(&left)) })
            }
            Drained::Forced => {
                Err(Failure::Check { what: format!("stopped at once with {} left", rest(&left)) })
            }
        }
    }

    async fn wait_until_drained(&mut self, limit: Duration) -> Drained {
        let begun = clock::now();
        let mut told = begun;
        let mut look = tokio::time::interval(LOOK / 5);
        loop {
            tokio::select! {
                _ = self.signals.next() => return Drained::Forced,
                _ = look.tick() => {}
            }
            self.look();
            if self.cluster.is_drained() {
                return Drained::Whole;
            }
            let status = self.cluster.status();
            if failed_role(&status).is_some() || begun.elapsed() >= limit {
                return Drained::Late;
            }
            if told.elapsed() >= PROGRESS {
                told = clock::now();
                let seconds = limit.saturating_sub(begun.elapsed()).as_secs();
                eprintln!("  {} left, {seconds} s", rest(&status));
            }
        }
    }

    async fn end_http(&mut self) {
        self.stop_http.send_replace(true);
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(HTTP_LIMIT, ended).await.is_err() {
            self.tasks.shutdown().await;
        }
    }
}

/// What is still there, in words.
fn rest(status: &NodeStatus) -> String {
    let battles = value(status, Role::Battleapp, "battles");
    let waiting: Vec<_> = status
        .roles
        .iter()
        .filter(|role| !role.drained && role.role != Role::Battleapp)
        .map(|role| format!("{} ({})", role.role.name(), role.load))
        .collect();
    let others =
        if waiting.is_empty() { String::new() } else { ", ".to_owned() + &waiting.join(", ") };
    format!("{battles} battles{others}")
}

fn failed_role(status: &NodeStatus) -> Option<String> {
    status.roles.iter().find_map(|role| {
        let why = role.failed.as_deref()?;
        Some(format!("the role {} failed: {why}", role.role.name()))
    })
}
