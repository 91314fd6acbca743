//! `cohort audit`: whether items and gold of a whole store are conserved and records are whole.

mod told;

use std::path::Path;

use baseapp::audit::{self, GuildRecord, Report};
use shared::content::Content;
use shared::store::Parts;
use shared::store::embedded::{EmbeddedScan, OpenError};
use shared::store::redis::{RedisScan, RedisStoreConfig};
use shared::store::scan::StoreScan;
use social::StoredGuild;
use tokio::task::block_in_place;

use crate::args::{AuditArgs, ConfigArgs};
use crate::cluster;
use crate::cmd::config;
use crate::failure::Failure;
use crate::output;

/// What to bear in mind with a store that nodes may be using.
const UNDER_WAY: &str = "\
nodes may be using this store: what differs may be a change that was under way while it was read;
  audit again, and if it differs by the same, stop the nodes and audit once more";

/// Looks at a whole store and prints what is in it.
///
/// # Errors
/// [`Failure::Check`] if something differs or is not whole, [`Failure::Store`],
/// [`Failure::DataDir`] and [`Failure::Config`] if the store cannot be looked at.
pub fn run(args: &AuditArgs) -> Result<(), Failure> {
    let by_flags = ConfigArgs {
        config: args.config.clone(),
        data: args.data.clone(),
        ..ConfigArgs::default()
    };
    let config = config::load(&by_flags, &by_flags.flags())?.config;
    let content = cluster::content(&config)?;
    if args.redis.is_empty() {
        let dir = &config.node.data_dir;
        let report = block_in_place(|| audited(&mut embedded(dir)?))?;
        return tell(args, &report, &content);
    }
    let report = block_in_place(|| audited(&mut redis(args)?))?;
    tell(args, &report, &content).inspect_err(|_| eprintln!("{UNDER_WAY}"))
}

fn embedded(dir: &Path) -> Result<EmbeddedScan, Failure> {
    EmbeddedScan::open(dir).map_err(|error| match &error {
        OpenError::Locked { path } => Failure::Store {
            what: format!(
                "{} is in use, probably by a running node\n  \
                 stop the node, audit, and start it again; or audit a copy that was made while \
                 no node ran",
                path.display()
            ),
        },
        OpenError::Io { .. } | OpenError::NotADirectory { .. } => {
            Failure::DataDir { dir: dir.to_owned(), what: error.to_string() }
        }
        OpenError::Damaged { .. }
        | OpenError::Missing { .. }
        | OpenError::NewerFormat { .. }
        | OpenError::OtherCluster { .. } => Failure::Store { what: error.to_string() },
    })
}

fn redis(args: &AuditArgs) -> Result<RedisScan, Failure> {
    let config = RedisStoreConfig {
        urls: args.redis.clone(),
        prefix: args.prefix.clone(),
        ..RedisStoreConfig::default()
    };
    RedisScan::connect(&config).map_err(|error| Failure::Store { what: error.to_string() })
}

fn audited(store: &mut dyn StoreScan) -> Result<Report, Failure> {
    audit::audit(store, read_guild).map_err(|error| Failure::Store { what: error.to_string() })
}

/// Guilds belong to the social service, players to the baseapp; here the two meet.
fn read_guild(parts: &Parts) -> Result<GuildRecord, String> {
    let StoredGuild { members, set_aside } = StoredGuild::read(parts)?;
    Ok(GuildRecord { members, set_aside })
}

fn tell(args: &AuditArgs, report: &Report, content: &Content) -> Result<(), Failure> {
    if args.json {
        output::json(&told::value(report))?;
    } else {
        output::data(&told::text(report, content))?;
    }
    match told::verdict(report) {
        None => Ok(()),
        Some(what) => Err(Failure::Check { what }),
    }
}
