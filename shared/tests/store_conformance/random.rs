//! Random requests get the same answers from the store in memory and from all others, however
//! those group them into transactions or pipelines.

use proptest::collection::vec;
use proptest::prelude::*;
use shared::ids::{BattleId, Epoch, GuildId, Key, PlayerId, Version};
use shared::limits::{MAIL_BYTES_MAX, PART_BYTES_MAX};
use shared::store::{Commit, PartId, Post, StoreRequest};

use crate::backends::{Embedded, Memory};
use crate::redis_subject::Redis;
use crate::subject::{Subject, node};

fn key() -> impl Strategy<Value = Key> {
    prop_oneof![
        4 => (0..3u64).prop_map(|id| Key::Player(PlayerId(id))),
        2 => (0..2u64).prop_map(|id| Key::Guild(GuildId(id))),
        1 => Just(Key::Battle(BattleId(u64::MAX))),
    ]
}

fn bytes(large: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => vec(any::<u8>(), 0..40),
        1 => Just(vec![1; large]),
        1 => Just(vec![2; large + 1]),
    ]
}

fn commit() -> impl Strategy<Value = Commit> {
    let part = (0..3u8, bytes(PART_BYTES_MAX)).prop_map(|(id, bytes)| (PartId(id), bytes));
    let post = (key(), bytes(MAIL_BYTES_MAX)).prop_map(|(target, mail)| Post { target, mail });
    let taken = proptest::option::of(prop_oneof![0..6u64, Just(u64::MAX)]);
    (key(), 0..4u64, 0..4u64, vec(part, 0..3), taken, vec(post, 0..5)).prop_map(
        |(key, epoch, version, parts, mail_taken, posts)| Commit {
            key,
            epoch: Epoch(epoch),
            version: Version(version),
            parts,
            mail_taken,
            posts,
        },
    )
}

/// Epochs and versions are low, so that many of them are the current ones.
fn request() -> impl Strategy<Value = StoreRequest> {
    let after = || proptest::option::of(key());
    prop_oneof![
        2 => key().prop_map(|key| StoreRequest::ReadOwner { key }),
        6 => (key(), 0..3u16, 0..4u64).prop_map(|(key, by, seen)| {
            StoreRequest::Claim { key, by: node(by), seen: Epoch(seen) }
        }),
        9 => vec(commit(), 0..6).prop_map(StoreRequest::Commit),
        1 => (key(), 0..4u64)
            .prop_map(|(key, epoch)| StoreRequest::Release { key, epoch: Epoch(epoch) }),
        3 => (key(), 0..4u64).prop_map(|(key, after)| StoreRequest::PeekMail { key, after }),
        4 => key().prop_map(|source| StoreRequest::Relay { source }),
        2 => after().prop_map(|after| StoreRequest::PendingOutboxes { after }),
        2 => after().prop_map(|after| StoreRequest::ListGuilds { after }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn memory_and_embedded_answer_alike(batches in vec(vec(request(), 1..40), 1..6)) {
        let mut memory = Memory::default();
        let mut embedded = Embedded::new();
        for (round, batch) in batches.iter().enumerate() {
            prop_assert_eq!(embedded.ask_all(batch), memory.ask_all(batch), "round {}", round);
            if round == 1 {
                embedded.reopen();
            }
        }
        prop_assert_eq!(embedded.ask_all(&claims()), memory.ask_all(&claims()), "the end");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn memory_and_redis_answer_alike(batches in vec(vec(request(), 1..40), 1..6)) {
        let mut memory = Memory::default();
        let mut redis = Redis::standalone();
        for (round, batch) in batches.iter().enumerate() {
            prop_assert_eq!(redis.ask_all(batch), memory.ask_all(batch), "round {}", round);
            if round == 1 {
                redis.reconnect();
            }
        }
        prop_assert_eq!(redis.ask_all(&claims()), memory.ask_all(&claims()), "the end");
    }

    #[test]
    fn memory_and_redis_cluster_answer_alike(batches in vec(vec(request(), 1..40), 1..6)) {
        let mut memory = Memory::default();
        let mut redis = Redis::cluster();
        for (round, batch) in batches.iter().enumerate() {
            prop_assert_eq!(redis.ask_all(batch), memory.ask_all(batch), "round {}", round);
        }
        prop_assert_eq!(redis.ask_all(&claims()), memory.ask_all(&claims()), "the end");
    }
}

/// Claims that show all that is stored, whatever epoch the keys have reached.
fn claims() -> Vec<StoreRequest> {
    let keys = (0..4u64).flat_map(|id| [Key::Player(PlayerId(id)), Key::Guild(GuildId(id))]);
    keys.flat_map(|key| (0..8).map(move |seen| (key, Epoch(seen))))
        .map(|(key, seen)| StoreRequest::Claim { key, by: node(9), seen })
        .collect()
}
