//! Bots that play in this process, over real sockets.

use std::net::SocketAddr;
use std::sync::Arc;

use sim_tests::load::{self, LoadConfig, LoadError, LoadReport};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::reachable;
use crate::cluster;
use crate::cmd::bots;
use crate::config::Config;
use crate::failure::{Failure, chain};

/// Bots in this process, over real sockets.
pub(super) struct BuiltInBots {
    count: u32,
    stop: watch::Sender<bool>,
    running: JoinSet<Result<LoadReport, LoadError>>,
}

impl BuiltInBots {
    /// Starts as many as the configuration says; nobody if there is no gateway.
    pub(super) fn start(config: &Config, quic: &[SocketAddr]) -> Result<Option<Self>, Failure> {
        if quic.is_empty() || config.bots.count == 0 {
            return Ok(None);
        }
        let trust = bots::trust(&cluster::certificate_file(config))?;
        let servers = quic.iter().map(|quic| reachable(*quic)).collect();
        let mut load = LoadConfig::new(servers, trust, config.bots.count);
        load.server_name.clone_from(&config.edge.server_name);
        load.seed = config.bots.seed;
        load.content = Arc::new(cluster::content(config)?);
        load.tolerate_disconnects = true;
        let (stop, mut stopped) = watch::channel(false);
        let mut running = JoinSet::new();
        running.spawn(async move {
            let stop = async move {
                let _sender_is_gone = stopped.wait_for(|stopped| *stopped).await;
            };
            Box::pin(load::run(load, stop)).await
        });
        Ok(Some(Self { count: config.bots.count, stop, running }))
    }

    /// Has the bots say goodbye, before the node is drained.
    pub(super) async fn stop(mut self) {
        eprintln!("{} bots leave", self.count);
        self.stop.send_replace(true);
        match self.running.join_next().await {
            Some(Ok(Ok(report))) if report.errors == 0 => {}
            Some(Ok(Ok(report))) => {
                tracing::warn!(errors = report.errors, "bots met errors");
                eprint!("{}", report.breakdown());
            }
            Some(Ok(Err(error))) => tracing::warn!(error = chain(&error), "bots could not play"),
            Some(Err(error)) => tracing::warn!(%error, "bots ended by a panic"),
            None => {}
        }
    }
}
