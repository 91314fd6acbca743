//! Load: many bots over real sockets, and what was measured.
//!
//! The minds are in [`crate::bot`]; here are their sockets, tasks and clocks. Each bot is one
//! task; a few UDP sockets carry all of them. Latency counts from the moment at which a request
//! was to be sent, so that a slow server cannot hide its slowness by slowing the bots down.

mod check;
mod clock;
mod ledger;
mod player;
mod report;
mod tally;
mod threshold;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use client::{ClientEndpoint, ConnectError, Trust};
use shared::content::Content;
use thiserror::Error;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::bot::{Plan, account};

pub use check::{CheckConfig, check_ledger};
pub use ledger::{Compared, LedgerLine, LedgerVerdict};
pub use report::{LoadReport, ReplyTimes};
pub use threshold::{Threshold, ThresholdError};

use clock::Clock;
use player::Player;
use tally::Tally;

/// Bots that share one UDP socket.
const SOCKET_PLAYERS: u32 = 250;
/// Bots of one run; more are refused.
pub const PLAYERS_MAX: u32 = 100_000;
/// Time after its end in which a run waits for its bots.
const END: Duration = Duration::from_secs(10);

/// Where and how bots play.
#[derive(Clone, Debug)]
pub struct LoadConfig {
    /// Gateways; bots are spread over them, and go to the next one when a connection is lost.
    pub servers: Vec<SocketAddr>,
    /// The name that the gateways' certificate has to hold for.
    pub server_name: String,
    /// Whom to take for a gateway.
    pub trust: Trust,
    /// How many bots, `1..=PLAYERS_MAX`.
    pub players: u32,
    /// Time over which the logins are spread.
    pub ramp: Duration,
    /// How long to play, the ramp included; `None` until stopped.
    pub duration: Option<Duration>,
    /// Decides accounts, secrets and all that the bots draw.
    pub seed: u64,
    /// Time between the moments at which a bot asks for something.
    pub pace: Duration,
    /// Whether bots queue and fight.
    pub fight: bool,
    /// Where they queue; `None` for where the largest sides meet.
    pub queue: Option<String>,
    /// What items are good for; must be what the servers have.
    pub content: Arc<Content>,
    /// Lost connections and battles are counted, but are no errors.
    pub tolerate_disconnects: bool,
    /// Conditions on the report.
    pub thresholds: Vec<Threshold>,
    /// Where to write at the end what was acknowledged.
    pub ledger: Option<PathBuf>,
    /// Gets the numbers so far once a second.
    pub progress: Option<watch::Sender<LoadReport>>,
}

/// Why a run, or the check of a ledger, cannot be done.
#[derive(Debug, Error)]
pub enum LoadError {
    /// No gateway is given.
    #[error("no server is given")]
    NoServer,
    /// Too many bots or none.
    #[error("a run has 1 to {PLAYERS_MAX} players, not {0}")]
    Players(u32),
    /// There is no UDP socket, or nothing that can be trusted.
    #[error("bots have no socket")]
    Socket(#[from] ConnectError),
    /// The ledger cannot be written or read.
    #[error("the ledger {} cannot be used", path.display())]
    Ledger {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line of the ledger cannot be read.
    #[error("{}:{line} is no line of a ledger", path.display())]
    LedgerLine {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Why.
        source: serde_json::Error,
    },
    /// A bot's task ended by a panic.
    #[error("a bot panicked")]
    Panicked(#[source] tokio::task::JoinError),
    /// A bot of the ledger cannot be asked what is stored.
    #[error("{account} cannot be asked what is stored: {reason}")]
    NotAsked {
        /// The bot's account.
        account: String,
        /// The last thing that went wrong.
        reason: String,
    },
}

/// What all bots of a run have in common.
#[derive(Debug)]
struct Run {
    servers: Vec<SocketAddr>,
    server_name: String,
    sockets: Vec<ClientEndpoint>,
    seed: u64,
    plan: Plan,
    ramp: Duration,
    tolerate_disconnects: bool,
    clock: Clock,
    tally: Tally,
}

impl LoadConfig {
    /// A run of `players` bots without an end, with the built-in content and usual values.
    #[must_use]
    pub fn new(servers: Vec<SocketAddr>, trust: Trust, players: u32) -> Self {
        Self {
            servers,
            server_name: String::from("localhost"),
            trust,
            players,
            ramp: Duration::from_secs(2),
            duration: None,
            seed: 1,
            pace: Duration::from_secs(1),
            fight: true,
            queue: None,
            content: Arc::new(Content::builtin()),
            tolerate_disconnects: false,
            thresholds: Vec::new(),
            ledger: None,
            progress: None,
        }
    }
}

/// Plays until the duration is over or `stop` resolves, and says what was measured.
///
/// # Errors
/// [`LoadError`]; thresholds that are not met are no error but part of the report.
pub async fn run(
    config: LoadConfig,
    stop: impl Future<Output = ()>,
) -> Result<LoadReport, LoadError> {
    let run = Arc::new(prepare(&config)?);
    let (end, ended) = watch::channel(false);
    let mut bots = JoinSet::new();
    for index in 0..config.players {
        bots.spawn(Player::new(Arc::clone(&run), index).play(ended.clone()));
    }
    drop(ended);
    watch_run(&config, &run, stop).await;
    let seconds = run.clock.seconds();
    // Bots that are gone do not need to be told.
    let _all_gone = end.send(true);
    let mut lines = timeout(END, collect(&mut bots)).await.unwrap_or_else(|_| {
        run.tally.error(String::from("bots: did not end in time"));
        Ok(Vec::new())
    })?;
    if let Some(path) = &config.ledger {
        lines.sort_by_key(|line| line.index);
        ledger::write(path, &lines).await?;
    }
    for socket in &run.sockets {
        // The servers learn of the end by a timeout otherwise, that is all.
        let _told = timeout(Duration::from_secs(1), socket.wait_idle()).await;
    }
    let mut report = run.tally.report(config.players, seconds);
    report.judge(&config.thresholds);
    Ok(report)
}

fn prepare(config: &LoadConfig) -> Result<Run, LoadError> {
    if config.servers.is_empty() {
        return Err(LoadError::NoServer);
    }
    if !(1..=PLAYERS_MAX).contains(&config.players) {
        return Err(LoadError::Players(config.players));
    }
    let sockets = config.players.div_ceil(SOCKET_PLAYERS);
    let sockets = (0..sockets).map(|_| ClientEndpoint::new(&config.trust));
    let pace_ms = u64::try_from(config.pace.as_millis()).unwrap_or(u64::MAX);
    let content = Arc::clone(&config.content);
    let mut plan = Plan::new(config.players, pace_ms, content, clock::unique());
    if !config.fight {
        plan.queue = None;
    } else if config.queue.is_some() {
        plan.queue.clone_from(&config.queue);
    }
    Ok(Run {
        servers: config.servers.clone(),
        server_name: config.server_name.clone(),
        sockets: sockets.collect::<Result<_, _>>()?,
        seed: config.seed,
        plan,
        ramp: config.ramp,
        tolerate_disconnects: config.tolerate_disconnects,
        clock: Clock::start(),
        tally: Tally::new(),
    })
}

/// Waits for the end of the run and tells the numbers meanwhile.
async fn watch_run(config: &LoadConfig, run: &Run, stop: impl Future<Output = ()>) {
    let over = async {
        match config.duration {
            Some(duration) => sleep(duration).await,
            None => std::future::pending().await,
        }
    };
    let tell = async {
        let mut second = interval(Duration::from_secs(1));
        second.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            second.tick().await;
            if let Some(progress) = &config.progress {
                progress.send_replace(run.tally.report(config.players, run.clock.seconds()));
            }
        }
    };
    tokio::select! {
        () = stop => {}
        () = over => {}
        () = tell => {}
    }
}

async fn collect(bots: &mut JoinSet<LedgerLine>) -> Result<Vec<LedgerLine>, LoadError> {
    let mut lines = Vec::new();
    while let Some(ended) = bots.join_next().await {
        lines.push(ended.map_err(LoadError::Panicked)?);
    }
    Ok(lines)
}

impl Run {
    /// The gateway for a bot's n-th attempt to connect.
    fn server(&self, index: u32, attempt: u32) -> SocketAddr {
        self.servers[nth(self.servers.len(), u64::from(index) + u64::from(attempt))]
    }

    fn socket(&self, index: u32) -> &ClientEndpoint {
        &self.sockets[nth(self.sockets.len(), u64::from(index))]
    }

    fn account(&self, index: u32) -> String {
        account(self.seed, index)
    }
}

/// `number` taken round a list of `len` entries, which is not empty.
fn nth(len: usize, number: u64) -> usize {
    let len_wide = u64::try_from(len).unwrap_or(u64::MAX).max(1);
    usize::try_from(number % len_wide).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(servers: Vec<SocketAddr>, players: u32) -> LoadConfig {
        LoadConfig::new(servers, Trust::Certificate(Vec::new()), players)
    }

    #[test]
    fn a_run_without_servers_or_bots_is_refused_before_it_begins() {
        let server = SocketAddr::from(([127, 0, 0, 1], 1));
        assert!(matches!(prepare(&config(Vec::new(), 1)), Err(LoadError::NoServer)));
        assert!(matches!(prepare(&config(vec![server], 0)), Err(LoadError::Players(0))));
        assert!(matches!(prepare(&config(vec![server], 1)), Err(LoadError::Socket(_))));
    }

    #[test]
    fn bots_are_spread_over_the_servers_and_go_on_to_the_next_one() {
        assert_eq!((0..5).map(|number| nth(3, number)).collect::<Vec<_>>(), [0, 1, 2, 0, 1]);
    }
}
