//! The one program of Cohort, and the library behind it: command line, configuration, wiring of
//! roles into a node, status page, checks.
//!
//! This crate is shell only. It never decides anything about players, teams or battles, and it
//! never changes the store behind a core's back.

pub mod args;
pub mod clock;
pub mod cluster;
pub mod cmd;
pub mod config;
pub mod failure;
#[doc(hidden)]
pub mod fuzzing;
pub mod output;
pub mod replays;
pub mod service;
pub mod status;
pub mod stop;
pub mod suggest;
pub mod supervisor;
pub mod telemetry;

use args::{Arguments, Command, ReplayCommand};
use failure::Failure;

/// Does what the command line says.
///
/// # Errors
/// [`Failure`] has the text for stderr and the exit code.
pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.command {
        Command::Up(up) => cmd::up::run(&up).await,
        Command::Node(node) => cmd::node::run(&node).await,
        Command::Bots(bots) => cmd::bots::run(&bots).await,
        Command::Replay(ReplayCommand::Verify(replay)) => cmd::replay::verify(&replay),
        Command::Replay(ReplayCommand::List(list)) => cmd::replay::list(&list),
        Command::Replay(ReplayCommand::Show(replay)) => cmd::replay::show(&replay),
        Command::Replay(ReplayCommand::Seek(seek)) => cmd::replay::seek(&seek),
        Command::Replay(ReplayCommand::Diff(diff)) => cmd::replay::diff(&diff),
        Command::Replay(ReplayCommand::Export(export)) => cmd::replay::export(&export),
        Command::Replay(ReplayCommand::Node(node)) => {
            tokio::task::block_in_place(|| cmd::flight::replay(&node))
        }
        Command::Audit(audit) => cmd::audit::run(&audit),
        Command::Status(status) => cmd::status::run(&status).await,
        Command::Bench(bench) => cmd::bench::run(bench).await,
        Command::Sim(sim) => tokio::task::block_in_place(|| cmd::sim::run(&sim)),
        Command::Doctor(config) => cmd::doctor::run(&config).await,
        Command::Config(config) => cmd::config::run(&config),
        Command::Completions { shell } => cmd::completions::run(shell),
    }
}
