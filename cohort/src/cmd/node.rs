//! `cohort node`: one node with chosen roles, until asked to stop.

use crate::args::NodeArgs;
use crate::cmd::config;
use crate::failure::Failure;
use crate::service::{self, Plan, Service};
use crate::telemetry;

/// Runs the node.
///
/// # Errors
/// [`Failure`]
pub async fn run(args: &NodeArgs) -> Result<(), Failure> {
    let begun = service::begun();
    let loaded = config::load(&args.node.config, &args.flags())?;
    let config = &loaded.config;
    telemetry::start(&config.log)?;
    let record_dir = args.node.record.clone();
    let plan = Plan { config, record_dir, begun };
    let mut service = Service::start(&plan).await?;
    service.announce(config)?;
    if args.while_stdin {
        service.stop_with_stdin();
    }
    service.run(args.node.lasting.map(|span| span.duration())).await?;
    service.finish(config.drain.limit.duration()).await
}
