//! The reference of all keys: what each is for. A test keeps it in step with the structs.

use std::fmt::Write as _;

use crate::config::Config;

/// Every key with what it is for, in the order of the file.
pub const KEYS: [(&str, &str); 37] = [
    ("node.number", "Which node of the cluster this is."),
    ("node.roles", "What it hosts: gateway, baseapp, battleapp, social, matchmaker."),
    ("node.data_dir", "Where store, certificate and replays are kept."),
    ("node.build", "The version it announces to other nodes."),
    ("cluster.name", "Name of the cluster: 1 to 32 of a-z, 0-9, - and _. All its keys begin so."),
    ("cluster.key_file", "Secret of the cluster for TCP links: `openssl rand -hex 32 > FILE`."),
    ("cluster.lease", "How long a node counts as alive after its last sign of life."),
    ("cluster.ride_out", "How long a node without its store waits for it before it ends."),
    ("store.kind", "embedded (a file, one process), redis, redis-cluster."),
    ("store.urls", "Redis servers, redis://host:port/database."),
    ("store.password_file", "File with password or user:password for them; empty for none."),
    ("store.wait_replicas", "So many replicas must have a change before it is acknowledged."),
    ("store.production", "Refuse servers whose settings could lose what was acknowledged."),
    ("store.may_create", "Create the store if there is none; set to false after the first start."),
    ("mq.kind", "local (one process), tcp (links between nodes), redis, nats."),
    ("mq.listen", "tcp: where links are taken; port 0 is chosen by the operating system."),
    ("mq.advertise", "tcp: where other nodes reach that, address:port; empty for mq.listen."),
    ("mq.url", "redis, nats: the server; empty for the store's, or nats://127.0.0.1:4222."),
    ("mq.password_file", "File with password or user:password for it; empty for none."),
    ("edge.bind", "Address for QUIC."),
    ("edge.port", "UDP port for QUIC and TCP port for the status page; 0 takes a free one."),
    ("edge.certificate_file", "Certificate chain in PEM; empty makes one in the data directory."),
    ("edge.key_file", "Key of the certificate in PEM; empty makes one in the data directory."),
    ("edge.server_name", "A name the certificate holds for; the built-in bots ask for it."),
    ("http.bind", "Address for HTTP. The status page needs no login: keep it private."),
    ("limits.sessions_max", "Client sessions; a further connection is told to come back later."),
    ("limits.logins_max", "Sessions not logged in yet; a further connection is sent away."),
    ("limits.replay_files_max", "Replay files kept; the oldest are deleted beyond it."),
    ("limits.battle_workers", "Threads that step battles; 0 takes one less than the machine has."),
    ("limits.replay_days_max", "Days that a replay file is kept; 0 keeps it for ever."),
    ("bots.count", "Built-in bots of `up`."),
    ("bots.seed", "The same seed plays the same way, with the same accounts."),
    ("content.dir", "Folder with heroes, items and queues; empty takes the built-in ones."),
    ("log.format", "text or json."),
    ("log.filter", "Which events: level or target=level, separated by commas."),
    ("log.traces_permille", "Of 1,000 requests, how many are followed through all nodes' logs."),
    ("drain.limit", "How long running battles may take to end before the node stops anyway."),
];

/// The defaults of a configuration as a table.
#[must_use]
pub fn defaults() -> toml::Table {
    toml::Table::try_from(Config::default()).expect("the structs hold only what TOML can write")
}

/// All keys with their defaults and what they are for, as a TOML file.
#[must_use]
pub fn page() -> String {
    let defaults = defaults();
    let mut page = String::new();
    let mut section = "";
    for (key, purpose) in KEYS {
        let (of, name) = key.split_once('.').expect("the keys above have a section");
        if of != section {
            let gap = if section.is_empty() { "" } else { "\n" };
            let _ = writeln!(page, "{gap}[{of}]");
            section = of;
        }
        let value = defaults.get(of).and_then(|table| table.get(name));
        let value = value.map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(page, "# {purpose}\n{name} = {value}");
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_has_every_key_and_no_other() {
        let mut keys = Vec::new();
        for (section, table) in &defaults() {
            let table = table.as_table().unwrap();
            keys.extend(table.keys().map(|name| format!("{section}.{name}")));
        }
        let mut listed: Vec<_> = KEYS.iter().map(|(key, _)| (*key).to_owned()).collect();
        keys.sort();
        listed.sort();
        assert_eq!(listed, keys);
    }

    #[test]
    fn the_reference_is_a_valid_file_that_changes_nothing() {
        assert_eq!(toml::from_str::<Config>(&page()).unwrap(), Config::default());
    }
}
