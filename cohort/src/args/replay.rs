//! `cohort replay`

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `cohort replay`
#[derive(Debug, Subcommand)]
pub enum ReplayCommand {
    /// Run recorded battles again and compare every hash
    #[command(before_help = "\
Examples:
  cohort replay verify cohort-data/replays
  cohort replay verify one.replay another.replay --json")]
    Verify(ReplayArgs),
    /// Show what a replay file holds
    Show(ReplayArgs),
    /// Run a node's roles again from their flight recordings (`--record`)
    Node(ReplayNodeArgs),
}

/// Which replays.
#[derive(Args, Debug)]
pub struct ReplayArgs {
    /// Replay files, or folders with replay files
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Print one JSON object per file
    #[arg(long)]
    pub json: bool,
}

/// `cohort replay node`
#[derive(Args, Debug)]
#[command(before_help = "\
Examples:
  cohort up --for 30s --record flight
  cohort replay node flight")]
pub struct ReplayNodeArgs {
    /// Folder of the recording
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Folder with the heroes, items and queues that the node had [default: built in]
    #[arg(long, value_name = "DIR")]
    pub content: Option<PathBuf>,
    /// Print one JSON object per role
    #[arg(long)]
    pub json: bool,
}
