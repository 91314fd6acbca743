//! `cohort up`: a whole cluster in one process, with bots, until asked to stop.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use sim_tests::load::{self, LoadConfig, LoadError, LoadReport};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::args::UpArgs;
use crate::cluster;
use crate::cmd::{bots, config};
use crate::config::Config;
use crate::failure::{Failure, chain};
use crate::service::{self, Plan, Service};
use crate::telemetry;

/// Runs everything.
///
/// # Errors
/// [`Failure`]
pub async fn run(args: &UpArgs) -> Result<(), Failure> {
    let begun = service::begun();
    let loaded = config::load(&args.node.config, &args.flags())?;
    let config = &loaded.config;
    telemetry::start(&config.log)?;
    let record_dir = args.node.record.clone();
    let plan = Plan { config, record_dir, begun };
    let mut service = Service::start(&plan).await?;
    service.announce(config)?;
    let quic = service.quic();
    let bots = match quic {
        Some(quic) if config.bots.count > 0 => Some(BuiltInBots::start(config, quic)?),
        Some(_) | None => None,
    };
    if let Some(quic) = quic {
        eprintln!("  {} bots play; in a second terminal, try:", config.bots.count);
        eprintln!("{}", next_command(config, quic));
    }
    service.run(args.node.lasting.map(|span| span.duration())).await?;
    if let Some(bots) = bots {
        bots.stop().await;
    }
    service.finish(config.drain.limit.duration()).await
}

/// Bots in this process, over real sockets.
struct BuiltInBots {
    count: u32,
    stop: watch::Sender<bool>,
    running: JoinSet<Result<LoadReport, LoadError>>,
}

impl BuiltInBots {
    fn start(config: &Config, quic: SocketAddr) -> Result<Self, Failure> {
        let trust = bots::trust(&cluster::certificate_file(config))?;
        let mut load = LoadConfig::new(vec![reachable(quic)], trust, config.bots.count);
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
        Ok(Self { count: config.bots.count, stop, running })
    }

    /// Has the bots say goodbye, before the node is drained.
    async fn stop(mut self) {
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

/// Where this machine reaches an address that may stand for all of its addresses.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// What to try next, with the flags that this node needs.
fn next_command(config: &Config, quic: SocketAddr) -> String {
    let mut command = String::from("cargo run --release -- bots --players 200 --for 60s");
    let usual = Config::default();
    if quic != cluster::quic_address(&usual) {
        command += &format!(" --server {}", reachable(quic));
    }
    let certificate = cluster::certificate_file(config);
    if certificate != cluster::certificate_file(&usual) {
        command += &format!(" --cert {}", certificate.display());
    }
    if !config.content.dir.as_os_str().is_empty() {
        command += &format!(" --content {}", config.content.dir.display());
    }
    command
}
