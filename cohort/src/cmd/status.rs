//! `cohort status`: who is there, how loaded, how fast.

use serde_json::{Map, Value};
use tokio::task::JoinSet;

use crate::args::StatusArgs;
use crate::failure::Failure;
use crate::output;
use crate::status::http_get::{self, GetError};

/// What all nodes together have: the sums of what each says.
const SUMS: [&str; 6] =
    ["players", "battles", "tickets", "logins_total", "requests_total", "matches_total"];

/// Asks a node who is there, asks all of them, and prints what they say.
///
/// # Errors
/// [`Failure::Unreachable`] or [`Failure::Answer`].
pub async fn run(args: &StatusArgs) -> Result<(), Failure> {
    let status = whole(fetch(&args.url).await?).await;
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

/// The status of a node, completed by what the other nodes say about themselves: the sums are over
/// all of them, and each entry of `nodes` has its node's `roles` with tick times, or `silent`.
async fn whole(mut status: Value) -> Value {
    let mut asked = JoinSet::new();
    for (index, node) in array(&status["nodes"]).iter().enumerate() {
        if node["node"] == status["node"] {
            continue;
        }
        let page = format!("http://{}", said(&node["page"]));
        asked.spawn(async move { (index, fetch(&page).await) });
    }
    let own = status["roles"].clone();
    for node in status["nodes"].as_array_mut().into_iter().flatten() {
        node["silent"] = Value::Bool(true);
    }
    let (me, suspended) = (status["node"].clone(), status["suspended"].clone());
    for node in status["nodes"].as_array_mut().into_iter().flatten() {
        if node["node"] == me {
            node["roles"] = own.clone();
            node["silent"] = Value::Bool(false);
            node["suspended"] = suspended.clone();
        }
    }
    while let Some(answer) = asked.join_next().await {
        let Ok((index, Ok(other))) = answer else { continue };
        if other["node"] == status["nodes"][index]["node"] {
            status["nodes"][index]["roles"] = other["roles"].clone();
            status["nodes"][index]["silent"] = Value::Bool(false);
            status["nodes"][index]["suspended"] = other["suspended"].clone();
            add(&mut status, &other);
        }
    }
    status
}

fn add(status: &mut Value, other: &Value) {
    let empty = Map::new();
    let said = other.as_object().unwrap_or(&empty);
    for name in SUMS {
        let sum = [status.get(name), said.get(name)].into_iter().flatten();
        status[name] = sum.filter_map(Value::as_u64).sum::<u64>().into();
    }
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
    let mut rows = vec![row(["node", "state", "build", "page", "roles (load)"])];
    for node in array(&status["nodes"]) {
        let roles = array(&node["roles"]);
        let roles = roles.iter().map(|r| format!("{} ({})", said(&r["role"]), said(&r["load"])));
        let roles = roles.collect::<Vec<_>>().join(", ");
        let [name, state, build, page] =
            ["node", "state", "build", "page"].map(|key| said(&node[key]));
        let silent = node["silent"] == Value::Bool(true);
        let suspended = node["suspended"] == Value::Bool(true);
        let state = match (silent, suspended) {
            (true, _) => format!("{state}, no answer"),
            (false, true) => String::from("suspended"),
            (false, false) => state,
        };
        rows.push(vec![name, state, build, page, roles]);
    }
    output::table(&rows)
}

fn roles(status: &Value) -> String {
    let head = ["node", "role", "load", "ticks/s", "p50", "p99", "budget", "late ticks", "waiting"];
    let mut rows = vec![row(head)];
    let answered = |node: &&Value| node["silent"] == Value::Bool(false);
    for node in array(&status["nodes"]).iter().filter(answered) {
        for role in array(&node["roles"]) {
            let mut cells = vec![said(&node["node"])];
            cells.extend(["role", "load", "tick_hz"].map(|key| said(&role[key])));
            for time in ["tick_p50_us", "tick_p99_us", "tick_budget_us"] {
                cells.push(format!("{} us", said(&role[time])));
            }
            cells.extend(["late_ticks_total", "inputs_waiting"].map(|key| said(&role[key])));
            if let Some(why) = role["failed"].as_str() {
                cells.push(format!("FAILED: {why}"));
            }
            rows.push(cells);
        }
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
            "node": "1.2", "players": 3, "battles": 1, "tickets": 0, "logins_total": 4,
            "requests_total": 5, "matches_total": 1, "uptime_ms": 2_500,
            "nodes": [
                {"node": "1.2", "state": "ready", "build": "0.1.0", "page": "h:1",
                    "silent": false,
                    "roles": [{"role": "gateway", "load": 3, "tick_hz": 1000, "tick_p50_us": 7,
                        "tick_p99_us": 9, "tick_budget_us": 1000, "late_ticks_total": 0,
                        "inputs_waiting": 2, "failed": "no more"}]},
                {"node": "2.1", "state": "ready", "build": "0.1.0", "page": "h:2",
                    "silent": true, "roles": [{"role": "social", "load": 1}]},
            ],
        });
        let text = table(&status);
        for part in ["3 players online, 1 battles", "1 matches in 2 s", "gateway (3)", "9 us"] {
            assert!(text.contains(part), "{text}");
        }
        assert!(text.contains("FAILED: no more"), "{text}");
        assert!(text.contains("ready, no answer"), "{text}");
    }

    #[test]
    fn what_nodes_count_is_added_up() {
        let mut status = json!({"players": 3, "battles": 0});
        add(&mut status, &json!({"players": 2, "battles": 1, "tickets": 4}));
        assert_eq!(status["players"], 5);
        assert_eq!((&status["battles"], &status["tickets"]), (&json!(1), &json!(4)));
    }
}
