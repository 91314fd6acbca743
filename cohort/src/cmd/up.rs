//! `cohort up`: a whole cluster in one process, with bots, until asked to stop.

use std::net::SocketAddr;

use crate::args::UpArgs;
use crate::cluster;
use crate::cmd::config;
use crate::config::Config;
use crate::failure::Failure;
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
    if let Some(quic) = service.quic() {
        eprintln!("  then, in a second terminal:");
        eprintln!("{}", next_command(config, quic));
    }
    service.run(args.node.lasting.map(|span| span.duration())).await?;
    service.finish(config.drain.limit.duration()).await
}

/// What to try next, with the flags that this node needs.
fn next_command(config: &Config, quic: SocketAddr) -> String {
    let mut command = String::from("cargo run --release -- bots --players 200 --for 60s");
    let usual = Config::default();
    if quic != cluster::quic_address(&usual) {
        command += &format!(" --server {quic}");
    }
    let certificate = cluster::certificate_file(config);
    if certificate != cluster::certificate_file(&usual) {
        command += &format!(" --cert {}", certificate.display());
    }
    command
}
