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
    /// List the replays that a folder keeps, the newest first
    #[command(before_help = "\
Examples:
  cohort replay list
  cohort replay list --player anna --json
  cohort replay list other-data/replays --limit 5")]
    List(ReplayListArgs),
    /// Show who fought, how it ended, and the battle at a tick
    #[command(before_help = "\
Examples:
  cohort replay show cohort-data/replays
  cohort replay show one.replay --tick 400
  cohort replay show one.replay --tick 400 --svg frame.svg")]
    Show(ReplayShowArgs),
    /// Show every number of a battle's state after a tick
    #[command(before_help = "Example: cohort replay seek one.replay --tick 400")]
    Seek(ReplaySeekArgs),
    /// Say where two recordings of one battle part: tick, component, entity, field
    Diff(ReplayDiffArgs),
    /// Print a recording as JSON lines: the head, then every tick with its orders
    Export(ReplayExportArgs),
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

/// `cohort replay list`
#[derive(Args, Debug)]
pub struct ReplayListArgs {
    /// Folder with replays
    #[arg(default_value = "cohort-data/replays", value_name = "DIR")]
    pub dir: PathBuf,
    /// Only battles of a player, by name or id
    #[arg(long, value_name = "NAME")]
    pub player: Option<String>,
    /// How many at most
    #[arg(long, default_value_t = 50, value_name = "N")]
    pub limit: usize,
    /// Print one JSON object per replay
    #[arg(long)]
    pub json: bool,
}

/// `cohort replay show`
#[derive(Args, Debug)]
pub struct ReplayShowArgs {
    /// Replay files, or folders with replay files
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Draw the battle as it was after a tick
    #[arg(long, value_name = "N")]
    pub tick: Option<u32>,
    /// Draw it into an SVG file instead [default tick: the last]
    #[arg(long, value_name = "OUT")]
    pub svg: Option<PathBuf>,
    /// Print one JSON object per file
    #[arg(long, conflicts_with_all = ["tick", "svg"])]
    pub json: bool,
}

/// `cohort replay seek`
#[derive(Args, Debug)]
pub struct ReplaySeekArgs {
    /// A replay file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The tick; zero is the beginning
    #[arg(long, value_name = "N")]
    pub tick: u32,
    /// Print one JSON object per number
    #[arg(long)]
    pub json: bool,
}

/// `cohort replay diff`
#[derive(Args, Debug)]
pub struct ReplayDiffArgs {
    /// A replay file
    #[arg(value_name = "FILE")]
    pub first: PathBuf,
    /// Another one
    #[arg(value_name = "FILE")]
    pub second: PathBuf,
}

/// `cohort replay export`
#[derive(Args, Debug)]
pub struct ReplayExportArgs {
    /// A replay file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
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
