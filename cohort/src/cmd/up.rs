//! `cohort up`: a whole cluster in one process, with bots, until asked to stop.

use crate::args::UpArgs;
use crate::cmd::config;
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
    service.run(args.node.lasting.map(|span| span.duration())).await?;
    service.finish(config.drain.limit.duration()).await
}
