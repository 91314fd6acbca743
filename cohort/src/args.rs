//! The command line: what can be said, with examples. What is done about it is in `cmd/`.

mod bench;
mod replay;
mod sim;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

pub use self::bench::{BenchArgs, BenchCommand, BenchMqArgs, BenchStoreArgs};
pub use self::replay::{
    ReplayArgs, ReplayCommand, ReplayDiffArgs, ReplayExportArgs, ReplayListArgs, ReplayNodeArgs,
    ReplaySeekArgs, ReplayShowArgs,
};
#[cfg(feature = "mutations")]
pub use self::sim::SimMutationsArgs;
pub use self::sim::{Faults, SimCommand, SimRunArgs, SimShowArgs, SimSpeedArgs};
use shared::ids::Role;
use sim_tests::load::Threshold;

use crate::config::backends::MqKind;
use crate::config::layers::Flag;
use crate::config::role_named;
use crate::config::span::Span;
use crate::suggest;

const EXAMPLES: &str = "\
Examples:
  cohort up                                     a whole cluster in this process, with 20 bots
  cohort bots --players 200 --for 60s           200 more players for a minute
  cohort status                                 who is there, how loaded, how fast
  cohort replay verify cohort-data/replays      run finished battles again, compare every hash
  cohort doctor                                 what works here, and what is promised";

const EXIT_CODES: &str = "\
Exit codes: 0 done, 1 a check failed, 2 wrong usage, 78 wrong configuration or content.
Data goes to stdout, messages go to stderr.";

/// A game-server cluster in one program.
#[derive(Debug, Parser)]
#[command(name = "cohort", version, before_help = EXAMPLES, after_help = EXIT_CODES)]
#[command(propagate_version = true, infer_long_args = false)]
pub struct Arguments {
    /// What is to be done.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a whole cluster in this process: all five roles, embedded store, status page
    Up(UpArgs),
    /// Run one node with chosen roles
    Node(NodeArgs),
    /// Let bots play, measure, and judge
    Bots(BotsArgs),
    /// Look at recorded battles
    #[command(subcommand)]
    Replay(ReplayCommand),
    /// Show nodes, roles, loads and tick times of a running node
    Status(StatusArgs),
    /// Prove that items and gold in a store are conserved and that records are whole
    Audit(AuditArgs),
    /// Measure parts of Cohort beside raw yardsticks in the same run
    #[command(subcommand)]
    Bench(BenchCommand),
    /// Simulate whole clusters, each from one seed, and look for broken promises
    #[command(subcommand)]
    Sim(SimCommand),
    /// Check this machine and say which promises hold on it
    Doctor(ConfigArgs),
    /// Check and show the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// Flags that set values of the configuration.
#[derive(Args, Debug, Default)]
pub struct ConfigArgs {
    /// Configuration file (TOML)
    #[arg(long, value_name = "FILE", env = "COHORT_CONFIG")]
    pub config: Option<PathBuf>,
    /// Data directory: store, certificate, replays [default: cohort-data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// UDP port for QUIC, TCP port for the status page; 0 takes a free one [default: 7777]
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// Address for QUIC [default: 127.0.0.1]
    #[arg(long, value_name = "ADDRESS")]
    pub bind: Option<IpAddr>,
    /// Folder with heroes, items and queues [default: built in]
    #[arg(long, value_name = "DIR")]
    pub content: Option<PathBuf>,
}

/// `cohort up`
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  cohort up                                     until Ctrl-C, data in ./cohort-data
  cohort up --bots 0 --port 0                   no bots, a free port
  cohort up --for 30s --data /tmp/try           stop by itself
  cohort up --processes --baseapps 2            a process per role, on a Redis of its own")]
pub struct UpArgs {
    /// What every node can be told.
    #[command(flatten)]
    pub node: RunArgs,
    /// Built-in bots that play [default: 20]
    #[arg(long, value_name = "N")]
    pub bots: Option<u32>,
    /// One process per role over a Redis, watched and started again when one dies
    #[arg(long)]
    pub processes: bool,
    /// Gateways, at the port and those that follow
    #[arg(long, value_name = "N", default_value_t = 1, requires = "processes",
        value_parser = clap::value_parser!(u16).range(1..=64))]
    pub gateways: u16,
    /// Baseapps
    #[arg(long, value_name = "N", default_value_t = 1, requires = "processes",
        value_parser = clap::value_parser!(u16).range(1..=64))]
    pub baseapps: u16,
    /// Battleapps
    #[arg(long, value_name = "N", default_value_t = 1, requires = "processes",
        value_parser = clap::value_parser!(u16).range(1..=64))]
    pub battleapps: u16,
    /// Social nodes
    #[arg(long, value_name = "N", default_value_t = 1, requires = "processes",
        value_parser = clap::value_parser!(u16).range(1..=64))]
    pub socials: u16,
    /// Redis to use, redis://host:port; several for a Redis Cluster [default: starts one]
    #[arg(long, value_name = "URL", requires = "processes", value_delimiter = ',')]
    pub redis: Vec<String>,
    /// How the processes talk to each other: tcp, redis, nats
    #[arg(long, value_name = "KIND", default_value = "tcp", requires = "processes",
        value_parser = remote_mq)]
    pub mq: MqKind,
}

/// A node MQ that reaches other processes.
fn remote_mq(name: &str) -> Result<MqKind, suggest::Unknown> {
    let kinds = [("tcp", MqKind::Tcp), ("redis", MqKind::Redis), ("nats", MqKind::Nats)];
    let kind = kinds.iter().find(|(known, _)| *known == name);
    kind.map(|(_, kind)| *kind).ok_or_else(|| {
        suggest::Unknown::new("node MQ", name, kinds.iter().map(|(known, _)| *known))
    })
}

/// `cohort node`
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  cohort node --config cohort.toml
  cohort node --roles gateway,baseapp,social,matchmaker,battleapp --data /var/lib/cohort")]
pub struct NodeArgs {
    /// What every node can be told.
    #[command(flatten)]
    pub node: RunArgs,
    /// What the node hosts, separated by commas [default: all]
    #[arg(long, value_name = "ROLES", value_delimiter = ',', value_parser = role_named)]
    pub roles: Option<Vec<Role>>,
    /// Drain and stop when standard input ends, for whoever supervises the process
    #[arg(long)]
    pub while_stdin: bool,
}

/// What `up` and `node` have in common.
#[derive(Args, Debug)]
pub struct RunArgs {
    /// Values of the configuration.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Drain and stop after this time
    #[arg(long = "for", value_name = "TIME")]
    pub lasting: Option<Span>,
    /// Record all inputs of every role into this folder
    #[arg(long, value_name = "DIR")]
    pub record: Option<PathBuf>,
    /// How long running battles may take to end when the node stops [default: 90s]
    #[arg(long, value_name = "TIME")]
    pub drain_limit: Option<Span>,
}

/// `cohort bots`
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  cohort bots --players 200 --for 60s
  cohort bots --players 50 --for 20s --json --threshold 'errors==0' --threshold 'reply_p99<60ms'
  cohort bots --players 50 --for 30s --ledger ledger    writes down what the servers confirmed
  cohort bots --check-ledger ledger                     looks whether all of it is still there")]
pub struct BotsArgs {
    /// How many play
    #[arg(long, value_name = "N", default_value_t = 100,
        value_parser = clap::value_parser!(u32).range(1..))]
    pub players: u32,
    /// For how long
    #[arg(long = "for", value_name = "TIME", default_value = "60s")]
    pub lasting: Span,
    /// Where gateways listen; players are spread over several
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7777", value_delimiter = ',')]
    pub server: Vec<SocketAddr>,
    /// Certificate that the gateway is known by (PEM)
    #[arg(long, value_name = "FILE", default_value = "cohort-data/tls/cert.pem")]
    pub cert: PathBuf,
    /// Name that the certificate has to hold for
    #[arg(long, value_name = "NAME", default_value = "localhost")]
    pub server_name: String,
    /// The same seed plays the same way, with the same accounts
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Time over which the players arrive [default: a tenth of the whole, at most 10s]
    #[arg(long, value_name = "TIME")]
    pub ramp: Option<Span>,
    /// Time between the moments at which a player asks for something
    #[arg(long, value_name = "TIME", default_value = "1s")]
    pub pace: Span,
    /// Folder with heroes, items and queues, as the servers have it [default: built in]
    #[arg(long, value_name = "DIR")]
    pub content: Option<PathBuf>,
    /// Where they queue [default: where the largest sides meet]
    #[arg(long, value_name = "QUEUE")]
    pub queue: Option<String>,
    /// Lost connections are counted, but are no errors (for tests that kill nodes)
    #[arg(long)]
    pub tolerate_disconnects: bool,
    /// A condition that decides the exit code, for example reply_p99<60ms; may be repeated
    #[arg(long = "threshold", value_name = "EXPR")]
    pub thresholds: Vec<Threshold>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Write down every change that the servers acknowledged
    #[arg(long, value_name = "FILE")]
    pub ledger: Option<PathBuf>,
    /// Do not play: compare such a file with what the servers have
    #[arg(long, value_name = "FILE", conflicts_with = "ledger")]
    pub check_ledger: Option<PathBuf>,
}

/// `cohort audit`
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  cohort audit                                  the store in ./cohort-data; no node may run on it
  cohort audit --data /var/lib/cohort --json
  cohort audit --redis redis://127.0.0.1:6379 --prefix cohort     also while nodes run")]
pub struct AuditArgs {
    /// Configuration file (TOML)
    #[arg(long, value_name = "FILE", env = "COHORT_CONFIG")]
    pub config: Option<PathBuf>,
    /// Data directory with an embedded store [default: cohort-data]
    #[arg(long, value_name = "DIR", conflicts_with = "redis")]
    pub data: Option<PathBuf>,
    /// Redis with the store instead: redis://host:port, of a cluster several, parted by commas
    #[arg(long, value_name = "URL", value_delimiter = ',')]
    pub redis: Vec<String>,
    /// Prefix of the store's names in Redis
    #[arg(long, value_name = "PREFIX", default_value = "cohort", requires = "redis")]
    pub prefix: String,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `cohort status`
#[derive(Args, Debug)]
pub struct StatusArgs {
    /// Print the JSON object that the node gave
    #[arg(long)]
    pub json: bool,
    /// Where the node serves its status page
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7777")]
    pub url: String,
}

/// `cohort config`
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check a configuration file and the content it names
    Check {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Print every value with its source
    Show {
        /// Values of the configuration.
        #[command(flatten)]
        config: ConfigArgs,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Print all keys with their defaults and what they are for, as a TOML file
    Reference,
}

impl ConfigArgs {
    /// The values that were given.
    #[must_use]
    pub fn flags(&self) -> Vec<Flag> {
        let path = |path: &PathBuf| toml::Value::String(path.to_string_lossy().into_owned());
        let mut flags = Vec::new();
        let mut add = |flag, key, value: Option<toml::Value>| {
            flags.extend(value.map(|value| Flag { flag, key, value }));
        };
        add("--data", "node.data_dir", self.data.as_ref().map(path));
        add("--port", "edge.port", self.port.map(|port| i64::from(port).into()));
        add("--bind", "edge.bind", self.bind.map(|bind| bind.to_string().into()));
        add("--content", "content.dir", self.content.as_ref().map(path));
        flags
    }
}

impl RunArgs {
    /// The values that were given.
    #[must_use]
    pub fn flags(&self) -> Vec<Flag> {
        let mut flags = self.config.flags();
        flags.extend(self.drain_limit.map(|limit| Flag {
            flag: "--drain-limit",
            key: "drain.limit",
            value: limit.to_string().into(),
        }));
        flags
    }
}

impl UpArgs {
    /// The values that were given.
    #[must_use]
    pub fn flags(&self) -> Vec<Flag> {
        let mut flags = self.node.flags();
        flags.extend(self.bots.map(|bots| Flag {
            flag: "--bots",
            key: "bots.count",
            value: i64::from(bots).into(),
        }));
        flags
    }
}

impl NodeArgs {
    /// The values that were given.
    #[must_use]
    pub fn flags(&self) -> Vec<Flag> {
        let mut flags = self.node.flags();
        let names = |roles: &Vec<Role>| {
            let names = roles.iter().map(|role| toml::Value::from(role.name()));
            toml::Value::Array(names.collect())
        };
        flags.extend(self.roles.as_ref().map(|roles| Flag {
            flag: "--roles",
            key: "node.roles",
            value: names(roles),
        }));
        flags
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_flag_sets_a_key_that_exists() {
        let line = "cohort node --roles gateway --data d --port 1 --bind ::1 --content c \
                    --drain-limit 5s";
        let Command::Node(node) = Arguments::parse_from(line.split_whitespace()).command else {
            panic!("it says node");
        };
        let loaded = crate::config::layers::load(None, std::iter::empty(), &node.flags()).unwrap();
        assert_eq!(loaded.config.node.roles.0, [Role::Gateway]);
        assert_eq!(loaded.config.edge.port, 1);
        assert_eq!(loaded.config.drain.limit, Span::seconds(5));
    }
}
