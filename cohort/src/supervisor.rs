//! A cluster of processes on this machine: one process per role, started, watched, started again,
//! and stopped in order.
//!
//! A process is this program with `node`, a configuration file of its own and its standard input
//! held open: it drains when that ends, so nothing is left behind even if we are killed. The files
//! are: `plan` (which processes), `child` (the life of one), `server` (Redis).

mod child;
mod plan;
mod server;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::config::Config;
use crate::failure::Failure;

use child::{Child, Ended, Life};
use plan::Stage;
pub use plan::{Counts, Plan};
use server::RedisServer;

/// How long the first start of a process may take.
const START_LIMIT: Duration = Duration::from_secs(30);

/// The processes of a cluster.
pub struct Supervisor {
    plan: Plan,
    /// Ends the processes of a stage, and all before it.
    stage: watch::Sender<Option<Stage>>,
    lives: Vec<watch::Receiver<Life>>,
    running: JoinSet<Ended>,
    redis: Option<RedisServer>,
}

impl Supervisor {
    /// Starts Redis, unless the plan names one, and all processes. All are ready when this
    /// returns.
    ///
    /// # Errors
    /// [`Failure`] says which process did not start and where it says why.
    pub async fn start(config: &Config, counts: &Counts) -> Result<Self, Failure> {
        let dir = config.node.data_dir.join("processes");
        let unusable = |error: std::io::Error| Failure::DataDir {
            dir: config.node.data_dir.clone(),
            what: error.to_string(),
        };
        tokio::fs::create_dir_all(&dir).await.map_err(unusable)?;
        let redis = match counts.redis.is_empty() {
            true => Some(RedisServer::start(&config.node.data_dir).await?),
            false => None,
        };
        let url = redis.as_ref().map_or_else(|| counts.redis.clone(), |redis| vec![redis.url()]);
        let plan = Plan::new(config, counts, url)?;
        let (stage, _) = watch::channel(None);
        let (lives, running) = (Vec::new(), JoinSet::new());
        let mut supervisor = Self { plan, stage, lives, running, redis };
        if let Some(redis) = &supervisor.redis {
            redis.keep(&mut supervisor.running, supervisor.stage.subscribe());
        }
        // The first gateway makes the certificate that all of them show.
        let (first, others) = supervisor.plan.processes.split_at(1);
        for group in [first.to_vec(), others.to_vec()] {
            let from = supervisor.lives.len();
            for process in group {
                let (life, seen) = watch::channel(Life::default());
                supervisor.lives.push(seen);
                let child = Child::new(process, &dir, life, supervisor.stage.subscribe());
                supervisor.running.spawn(child.run());
            }
            if let Err(failure) = supervisor.await_ready(from).await {
                let _not_drained = supervisor.stop(START_LIMIT).await;
                return Err(failure);
            }
        }
        Ok(supervisor)
    }

    async fn await_ready(&mut self, from: usize) -> Result<(), Failure> {
        for life in &self.lives[from..] {
            let (name, mut life) = (life.borrow().name.clone(), life.clone());
            let ready = async {
                let there = |life: &Life| life.url.is_some() || life.given_up.is_some();
                // An error means that the task has ended without a word.
                life.wait_for(there).await.map(|life| life.given_up.clone())
            };
            let what = match tokio::time::timeout(START_LIMIT, ready).await {
                Ok(Ok(None)) => continue,
                Ok(Ok(Some(why))) => why,
                Ok(Err(_)) | Err(_) => {
                    format!("{name} was not ready within {} s", START_LIMIT.as_secs())
                }
            };
            return Err(Failure::Node { what });
        }
        Ok(())
    }

    /// A table of the processes, one line each.
    #[must_use]
    pub fn table(&self) -> Vec<Vec<String>> {
        let line = |life: &watch::Receiver<Life>| {
            let life = life.borrow();
            let pid = life.pid.map_or_else(String::new, |pid| pid.to_string());
            vec![life.name.clone(), pid, life.url.clone().unwrap_or_default()]
        };
        self.lives.iter().map(line).collect()
    }

    /// The status page of the first gateway.
    #[must_use]
    pub fn url(&self) -> String {
        self.lives.first().and_then(|life| life.borrow().url.clone()).unwrap_or_default()
    }

    /// Where clients connect.
    #[must_use]
    pub fn quic(&self) -> Vec<SocketAddr> {
        let gateways = self.lives.iter().take(self.plan.gateways);
        gateways.filter_map(|life| life.borrow().address(self.plan.quic_ip)).collect()
    }

    /// The configuration files of the processes.
    #[must_use]
    pub fn files(&self) -> PathBuf {
        self.plan.data_dir.join("processes")
    }

    /// Ends when a process is given up, with the reason.
    pub async fn failed(&mut self) -> String {
        loop {
            match self.running.join_next().await {
                Some(Ok(Ended::GivenUp(why))) => return why,
                Some(Ok(Ended::Asked)) => {}
                Some(Err(error)) => return format!("the watch over a process failed: {error}"),
                None => std::future::pending().await,
            }
        }
    }

    /// Ends all processes in order, those that take work first, and then Redis. Each may drain for
    /// `limit`.
    pub async fn stop(mut self, limit: Duration) -> Result<(), Failure> {
        let mut left = Vec::new();
        for stage in Stage::ALL {
            self.stage.send_replace(Some(stage));
            let of_stage = self.plan.processes.iter().zip(&self.lives);
            for (_, life) in of_stage.filter(|(process, _)| process.stage == stage) {
                let mut life: watch::Receiver<Life> = life.clone();
                // An error means that the task has ended, and the process with it.
                let ended = async { life.wait_for(|life| life.ended).await.map(drop) };
                if tokio::time::timeout(limit, ended).await.is_err() {
                    left.push(life.borrow().name.clone());
                }
            }
        }
        self.running.shutdown().await;
        if let Some(redis) = self.redis.take() {
            redis.stop().await;
        }
        if left.is_empty() {
            return Ok(());
        }
        let what = format!("not drained within {} s: {}", limit.as_secs(), left.join(", "));
        Err(Failure::Check { what })
    }
}

/// A flag that many tasks look at.
type Stop = watch::Receiver<Option<Stage>>;
/// A process of the plan, shared by those who look at it.
type Shared<T> = Arc<T>;
