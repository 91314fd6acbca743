//! What is refused when a store in Redis is opened, and what is found out about its servers.

use shared::store::redis::{Finding, Holds, IfEmpty, OpenError, RedisStore, RedisStoreConfig};

use crate::redis_subject::{DURABLE, Lonely, Redis, raw};

fn refusal(config: RedisStoreConfig) -> OpenError {
    RedisStore::connect(config).expect_err("is refused")
}

fn holds(findings: &[Finding]) -> Vec<Holds> {
    findings.iter().map(|finding| finding.holds).collect()
}

#[test]
fn a_store_of_another_cluster_is_refused() {
    let redis = Redis::standalone();
    let own = redis.store().cluster();
    let other = RedisStoreConfig { cluster: Some(own ^ 1), ..redis.config() };
    let error = refusal(other);
    assert!(matches!(error, OpenError::OtherCluster { found, .. } if found == own), "{error}");
    let same = RedisStoreConfig { cluster: Some(own), ..redis.config() };
    assert_eq!(RedisStore::connect(same).expect("opens").cluster(), own);
}

#[test]
fn every_opening_gets_an_incarnation_of_its_own() {
    let mut redis = Redis::standalone();
    assert_eq!(redis.store().incarnation(), 1);
    redis.reconnect();
    assert_eq!(redis.store().incarnation(), 2);
}

#[test]
fn stores_under_different_prefixes_do_not_meet() {
    let (one, two) = (Redis::standalone(), Redis::standalone());
    assert_ne!(one.store().cluster(), two.store().cluster());
    assert_eq!((one.store().incarnation(), two.store().incarnation()), (1, 1));
}

#[test]
fn an_empty_prefix_is_refused_if_there_should_be_a_store() {
    let redis = Redis::standalone();
    let config = RedisStoreConfig { if_empty: IfEmpty::Refuse, ..redis.config() };
    drop(RedisStore::connect(config.clone()).expect("there is a store"));
    let prefix = format!("{}-x", config.prefix);
    let error = refusal(RedisStoreConfig { prefix, ..config });
    assert!(matches!(error, OpenError::Missing { .. }), "{error}");
}

#[test]
fn a_store_that_is_not_whole_is_refused() {
    let lonely = Lonely::new(&DURABLE);
    drop(RedisStore::connect(lonely.config()).expect("opens"));
    assert_eq!(raw::<u64>(lonely.server(), "DEL {cohort:007}:mark"), 1);
    let error = refusal(lonely.config());
    assert!(matches!(error, OpenError::Emptied { missing: 1, .. }), "{error}");
    assert_eq!(raw::<u64>(lonely.server(), "DEL {cohort:000}:meta"), 1);
    let error = refusal(lonely.config());
    assert!(matches!(error, OpenError::Emptied { .. }), "{error}");
}

#[test]
fn a_newer_format_is_refused() {
    let redis = Redis::standalone();
    let lonely = Lonely::new(&DURABLE);
    drop(RedisStore::connect(lonely.config()).expect("opens"));
    raw::<u64>(lonely.server(), "HSET {cohort:000}:meta format 99");
    let error = refusal(lonely.config());
    assert!(matches!(error, OpenError::NewerFormat { found: 99 }), "{error}");
    drop(redis);
}

#[test]
fn production_refuses_servers_that_lose_or_throw_away() {
    let lonely = Lonely::new(&DURABLE);
    let production = RedisStoreConfig { production: true, ..lonely.config() };
    let store = RedisStore::connect(production.clone()).expect("keeps everything");
    assert_eq!(holds(store.findings()), [Holds::Yes, Holds::Yes, Holds::Partly]);

    raw::<()>(lonely.server(), "CONFIG SET maxmemory-policy allkeys-lru");
    let error = refusal(production.clone());
    assert!(matches!(&error, OpenError::Refused(it) if it.len() == 1), "{error}");
    assert!(error.to_string().contains("noeviction"), "{error}");
    drop(RedisStore::connect(lonely.config()).expect("a laptop may"));

    raw::<()>(lonely.server(), "CONFIG SET maxmemory-policy noeviction");
    raw::<()>(lonely.server(), "CONFIG SET appendonly no");
    let error = refusal(production.clone());
    assert!(error.to_string().contains("appendonly"), "{error}");
    let found = RedisStore::examine(&production).expect("can be asked");
    assert_eq!(holds(&found), [Holds::No, Holds::Yes, Holds::Partly]);
}

#[test]
fn a_replica_is_no_store() {
    let primary = Lonely::new(&DURABLE);
    let of = primary.server().port.number().to_string();
    let replica = Lonely::new(&[&DURABLE[..], &["--replicaof", "127.0.0.1", &of]].concat());
    let error = refusal(replica.config());
    assert!(error.to_string().contains("takes no writes"), "{error}");
}

#[test]
fn a_configuration_that_makes_no_sense_is_refused_without_its_password() {
    let wrong = |url: &str| RedisStoreConfig {
        urls: vec![String::from(url)],
        ..RedisStoreConfig::default()
    };
    for url in ["http://:secret@h", "unix:///secret", "rediss://:secret@h", "secret"] {
        let error = refusal(wrong(url));
        assert!(matches!(error, OpenError::Config(_)), "{url}: {error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    let config = wrong("redis://:secret@127.0.0.1:1");
    assert!(!format!("{config:?}").contains("secret"));
    assert!(matches!(refusal(config), OpenError::Server { .. }), "nobody is there");
    let none = RedisStoreConfig { urls: Vec::new(), ..RedisStoreConfig::default() };
    assert!(matches!(refusal(none), OpenError::Config(_)));
    let prefix = String::from("{a}");
    let bad = RedisStoreConfig { prefix, ..RedisStoreConfig::default() };
    assert!(matches!(refusal(bad), OpenError::Config(_)));
}

#[test]
fn a_cluster_and_a_single_server_are_told_apart() {
    let lonely = Lonely::new(&DURABLE);
    let error = refusal(RedisStoreConfig { is_cluster: true, ..lonely.config() });
    assert!(matches!(error, OpenError::Server { .. }), "{error}");
    let redis = Redis::cluster();
    let mut config = redis.config();
    config.urls.truncate(1);
    let error = refusal(config.clone());
    assert!(error.to_string().contains("runs as cluster"), "{error}");
    let one_address = RedisStoreConfig { is_cluster: true, ..config };
    drop(RedisStore::connect(one_address).expect("one is enough to find all"));
}
