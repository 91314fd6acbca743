//! A cluster of processes: they start, talk to each other, and are started again.
#![expect(clippy::unwrap_used, reason = "a test fails by a panic, in its helpers too")]

use std::collections::BTreeSet;
use std::path::Path;

use crate::program::{Running, run, signal};

fn pid(data: &Path, name: &str) -> u32 {
    let file = data.join("processes").join(name).with_extension("pid");
    std::fs::read_to_string(file).unwrap().trim().parse().unwrap()
}

#[test]
fn bots_play_in_a_cluster_of_processes_over_every_node_mq_that_needs_no_server_of_its_own() {
    for mq in ["tcp", "redis"] {
        let dir = tempfile::tempdir().unwrap();
        let node = Running::start_with(dir.path(), &["--processes", "--mq", mq]);
        let report = node.bots(dir.path(), &["--players", "10", "--for", "6s"]);
        assert_eq!(report.code, Some(0), "{mq}: {report:?}");
        let roles = ["gateway", "baseapp", "battleapp", "social", "matchmaker"];
        node.find_in_status(|status| {
            let all = roles.iter().all(|role| status.contains(role));
            (all && !status.contains("no answer")).then_some(())
        });
        let done = node.end_with("-TERM");
        assert_eq!(done.code, Some(0), "{mq}: {done:?}");
        assert!(done.stderr.contains("all processes have ended"), "{mq}: {done:?}");
    }
}

#[test]
fn a_process_that_dies_is_started_again_as_a_new_incarnation() {
    let dir = tempfile::tempdir().unwrap();
    let node = Running::start_with(dir.path(), &["--processes"]);
    let before = pid(dir.path(), "baseapp-1");
    let baseapps = |status: &str| {
        let lines = status.lines().filter(|line| line.contains(" baseapp "));
        lines.map(|line| line.split(' ').next().unwrap_or_default().to_owned()).next_back()
    };
    let first = node.find_in_status(baseapps);
    signal(before, "-KILL");
    // Its lease has to end before its number is free again.
    node.find_in_status(|status| {
        let now = baseapps(status).filter(|now| *now != first);
        now.filter(|_| !status.contains("no answer"))
    });
    assert_ne!(pid(dir.path(), "baseapp-1"), before);
    let report = node.bots(dir.path(), &["--players", "5", "--for", "3s"]);
    assert_eq!(report.code, Some(0), "{report:?}");
    assert_eq!(node.end_with("-TERM").code, Some(0));
}

#[test]
fn a_redis_that_is_away_suspends_all_nodes_and_costs_nobody_a_session() {
    let dir = tempfile::tempdir().unwrap();
    let node = Running::start_with(dir.path(), &["--processes"]);
    let redis = std::fs::read_to_string(dir.path().join("redis/pid")).unwrap();
    let redis = redis.trim().parse().unwrap();
    let names = ["gateway-1", "baseapp-1", "battleapp-1", "social-1", "matchmaker"];
    let pids = || names.map(|name| pid(dir.path(), name));
    let before = pids();
    let suspended = |status: &str| status.matches(" suspended ").count();
    std::thread::scope(|scope| {
        // A bot that is disconnected fails.
        let bots = scope.spawn(|| node.bots(dir.path(), &["--players", "10", "--for", "20s"]));
        let arrived = |status: &str| status.contains("10 players online").then_some(());
        node.find_in_status(arrived);
        signal(redis, "-STOP");
        node.find_in_status(|status| (suspended(status) == names.len()).then_some(()));
        signal(redis, "-CONT");
        node.find_in_status(|status| (suspended(status) == 0).then_some(()));
        let report = bots.join().unwrap();
        assert_eq!(report.code, Some(0), "{report:?}");
    });
    assert_eq!(pids(), before, "the same processes go on");
    assert_eq!(node.end_with("-TERM").code, Some(0));
}

/// The traces in a process's log that come with a word.
fn traces(data: &Path, name: &str, what: &str) -> BTreeSet<String> {
    let log = data.join("processes").join(name).with_extension("log");
    let text = std::fs::read_to_string(log).unwrap();
    let what = format!("what=\"{what}\"");
    let lines = text.lines().filter(|line| line.contains(&what));
    let trace = |line: &str| Some(line.split_once("trace=")?.1.split(' ').next()?.to_owned());
    lines.filter_map(trace).collect()
}

#[test]
fn a_request_is_followed_by_its_trace_through_the_logs_of_all_nodes() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("cohort.toml");
    std::fs::write(&config, "[log]\ntraces_permille = 1000\n").unwrap();
    let config = config.to_str().unwrap();
    let node = Running::start_with(dir.path(), &["--processes", "--config", config]);
    let report = node.bots(dir.path(), &["--players", "10", "--for", "8s"]);
    assert_eq!(report.code, Some(0), "{report:?}");
    let of = |name, what| traces(dir.path(), name, what);
    let (asked, answered) = (of("gateway-1", "asked"), of("gateway-1", "answered"));
    assert!(asked.len() >= 10, "each of ten bots asks something, not {}", asked.len());
    assert!(answered.is_subset(&asked), "each has its own");
    assert!(!of("baseapp-1", "carried out").is_disjoint(&answered), "of bags and letters");
    // A party queues: gateway, social, matchmaker.
    let mut way = of("social-1", "carried out");
    let queued = of("matchmaker", "queued");
    way.retain(|trace| queued.contains(trace));
    assert!(!way.is_disjoint(&answered), "one request is in the logs of all three");
    assert_eq!(node.end_with("-TERM").code, Some(0));
}

#[test]
fn a_process_that_cannot_start_is_named_with_its_reason() {
    let dir = tempfile::tempdir().unwrap();
    let (data, nowhere) = (dir.path().to_str().unwrap(), "redis://127.0.0.1:1");
    let done = run(&["up", "--processes", "--redis", nowhere, "--port", "0", "--data", data]);
    assert_eq!(done.code, Some(1), "{done:?}");
    for part in ["gateway-1", "127.0.0.1:1", "see "] {
        assert!(done.stderr.contains(part), "{part:?} is not in {}", done.stderr);
    }
}
