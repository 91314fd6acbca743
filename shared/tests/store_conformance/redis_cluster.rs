//! A Redis Cluster whose slots move from server to server while it is written to, and one whose
//! primary is killed.

use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use shared::ids::{Key, PlayerId, Version};
use shared::store::redis::{RedisHandle, RedisStore, RedisStoreConfig};
use shared::store::{CommitVerdict, PartId, StoreReply, StoreRequest};

use crate::backends::Client;
use crate::redis_subject::{Servers, raw, until};
use crate::subject::{Subject, claim, commit, part, peek, post, relay};

const KEYS: u64 = 400;
/// Slots that move: some 40 of the 1,024 buckets are in them.
const SLOTS: &str = "700";
const TARGET: Key = Key::Player(PlayerId(1_000_000));
/// Versions of which each sent a mail: fewer than a mailbox holds, all keys together.
const POSTS: u64 = 2;

/// What is known of a key: its epoch, and what was acknowledged.
#[derive(Clone, Copy, Default)]
struct Known {
    epoch: u64,
    version: u64,
}

fn keys() -> impl Iterator<Item = Key> {
    (0..KEYS).map(|id| Key::Player(PlayerId(id)))
}

fn claim_again(client: &mut Client<RedisHandle>, key: Key, known: &mut Known) {
    let StoreReply::Owner(seen) = client.ask(StoreRequest::ReadOwner { key }) else {
        return; // The slot is on its way; next time.
    };
    let by = crate::subject::node(1);
    let StoreReply::Claimed(record) = client.ask(StoreRequest::Claim { key, by, seen: seen.epoch })
    else {
        return;
    };
    let found = record.version.0;
    assert!(found >= known.version, "{key}: {found} of {} acknowledged", known.version);
    assert!(found <= known.version + 1, "{key}: more than was ever sent");
    let written = (found > 0).then(|| (PartId(1), (found - 1).to_le_bytes().to_vec()));
    assert_eq!(record.parts.first(), written.as_ref(), "{key}");
    *known = Known { epoch: record.epoch.0, version: found };
}

/// One commit of every key. Returns how many keys had to be claimed again.
fn round(client: &mut Client<RedisHandle>, known: &mut [Known]) -> usize {
    let request = |(key, known): (Key, &Known)| {
        let bytes = known.version.to_le_bytes();
        let whole = part(commit(key, known.epoch, known.version), 1, &bytes);
        let posts = known.version < POSTS;
        StoreRequest::Commit(vec![if posts { post(whole, TARGET, &bytes) } else { whole }])
    };
    let requests: Vec<_> = keys().zip(&*known).map(request).collect();
    let replies = client.ask_all(&requests);
    let mut again = 0;
    for ((key, known), reply) in keys().zip(known).zip(replies) {
        if reply == StoreReply::Committed(vec![CommitVerdict::Done]) {
            known.version += 1;
        } else {
            again += 1;
            claim_again(client, key, known);
        }
    }
    again
}

fn start_moving(servers: &Servers) -> Child {
    let id = |index: usize| -> String { raw(&servers.servers[index], "CLUSTER MYID") };
    let address = format!("127.0.0.1:{}", servers.servers[0].port.number());
    let started = Command::new("redis-cli")
        .args(["--cluster", "reshard", &address, "--cluster-from", &id(0)])
        .args(["--cluster-to", &id(1), "--cluster-slots", SLOTS, "--cluster-yes"])
        .stdout(Stdio::null())
        .spawn();
    started.expect("redis-cli starts: apt-get install redis-server")
}

#[test]
fn commits_and_mail_stay_exact_while_slots_move() {
    let servers = Servers::new_cluster();
    let store = RedisStore::connect(servers.config()).expect("opens");
    let mut client = Client::of_redis(&store);
    let mut known = vec![Known::default(); usize::try_from(KEYS).expect("small")];
    for (key, known) in keys().zip(&mut known) {
        known.epoch = claim(&mut client, key, 1, 0).epoch.0;
    }
    let mut moving = start_moving(&servers);
    let mut again = 0;
    let status = loop {
        again += round(&mut client, &mut known);
        if let Some(status) = moving.try_wait().expect("runs or has ended") {
            break status;
        }
    };
    assert!(status.success(), "redis-cli moved the slots: {status}");
    assert!(again > 0, "no key was in a slot that moved");
    for _ in 0..3 {
        round(&mut client, &mut known);
    }
    for (key, known) in keys().zip(&known) {
        let record = claim(&mut client, key, 2, known.epoch);
        assert_eq!(record.version, Version(known.version));
        while relay(&mut client, key).1 > 0 {}
    }
    check_mail(&mut client);
}

/// Every key's mails have arrived, each once and in order.
fn check_mail(client: &mut Client<RedisHandle>) {
    let mut counts = vec![0; usize::try_from(KEYS).expect("small")];
    let mut after = 0;
    loop {
        let page = peek(client, TARGET, after);
        let Some(last) = page.last() else { break };
        after = last.position;
        for entry in page {
            let index = keys().position(|key| key == entry.source).expect("one of ours");
            assert_eq!(entry.mail, u64::to_le_bytes(counts[index]), "in order, each once");
            counts[index] += 1;
        }
    }
    assert!(counts.iter().all(|count| *count == POSTS), "{counts:?}");
}

#[test]
fn nothing_acknowledged_is_lost_when_a_replica_takes_over() {
    let mut servers = Servers::new_cluster().with_replicas();
    let config = RedisStoreConfig {
        wait_replicas: 1,
        patience: Duration::from_millis(100),
        ..servers.config()
    };
    let prefix = config.prefix.clone();
    let store = RedisStore::connect(config).expect("opens");
    let mut client = Client::of_redis(&store);
    let mut known = vec![Known::default(); usize::try_from(KEYS).expect("small")];
    for (key, known) in keys().zip(&mut known) {
        known.epoch = claim(&mut client, key, 1, 0).epoch.0;
    }
    for _ in 0..10 {
        assert_eq!(round(&mut client, &mut known), 0);
    }
    let first = servers.servers.remove(0);
    let killer = thread::spawn(move || drop(first));
    until("the kill is felt", || round(&mut client, &mut known) > 0);
    killer.join().expect("kills");

    // The new primary has no replica of its own, so from here on none is waited for.
    let config = RedisStoreConfig { wait_replicas: 0, prefix, ..servers.config() };
    let mut opened = None;
    until("a replica has taken over", || {
        opened = RedisStore::connect(config.clone()).ok();
        opened.is_some()
    });
    let store = opened.expect("was opened");
    let mut client = Client::of_redis(&store);
    for (key, known) in keys().zip(&mut known) {
        let before = known.epoch;
        claim_again(&mut client, key, known);
        assert!(known.epoch > before, "{key} was claimed, and what was acknowledged is there");
    }
    assert_eq!(round(&mut client, &mut known), 0);
    for key in keys() {
        while relay(&mut client, key).1 > 0 {}
    }
    check_mail(&mut client);
}
