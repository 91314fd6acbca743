//! Replay files on disk: written whole or not at all, indexed, and deleted when they are too many
//! or too old. Several processes may share a folder: whoever changes it holds its lock.

pub mod index;

use std::collections::VecDeque;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use shared::ids::BattleId;

use self::index::Entry;

/// What the name of a replay file ends with.
pub const EXTENSION: &str = "replay";
/// What the name of a file that is still being written ends with.
const UNFINISHED: &str = "unfinished";
/// The file that whoever changes the folder has locked.
const LOCK: &str = "index.lock";
/// Lines of the index that may stand for files that are gone, before it is written anew.
const STALE_LINES_MAX: usize = 256;

/// How many replays a folder keeps. Beyond it the oldest are deleted.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Files; zero keeps none.
    pub files_max: usize,
    /// How old a file may become; zero is for ever.
    pub age_max: Duration,
}

/// The folder in which a node keeps its replays.
#[derive(Debug)]
pub struct ReplayFolder {
    dir: PathBuf,
    lock: fs::File,
    retention: Retention,
    /// What is there, oldest first.
    entries: VecDeque<Entry>,
    /// Lines of the index that stand for files that are gone.
    stale: usize,
    /// The index as this process left it: with another stamp, another process has changed it.
    seen: Option<index::Stamp>,
}

impl ReplayFolder {
    /// Opens the folder, makes it if it is not there, removes what was left half written and what
    /// is too much or, `now`, too old, and writes the index anew.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn open(dir: PathBuf, retention: Retention, now: SystemTime) -> io::Result<Self> {
        fs::create_dir_all(&dir)?;
        let lock = fs::OpenOptions::new().create(true).append(true).open(dir.join(LOCK))?;
        let (entries, stale) = (VecDeque::new(), STALE_LINES_MAX);
        let mut folder = Self { dir, lock, retention, entries, stale, seen: None };
        folder.locked(|folder| {
            for entry in fs::read_dir(&folder.dir)? {
                let path = entry?.path();
                if path.extension().is_some_and(|extension| extension == UNFINISHED) {
                    fs::remove_file(&path)?;
                }
            }
            folder.entries = index::read(&folder.dir)?.into();
            folder.clean(now)
        })?;
        Ok(folder)
    }

    /// Keeps the replay of a battle that ended `now`, then deletes what is too much or too old.
    ///
    /// # Errors
    /// What the operating system says; no half file is left under the final name.
    pub fn keep(&mut self, battle: BattleId, bytes: &[u8], now: SystemTime) -> io::Result<()> {
        if self.retention.files_max == 0 {
            return Ok(());
        }
        self.locked(|folder| folder.write(battle, bytes, now))
    }

    /// Changes the folder while nobody else does.
    fn locked(&mut self, change: impl FnOnce(&mut Self) -> io::Result<()>) -> io::Result<()> {
        self.lock.lock()?;
        let changed = change(self).and_then(|()| {
            self.seen = index::stamp(&self.dir)?;
            Ok(())
        });
        self.lock.unlock()?;
        changed
    }

    fn write(&mut self, battle: BattleId, bytes: &[u8], now: SystemTime) -> io::Result<()> {
        if index::stamp(&self.dir)? != self.seen {
            self.entries = index::read(&self.dir)?.into();
        }
        let path = self.dir.join(format!("{battle}.{EXTENSION}"));
        let unfinished = self.dir.join(format!("{battle}.{UNFINISHED}"));
        let mut file = fs::File::create(&unfinished)?;
        file.write_all(bytes)?;
        file.sync_data()?;
        fs::rename(&unfinished, &path)?;
        let entry = Entry::of(&path, now, bytes);
        index::append(&self.dir, &entry)?;
        self.entries.retain(|kept| kept.file != entry.file);
        self.entries.push_back(entry);
        self.clean(now)
    }

    /// Deletes what is too much or too old, and what the index has of it when that has become a
    /// lot.
    fn clean(&mut self, now: SystemTime) -> io::Result<()> {
        let Retention { files_max, age_max } = self.retention;
        let is_old = |entry: &Entry| {
            let age = now.duration_since(entry.saved()).unwrap_or_default();
            age_max > Duration::ZERO && age > age_max
        };
        while self.entries.len() > files_max || self.entries.front().is_some_and(is_old) {
            let Some(oldest) = self.entries.pop_front() else { break };
            remove(&self.dir.join(oldest.file))?;
            self.stale += 1;
        }
        if self.stale >= STALE_LINES_MAX {
            self.stale = 0;
            index::rewrite(&self.dir, self.entries.make_contiguous())?;
        }
        Ok(())
    }
}

/// The replay files that `paths` name: files as they are, folders with all replays in them.
///
/// # Errors
/// The path that cannot be read, and what the operating system says.
pub fn named(paths: &[PathBuf]) -> Result<Vec<PathBuf>, (PathBuf, io::Error)> {
    let mut files = Vec::new();
    for path in paths {
        let blame = |error| (path.clone(), error);
        if fs::metadata(path).map_err(blame)?.is_dir() {
            files.append(&mut index::files(path).map_err(blame)?);
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

/// Removes a file; one that somebody else has removed is fine.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use battleapp::core::conformance::{any_orders, any_setup};
    use battleapp::core::modes::Modes;
    use battleapp::core::sim::Verdict;
    use battleapp::replay::Recorder;

    use super::*;

    const FOR_EVER: Duration = Duration::ZERO;

    /// A replay of a few ticks.
    fn recorded(battle: u64) -> Vec<u8> {
        let mut setup = any_setup(Modes::BUILTIN, "duel", battle).expect("there is a duel");
        setup.battle = BattleId(battle);
        let mut sim = Modes::BUILTIN.create(&setup).expect("it was checked");
        let mut recorder = Recorder::new(Modes::BUILTIN, &setup, "test", sim.as_mut());
        for tick in 0..3 {
            let orders = any_orders(battle, tick, setup.seats.len());
            sim.step(&orders);
            recorder.tick(&orders, sim.as_mut());
        }
        recorder.finish(Verdict::Won(1), false)
    }

    fn opened(dir: &Path, files_max: usize, age_max: Duration, at_s: u64) -> ReplayFolder {
        ReplayFolder::open(dir.to_owned(), Retention { files_max, age_max }, at(at_s)).unwrap()
    }

    fn at(s: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(s)
    }

    fn kept(dir: &Path) -> Vec<String> {
        index::read(dir).unwrap().into_iter().map(|entry| entry.file).collect()
    }

    #[test]
    fn the_newest_are_kept_up_to_the_limits_of_number_and_age() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("replays");
        let mut folder = opened(&dir, 2, FOR_EVER, 100);
        for battle in 1..=3 {
            folder.keep(BattleId(battle), &recorded(battle), at(100 + battle)).unwrap();
        }
        assert_eq!(kept(&dir), ["0000000000000002.replay", "0000000000000003.replay"]);
        let mut folder = opened(&dir, 9, Duration::from_secs(10), 112);
        assert_eq!(kept(&dir), ["0000000000000002.replay", "0000000000000003.replay"]);
        folder.keep(BattleId(4), &recorded(4), at(113)).unwrap();
        assert_eq!(kept(&dir), ["0000000000000003.replay", "0000000000000004.replay"]);
    }

    #[test]
    fn the_index_says_who_fought_and_how_it_ended_and_follows_the_files() {
        let dir = tempfile::tempdir().unwrap();
        let mut folder = opened(dir.path(), 9, FOR_EVER, 1);
        for battle in [1, 2] {
            folder.keep(BattleId(battle), &recorded(battle), at(10 - battle)).unwrap();
        }
        let entries = index::read(dir.path()).unwrap();
        let [first, second] = entries.as_slice() else { panic!("{entries:?}") };
        assert_eq!((first.battle.as_str(), first.saved_ms), ("0000000000000002", 8_000));
        assert_eq!((second.mode.as_str(), second.result.as_str()), ("duel", "side 1 won"));
        assert!(first.has("player 1") && !first.has("player 7"), "{first:?}");
        fs::remove_file(dir.path().join("index.jsonl")).unwrap();
        fs::remove_file(dir.path().join(&first.file)).unwrap();
        let again = index::read(dir.path()).unwrap();
        assert_eq!(again.len(), 1, "the file itself says what the index lacks");
        assert_eq!((&again[0].battle, &again[0].players), (&second.battle, &second.players));
    }

    #[test]
    fn what_is_half_written_or_of_another_format_goes_and_strangers_are_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("1.unfinished"), "").unwrap();
        fs::write(dir.path().join("notes.txt"), "").unwrap();
        fs::write(dir.path().join("old.replay"), "of another format").unwrap();
        let mut folder = opened(dir.path(), 1, FOR_EVER, 1);
        folder.keep(BattleId(2), &recorded(2), at(1)).unwrap();
        folder.keep(BattleId(3), &recorded(3), at(2)).unwrap();
        let mut names: Vec<_> = fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let expected = ["0000000000000003.replay", "index.jsonl", "index.lock", "notes.txt"];
        assert_eq!(names, expected);
    }

    #[test]
    fn several_share_a_folder_and_none_of_them_loses_or_forgets_what_another_has_kept() {
        const SHARERS: u64 = 4;
        const EACH: u64 = 12;
        let dir = tempfile::tempdir().unwrap();
        let replay = recorded(1);
        let play = |sharer: u64, files_max: usize| {
            for n in 0..EACH {
                // Each keeps some between two starts, while others start and keep.
                let mut folder = opened(dir.path(), files_max, FOR_EVER, 1);
                for battle in [sharer * 100 + 2 * n, sharer * 100 + 2 * n + 1] {
                    folder.keep(BattleId(battle), &replay, at(1 + n)).unwrap();
                }
            }
        };
        std::thread::scope(|scope| {
            (1..=SHARERS).for_each(|sharer| drop(scope.spawn(move || play(sharer, 1_000))));
        });
        let count = usize::try_from(SHARERS * EACH * 2).unwrap();
        assert_eq!(kept(dir.path()).len(), count);
        let lines = fs::read_to_string(dir.path().join("index.jsonl")).unwrap();
        assert_eq!(lines.lines().count(), count, "each has its line");
        let [mut one, mut other] = [(); 2].map(|()| opened(dir.path(), 5, FOR_EVER, 100));
        for n in 0..5 {
            one.keep(BattleId(1_000 + 2 * n), &replay, at(100 + n)).unwrap();
            other.keep(BattleId(1_001 + 2 * n), &replay, at(100 + n)).unwrap();
        }
        assert_eq!(kept(dir.path()).len(), 5, "together they keep to the limit");
    }

    #[test]
    fn a_folder_stands_for_its_replays_and_a_missing_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("b.replay"), "").unwrap();
        fs::write(dir.path().join("a.replay"), "").unwrap();
        fs::write(dir.path().join("c.txt"), "").unwrap();
        let files = named(&[dir.path().to_owned(), dir.path().join("c.txt")]).unwrap();
        let expected = ["a.replay", "b.replay", "c.txt"].map(|name| dir.path().join(name));
        assert_eq!(files, expected);
        let missing = dir.path().join("nowhere");
        assert_eq!(named(std::slice::from_ref(&missing)).unwrap_err().0, missing);
    }
}
