//! Bots as a process against a node as a process.

use std::fs;
use std::net::UdpSocket;

use crate::program::{Running, check_refused};

const FEW: [&str; 6] = ["--players", "8", "--for", "3s", "--ramp", "500ms"];

#[test]
fn bots_report_for_programs_and_for_people_and_thresholds_decide() {
    let dir = tempfile::tempdir().unwrap();
    let node = Running::start(dir.path());
    let json = ["--json", "--threshold", "errors==0", "--threshold", "logins>=8"];
    let done = node.bots(dir.path(), &[&FEW[..], &json].concat());
    assert_eq!(done.code, Some(0), "{done:?}");
    let report: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!((&report["players"], &report["logins"]), (&8.into(), &8.into()));
    let impossible = ["--threshold", "reply_p50<1us"];
    let done = node.bots(dir.path(), &[&FEW[..], &impossible].concat());
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.stdout.contains("verdict: FAILED reply_p50<1us"), "{done:?}");
}

#[test]
fn what_a_ledger_says_is_there_after_a_kill_and_a_false_ledger_is_found_out() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = dir.path().join("ledger");
    let ledger = ledger.to_str().unwrap();
    let node = Running::start(dir.path());
    let played = node.bots(dir.path(), &[&FEW[..], &["--ledger", ledger]].concat());
    assert_eq!(played.code, Some(0), "{played:?}");
    assert_eq!(node.end_with("-KILL").code, None);
    let node = Running::start(dir.path());
    let done = node.bots(dir.path(), &["--check-ledger", ledger]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.stdout.starts_with("8 players compared"), "{done:?}");
    let mut lines = Vec::new();
    for line in fs::read_to_string(ledger).unwrap().lines() {
        let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
        let gold = line["book"]["gold"].as_u64().unwrap();
        line["book"]["gold"] = (gold + 1).into();
        lines.push(line.to_string());
    }
    fs::write(ledger, lines.join("\n")).unwrap();
    let done = node.bots(dir.path(), &["--check-ledger", ledger]);
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.stdout.contains("LOST  bot-1-0"), "{done:?}");
}

#[test]
fn bots_that_find_no_server_say_so() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    drop(Running::start(data).end_with("-TERM"));
    let certificate = data.join("tls/cert.pem");
    let certificate = certificate.to_str().unwrap();
    let deaf = UdpSocket::bind("127.0.0.1:0").unwrap();
    let server = deaf.local_addr().unwrap().to_string();
    let arguments = ["bots", "--players", "2", "--server", &server, "--cert", certificate];
    check_refused(&arguments, 1, &["no bot could log in", &server, "cohort up"]);
    let nowhere = ["bots", "--cert", "nowhere.pem"];
    check_refused(&nowhere, 1, &["nowhere.pem", "--cert", "cohort up"]);
}
