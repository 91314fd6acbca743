//! The index of a folder of replays: one line of JSON for each file, so that nobody has to open a
//! thousand files to find one. A line may be missing or stand for a file that is gone; the files
//! decide.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use battleapp::core::sim::Verdict;
use battleapp::replay::Replay;
use serde::{Deserialize, Serialize};

/// The name of the index in its folder.
const NAME: &str = "index.jsonl";

/// What the index says of a replay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Name of the file in its folder.
    pub file: String,
    /// The battle.
    pub battle: String,
    /// When it was saved, in ms since 1970.
    pub saved_ms: u64,
    /// The build that fought it.
    pub build: String,
    /// Its mode.
    pub mode: String,
    /// Version of the mode's rules.
    pub rules: u32,
    /// How many ticks it has.
    pub ticks: u32,
    /// Ticks per second.
    pub hz: u32,
    /// How it ended: `side 0 won`, `drawn`, `cut off`, or `void` after a fault; why it cannot be
    /// read, if it cannot.
    pub result: String,
    /// Who fought, by slot.
    pub players: Vec<Fighter>,
}

/// A fighter in the index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fighter {
    /// The player's name at the time.
    pub name: String,
    /// The player's id; a bot has none.
    pub player: Option<String>,
    /// 0 or 1.
    pub side: u8,
}

impl Entry {
    /// The entry of a file that was saved at `saved`. One that this build cannot read has one too:
    /// it grows old like the others.
    #[must_use]
    pub fn of(file: &Path, saved: SystemTime, bytes: &[u8]) -> Self {
        let name = |part: Option<&OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
        let since = saved.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let bare = Self {
            file: name(file.file_name()),
            battle: name(file.file_stem()),
            saved_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
            ..Self::default()
        };
        let replay = match Replay::read(bytes) {
            Ok(replay) => replay,
            Err(error) => return Self { result: error.to_string(), ..bare },
        };
        let (header, setup) = (&replay.header, &replay.header.setup);
        let fighter = |seat: &battleapp::core::setup::SeatSetup| Fighter {
            name: seat.name.clone(),
            player: seat.player().map(|player| player.to_string()),
            side: seat.side,
        };
        Self {
            battle: setup.battle.to_string(),
            build: header.build.clone(),
            mode: setup.mode.clone(),
            rules: header.rules,
            ticks: replay.ticks_read(),
            hz: setup.hz,
            result: result(&replay),
            players: setup.seats.iter().map(fighter).collect(),
            ..bare
        }
    }

    /// Whether somebody of this name or id fought in it.
    #[must_use]
    pub fn has(&self, player: &str) -> bool {
        self.players.iter().any(|it| it.name == player || it.player.as_deref() == Some(player))
    }

    /// When it was saved.
    #[must_use]
    pub fn saved(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(self.saved_ms)
    }
}

/// How a recorded battle ended, in words.
#[must_use]
pub fn result(replay: &Replay) -> String {
    match (replay.last, &replay.fault) {
        (None, _) => String::from("cut off"),
        (Some(_), Some(_)) => String::from("void"),
        (Some(last), None) => {
            let left = if last.deserted { ", everybody had left" } else { "" };
            match last.verdict {
                Some(Verdict::Won(side)) => format!("side {side} won{left}"),
                Some(Verdict::Drawn) | None => format!("drawn{left}"),
            }
        }
    }
}

/// Adds a line.
///
/// # Errors
/// What the operating system says.
pub fn append(dir: &Path, entry: &Entry) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().create(true).append(true).open(dir.join(NAME))?;
    file.write_all((serde_json::to_string(entry)? + "\n").as_bytes())
}

/// Writes the whole index anew.
///
/// # Errors
/// What the operating system says; the old index is still there then.
pub fn rewrite(dir: &Path, entries: &[Entry]) -> io::Result<()> {
    let unfinished = dir.join(format!("{NAME}.{}", super::UNFINISHED));
    let mut text = String::new();
    for entry in entries {
        text += &(serde_json::to_string(entry)? + "\n");
    }
    fs::write(&unfinished, text)?;
    fs::rename(unfinished, dir.join(NAME))
}

/// What tells an index from a later one: its length in bytes, and when it was written.
pub type Stamp = (u64, SystemTime);

/// The stamp of the index, if there is one.
///
/// # Errors
/// What the operating system says.
pub fn stamp(dir: &Path) -> io::Result<Option<Stamp>> {
    match fs::metadata(dir.join(NAME)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        found => found.and_then(|found| Ok(Some((found.len(), found.modified()?)))),
    }
}

/// The entries of all replays in a folder, the oldest first: from the index, and from the files
/// that it does not know.
///
/// # Errors
/// What the operating system says.
pub fn read(dir: &Path) -> io::Result<Vec<Entry>> {
    let text = match fs::read_to_string(dir.join(NAME)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        read => read?,
    };
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Entry>(line).ok());
    let mut known: BTreeMap<String, Entry> =
        lines.map(|entry| (entry.file.clone(), entry)).collect();
    let mut entries = Vec::new();
    for file in files(dir)? {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let entry = match known.remove(name) {
            Some(entry) => Ok(entry),
            None => of_file(&file),
        };
        match entry {
            // Deleted meanwhile by whoever keeps the folder.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            read => entries.push(read?),
        }
    }
    entries.sort_by(|one, other| (one.saved_ms, &one.file).cmp(&(other.saved_ms, &other.file)));
    Ok(entries)
}

fn of_file(file: &Path) -> io::Result<Entry> {
    Ok(Entry::of(file, fs::metadata(file)?.modified()?, &fs::read(file)?))
}

/// The replay files in a folder, by name.
///
/// # Errors
/// What the operating system says.
pub fn files(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == super::EXTENSION) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
