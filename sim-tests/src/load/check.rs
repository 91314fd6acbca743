//! Checks a ledger: logs every bot in again and compares what is stored with what it was told.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use client::{Client, ClientEndpoint, ConnectTo, Credentials, RequestError, Trust};
use shared::content::Content;
use shared::msg::client::{PlayerRequest, Reply, Request};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::bot::{Stored, account, secret};

use super::ledger::{self, Compared, LedgerLine, LedgerVerdict};
use super::{LoadError, nth};

/// Bots that are asked at the same time.
const AT_ONCE_MAX: usize = 64;
/// Attempts to log a bot in and read all of it.
const ATTEMPTS_MAX: u32 = 20;
/// Looks at a bot before a difference counts: results of battles may still be on their way.
const LOOKS_MAX: u32 = 10;
/// Pause between two attempts or looks.
const PAUSE: Duration = Duration::from_millis(500);

/// Where the bots of a ledger are.
#[derive(Clone, Debug)]
pub struct CheckConfig {
    /// Gateways.
    pub servers: Vec<SocketAddr>,
    /// The name that the gateways' certificate has to hold for.
    pub server_name: String,
    /// Whom to take for a gateway.
    pub trust: Trust,
    /// The ledger.
    pub ledger: PathBuf,
    /// What items are good for; must be what the servers have.
    pub content: Arc<Content>,
}

/// Compares a ledger with what is stored now.
///
/// # Errors
/// [`LoadError`]; a difference is no error but part of the verdict. A bot that cannot be asked is
/// one: nothing is known about it then.
pub async fn check_ledger(config: CheckConfig) -> Result<LedgerVerdict, LoadError> {
    if config.servers.is_empty() {
        return Err(LoadError::NoServer);
    }
    let lines = ledger::read(&config.ledger).await?;
    let socket = ClientEndpoint::new(&config.trust)?;
    let config = Arc::new(config);
    let mut verdict = LedgerVerdict::default();
    let mut asking = JoinSet::new();
    for line in lines {
        // A bot that never got in was told nothing.
        if line.book.gold.is_none() && line.book.bag.is_none() {
            continue;
        }
        if asking.len() >= AT_ONCE_MAX
            && let Some(asked) = asking.join_next().await
        {
            enter(&mut verdict, asked.map_err(LoadError::Panicked)??);
        }
        asking.spawn(ask(Arc::clone(&config), socket.clone(), line));
    }
    while let Some(asked) = asking.join_next().await {
        enter(&mut verdict, asked.map_err(LoadError::Panicked)??);
    }
    verdict.differing.sort();
    Ok(verdict)
}

fn enter(verdict: &mut LedgerVerdict, (line, compared): (LedgerLine, Compared)) {
    verdict.players += 1;
    verdict.in_doubt += u32::from(line.in_doubt.is_some());
    match compared {
        Compared::Kept => {}
        Compared::KeptWithDoubtful => verdict.in_doubt_done += 1,
        Compared::Differs(differences) => {
            verdict.differing.push((account(line.seed, line.index), differences));
        }
    }
}

async fn ask(
    config: Arc<CheckConfig>,
    socket: ClientEndpoint,
    line: LedgerLine,
) -> Result<(LedgerLine, Compared), LoadError> {
    let mut reason = String::new();
    for attempt in 0..ATTEMPTS_MAX {
        match look(&config, &socket, &line, attempt).await {
            Ok(compared) => return Ok((line, compared)),
            Err(error) => reason = error,
        }
        sleep(PAUSE).await;
    }
    Err(LoadError::NotAsked { account: account(line.seed, line.index), reason })
}

/// Logs in and looks until nothing differs any more, or long enough. The error says what went
/// wrong on the way.
async fn look(
    config: &CheckConfig,
    socket: &ClientEndpoint,
    line: &LedgerLine,
    attempt: u32,
) -> Result<Compared, String> {
    let to = ConnectTo {
        server: config.servers[nth(config.servers.len(), u64::from(line.index + attempt))],
        server_name: config.server_name.clone(),
        login: Credentials {
            account: account(line.seed, line.index),
            secret: secret(line.seed, line.index),
        },
        nonce: None,
    };
    let (client, _events) = socket.connect(to).await.map_err(|error| error.to_string())?;
    let mut compared = Compared::Differs(Vec::new());
    for _ in 0..LOOKS_MAX {
        let stored = read_all(&client).await?;
        compared = line.compare(&stored, &config.content);
        if !matches!(compared, Compared::Differs(_)) {
            break;
        }
        sleep(PAUSE).await;
    }
    client.close();
    Ok(compared)
}

async fn read_all(client: &Client) -> Result<Stored, String> {
    let profile = read(client, PlayerRequest::ReadProfile).await?;
    let bag = read(client, PlayerRequest::ReadBag).await?;
    let worn = read(client, PlayerRequest::ReadEquipment).await?;
    let pets = read(client, PlayerRequest::ReadPets).await?;
    let inbox = read(client, PlayerRequest::ReadInbox).await?;
    // Five questions and their five answers, or the server answers something else.
    if let (
        Reply::Profile(profile),
        Reply::Bag(bag),
        Reply::Equipment(worn),
        Reply::Pets(pets),
        Reply::Inbox(inbox),
    ) = (profile, bag, worn, pets, inbox)
    {
        return Ok(Stored { profile, bag, worn, pets, inbox });
    }
    Err(String::from("a question was answered with something else"))
}

async fn read(client: &Client, request: PlayerRequest) -> Result<Reply, String> {
    let asked = client.request(Request::Player(request)).await;
    asked.map_err(|error: RequestError| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bot::Book;

    fn line(index: u32, in_doubt: bool) -> LedgerLine {
        let in_doubt = in_doubt.then_some(Request::Ping);
        LedgerLine { seed: 1, index, book: Book::default(), in_doubt }
    }

    #[test]
    fn the_verdict_counts_bots_doubts_and_losses() {
        let mut verdict = LedgerVerdict::default();
        enter(&mut verdict, (line(0, false), Compared::Kept));
        enter(&mut verdict, (line(1, true), Compared::Kept));
        enter(&mut verdict, (line(2, true), Compared::KeptWithDoubtful));
        enter(&mut verdict, (line(3, false), Compared::Differs(vec![String::from("gold")])));
        assert_eq!((verdict.players, verdict.in_doubt, verdict.in_doubt_done), (4, 2, 1));
        assert_eq!(verdict.differing, [(String::from("bot-1-3"), vec![String::from("gold")])]);
    }
}
