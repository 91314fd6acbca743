//! The files of a data directory, and the note that says how the store was left.
//!
//! The back-end trusts a file that says it was closed cleanly, and can panic on one that was
//! changed since. The note outside the file is therefore looked at before the file is opened:
//! unless it says that exactly this file was closed, the whole file is checked.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

/// The bytes at the beginning of the file that every commit changes.
const HEADER_BYTES: u64 = 4096;
const NOTE_OPEN: &str = "open\n";

/// Names of the files in one data directory.
#[derive(Clone, Debug)]
pub(super) struct Files {
    dir: PathBuf,
}

impl Files {
    pub(super) fn new(dir: &Path) -> Self {
        Self { dir: dir.to_path_buf() }
    }

    /// The store itself.
    pub(super) fn store(&self) -> PathBuf {
        self.dir.join("store.redb")
    }

    /// A store that is being created; it gets its name when it is complete.
    pub(super) fn unfinished(&self) -> PathBuf {
        self.dir.join("store.redb.new")
    }

    /// The note.
    pub(super) fn state(&self) -> PathBuf {
        self.dir.join("store.state")
    }

    /// Whether the note says that the file was closed cleanly as it is now.
    pub(super) fn is_clean(&self) -> bool {
        let note = fs::read_to_string(self.state());
        note.is_ok_and(|note| self.clean_note().is_ok_and(|expected| note == expected))
    }

    /// Notes that the file is in use; durable when it returns.
    pub(super) fn note_open(&self) -> io::Result<()> {
        self.write_note(NOTE_OPEN)
    }

    /// Notes that the file was closed as it is now.
    pub(super) fn note_clean(&self) -> io::Result<()> {
        self.write_note(&self.clean_note()?)
    }

    /// Makes names that were made or changed in the directory durable.
    pub(super) fn sync_names(&self) -> io::Result<()> {
        if cfg!(unix) { File::open(&self.dir)?.sync_all() } else { Ok(()) }
    }

    fn write_note(&self, text: &str) -> io::Result<()> {
        // Half of a note is one that does not say `clean`, so writing in place is enough.
        let mut file = File::create(self.state())?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    }

    fn clean_note(&self) -> io::Result<String> {
        let file = File::open(self.store())?;
        let len = file.metadata()?.len();
        let mut header = Vec::new();
        file.take(HEADER_BYTES).read_to_end(&mut header)?;
        Ok(format!("clean {len} {:016x}\n", xxh3_64(&header)))
    }
}
