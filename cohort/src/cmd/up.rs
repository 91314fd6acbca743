//! `cohort up`: a whole cluster, with bots, until asked to stop: in this process, or in one
//! process per role.

mod bots;
mod processes;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::args::UpArgs;
use crate::cluster;
use crate::cmd::config;
use crate::config::Config;
use crate::failure::Failure;
use crate::service::{self, Plan, Service};
use crate::telemetry;

use bots::BuiltInBots;

/// Runs everything.
///
/// # Errors
/// [`Failure`]
pub async fn run(args: &UpArgs) -> Result<(), Failure> {
    let begun = service::begun();
    let loaded = config::load(&args.node.config, &args.flags())?;
    let config = &loaded.config;
    telemetry::start(&config.log)?;
    if args.processes {
        return processes::run(args, config, begun).await;
    }
    let record_dir = args.node.record.clone();
    let plan = Plan { config, record_dir, begun };
    let mut service = Service::start(&plan).await?;
    service.announce(config)?;
    let quic: Vec<_> = service.quic().into_iter().collect();
    let bots = BuiltInBots::start(config, &quic)?;
    tell_next(config, &quic);
    service.run(args.node.lasting.map(|span| span.duration())).await?;
    if let Some(bots) = bots {
        bots.stop().await;
    }
    service.finish(config.drain.limit.duration()).await
}

/// Says what to try next, if there is somewhere to connect to.
fn tell_next(config: &Config, quic: &[SocketAddr]) {
    if !quic.is_empty() {
        eprintln!("  {} bots play; in a second terminal, try:", config.bots.count);
        eprintln!("{}", next_command(config, quic));
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
fn next_command(config: &Config, quic: &[SocketAddr]) -> String {
    let mut command = String::from("cargo run --release -- bots --players 200 --for 60s");
    let usual = Config::default();
    if quic != [cluster::quic_address(&usual)] {
        let servers = quic.iter().map(|quic| reachable(*quic).to_string());
        command += &format!(" --server {}", servers.collect::<Vec<_>>().join(","));
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
