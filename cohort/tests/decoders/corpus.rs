//! The corpus: files that fuzzers begin with, and the real values that they are made of.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use cohort::fuzzing::Target;

/// Names of frozen messages that a client sends.
const OF_CLIENTS: [&str; 29] = [
    "login",
    "ping",
    "read_profile",
    "read_bag",
    "read_pets",
    "read_equipment",
    "read_inbox",
    "equip",
    "unequip",
    "use_item",
    "feed_pet",
    "choose_hero",
    "send_gift",
    "claim_letter",
    "found_guild",
    "join_guild",
    "leave_guild",
    "read_battles",
    "read_guild",
    "list_guilds",
    "create_team",
    "invite_to_team",
    "join_team",
    "leave_team",
    "queue",
    "leave_queue",
    "watch",
    "stop_watching",
    "datagram",
];

/// The inputs of one target, by file name.
pub(crate) struct Corpus {
    pub(crate) inputs: BTreeMap<String, Vec<u8>>,
    folder: PathBuf,
    seeds: BTreeMap<String, Vec<u8>>,
}

impl Corpus {
    /// Reads what is committed.
    pub(crate) fn read(target: &Target) -> Self {
        let folder = root().join("fuzz/corpus").join(target.name);
        let inputs = files_in(&folder);
        let own = (0..).zip((target.seeds)()).map(|(n, seed)| (format!("seed-{n:02}"), seed));
        let seeds = own.chain(frozen(target.name)).collect();
        Self { inputs, folder, seeds }
    }

    /// Names of real values that are not in the corpus as they are written today.
    pub(crate) fn lacks(&self) -> Vec<&String> {
        let lacking = self.seeds.iter().filter(|(name, seed)| self.inputs.get(*name) != Some(seed));
        let lacking: Vec<_> = lacking.map(|(name, _)| name).collect();
        assert!(!self.seeds.is_empty(), "there is something to begin with");
        lacking
    }

    /// Writes all real values.
    pub(crate) fn write_seeds(&self) {
        fs::create_dir_all(&self.folder).expect("the folder of the corpus is writable");
        for (name, seed) in &self.seeds {
            fs::write(self.folder.join(name), seed).expect("the folder of the corpus is writable");
        }
    }
}

/// The names of all folders of the corpus: `./verify fuzz` runs the fuzzer once for each.
pub(crate) fn folders() -> Vec<String> {
    let entries = fs::read_dir(root().join("fuzz/corpus")).expect("the corpus is there");
    let name = |entry: fs::DirEntry| entry.file_name().into_string().expect("names are text");
    entries.map(|entry| name(entry.expect("the corpus can be listed"))).collect()
}

/// The frozen samples of a target's messages.
fn frozen(target: &str) -> Vec<(String, Vec<u8>)> {
    let file = root().join("shared/tests/frozen/messages.txt");
    let text = fs::read_to_string(file).expect("the frozen messages are there");
    let samples = text.lines().filter_map(|line| line.split_once(' '));
    let samples = samples.filter(|(name, _)| target_of(name) == target);
    samples.map(|(name, hex)| (name.to_owned(), bytes_of(hex))).collect()
}

fn target_of(name: &str) -> &'static str {
    let to_clients = ["reply_", "event_", "welcome", "goodbye", "snapshot_"];
    match name {
        "datagram" => "client_datagram",
        "mail_waiting" => "node_frame",
        name if OF_CLIENTS.contains(&name) => "client_frame",
        name if to_clients.iter().any(|start| name.starts_with(start)) => "server_frame",
        name if name.starts_with("mail_") => "mail",
        _ => "node_frame",
    }
}

fn bytes_of(hex: &str) -> Vec<u8> {
    let byte = |pair: &[u8]| {
        let text = std::str::from_utf8(pair).expect("the file is text");
        u8::from_str_radix(text, 16).expect("two digits are a byte")
    };
    hex.as_bytes().chunks(2).map(byte).collect()
}

fn files_in(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let Ok(entries) = fs::read_dir(folder) else { return BTreeMap::new() };
    let read = |entry: std::io::Result<fs::DirEntry>| {
        let path = entry.expect("the folder can be read").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name that is text");
        (name.to_owned(), fs::read(&path).expect("the file can be read"))
    };
    entries.map(read).collect()
}

fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("this crate lies in the root")
}
