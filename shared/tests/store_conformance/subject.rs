//! The back-ends under test, and short ways to ask them.

use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use shared::ids::{Address, Epoch, Key, NodeId, Role, Version};
use shared::store::embedded::{EmbeddedHandle, EmbeddedStore, Wake};
use shared::store::memory::MemoryStore;
use shared::store::redis::{RedisHandle, RedisStore};
use shared::store::{
    Commit, CommitVerdict, MailEntry, OpId, PartId, Post, Record, Relayed, Store, StoreReply,
    StoreRequest,
};
use tempfile::TempDir;

/// A test that waits longer than this for an answer has found that it never comes.
const ANSWER_DEADLINE: Duration = Duration::from_secs(60);

/// Something that answers requests in order.
pub(crate) trait Subject {
    /// Hands all requests over at once and waits for all answers.
    fn ask_all(&mut self, requests: &[StoreRequest]) -> Vec<StoreReply>;

    fn ask(&mut self, request: StoreRequest) -> StoreReply {
        self.ask_all(&[request]).pop().expect("one request, one answer")
    }
}

#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) store: MemoryStore,
}

impl Subject for Memory {
    fn ask_all(&mut self, requests: &[StoreRequest]) -> Vec<StoreReply> {
        requests.iter().map(|request| self.store.apply(request)).collect()
    }
}

/// A handle and the means to wait for its answers.
pub(crate) struct Client<H = EmbeddedHandle> {
    pub(crate) handle: H,
    woken: Receiver<()>,
}

impl Client<EmbeddedHandle> {
    pub(crate) fn new(store: &EmbeddedStore) -> Self {
        Self::with(|wake| store.handle(wake))
    }
}

impl Client<RedisHandle> {
    pub(crate) fn of_redis(store: &RedisStore) -> Self {
        Self::with(|wake| store.handle(wake))
    }
}

impl<H: Store> Client<H> {
    fn with(handle: impl FnOnce(Wake) -> H) -> Self {
        let (wake, woken) = sync_channel(1);
        let wake: Wake = Box::new(move || {
            let _already = wake.try_send(());
        });
        Self { handle: handle(wake), woken }
    }

    pub(crate) fn answers(&mut self, count: usize) -> Vec<(OpId, StoreReply)> {
        let mut replies = Vec::new();
        loop {
            self.handle.poll(&mut replies);
            if replies.len() >= count {
                return replies;
            }
            self.woken.recv_timeout(ANSWER_DEADLINE).expect("the store answers");
        }
    }
}

impl<H: Store> Subject for Client<H> {
    fn ask_all(&mut self, requests: &[StoreRequest]) -> Vec<StoreReply> {
        for (op, request) in (0..).zip(requests) {
            self.handle.submit(OpId(op), request.clone()).expect("below the limit");
        }
        let replies = self.answers(requests.len());
        let ops: Vec<_> = replies.iter().map(|(op, _)| op.0).collect();
        assert_eq!(ops, (0..requests.len() as u64).collect::<Vec<_>>(), "in order, none lost");
        replies.into_iter().map(|(_, reply)| reply).collect()
    }
}

pub(crate) struct Embedded {
    client: Client,
    store: Option<EmbeddedStore>,
    pub(crate) dir: TempDir,
}

impl Embedded {
    pub(crate) fn new() -> Self {
        let dir = TempDir::new().expect("a temporary directory");
        let store = EmbeddedStore::open(dir.path()).expect("opens");
        Self { client: Client::new(&store), store: Some(store), dir }
    }

    pub(crate) fn store(&self) -> &EmbeddedStore {
        self.store.as_ref().expect("open")
    }

    pub(crate) fn close(&mut self) {
        self.store.take().expect("open").close().expect("closes");
    }

    pub(crate) fn reopen(&mut self) {
        if self.store.is_some() {
            self.close();
        }
        let store = EmbeddedStore::open(self.dir.path()).expect("opens");
        self.client = Client::new(&store);
        self.store = Some(store);
    }
}

impl Subject for Embedded {
    fn ask_all(&mut self, requests: &[StoreRequest]) -> Vec<StoreReply> {
        self.client.ask_all(requests)
    }
}

/// The baseapp of a node.
pub(crate) fn node(node: u16) -> Address {
    Address { node: NodeId { node, incarnation: 1 }, role: Role::Baseapp }
}

/// Claims a key that nobody has claimed since `seen`.
pub(crate) fn claim(subject: &mut dyn Subject, key: Key, by: u16, seen: u64) -> Record {
    let reply = subject.ask(StoreRequest::Claim { key, by: node(by), seen: Epoch(seen) });
    let StoreReply::Claimed(record) = reply else {
        panic!("{key} should be free: {reply:?}");
    };
    record
}

/// An empty commit by the owner of `epoch` that expects `version`.
pub(crate) fn commit(key: Key, epoch: u64, version: u64) -> Commit {
    Commit {
        key,
        epoch: Epoch(epoch),
        version: Version(version),
        parts: Vec::new(),
        mail_taken: None,
        posts: Vec::new(),
    }
}

pub(crate) fn part(mut commit: Commit, id: u8, bytes: &[u8]) -> Commit {
    commit.parts.push((PartId(id), bytes.to_vec()));
    commit
}

pub(crate) fn post(mut commit: Commit, target: Key, mail: &[u8]) -> Commit {
    commit.posts.push(Post { target, mail: mail.to_vec() });
    commit
}

pub(crate) fn commit_all(subject: &mut dyn Subject, commits: Vec<Commit>) -> Vec<CommitVerdict> {
    let reply = subject.ask(StoreRequest::Commit(commits));
    let StoreReply::Committed(verdicts) = reply else {
        panic!("a commit is answered by verdicts: {reply:?}");
    };
    verdicts
}

/// Commits and expects it to be done.
pub(crate) fn done(subject: &mut dyn Subject, commit: Commit) {
    assert_eq!(commit_all(subject, vec![commit]), [CommitVerdict::Done]);
}

pub(crate) fn relay(subject: &mut dyn Subject, source: Key) -> (Vec<Relayed>, u64) {
    let reply = subject.ask(StoreRequest::Relay { source });
    let StoreReply::Relayed { targets, entries_left } = reply else {
        panic!("a relay step is answered by its targets: {reply:?}");
    };
    (targets, entries_left)
}

pub(crate) fn peek(subject: &mut dyn Subject, key: Key, after: u64) -> Vec<MailEntry> {
    let reply = subject.ask(StoreRequest::PeekMail { key, after });
    let StoreReply::Mail(entries) = reply else {
        panic!("a peek is answered by mail: {reply:?}");
    };
    entries
}
