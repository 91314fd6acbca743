//! The product's side: commits through a role's handle.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Instant;

use shared::ids::{Address, Epoch, Key, NodeId, PlayerId, Role, Version};
use shared::rng;
use shared::store::embedded::{EmbeddedHandle, EmbeddedStore, Wake};
use shared::store::memory::MemoryHandle;
use shared::store::redis::{RedisHandle, RedisStore, RedisStoreConfig};
use shared::store::{Commit, CommitVerdict, OpId, PartId, Store, StoreReply, StoreRequest};
use tempfile::TempDir;

use super::{PART_BYTES, SEED, Subject, WAITING};
use crate::clock;
use crate::error::{BenchError, Result};
use crate::threads::PATIENCE;

/// Keys that are claimed or first written together.
const SET_UP_KEYS: usize = 1_000;

/// A role that owns all players.
pub(super) struct Client<S> {
    handle: S,
    woken: Receiver<()>,
    /// By player.
    versions: Vec<u64>,
    /// When what waits was handed over, oldest first.
    waiting: VecDeque<Instant>,
    replies: Vec<(OpId, StoreReply)>,
}

/// The store in memory.
pub(super) fn memory(players: usize) -> Result<Client<MemoryHandle>> {
    Client::new(MemoryHandle::default(), bell().1, players)
}

/// The embedded store in a directory below `dir`, which lives as long as the last two.
pub(super) fn embedded(
    dir: &Path,
    players: usize,
) -> Result<(Client<EmbeddedHandle>, EmbeddedStore, TempDir)> {
    let failed = |source| BenchError::Dir { dir: dir.to_owned(), source };
    let dir = TempDir::with_prefix_in("store", dir).map_err(failed)?;
    let store = EmbeddedStore::open(dir.path())
        .map_err(|error| BenchError::product("embedded store", &error))?;
    let (wake, woken) = bell();
    Ok((Client::new(store.handle(wake), woken, players)?, store, dir))
}

/// The store in Redis, which lives as long as the last one.
pub(super) fn in_redis(
    urls: Vec<String>,
    is_cluster: bool,
    players: usize,
) -> Result<(Client<RedisHandle>, RedisStore)> {
    let config = RedisStoreConfig { urls, is_cluster, ..RedisStoreConfig::default() };
    let store = RedisStore::connect(config)
        .map_err(|error| BenchError::product("store in Redis", &error))?;
    let (wake, woken) = bell();
    Ok((Client::new(store.handle(wake), woken, players)?, store))
}

impl<S: Store> Client<S> {
    /// Claims all players and writes each once.
    fn new(handle: S, woken: Receiver<()>, players: usize) -> Result<Self> {
        let (waiting, replies) = (VecDeque::new(), Vec::new());
        let mut client = Self { handle, woken, versions: vec![0; players], waiting, replies };
        let by = Address { node: NodeId { node: 1, incarnation: 1 }, role: Role::Baseapp };
        let all: Vec<_> = (0..players).collect();
        for some in all.chunks(SET_UP_KEYS) {
            for player in some {
                let key = key(*player);
                client.submit(StoreRequest::Claim { key, by, seen: Epoch(0) })?;
            }
            client.wait(some.len())?;
            let reply = client.replies.iter().find(|it| !matches!(it.1, StoreReply::Claimed(_)));
            if let Some((_, reply)) = reply {
                return Err(unexpected(reply));
            }
            client.write(some)?;
        }
        Ok(client)
    }

    fn submit(&mut self, request: StoreRequest) -> Result<()> {
        let full = |_| BenchError::Silent { what: "room at the store" };
        self.handle.submit(OpId(0), request).map_err(full)
    }

    /// Waits until so many replies are there, and no longer.
    fn wait(&mut self, count: usize) -> Result<()> {
        self.replies.clear();
        self.handle.poll(&mut self.replies);
        while self.replies.len() < count {
            let silent = |_| BenchError::Silent { what: "an answer of the store" };
            self.woken.recv_timeout(PATIENCE).map_err(silent)?;
            self.handle.poll(&mut self.replies);
        }
        Ok(())
    }

    fn next_commit(&mut self, player: usize) -> Commit {
        let version = self.versions[player];
        self.versions[player] += 1;
        Commit {
            key: key(player),
            epoch: Epoch(1),
            version: Version(version),
            parts: vec![(PartId(1), vec![7; PART_BYTES])],
            mail_taken: None,
            posts: Vec::new(),
        }
    }

    /// Takes answers to single commits, at least `count` of them.
    fn take_waiting(&mut self, count: usize, times: &mut Vec<f64>) -> Result<()> {
        self.wait(count)?;
        self.check_commits()?;
        let answered = self.waiting.drain(..self.replies.len());
        times.extend(answered.map(clock::micros_since));
        Ok(())
    }

    fn check_commits(&self) -> Result<()> {
        for (_, reply) in &self.replies {
            let done = |verdict: &CommitVerdict| *verdict == CommitVerdict::Done;
            if !matches!(reply, StoreReply::Committed(verdicts) if verdicts.iter().all(done)) {
                return Err(unexpected(reply));
            }
        }
        Ok(())
    }
}

impl<S: Store> Subject for Client<S> {
    /// All keys in one request, as a tick does.
    fn write(&mut self, players: &[usize]) -> Result<()> {
        let commits = players.iter().map(|player| self.next_commit(*player)).collect();
        self.submit(StoreRequest::Commit(commits))?;
        self.wait(1)?;
        self.check_commits()
    }

    fn write_waiting(&mut self, player: usize, times: &mut Vec<f64>) -> Result<()> {
        if self.waiting.len() == WAITING {
            self.take_waiting(1, times)?;
        }
        let commits = vec![self.next_commit(player)];
        self.waiting.push_back(clock::now());
        self.submit(StoreRequest::Commit(commits))
    }

    fn settle(&mut self, times: &mut Vec<f64>) -> Result<()> {
        self.take_waiting(self.waiting.len(), times)
    }

    fn read(&mut self, players: &[usize]) -> Result<()> {
        for player in players {
            self.submit(StoreRequest::ReadOwner { key: key(*player) })?;
        }
        self.wait(players.len())?;
        let strange = self.replies.iter().find(|it| !matches!(it.1, StoreReply::Owner(_)));
        strange.map_or(Ok(()), |(_, reply)| Err(unexpected(reply)))
    }
}

/// The number by which a player is stored; spread as those of accounts are.
pub(super) fn id(player: usize) -> u64 {
    rng::mix(SEED, &[player as u64])
}

fn key(player: usize) -> Key {
    Key::Player(PlayerId(id(player)))
}

fn bell() -> (Wake, Receiver<()>) {
    let (wake, woken): (SyncSender<()>, _) = sync_channel(1);
    let wake: Wake = Box::new(move || {
        let _already = wake.try_send(());
    });
    (wake, woken)
}

fn unexpected(reply: &StoreReply) -> BenchError {
    BenchError::Product { part: "store", what: format!("an unexpected answer: {reply:?}") }
}
