//! Replay files on disk: written whole or not at all, the oldest deleted beyond a limit.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use shared::ids::BattleId;

/// What the name of a replay file ends with.
pub const EXTENSION: &str = "replay";
/// What the name of a file that is still being written ends with.
const UNFINISHED: &str = "unfinished";

/// The folder in which a node keeps its replays.
#[derive(Clone, Debug)]
pub struct ReplayFolder {
    dir: PathBuf,
    files_max: usize,
    /// What is there, oldest first.
    files: std::collections::VecDeque<PathBuf>,
}

impl ReplayFolder {
    /// Opens the folder, makes it if it is not there, and removes what was left half written.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn open(dir: PathBuf, files_max: u32) -> io::Result<Self> {
        fs::create_dir_all(&dir)?;
        let mut files = Vec::new();
        for entry in fs::read_dir(&dir)? {
            let entry = entry?;
            let path = entry.path();
            if path.extension() == Some(OsStr::new(UNFINISHED)) {
                fs::remove_file(&path)?;
            } else if path.extension() == Some(OsStr::new(EXTENSION)) {
                files.push((entry.metadata()?.modified()?, path));
            }
        }
        files.sort();
        let files = files.into_iter().map(|(_, path)| path).collect();
        let files_max = usize::try_from(files_max).unwrap_or(usize::MAX);
        Ok(Self { dir, files_max, files })
    }

    /// Keeps the replay of a battle, then deletes the oldest ones beyond the limit.
    ///
    /// # Errors
    /// What the operating system says; no half file is left under the final name.
    pub fn keep(&mut self, battle: BattleId, bytes: &[u8]) -> io::Result<()> {
        if self.files_max == 0 {
            return Ok(());
        }
        let path = self.dir.join(format!("{battle}.{EXTENSION}"));
        let unfinished = self.dir.join(format!("{battle}.{UNFINISHED}"));
        let mut file = fs::File::create(&unfinished)?;
        file.write_all(bytes)?;
        file.sync_data()?;
        fs::rename(&unfinished, &path)?;
        self.files.retain(|kept| *kept != path);
        self.files.push_back(path);
        while self.files.len() > self.files_max {
            if let Some(oldest) = self.files.pop_front() {
                remove(&oldest)?;
            }
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
        if !fs::metadata(path).map_err(blame)?.is_dir() {
            files.push(path.clone());
            continue;
        }
        let mut inside = Vec::new();
        for entry in fs::read_dir(path).map_err(blame)? {
            let path = entry.map_err(blame)?.path();
            if path.extension() == Some(OsStr::new(EXTENSION)) {
                inside.push(path);
            }
        }
        inside.sort();
        files.append(&mut inside);
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
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_newest_are_kept_up_to_the_limit() {
        let dir = tempfile::tempdir().unwrap();
        let mut folder = ReplayFolder::open(dir.path().join("replays"), 2).unwrap();
        for battle in 1..=3 {
            folder.keep(BattleId(battle), b"bytes").unwrap();
        }
        let expected = ["0000000000000002.replay", "0000000000000003.replay"];
        assert_eq!(names(&dir.path().join("replays")), expected);
    }

    #[test]
    fn what_was_left_half_written_is_removed_and_strangers_are_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("1.unfinished"), "").unwrap();
        fs::write(dir.path().join("notes.txt"), "").unwrap();
        fs::write(dir.path().join("1.replay"), "").unwrap();
        let mut folder = ReplayFolder::open(dir.path().to_owned(), 1).unwrap();
        folder.keep(BattleId(2), b"bytes").unwrap();
        assert_eq!(names(dir.path()), ["0000000000000002.replay", "notes.txt"]);
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
