//! `cohort status`: who is there, how loaded, how fast.

use serde_json::Value;

use crate::args::StatusArgs;
use crate::failure::Failure;
use crate::output;
use crate::status::http_get::{self, GetError};

/// Asks a node and prints what it says.
///
/// # Errors
/// [`Failure::Unreachable`] or [`Failure::Answer`].
pub async fn run(args: &StatusArgs) -> Result<(), Failure> {
    let status = fetch(&args.url).await?;
    if args.json { output::json(&status) } else { output::data(&table(&status)) }
}

/// The status of the node at `url`.
///
/// # Errors
/// [`Failure::Unreachable`] or [`Failure::Answer`].
pub async fn fetch(url: &str) -> Result<Value, Failure> {
    let unreachable = |error: GetError| Failure::Unreachable {
        url: url.to_owned(),
        waited: http_get::DEADLINE,
        what: error.to_string(),
        flag: "--url",
    };
    let answer = http_get::get(url, "/status.json").await.map_err(unreachable)?;
    let refuse = |what: String| Failure::Answer { url: format!("{url}/status.json"), what };
    if answer.code != 200 {
        return Err(refuse(format!("HTTP {}", answer.code)));
    }
    let status: Value = serde_json::from_str(&answer.body).map_err(|e| refuse(e.to_string()))?;
    if status.get("node").is_none() || status.get("roles").is_none() {
        return Err(refuse(String::from("it has no node and no roles")));
    }
    Ok(status)
}

fn table(status: &Value) -> String {
    let mut text = String::new();
    let seconds = status["uptime_ms"].as_u64().unwrap_or(0) / 1_000;
    let said = |name: &str| said(&status[name]);
    text += &format!("{} players online, {} battles running, ", said("players"), said("battles"));
    text += &format!("{} tickets waiting\n", said("tickets"));
    text += &format!("{} logins, {} requests, ", said("logins_total"), said("requests_total"));
    text += &format!("{} matches in {seconds} s\n\n", said("matches_total"));
    text += &nodes(status);
    text.push('\n');
    text += &roles(status);
    text
}

fn nodes(status: &Value) -> String {
    let mut rows = vec![row(["node", "state", "build", "roles (load)"])];
    for node in array(&status["nodes"]) {
        let roles = array(&node["roles"]);
        let roles = roles.iter().map(|r| format!("{} ({})", said(&r["role"]), said(&r["load"])));
        let roles = roles.collect::<Vec<_>>().join(", ");
        rows.push(vec![said(&node["node"]), said(&node["state"]), said(&node["build"]), roles]);
    }
    output::table(&rows)
}

fn roles(status: &Value) -> String {
    let head = ["role", "load", "ticks/s", "tick p50", "tick p99", "budget", "late ticks"];
    let mut rows = vec![row(head)];
    for role in array(&status["roles"]) {
        let mut cells = vec![said(&role["role"]), said(&role["load"]), said(&role["tick_hz"])];
        for time in ["tick_p50_us", "tick_p99_us", "tick_budget_us"] {
            cells.push(format!("{} us", said(&role[time])));
        }
        cells.push(said(&role["late_ticks_total"]));
        if let Some(why) = role["failed"].as_str() {
            cells.push(format!("FAILED: {why}"));
        }
        rows.push(cells);
    }
    output::table(&rows)
}

fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A value as people read it.
fn said(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_failed_role_stands_in_the_table_with_its_reason() {
        let status = json!({
            "players": 3, "battles": 1, "tickets": 0, "logins_total": 4, "requests_total": 5,
            "matches_total": 1, "uptime_ms": 2_500,
            "nodes": [{"node": "1.2", "state": "ready", "build": "0.1.0",
                "roles": [{"role": "gateway", "load": 3}]}],
            "roles": [{"role": "gateway", "load": 3, "tick_hz": 1000, "tick_p50_us": 7,
                "tick_p99_us": 9, "tick_budget_us": 1000, "late_ticks_total": 0,
                "failed": "no more"}],
        });
        let text = table(&status);
        for part in ["3 players online, 1 battles", "1 matches in 2 s", "gateway (3)", "9 us"] {
            assert!(text.contains(part), "{text}");
        }
        assert!(text.contains("FAILED: no more"), "{text}");
    }
}
