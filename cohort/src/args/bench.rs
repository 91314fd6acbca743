//! What can be said to `cohort bench`.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use cohort_bench::{battle, mq, store};

/// `cohort bench`
#[derive(Debug, Subcommand)]
pub enum BenchCommand {
    /// Messages between nodes, beside bare sockets, channels and clients of brokers
    #[command(before_help = "\
Examples:
  cohort bench mq                               all back-ends (needs redis-server, nats-server)
  cohort bench mq --backend local --rounds 3
  cohort bench mq --backend redis,nats --json")]
    Mq(BenchMqArgs),
    /// Durable commits, beside bare maps, databases and clients
    #[command(before_help = "\
Examples:
  cohort bench store                            all back-ends (needs redis-server)
  cohort bench store --backend embedded --dir /var/lib/cohort
  cohort bench store --backend redis,redis-cluster --json")]
    Store(BenchStoreArgs),
    /// Battles and what clients are told of them, beside bare simulations and what there is
    #[command(before_help = "\
Examples:
  cohort bench battle                           everything
  cohort bench battle --part arena,replay --rounds 3
  cohort bench battle --json")]
    Battle(BenchBattleArgs),
    /// Ticks of a node that is recorded, beside ticks of one that is not
    #[command(before_help = "\
Examples:
  cohort bench record                           each role, and a node with all of them
  cohort bench record --rounds 9 --json")]
    Record(BenchArgs),
}

/// `cohort bench mq`
#[derive(Args, Debug)]
pub struct BenchMqArgs {
    /// What is measured, separated by commas; may be repeated [default: all]
    #[arg(long = "backend", value_name = "BACKEND", value_delimiter = ',',
        value_parser = mq_parser())]
    pub backends: Vec<mq::Backend>,
    /// How it is measured.
    #[command(flatten)]
    pub how: BenchArgs,
}

/// `cohort bench store`
#[derive(Args, Debug)]
pub struct BenchStoreArgs {
    /// What is measured, separated by commas; may be repeated [default: all]
    #[arg(
        long = "backend", value_name = "BACKEND", value_delimiter = ',',
        value_parser = store_parser()
    )]
    pub backends: Vec<store::Backend>,
    /// How it is measured.
    #[command(flatten)]
    pub how: BenchArgs,
}

/// `cohort bench battle`
#[derive(Args, Debug)]
pub struct BenchBattleArgs {
    /// What is measured, separated by commas; may be repeated [default: all]
    #[arg(long = "part", value_name = "PART", value_delimiter = ',',
        value_parser = battle_parser())]
    pub parts: Vec<battle::Part>,
    /// How it is measured.
    #[command(flatten)]
    pub how: BenchArgs,
}

/// What all benchmarks have in common.
#[derive(Args, Debug)]
pub struct BenchArgs {
    /// Rounds in which product and yardstick take turns; the median counts
    #[arg(long, value_name = "N", default_value_t = 5,
        value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub rounds: u32,
    /// Print an array of JSON objects
    #[arg(long)]
    pub json: bool,
    /// Shrink every figure: shows that everything works, measures nothing
    #[arg(long)]
    pub quick: bool,
    /// Where files of stores and servers go; its disk is measured [default: the system's
    /// directory for temporary files]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

fn mq_parser() -> impl TypedValueParser<Value = mq::Backend> {
    named(mq::Backend::ALL, mq::Backend::name)
}

fn store_parser() -> impl TypedValueParser<Value = store::Backend> {
    named(store::Backend::ALL, store::Backend::name)
}

fn battle_parser() -> impl TypedValueParser<Value = battle::Part> {
    named(battle::Part::ALL, battle::Part::name)
}

fn named<B: Copy + Send + Sync + 'static, const N: usize>(
    all: [B; N],
    name: fn(B) -> &'static str,
) -> impl TypedValueParser<Value = B> {
    PossibleValuesParser::new(all.map(name)).map(move |given| {
        let found = all.into_iter().find(|backend| name(*backend) == given);
        found.expect("the parser lets only these names through")
    })
}
