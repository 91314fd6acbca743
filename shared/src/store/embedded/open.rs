//! Opening a data directory: what is refused and why, and what is checked before it is trusted.

use std::fs;
use std::io::{self, ErrorKind};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use redb::{Builder, Database, ReadOnlyDatabase, ReadableDatabase, StorageError, TableDefinition};
use thiserror::Error;
use xxhash_rust::xxh3::xxh3_64;

use super::files::Files;
use super::rows::TxnRows;

/// The format of the tables that this build writes and reads.
pub const FORMAT: u64 = 1;

/// Memory for pages of the file.
const CACHE_BYTES: usize = 256 << 20;

const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
const META_FORMAT: &str = "format";
const META_CLUSTER: &str = "cluster";
const META_INCARNATION: &str = "incarnation";

/// Why a store was not opened. Nothing was changed in it.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The path of the data directory is something else.
    #[error("{path} is not a directory: name another data directory")]
    NotADirectory {
        /// The path.
        path: PathBuf,
    },
    /// A file or the directory cannot be made, read or written.
    #[error("cannot use {path}: {source}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Somebody else has it open.
    #[error(
        "{path} is in use by another process: stop that process, or give this one a data \
         directory of its own"
    )]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The file is not a store, or not as it was written.
    #[error("{path} is damaged ({what}): restore the data directory from a backup")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        what: String,
    },
    /// The directory was in use, but its store is gone.
    #[error(
        "{path} is gone, though this directory held a store: restore it from a backup, or use an \
         empty directory to begin anew"
    )]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A newer build has written it.
    #[error("{path} has format {found}, this build reads up to {supported}: use a newer build")]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// The format of the file.
        found: u64,
        /// The newest format that this build reads.
        supported: u64,
    },
    /// It belongs to another cluster.
    #[error("{path} belongs to cluster {found:016x}, not to {expected:016x}")]
    OtherCluster {
        /// The file.
        path: PathBuf,
        /// The cluster of the file.
        found: u64,
        /// The cluster that was asked for.
        expected: u64,
    },
}

/// An opened file that nobody serves yet.
pub(super) struct Opened {
    pub(super) db: Database,
    pub(super) files: Files,
    pub(super) cluster: u64,
    pub(super) incarnation: u32,
}

/// Opens or creates the store in `dir` and counts the incarnation on.
pub(super) fn open(dir: &Path, cluster: Option<u64>) -> Result<Opened, OpenError> {
    let files = Files::new(dir);
    prepare_directory(dir)?;
    let path = files.store();
    if !path.try_exists().map_err(io_at(&path))? {
        if files.state().try_exists().map_err(io_at(&path))? {
            return Err(OpenError::Missing { path });
        }
        create(&files, cluster.map_or_else(|| cluster_of(dir), Ok)?)?;
    }
    let clean = files.is_clean();
    if !clean {
        tracing::info!(file = %path.display(), "store was not closed cleanly and is checked");
    }
    let db = open_file(&path, !clean)?;
    files.note_open().map_err(io_at(&files.state()))?;
    files.sync_names().map_err(io_at(dir))?;
    match catch(&path, || meta(&db, &path, cluster)) {
        Ok((cluster, last)) => {
            let incarnation = count_on(&db, last).map_err(|error| refusal(&path, error))?;
            Ok(Opened { db, files, cluster, incarnation })
        }
        Err(error) => {
            // Leave it as it was found.
            let closed = db.close().map_err(|error| error.to_string());
            let noted = closed.and_then(|()| files.note_clean().map_err(|it| it.to_string()));
            if let Err(error) = noted {
                tracing::warn!(error, "refused store was not closed cleanly");
            }
            Err(error)
        }
    }
}

/// A file that is only going to be read.
pub(super) enum OpenedToRead {
    /// It was closed cleanly, and nothing in it changes.
    AsItIs(ReadOnlyDatabase),
    /// It was not, so it was checked and mended, as at a start.
    Mended(Database, Files),
}

/// Opens the store in `dir` without creating one or counting the incarnation on.
pub(super) fn open_to_read(dir: &Path) -> Result<OpenedToRead, OpenError> {
    let files = Files::new(dir);
    let path = files.store();
    if !path.try_exists().map_err(io_at(&path))? {
        if files.state().try_exists().map_err(io_at(&path))? {
            return Err(OpenError::Missing { path });
        }
        let none = io::Error::new(ErrorKind::NotFound, "there is no store");
        return Err(OpenError::Io { path, source: none });
    }
    if files.is_clean() {
        let mut builder = Builder::new();
        builder.set_cache_size(CACHE_BYTES);
        let open = || builder.open_read_only(&path).map_err(|error| refusal(&path, error.into()));
        let db = catch(&path, open)?;
        catch(&path, || meta(&db, &path, None))?;
        return Ok(OpenedToRead::AsItIs(db));
    }
    let db = open_file(&path, true)?;
    files.note_open().map_err(io_at(&files.state()))?;
    // Dropped without a note if it is refused, it is checked again at the next opening.
    catch(&path, || meta(&db, &path, None))?;
    Ok(OpenedToRead::Mended(db, files))
}

fn prepare_directory(dir: &Path) -> Result<(), OpenError> {
    match fs::metadata(dir) {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(OpenError::NotADirectory { path: dir.to_path_buf() }),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            fs::create_dir_all(dir).map_err(io_at(dir))
        }
        Err(error) if error.kind() == ErrorKind::NotADirectory => {
            Err(OpenError::NotADirectory { path: dir.to_path_buf() })
        }
        Err(error) => Err(io_at(dir)(error)),
    }
}

/// Makes a store under another name first, so that a crash in between leaves none behind.
fn create(files: &Files, cluster: u64) -> Result<(), OpenError> {
    let path = files.unfinished();
    let db = match open_file(&path, false) {
        // What a crash has left unfinished holds nothing.
        Err(OpenError::Damaged { .. }) => {
            fs::remove_file(&path).map_err(io_at(&path))?;
            open_file(&path, false)?
        }
        opened => opened?,
    };
    let fill = || -> Result<(), redb::Error> {
        let txn = db.begin_write()?;
        {
            drop(TxnRows::open(&txn)?);
            let mut meta = txn.open_table(META)?;
            meta.insert(META_FORMAT, FORMAT)?;
            meta.insert(META_CLUSTER, cluster)?;
            meta.insert(META_INCARNATION, 0)?;
        }
        Ok(txn.commit()?)
    };
    fill().map_err(|error| refusal(&path, error))?;
    db.close().map_err(|error| refusal(&path, error.into()))?;
    fs::rename(&path, files.store()).map_err(io_at(&path))?;
    // The note must not outlive the file that it is about.
    files.sync_names().map_err(io_at(&path))?;
    files.note_clean().map_err(io_at(&files.state()))
}

/// A cluster id for those who have none: from where the store is, since nothing here is random.
fn cluster_of(dir: &Path) -> Result<u64, OpenError> {
    let full = fs::canonicalize(dir).map_err(io_at(dir))?;
    Ok(xxh3_64(full.as_os_str().as_encoded_bytes()))
}

fn open_file(path: &Path, check: bool) -> Result<Database, OpenError> {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES).set_check_integrity_on_open(check);
    catch(path, || builder.create(path).map_err(|error| refusal(path, error.into())))
}

/// Reads cluster and incarnation, if this build may use the file.
fn meta(
    db: &impl ReadableDatabase,
    path: &Path,
    cluster: Option<u64>,
) -> Result<(u64, u64), OpenError> {
    let read = |name: &str| -> Result<Option<u64>, redb::Error> {
        let txn = db.begin_read()?;
        let value = txn.open_table(META)?.get(name)?;
        Ok(value.map(|value| value.value()))
    };
    let required = |name: &str| {
        let value = read(name).map_err(|error| refusal(path, error))?;
        let what = || format!("it does not say its {name}");
        value.ok_or_else(|| OpenError::Damaged { path: path.to_path_buf(), what: what() })
    };
    let found = required(META_FORMAT)?;
    if found > FORMAT {
        let path = path.to_path_buf();
        return Err(OpenError::NewerFormat { path, found, supported: FORMAT });
    }
    let (found, last) = (required(META_CLUSTER)?, required(META_INCARNATION)?);
    match cluster {
        Some(expected) if expected != found => {
            Err(OpenError::OtherCluster { path: path.to_path_buf(), found, expected })
        }
        Some(_) | None => Ok((found, last)),
    }
}

/// Makes the next incarnation durable.
fn count_on(db: &Database, last: u64) -> Result<u32, redb::Error> {
    let spent = || StorageError::Corrupted(format!("no incarnation can follow {last}"));
    let next = last.checked_add(1).ok_or_else(spent)?;
    let incarnation = u32::try_from(next).map_err(|_| spent())?;
    let txn = db.begin_write()?;
    txn.open_table(META)?.insert(META_INCARNATION, next)?;
    txn.commit()?;
    Ok(incarnation)
}

/// The back-end can panic on bytes that it has not checked; that is a damaged file, too.
fn catch<T>(path: &Path, f: impl FnOnce() -> Result<T, OpenError>) -> Result<T, OpenError> {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|_| {
        let what = String::from("it could not be read");
        Err(OpenError::Damaged { path: path.to_path_buf(), what })
    })
}

fn refusal(path: &Path, error: redb::Error) -> OpenError {
    let path = path.to_path_buf();
    if let redb::Error::Io(source) = error {
        let bad_bytes = [ErrorKind::InvalidData, ErrorKind::UnexpectedEof];
        return if bad_bytes.contains(&source.kind()) {
            OpenError::Damaged { path, what: source.to_string() }
        } else {
            OpenError::Io { path, source }
        };
    }
    let in_use =
        matches!(error, redb::Error::DatabaseAlreadyOpen | redb::Error::LockProtocolMismatch);
    if in_use {
        OpenError::Locked { path }
    } else {
        OpenError::Damaged { path, what: error.to_string() }
    }
}

fn io_at(path: &Path) -> impl FnOnce(io::Error) -> OpenError {
    let path = path.to_path_buf();
    move |source| OpenError::Io { path, source }
}
