//! What the settings of a server promise for what was acknowledged.

use std::fmt;

use redis::Value;

use super::link::{Link, field};
use super::values::{array, text};

/// Which promise a finding is about, and whether it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// It holds.
    Yes,
    /// It holds with a restriction that the text names.
    Partly,
    /// It does not; production mode refuses such a server.
    No,
    /// The server does not tell.
    Unknown,
}

/// One thing that was found out about one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Host and port.
    pub server: String,
    /// Whether the promise holds.
    pub holds: Holds,
    /// What was found, what it means, and what to do about it.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.holds {
            Holds::Yes => "ok",
            Holds::Partly => "note",
            Holds::No => "BAD",
            Holds::Unknown => "?",
        };
        write!(f, "{mark}: {}: {}", self.server, self.what)
    }
}

/// What matters of a server's settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Settings {
    append_only: String,
    append_sync: String,
    eviction: String,
    aof_state: String,
    replicas: String,
}

/// Asks a server for its settings and judges them.
pub(super) fn of(server: &str, link: &mut Link, wait: u32) -> Result<Vec<Finding>, String> {
    let mut settings = Settings::default();
    let persistence = link.info("persistence")?;
    let flag = if field(&persistence, "aof_enabled") == "1" { "yes" } else { "no" };
    settings.append_only = String::from(flag);
    settings.aof_state = String::from(field(&persistence, "aof_last_write_status"));
    settings.eviction = String::from(field(&link.info("memory")?, "maxmemory_policy"));
    settings.replicas = String::from(field(&link.info("replication")?, "connected_slaves"));
    // Some services do not let anyone ask; then it stays unknown.
    if let Ok(answer) = link.ask(&[b"CONFIG", b"GET", b"appendfsync"]) {
        settings.append_sync = second(answer)?;
    }
    let judged = settings.judge(wait).into_iter();
    let server = String::from(server);
    Ok(judged.map(|(holds, what)| Finding { server: server.clone(), holds, what }).collect())
}

fn second(answer: Value) -> Result<String, String> {
    let mut values = array(answer)?.into_iter();
    values.nth(1).map_or_else(|| Ok(String::new()), text)
}

impl Settings {
    fn judge(&self, wait: u32) -> Vec<(Holds, String)> {
        let found = [self.persistence(), self.evictions(), self.replication(wait)];
        found.map(|(holds, what)| (holds, String::from(what))).to_vec()
    }

    fn persistence(&self) -> (Holds, &'static str) {
        match (self.append_only.as_str(), self.append_sync.as_str(), self.aof_state.as_str()) {
            ("yes", _, "err") => (
                Holds::No,
                "the last write to the append-only file failed: look at the server's disk",
            ),
            ("yes", "always", _) => (
                Holds::Yes,
                "appendfsync is always: what was acknowledged survives a crash of the process \
                 and of the machine",
            ),
            ("yes", "everysec", _) => (
                Holds::Partly,
                "appendfsync is everysec: what was acknowledged survives a crash of the process; \
                 a machine without power can lose about a second of it",
            ),
            ("yes", "no", _) => (
                Holds::Partly,
                "appendfsync is no: what was acknowledged survives a crash of the process; a \
                 machine without power can lose half a minute of it; set it to always or everysec",
            ),
            ("yes", _, _) => (
                Holds::Unknown,
                "the append-only file is on, but the server does not tell its appendfsync",
            ),
            _ => (
                Holds::No,
                "appendonly is off: a restart loses what was acknowledged; set it to yes",
            ),
        }
    }

    fn evictions(&self) -> (Holds, &'static str) {
        match self.eviction.as_str() {
            "noeviction" => (Holds::Yes, "maxmemory-policy is noeviction: nothing is thrown away"),
            "" => (Holds::Unknown, "the server does not tell its maxmemory-policy"),
            _ => (
                Holds::No,
                "maxmemory-policy throws records away when memory is full; set it to noeviction",
            ),
        }
    }

    fn replication(&self, wait: u32) -> (Holds, &'static str) {
        let replicas: u32 = self.replicas.parse().unwrap_or(0);
        match (wait, replicas) {
            (0, 0) => (Holds::Partly, "it has no replica: while it is down, so are its records"),
            (0, _) => (
                Holds::Partly,
                "changes are acknowledged before a replica has them: a replica that takes over \
                 may lack the last ones; set wait_replicas",
            ),
            (wait, replicas) if replicas < wait => {
                (Holds::No, "it has fewer replicas than wait_replicas: nothing can be committed")
            }
            _ => (Holds::Yes, "changes are acknowledged when enough replicas have them"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(settings: [&str; 5], wait: u32) -> Vec<Holds> {
        let [append_only, append_sync, eviction, aof_state, replicas] = settings.map(String::from);
        let settings = Settings { append_only, append_sync, eviction, aof_state, replicas };
        settings.judge(wait).into_iter().map(|(holds, _)| holds).collect()
    }

    #[test]
    fn only_a_server_that_keeps_everything_holds_all_promises() {
        use Holds::{No, Partly, Unknown, Yes};
        assert_eq!(judged(["yes", "always", "noeviction", "ok", "2"], 1), [Yes, Yes, Yes]);
        let weak = judged(["yes", "everysec", "noeviction", "ok", "1"], 0);
        assert_eq!(weak, [Partly, Yes, Partly]);
        assert_eq!(judged(["no", "always", "allkeys-lru", "ok", "0"], 1), [No, No, No]);
        assert_eq!(judged(["yes", "always", "noeviction", "err", "0"], 0)[0], No);
        assert_eq!(judged(["yes", "", "", "ok", "0"], 0), [Unknown, Unknown, Partly]);
    }
}
