//! Audits of stores that were really written: by a node with bots, and by a baseapp over Redis.
#![expect(clippy::unwrap_used, reason = "a test fails by a panic, in its helpers too")]

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use baseapp::core::Baseapp;
use serde_json::Value;
use shared::content::Content;
use shared::core::{Core as _, Input, Output};
use shared::ids::{Address, Epoch, Key, NodeId, PlayerId, RequestId, Role, SessionId, SessionRef};
use shared::msg::Body;
use shared::msg::client::{Attachments, PlayerRequest, Stack};
use shared::msg::gateway_baseapp::ToBaseapp;
use shared::store::embedded::{EmbeddedStore, Wake};
use shared::store::redis::{RedisStore, RedisStoreConfig};
use shared::store::{
    Commit, CommitVerdict, OpId, Ownership, PartId, Store, StoreReply, StoreRequest,
};
use shared::tick::{Tick, TickRate};
use shared::wire;

use crate::program::{Done, Running, check_refused, run};
use crate::servers::{Port, Server};

const FEW: [&str; 6] = ["--players", "8", "--for", "3s", "--ramp", "500ms"];
const MEAT: u16 = 40;
const PURSE: u16 = 21;
/// The part of a player that holds the bag.
const BAG: PartId = PartId(4);
const DEADLINE: Duration = Duration::from_secs(60);

fn audit(arguments: &[&str]) -> (Done, Value) {
    let said = run(&[&["audit"], arguments].concat());
    let json = run(&[&["audit", "--json"], arguments].concat());
    assert_eq!(said.code, json.code, "{said:?} {json:?}");
    let value = serde_json::from_str(&json.stdout).unwrap_or(Value::Null);
    (said, value)
}

#[test]
fn what_bots_did_is_conserved_and_whole_also_after_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    let arguments = ["--data", data];
    for end in ["-TERM", "-KILL"] {
        let node = Running::start(dir.path());
        let played = node.bots(dir.path(), &FEW);
        assert_eq!(played.code, Some(0), "{played:?}");
        let refused = ["audit", "--data", data];
        check_refused(&refused, 78, &["is in use", "stop the node", "store.redb"]);
        drop(node.end_with(end));
        let (said, value) = audit(&arguments);
        assert_eq!(said.code, Some(0), "{end}: {said:?}");
        for part in ["under way", "40 Dried Meat", "8 players", "ok: conserved and whole"] {
            assert!(said.stdout.contains(part), "{part:?} is not in {}", said.stdout);
        }
        assert_eq!((&value["conserved"], &value["whole"]), (&true.into(), &true.into()));
        assert_eq!(value["counts"]["players_with_late_books"], 0);
        let gold = &value["items"][0];
        assert!(gold["minted"].as_u64().unwrap() >= 8 * 500, "{gold}");
    }
}

#[test]
fn an_audit_names_the_item_and_the_player_that_were_tampered_with() {
    let dir = tempfile::tempdir().unwrap();
    let node = Running::start(dir.path());
    assert_eq!(node.bots(dir.path(), &FEW).code, Some(0));
    drop(node.end_with("-TERM"));
    let arguments = ["--data", dir.path().to_str().unwrap()];
    assert_eq!(audit(&arguments).0.code, Some(0));
    let cheat = PlayerId::of_account("bot-1-0");
    let store = EmbeddedStore::open(dir.path()).unwrap();
    put_into_bag(&mut Handle::of(|wake| store.handle(wake)), cheat, 5);
    store.close().unwrap();
    let (said, value) = audit(&arguments);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stderr.contains("item 40 differs by +5"), "{said:?}");
    assert!(said.stdout.contains(&format!("FOUND  player:{cheat}: holds")), "{said:?}");
    assert_eq!((&value["conserved"], &value["whole"]), (&false.into(), &false.into()));
    let item = |item: &&Value| item["item"] == MEAT;
    let meat = value["items"].as_array().unwrap().iter().find(item).unwrap();
    assert_eq!(meat["difference"], 5);
    assert_eq!(value["findings"][0]["kind"], "unbalanced");
}

#[test]
fn a_directory_without_a_store_is_refused_and_stays_empty() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    check_refused(&["audit", "--data", data], 78, &["there is no store", "store.redb"]);
    assert_eq!(dir.path().read_dir().unwrap().count(), 0);
    let both = ["audit", "--data", data, "--redis", "redis://127.0.0.1:1"];
    check_refused(&both, 2, &["--redis"]);
}

#[test]
fn a_store_in_redis_is_audited_while_a_node_uses_it() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &Port::reserve(), &[]);
    let url = server.url();
    let arguments = ["--redis", url.as_str(), "--prefix", "played"];
    check_refused(&[&["audit"], &arguments[..]].concat(), 78, &["no store under prefix"]);
    let config = RedisStoreConfig {
        urls: vec![server.url()],
        prefix: String::from("played"),
        ..RedisStoreConfig::default()
    };
    let store = RedisStore::connect(config).unwrap();
    let mut node = Node::new(Handle::of(|wake| store.handle(wake)));
    node.play();
    let (said, value) = audit(&arguments);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stdout.contains("2 of 2 keys have an owner"), "{said:?}");
    assert!(!said.stderr.contains("nodes may be using"), "{said:?}");
    let gold = &value["items"][0];
    assert_eq!((&gold["bag"], &gold["letters"]), (&1_090.into(), &10.into()));
    assert_eq!((&gold["minted"], &gold["spent"]), (&1_100.into(), &0.into()));

    put_into_bag(&mut node.store, PlayerId::of_account("anna"), 1);
    let (said, _) = audit(&arguments);
    assert_eq!(said.code, Some(1), "{said:?}");
    for part in ["item 40 differs by +1", "nodes may be using this store"] {
        assert!(said.stderr.contains(part), "{part:?} is not in {}", said.stderr);
    }
}

/// Takes a player over and stores a bag with so much more meat in it, checksums and all.
fn put_into_bag<S: Store>(store: &mut Handle<S>, player: PlayerId, count: u32) {
    let key = Key::Player(player);
    let StoreReply::Owner(Ownership { epoch, .. }) = store.ask(StoreRequest::ReadOwner { key })
    else {
        panic!("asked for the owner");
    };
    let by = Address { node: NodeId { node: 99, incarnation: 1 }, role: Role::Baseapp };
    let StoreReply::Claimed(record) = store.ask(StoreRequest::Claim { key, by, seen: epoch })
    else {
        panic!("nobody is faster");
    };
    let (_, bag) = record.parts.iter().find(|(part, _)| *part == BAG).unwrap();
    let mut stacks: Vec<(u16, u32)> = wire::decode(&bag[1..], bag.len()).unwrap();
    stacks.iter_mut().find(|(item, _)| *item == MEAT).unwrap().1 += count;
    let bytes = [&bag[..1], &wire::encode(&stacks)].concat();
    let commit = Commit {
        key,
        epoch: Epoch(epoch.0 + 1),
        version: record.version,
        parts: vec![(BAG, bytes)],
        mail_taken: None,
        posts: Vec::new(),
    };
    let reply = store.ask(StoreRequest::Commit(vec![commit]));
    assert_eq!(reply, StoreReply::Committed(vec![CommitVerdict::Done]));
}

/// A handle and the means to wait for its answers.
struct Handle<S> {
    store: S,
    woken: Receiver<()>,
}

impl<S: Store> Handle<S> {
    fn of(handle: impl FnOnce(Wake) -> S) -> Self {
        let (wake, woken) = sync_channel(1);
        let wake: Wake = Box::new(move || {
            let _already = wake.try_send(());
        });
        Self { store: handle(wake), woken }
    }

    fn answers(&mut self, count: usize) -> Vec<(OpId, StoreReply)> {
        let mut replies = Vec::new();
        loop {
            self.store.poll(&mut replies);
            if replies.len() >= count {
                return replies;
            }
            self.woken.recv_timeout(DEADLINE).unwrap();
        }
    }

    fn ask(&mut self, request: StoreRequest) -> StoreReply {
        self.store.submit(OpId(0), request).unwrap();
        self.answers(1).remove(0).1
    }
}

/// A baseapp core over a store, and sessions that ask it for something.
struct Node<S> {
    core: Baseapp,
    store: Handle<S>,
    me: NodeId,
    now: Tick,
}

impl<S: Store> Node<S> {
    fn new(store: Handle<S>) -> Self {
        let me = NodeId { node: 1, incarnation: 1 };
        let address = Address { node: me, role: Role::Baseapp };
        let core = Baseapp::new(address, TickRate::new(200), Arc::new(Content::builtin()));
        Self { core, store, me, now: Tick(0) }
    }

    /// Two players come; one opens a purse, feeds a pet and gives the other something.
    fn play(&mut self) {
        let gift = Attachments { gold: 10, stacks: vec![Stack { item: MEAT, count: 2 }] };
        let to = PlayerId::of_account("bert");
        let requests = [
            PlayerRequest::UseItem { item: PURSE },
            PlayerRequest::FeedPet { pet: 0, item: MEAT },
            PlayerRequest::SendGift { to, gift },
        ];
        for (session, account) in (1..).zip(["bert", "anna"]) {
            self.tell(
                |player, session| ToBaseapp::Open {
                    player,
                    account: String::from(account),
                    secret_hash: [1; 32],
                    session,
                },
                account,
                session,
            );
        }
        for (id, request) in (1..).zip(requests) {
            let id = RequestId(id);
            self.tell(
                |player, session| ToBaseapp::Request {
                    player,
                    session,
                    id,
                    request,
                    head: Box::default(),
                },
                "anna",
                2,
            );
        }
        // The routine round finds mail that was delivered meanwhile.
        for _ in 0..1_000 {
            self.tick(Vec::new());
        }
    }

    fn tell(
        &mut self,
        said: impl FnOnce(PlayerId, SessionRef) -> ToBaseapp,
        account: &str,
        session: u64,
    ) {
        let from = Address { node: self.me, role: Role::Gateway };
        let session = SessionRef { gateway: self.me, session: SessionId(session) };
        let body = Body::ToBaseapp(said(PlayerId::of_account(account), session));
        self.tick(vec![Input::Frame { from, body }]);
    }

    /// One tick, and all answers of the store to it.
    fn tick(&mut self, mut inputs: Vec<Input>) {
        self.now = self.now.next();
        let mut outputs = Vec::new();
        self.core.tick(self.now, inputs.drain(..), &mut outputs);
        loop {
            let mut asked = 0;
            for output in outputs.drain(..) {
                if let Output::Store { op, request } = output {
                    self.store.store.submit(op, request).unwrap();
                    asked += 1;
                }
            }
            if asked == 0 {
                return;
            }
            for (op, reply) in self.store.answers(asked) {
                self.core.stored(self.now, op, reply, &mut outputs);
            }
        }
    }
}
