//! A node from ready to stopped.

use std::fs;

use crate::program::{Running, check_refused, run};

#[test]
fn up_prints_its_link_and_stops_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    let done = run(&["up", "--for", "2s", "--bots", "0", "--port", "0", "--data", data]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.stdout.starts_with("http://127.0.0.1:"), "{done:?}");
    assert_eq!(done.stdout.lines().count(), 1, "stdout holds the link and nothing else");
    for part in ["is ready after", "bots --players 200 --for 60s", "drained in"] {
        assert!(done.stderr.contains(part), "{part:?} is not in {}", done.stderr);
    }
}

#[test]
fn the_status_page_and_its_brothers_answer() {
    let dir = tempfile::tempdir().unwrap();
    let node = Running::start(dir.path());
    let (head, page) = node.get("/");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(page.starts_with("<!doctype html>"));
    let outside = page.split("http").skip(1).filter(|rest| rest.starts_with("s://"));
    assert_eq!(outside.count(), 0, "the page works offline");
    assert_eq!(node.get("/healthz").1, "ok\n");
    assert_eq!(node.get("/readyz").1, "ready\n");
    assert!(node.get("/nothing").0.starts_with("HTTP/1.1 404"));
    let (_, metrics) = node.get("/metrics");
    assert!(metrics.contains("cohort_ticks_total{"), "{metrics}");
    let status: serde_json::Value = serde_json::from_str(&node.get("/status.json").1).unwrap();
    assert_eq!(status["state"], "ready");
    assert_eq!(status["roles"].as_array().unwrap().len(), 5);
    for role in status["roles"].as_array().unwrap() {
        assert!(role["ticks_total"].as_u64().unwrap() > 0, "{role}");
    }
}

#[test]
fn status_and_doctor_find_the_running_node() {
    let dir = tempfile::tempdir().unwrap();
    let node = Running::start(dir.path());
    let done = run(&["status", "--url", &node.url]);
    assert_eq!(done.code, Some(0), "{done:?}");
    for part in ["0 players online", "matchmaker", "p99", "ready"] {
        assert!(done.stdout.contains(part), "{part:?} is not in {}", done.stdout);
    }
    let json = run(&["status", "--json", "--url", &node.url]).stdout;
    assert!(serde_json::from_str::<serde_json::Value>(&json).unwrap()["nodes"].is_array());
    let data = dir.path().to_str().unwrap();
    let done = run(&["doctor", "--data", data, "--port", node.port()]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.stdout.contains("is running there"), "{}", done.stdout);
    assert!(done.stdout.contains("survives kill -9"), "{}", done.stdout);
    let parts = ["in use by the cohort node", "--port"];
    let elsewhere = tempfile::tempdir().unwrap();
    let elsewhere = elsewhere.path().to_str().unwrap();
    check_refused(&["up", "--data", elsewhere, "--port", node.port()], 78, &parts);
}

#[test]
fn a_data_directory_serves_one_node_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let _node = Running::start(dir.path());
    let data = dir.path().to_str().unwrap();
    check_refused(&["up", "--port", "0", "--data", data], 78, &["in use by another process"]);
}

#[test]
fn sigterm_and_ctrl_c_drain_and_end_with_0() {
    for signal in ["-TERM", "-INT"] {
        let dir = tempfile::tempdir().unwrap();
        let done = Running::start(dir.path()).end_with(signal);
        assert_eq!(done.code, Some(0), "{done:?}");
        assert!(done.stderr.contains("store closed"), "{done:?}");
        let note = fs::read_to_string(dir.path().join("store.state")).unwrap();
        assert!(note.starts_with("clean "), "{note}");
    }
}

#[test]
fn a_killed_node_starts_again_with_the_next_incarnation() {
    let dir = tempfile::tempdir().unwrap();
    for incarnation in 1..=3 {
        let node = Running::start(dir.path());
        let status: serde_json::Value = serde_json::from_str(&node.get("/status.json").1).unwrap();
        assert_eq!(status["node"], format!("1#{incarnation}"));
        assert_eq!(node.end_with("-KILL").code, None);
    }
}

#[test]
fn a_node_with_one_role_hosts_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    let done = run(&["node", "--roles", "social", "--for", "100ms", "--port", "0", "--data", data]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.stderr.contains(": social\n"), "{done:?}");
    assert!(!done.stderr.contains("QUIC"), "{done:?}");
}

#[test]
fn a_recorded_node_runs_again_with_the_same_outputs() {
    let dir = tempfile::tempdir().unwrap();
    let (data, flight) = (dir.path().join("data"), dir.path().join("flight"));
    let (data, flight) = (data.to_str().unwrap(), flight.to_str().unwrap());
    let mut up = vec!["up", "--for", "4s", "--bots", "4", "--port", "0", "--drain-limit", "1s"];
    up.extend(["--data", data, "--record", flight]);
    let done = run(&up);
    assert_eq!(done.code, Some(0), "{done:?}");
    let done = run(&["replay", "node", flight]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert_eq!(done.stdout.lines().filter(|line| line.starts_with("ok")).count(), 5, "{done:?}");
    assert!(done.stdout.contains("baseapp"), "{done:?}");

    let recipe = format!("{flight}/node.json");
    let mut other: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&recipe).unwrap()).unwrap();
    other["content"] = (other["content"].as_u64().unwrap() ^ 1).into();
    fs::write(&recipe, other.to_string()).unwrap();
    check_refused(&["replay", "node", flight], 1, &["--content"]);
    check_refused(&["replay", "node", data], 1, &["node.json"]);
}

#[test]
fn a_cluster_is_simulated_and_shown() {
    let done = run(&["sim", "run", "--seeds", "1..2", "--json"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    let value: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(value["seeds"], 2);
    assert!(value["counts"]["client: answered"].as_u64().unwrap() > 100, "{value}");
    let done = run(&["sim", "show", "1", "--whole", "--lines", "5"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.stdout.contains("no promise was broken"), "{done:?}");
    assert!(done.stdout.contains("cohort sim show 1 --faults rough --whole"), "{done:?}");
    check_refused(&["sim", "run", "--seeds", "2..1"], 2, &["1..1000"]);
}
