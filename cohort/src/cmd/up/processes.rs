//! `cohort up --processes`: one process per role.

use std::time::{Duration, Instant};

use crate::args::UpArgs;
use crate::config::Config;
use crate::failure::Failure;
use crate::output;
use crate::stop::StopSignals;
use crate::supervisor::{Counts, Supervisor};

use super::bots::BuiltInBots;
use super::tell_next;

/// Runs the processes until somebody asks to stop, the time is over, or one of them cannot run.
pub(super) async fn run(args: &UpArgs, config: &Config, begun: Instant) -> Result<(), Failure> {
    let counts = Counts {
        gateways: args.gateways,
        baseapps: args.baseapps,
        battleapps: args.battleapps,
        socials: args.socials,
        redis: args.redis.clone(),
        mq: args.mq,
    };
    let stopped = |error: std::io::Error| Failure::Node { what: error.to_string() };
    let mut signals = StopSignals::listen().map_err(stopped)?;
    let mut supervisor = Supervisor::start(config, &counts).await?;
    let ready_ms = begun.elapsed().as_millis();
    eprintln!("cohort {} is ready after {ready_ms} ms", config.node.build);
    for line in output::table(&supervisor.table()).lines() {
        eprintln!("  {line}");
    }
    eprintln!("  configuration, logs and process ids in {}", supervisor.files().display());
    eprintln!("  look at it in a browser:");
    output::data(&format!("{}\n", supervisor.url()))?;
    let quic = supervisor.quic();
    let bots = BuiltInBots::start(config, &quic)?;
    tell_next(config, &quic);
    let failed = tokio::select! {
        _ = signals.next() => None,
        () = over(args.node.lasting.map(|span| span.duration())) => None,
        why = supervisor.failed() => Some(why),
    };
    if let Some(bots) = bots {
        bots.stop().await;
    }
    let limit = config.drain.limit.duration();
    eprintln!("draining, at most {} s a role (Ctrl-C again stops at once)", limit.as_secs());
    let ended = tokio::select! {
        ended = supervisor.stop(limit) => ended,
        _ = signals.next() => Err(Failure::Check { what: String::from("stopped at once") }),
    };
    match failed {
        Some(what) => Err(Failure::Node { what }),
        None => ended.inspect(|()| eprintln!("all processes have ended")),
    }
}

async fn over(lasting: Option<Duration>) {
    match lasting {
        Some(lasting) => tokio::time::sleep(lasting).await,
        None => std::future::pending().await,
    }
}
