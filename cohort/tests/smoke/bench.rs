//! Benchmarks as a process: what they print, and what they say when they cannot.
#![expect(clippy::unwrap_used, reason = "a test fails by a panic, in its helpers too")]

use crate::program::{check_refused, cohort, end_of, run};

const QUICK: [&str; 4] = ["--rounds", "1", "--quick", "--json"];

fn names(stdout: &str) -> Vec<String> {
    let figures: serde_json::Value = serde_json::from_str(stdout).unwrap();
    let figures = figures.as_array().unwrap();
    for figure in figures {
        for number in ["value", "yardstick", "ratio"] {
            assert!(figure[number].as_f64().unwrap() > 0.0, "{number} of {figure}");
        }
        assert!(["per_s", "us"].contains(&figure["unit"].as_str().unwrap()), "{figure}");
        assert_eq!(figure["spread"]["ratio"][0], figure["ratio"], "one round has no spread");
    }
    figures.iter().map(|figure| figure["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_local_mq_is_measured_beside_a_channel() {
    let done = run(&[&["bench", "mq", "--backend", "local"][..], &QUICK].concat());
    assert_eq!(done.code, Some(0), "{done:?}");
    let expected = ["one_way", "round_trip_p50", "round_trip_p99"];
    let expected = expected.map(|what| format!("mq_local_{what}_beside_channel"));
    assert_eq!(names(&done.stdout), expected);
}

#[test]
fn every_back_end_is_measured_beside_its_raw_client() {
    let done = run(&[&["bench", "mq", "--backend", "tcp,redis,nats"][..], &QUICK].concat());
    assert_eq!(done.code, Some(0), "{done:?}");
    assert_eq!(names(&done.stdout).len(), 5 + 6 + 6);
    let done = run(&[&["bench", "store"][..], &QUICK].concat());
    assert_eq!(done.code, Some(0), "{done:?}");
    assert_eq!(names(&done.stdout).len(), 5 + 4 * 8);
}

#[test]
fn people_get_a_table() {
    let done = run(&["bench", "store", "--backend", "memory", "--rounds", "2", "--quick"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    let mut lines = done.stdout.lines();
    let head: Vec<_> = lines.next().unwrap().split_whitespace().collect();
    assert_eq!(head, ["name", "value", "unit", "yardstick", "ratio", "spread", "goal"]);
    assert_eq!(lines.count(), 5, "{}", done.stdout);
}

#[test]
fn a_server_that_is_not_installed_is_named_with_its_package_and_the_rest_is_measured() {
    let arguments = [&["bench", "mq", "--backend", "redis,local"][..], &QUICK].concat();
    let nothing = tempfile::tempdir().unwrap();
    let done = end_of(cohort(&arguments).env("PATH", nothing.path()).spawn().unwrap());
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.stderr.contains("redis: `redis-server` is not on the PATH"), "{done:?}");
    assert!(done.stderr.contains("apt-get install redis-server"), "{done:?}");
    assert_eq!(names(&done.stdout).len(), 3);
}

#[test]
fn an_unknown_back_end_is_wrong_usage() {
    check_refused(&["bench", "mq", "--backend", "reds"], 2, &["redis"]);
    check_refused(&["bench", "store", "--rounds", "0"], 2, &["--rounds"]);
}
