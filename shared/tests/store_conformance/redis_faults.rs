//! A Redis server that forgets, stalls, goes away and comes back, is emptied, or gets full.

use std::time::Duration;

use shared::ids::{Epoch, Key, PlayerId, Version};
use shared::store::CommitVerdict::{Done, Fenced};
use shared::store::redis::{RedisHandle, RedisStore, RedisStoreConfig};
use shared::store::{Commit, OpId, Store, StoreFailure, StoreReply, StoreRequest};

use crate::backends::Client;
use crate::redis_subject::{DURABLE, Lonely, Redis, raw, until};
use crate::subject::{Subject, claim, commit, commit_all, done, node, part, peek, post, relay};

const ANNA: Key = Key::Player(PlayerId(1));
const BEN: Key = Key::Player(PlayerId(2));

/// A store that gives up soon, so that a test need not wait.
fn impatient(lonely: &Lonely) -> RedisStoreConfig {
    RedisStoreConfig {
        response_timeout: Duration::from_millis(300),
        patience: Duration::from_millis(100),
        ..lonely.config()
    }
}

fn opened(config: RedisStoreConfig) -> (RedisStore, Client<RedisHandle>) {
    let store = RedisStore::connect(config).expect("opens");
    let client = Client::of_redis(&store);
    (store, client)
}

fn failure(reply: StoreReply) -> String {
    let StoreReply::Failed(StoreFailure::Backend(what)) = reply else {
        panic!("should have failed: {reply:?}");
    };
    what
}

fn read(key: Key) -> StoreRequest {
    StoreRequest::ReadOwner { key }
}

#[test]
fn scripts_that_the_server_forgets_are_loaded_again() {
    for mut redis in [Redis::standalone(), Redis::cluster()] {
        claim(&mut redis, ANNA, 1, 0);
        for version in 0..5 {
            for url in redis.config().urls {
                let client = redis::Client::open(url).expect("an address");
                let mut connection = client.get_connection().expect("connects");
                redis::cmd("SCRIPT").arg("FLUSH").exec(&mut connection).expect("forgets");
            }
            let both = vec![commit(ANNA, 1, 2 * version), commit(ANNA, 1, 2 * version + 1)];
            assert_eq!(commit_all(&mut redis, both), [Done, Done]);
        }
    }
}

#[test]
fn a_server_that_is_away_fails_requests_and_serves_again_when_it_is_back() {
    let mut lonely = Lonely::new(&DURABLE);
    let (_store, mut client) = opened(impatient(&lonely));
    claim(&mut client, ANNA, 1, 0);
    done(&mut client, part(commit(ANNA, 1, 0), 1, b"kept"));
    lonely.kill();
    let replies = client.ask_all(&[read(ANNA), StoreRequest::Commit(vec![commit(ANNA, 1, 1)])]);
    replies.into_iter().for_each(|reply| drop(failure(reply)));
    lonely.start();
    until("it serves again", || client.ask(read(ANNA)) != client.ask(read(BEN)));
    let record = claim(&mut client, ANNA, 1, 1);
    assert_eq!((record.version, &record.parts[0].1[..]), (Version(1), &b"kept"[..]));
    done(&mut client, commit(ANNA, 2, 1));
}

#[test]
fn what_was_claimed_before_a_restart_must_be_claimed_again() {
    let mut lonely = Lonely::new(&DURABLE);
    let (_store, mut client) = opened(lonely.config());
    claim(&mut client, ANNA, 1, 0);
    lonely.kill();
    lonely.start();
    until("it serves again", || matches!(client.ask(read(ANNA)), StoreReply::Owner(_)));
    let late = client.ask(StoreRequest::Commit(vec![commit(ANNA, 1, 0)]));
    assert!(failure(late).contains("since the key was claimed"));
    claim(&mut client, ANNA, 1, 1);
    done(&mut client, commit(ANNA, 2, 0));
}

#[test]
fn a_stale_copy_of_a_lost_epoch_cannot_write() {
    // The server loses what came after the copy of its file, as a power cut could do.
    let mut lonely = Lonely::new(&DURABLE);
    let (_store, mut first) = opened(lonely.config());
    claim(&mut first, ANNA, 1, 0);
    let backup = lonely.copy_of_files();
    claim(&mut first, ANNA, 1, 1);
    done(&mut first, part(commit(ANNA, 2, 0), 1, b"lost"));
    lonely.kill();
    lonely.restore(&backup);
    lonely.start();
    // Somebody else gets the very epoch and version that the first one still holds.
    let (_other, mut second) = opened(lonely.config());
    assert_eq!(claim(&mut second, ANNA, 2, 1).epoch, Epoch(2));
    done(&mut second, part(commit(ANNA, 2, 0), 1, b"new"));
    until("it serves again", || matches!(first.ask(read(ANNA)), StoreReply::Owner(_)));
    let late = first.ask(StoreRequest::Commit(vec![part(commit(ANNA, 2, 1), 1, b"stale")]));
    assert!(failure(late).contains("since the key was claimed"));
    assert_eq!(claim(&mut second, ANNA, 2, 2).parts[0].1, b"new");
}

#[test]
fn mail_of_a_source_that_lost_its_last_writes_is_not_taken_for_a_repeat() {
    // Two servers cannot lose differently here, so the target's mark is put ahead by hand.
    let mut lonely = Lonely::new(&DURABLE);
    let (_store, mut client) = opened(lonely.config());
    claim(&mut client, ANNA, 1, 0);
    done(&mut client, post(commit(ANNA, 1, 0), BEN, b"before"));
    let backup = lonely.copy_of_files();
    done(&mut client, post(commit(ANNA, 1, 1), BEN, b"lost"));
    relay(&mut client, ANNA);
    let name = lonely.name_ending_in(":0000000000000002:seen");
    let mark: String = raw(lonely.server(), &format!("HGET {name} 0-0000000000000001"));
    assert!(mark.ends_with(":2"), "{mark}");
    lonely.kill();
    lonely.restore(&backup);
    lonely.start();
    raw::<()>(lonely.server(), &format!("HSET {name} 0-0000000000000001 {mark}"));
    until("it serves again", || matches!(client.ask(read(ANNA)), StoreReply::Owner(_)));
    claim(&mut client, ANNA, 1, 1);
    done(&mut client, post(commit(ANNA, 2, 1), BEN, b"after"));
    assert_eq!(relay(&mut client, ANNA).1, 0);
    let mail: Vec<_> = peek(&mut client, BEN, 0).into_iter().map(|entry| entry.mail).collect();
    assert_eq!(mail, [b"after"], "what the target had seen is absorbed, what is new arrives");
}

#[test]
fn a_connection_that_is_cut_is_replaced() {
    let lonely = Lonely::new(&DURABLE);
    let (_store, mut client) = opened(lonely.config());
    claim(&mut client, ANNA, 1, 0);
    let mut version = 0;
    for _ in 0..5 {
        raw::<u64>(lonely.server(), "CLIENT KILL TYPE normal");
        // The first one may have gone out and never be answered.
        let reply = client.ask(StoreRequest::Commit(vec![commit(ANNA, 1, version)]));
        if reply == StoreReply::Committed(vec![Done]) {
            version += 1;
            continue;
        }
        assert!(failure(reply).contains("unknown"));
        until("it serves again", || matches!(client.ask(read(ANNA)), StoreReply::Owner(_)));
        let verdicts = commit_all(&mut client, vec![commit(ANNA, 1, version)]);
        assert!(verdicts == [Done] || verdicts == [Fenced], "{verdicts:?}");
        version += 1;
    }
    assert_eq!(claim(&mut client, ANNA, 1, 1).version, Version(version));
}

#[test]
fn a_server_that_stalls_is_given_up_and_nothing_is_done_twice() {
    let lonely = Lonely::new(&DURABLE);
    let (_store, mut client) = opened(impatient(&lonely));
    claim(&mut client, ANNA, 1, 0);
    raw::<()>(lonely.server(), "CLIENT PAUSE 1500 ALL");
    let reply = client.ask(StoreRequest::Commit(vec![commit(ANNA, 1, 0)]));
    assert!(failure(reply).contains("unknown"), "it was sent and not answered");
    until("it serves again", || matches!(client.ask(read(ANNA)), StoreReply::Owner(_)));
    let record = claim(&mut client, ANNA, 1, 1);
    assert!(record.version <= Version(1), "{:?}", record.version);
}

#[test]
fn a_store_that_is_emptied_halts() {
    let lonely = Lonely::new(&DURABLE);
    let (store, mut client) = opened(lonely.config());
    claim(&mut client, ANNA, 1, 0);
    assert_eq!(store.halted(), None);
    raw::<()>(lonely.server(), "FLUSHALL");
    let claims = [ANNA, BEN].map(|key| StoreRequest::Claim { key, by: node(1), seen: Epoch(0) });
    for reply in client.ask_all(&[&claims[..], &[read(ANNA)]].concat()) {
        assert!(failure(reply).contains("emptied"));
    }
    assert_eq!(raw::<u64>(lonely.server(), "DBSIZE"), 0, "no player is made anew");
    assert!(store.halted().is_some_and(|why| why.contains("emptied")));
    // Even if somebody makes a new store there, this one stays halted.
    drop(RedisStore::connect(lonely.config()).expect("makes a new one"));
    assert!(failure(client.ask(read(ANNA))).contains("emptied"));
    let mut other = Client::of_redis(&store);
    assert!(failure(other.ask(read(ANNA))).contains("emptied"));
}

#[test]
fn an_emptied_store_is_noticed_by_whatever_is_asked_first() {
    let lonely = Lonely::new(&DURABLE);
    let write = StoreRequest::Commit(vec![commit(ANNA, 1, 0)]);
    let look = StoreRequest::PendingOutboxes { after: None };
    for first in [read(ANNA), write, StoreRequest::Relay { source: ANNA }, look] {
        let (store, mut client) = opened(lonely.config());
        claim(&mut client, ANNA, 1, 0);
        raw::<()>(lonely.server(), "FLUSHALL");
        assert!(failure(client.ask(first)).contains("emptied"));
        assert!(store.halted().is_some());
    }
}

#[test]
fn a_full_server_refuses_writes_and_still_reads() {
    let lonely = Lonely::new(&[&DURABLE[..], &["--maxmemory-policy", "noeviction"]].concat());
    let (_store, mut client) = opened(lonely.config());
    claim(&mut client, ANNA, 1, 0);
    raw::<()>(lonely.server(), "CONFIG SET maxmemory 1");
    let big = part(commit(ANNA, 1, 0), 1, b"more");
    assert!(
        failure(client.ask(StoreRequest::Commit(vec![big.clone()]))).contains("memory is full")
    );
    assert!(matches!(client.ask(read(ANNA)), StoreReply::Owner(owner) if owner.owner.is_some()));
    raw::<()>(lonely.server(), "CONFIG SET maxmemory 0");
    done(&mut client, big);
}

#[test]
fn a_change_counts_only_when_enough_replicas_have_it() {
    let primary = Lonely::new(&DURABLE);
    let config = RedisStoreConfig { wait_replicas: 1, ..impatient(&primary) };
    let (_unsafe, mut alone) = opened(impatient(&primary));
    claim(&mut alone, BEN, 1, 0);
    let of = primary.server().port.number().to_string();
    let mut replica = Lonely::new(&[&DURABLE[..], &["--replicaof", "127.0.0.1", &of]].concat());
    until("the replica follows", || {
        raw::<String>(primary.server(), "INFO replication").contains("state=online")
    });
    let (store, mut client) = opened(config);
    claim(&mut client, ANNA, 1, 0);
    done(&mut client, part(commit(ANNA, 1, 0), 1, b"on two machines"));
    assert_eq!(store.incarnation(), 2);
    replica.kill();
    let reply = client.ask(StoreRequest::Commit(vec![commit(ANNA, 1, 1)]));
    assert!(failure(reply).contains("0 of 1 replicas"));
    assert!(matches!(client.ask(read(ANNA)), StoreReply::Owner(_)), "reads need none");
}

#[test]
fn a_damaged_value_fails_its_key_alone() {
    let lonely = Lonely::new(&DURABLE);
    let (_store, mut client) = opened(lonely.config());
    for key in [ANNA, BEN] {
        claim(&mut client, key, 1, 0);
        done(&mut client, post(part(commit(key, 1, 0), 1, b"bag"), key, b"to myself"));
    }
    let name = lonely.name_ending_in(":0000000000000001");
    raw::<u64>(lonely.server(), &format!("HSET {name} p1 rotten"));
    let damaged =
        |reply| matches!(reply, StoreReply::Failed(StoreFailure::Damaged { key: ANNA, .. }));
    let take = |key| StoreRequest::Claim { key, by: node(2), seen: Epoch(1) };
    assert!(damaged(client.ask(take(ANNA))));
    assert!(matches!(client.ask(take(BEN)), StoreReply::Claimed(_)));

    raw::<u64>(lonely.server(), &format!("HSET {name} on 7"));
    assert!(damaged(client.ask(StoreRequest::Relay { source: ANNA })));
    raw::<u64>(lonely.server(), &format!("HSET {name} mn seven"));
    assert!(damaged(client.ask(StoreRequest::PeekMail { key: ANNA, after: 0 })));
    let taken = Commit { mail_taken: Some(1), ..commit(ANNA, 2, 1) };
    assert!(damaged(client.ask(StoreRequest::Commit(vec![taken]))));
    assert_eq!(relay(&mut client, BEN).1, 0);
    assert_eq!(peek(&mut client, BEN, 0).len(), 1);
}

#[test]
fn relays_of_several_nodes_at_once_deliver_once_and_in_order() {
    const MAILS: u64 = 400;
    for mut redis in [Redis::standalone(), Redis::cluster()] {
        let mut others: Vec<_> = (0..3).map(|_| Client::of_redis(redis.store())).collect();
        claim(&mut redis, ANNA, 1, 0);
        claim(&mut redis, BEN, 1, 0);
        let mut got: Vec<u64> = Vec::new();
        let (mut sent, mut version, mut taken) = (0, 0, 0);
        while got.len() < usize::try_from(MAILS).expect("small") {
            let mut next = commit(ANNA, 1, version);
            while sent < MAILS && next.posts.len() < 9 {
                next = post(next, BEN, &sent.to_le_bytes());
                sent += 1;
            }
            done(&mut redis, next);
            version += 1;
            for other in &mut others {
                let step = StoreRequest::Relay { source: ANNA };
                other.handle.submit(OpId(0), step).expect("is taken");
            }
            // Mail is taken while the others are at it.
            let page = peek(&mut redis, BEN, 0);
            if let Some(last) = page.last() {
                let mail_taken = Some(last.position);
                done(&mut redis, Commit { mail_taken, ..commit(BEN, 1, taken) });
                taken += 1;
                let number = |mail: &[u8]| u64::from_le_bytes(mail.try_into().expect("eight"));
                got.extend(page.iter().map(|entry| number(&entry.mail)));
            }
            for other in &mut others {
                let replies = other.answers(1);
                assert!(matches!(replies[0].1, StoreReply::Relayed { .. }), "{replies:?}");
            }
        }
        assert_eq!(got, (0..MAILS).collect::<Vec<_>>());
        assert_eq!(relay(&mut redis, ANNA), (vec![], 0));
        assert_eq!(peek(&mut redis, BEN, 0), []);
    }
}

#[test]
fn a_closed_store_answers_what_it_took_and_then_says_that_it_is_closed() {
    let redis = Redis::standalone();
    let (store, mut client) = opened(redis.config());
    for op in 0..100 {
        client.handle.submit(OpId(op), read(ANNA)).expect("is taken");
    }
    drop(store);
    let replies = client.answers(100);
    assert!(replies.iter().all(|(_, reply)| matches!(reply, StoreReply::Owner(_))));
    assert_eq!(client.ask(read(ANNA)), StoreReply::Failed(StoreFailure::Closed));
}
