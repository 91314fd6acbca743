//! Bots as a process against a node as a process.

use std::fs;
use std::net::UdpSocket;

use shared::content::BUILTIN_FILES;

use crate::program::{Running, check_refused, run};

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
fn a_siege_gathers_who_comes_in_time_in_one_battle_and_its_replay_leads_to_the_same_end() {
    let dir = tempfile::tempdir().unwrap();
    let content = dir.path().join("content");
    fs::create_dir_all(content.join("maps")).unwrap();
    for (name, text) in BUILTIN_FILES {
        // It begins when all are there.
        let text = text.replace("players_min = 1\n", "players_min = 40\n");
        let text = text.replace("\nwait_s = 15\n", "\nwait_s = 1\n");
        // Ten seconds, with all three kinds of monsters at once.
        let text = text.replace("\nduration_s = 300\n", "\nduration_s = 10\n");
        let text = text.replace("[boss]\nat_s = 150\n", "[boss]\nat_s = 5\n");
        let text = ["5", "35", "50", "80", "110", "120"].iter().fold(text, |text, at_s| {
            text.replace(&format!("[[waves]]\nat_s = {at_s}\n"), "[[waves]]\nat_s = 1\n")
        });
        fs::write(content.join(name), text).unwrap();
    }
    let content = content.to_str().unwrap();
    let node = Running::start_with(dir.path(), &["--content", content]);
    let siege = ["--players", "40", "--for", "40s", "--ramp", "1s", "--queue", "siege"];
    let judged = ["--json", "--threshold", "errors==0", "--content", content];
    let done = node.bots(dir.path(), &[&siege[..], &judged].concat());
    assert_eq!(done.code, Some(0), "{done:?}");
    let report: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    assert!(report["battles_finished"].as_u64() >= Some(1), "{report}");
    let replays = dir.path().join("replays");
    let replays = replays.to_str().unwrap();
    let listed = run(&["replay", "list", replays, "--json"]).stdout;
    // The newest comes first, and may have been left before its end.
    let first = listed.lines().last().unwrap();
    let battle: serde_json::Value = serde_json::from_str(first).unwrap();
    assert_eq!((&battle["mode"], &battle["ticks"]), (&"siege".into(), &200.into()), "{battle}");
    assert_eq!(battle["players"].as_array().map(Vec::len), Some(40), "{battle}");
    assert_eq!(run(&["replay", "verify", replays]).code, Some(0));
    assert_eq!(node.end_with("-TERM").code, Some(0));
    let words = ["unknown queue `seige`; did you mean `siege`?"];
    let certificate = dir.path().join("tls/cert.pem");
    let certificate = certificate.to_str().unwrap();
    let wrong = ["bots", "--queue", "seige", "--cert", certificate];
    check_refused(&wrong, 1, &words);
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
