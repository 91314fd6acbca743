//! What is wrong, where, and what to do: messages and exit codes.

use std::fs;
use std::net::TcpListener;

use shared::content::BUILTIN_FILES;

use crate::program::{check_refused, cohort, end_of, run};

#[test]
fn help_begins_with_examples() {
    for arguments in [vec!["--help"], vec!["up", "--help"], vec!["bots", "--help"]] {
        let done = run(&arguments);
        assert_eq!(done.code, Some(0));
        assert!(done.stdout.starts_with("Examples:\n  cohort "), "{}", done.stdout);
    }
}

#[test]
fn completions_are_printed_for_a_shell() {
    let done = run(&["completions", "bash"]);
    assert_eq!(done.code, Some(0));
    assert!(done.stdout.contains("_cohort()"), "{}", done.stdout);
}

#[test]
fn wrong_usage_ends_with_2_and_says_what_was_probably_meant() {
    check_refused(&["nod"], 2, &["'node'"]);
    check_refused(&["node", "--roles", "gatway"], 2, &["unknown role", "did you mean `gateway`?"]);
    check_refused(&["up", "--for", "soon"], 2, &["`soon`", "for example 90s"]);
    check_refused(&["bots", "--threshold", "fast"], 2, &["`fast`", "reply_p99<60ms"]);
    check_refused(&["bots", "--players", "0"], 2, &["--players"]);
}

#[test]
fn an_unknown_key_ends_with_78_and_is_pointed_at() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("cohort.toml");
    fs::write(&file, "[edge]\nport = 7778\nprot = 1\n").unwrap();
    let file = file.to_str().unwrap();
    let parts = ["cohort.toml:3:1", "prot = 1", "did you mean `port`?"];
    check_refused(&["config", "check", file], 78, &parts);
    check_refused(&["up", "--config", file], 78, &parts);
    check_refused(&["config", "check", "no-such-file.toml"], 78, &["no-such-file.toml"]);
}

#[test]
fn a_valid_file_is_ok_and_every_value_says_where_it_comes_from() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("cohort.toml");
    fs::write(&file, run(&["config", "reference"]).stdout).unwrap();
    let file = file.to_str().unwrap();
    let done = run(&["config", "check", file]);
    assert_eq!((done.code, &done.stdout[..3]), (Some(0), "ok:"), "{done:?}");
    let mut show = cohort(&["config", "show", "--json", "--config", file, "--port", "1"]);
    let done = end_of(show.env("COHORT__BOTS__COUNT", "3").spawn().unwrap());
    let values: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(values["edge.port"]["value"], 1);
    assert_eq!(values["edge.port"]["source"], "--port");
    assert_eq!(values["bots.count"]["source"], "COHORT__BOTS__COUNT");
    assert!(values["bots.seed"]["source"].as_str().unwrap().contains("cohort.toml:"));
}

#[test]
fn broken_content_ends_with_78_and_names_file_and_line() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("maps")).unwrap();
    for (name, text) in BUILTIN_FILES {
        let text = text.replacen("hp = ", "hitpoints = ", usize::from(name == "heroes.toml"));
        fs::write(dir.path().join(name), text).unwrap();
    }
    let content = dir.path().to_str().unwrap();
    let data = dir.path().join("data");
    let arguments = ["up", "--port", "0", "--content", content, "--data", data.to_str().unwrap()];
    check_refused(&arguments, 78, &["heroes.toml:", "hitpoints"]);
    assert!(!data.exists(), "nothing is made before the content is valid");
}

#[test]
fn a_port_in_use_ends_with_78_and_names_the_flag() {
    let dir = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let data = dir.path().to_str().unwrap();
    let arguments = ["up", "--port", port.as_str(), "--data", data];
    check_refused(&arguments, 78, &["TCP", &port, "in use", "--port"]);
}

#[test]
fn a_data_directory_that_is_a_file_ends_with_78() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let arguments = ["up", "--port", "0", "--data", file.to_str().unwrap()];
    check_refused(&arguments, 78, &["data directory", "--data"]);
}

#[test]
fn a_store_of_a_newer_build_ends_with_78() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    let arguments = ["up", "--bots", "0", "--port", "0", "--data", data];
    assert_eq!(run(&[&arguments[..], &["--for", "100ms"]].concat()).code, Some(0));
    let store = redb::Database::open(dir.path().join("store.redb")).unwrap();
    let change = store.begin_write().unwrap();
    let meta = redb::TableDefinition::<&str, u64>::new("meta");
    change.open_table(meta).unwrap().insert("format", 1_000).unwrap();
    change.commit().unwrap();
    drop(store);
    check_refused(&arguments, 78, &["format 1000", "newer build"]);
}

#[test]
fn a_node_that_is_not_there_is_named_with_how_to_start_one() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{free}");
    check_refused(&["status", "--url", &url], 1, &[&url, "2000 ms", "cohort up"]);
}
