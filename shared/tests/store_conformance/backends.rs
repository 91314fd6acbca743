//! The back-ends under test that need no server.

use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use shared::store::embedded::{EmbeddedHandle, EmbeddedStore, Wake};
use shared::store::memory::MemoryStore;
use shared::store::redis::{RedisHandle, RedisStore};
use shared::store::{OpId, Store, StoreReply, StoreRequest};
use tempfile::TempDir;

use crate::subject::Subject;

/// A test that waits longer than this for an answer has found that it never comes.
const ANSWER_DEADLINE: Duration = Duration::from_secs(60);

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
