//! Bare redb with rows of the same sizes: the least that a commit of a player can be.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, bounded};
use redb::{Builder, Database, ReadableDatabase as _, TableDefinition};
use tempfile::TempDir;

use super::product::id;
use super::{PART_BYTES, SEAL_BYTES, Subject, WAITING};
use crate::clock;
use crate::error::{BenchError, Result};
use crate::threads::PATIENCE;

const TABLE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("rows");
/// Bytes of the row that says who owns a player and how often it was written.
const HEAD_BYTES: usize = 24;
/// Rows of a player: the last bytes of their names.
const HEAD: &[u8] = &[0];
const PART: &[u8] = &[1, 1];
/// As the embedded store has it by default.
const CACHE_BYTES: usize = 256 << 20;

/// The bare database, and a thread that writes what gathers while it writes.
pub(super) struct Raw {
    db: Arc<Database>,
    requests: Option<Sender<usize>>,
    answers: Receiver<Result<()>>,
    waiting: VecDeque<Instant>,
    writer: Option<JoinHandle<()>>,
    _dir: TempDir,
}

impl Raw {
    pub(super) fn open(dir: &Path, players: usize) -> Result<Self> {
        let failed = |source| BenchError::Dir { dir: dir.to_owned(), source };
        let dir = TempDir::with_prefix_in("raw", dir).map_err(failed)?;
        let db = Builder::new().set_cache_size(CACHE_BYTES).create(dir.path().join("raw.redb"));
        let db = Arc::new(db.map_err(BenchError::redb)?);
        let (requests, taken) = bounded(WAITING);
        let (given, answers) = bounded(WAITING);
        let writer = thread::spawn({
            let db = Arc::clone(&db);
            move || write_groups(&db, &taken, &given)
        });
        let (requests, writer) = (Some(requests), Some(writer));
        let mut raw = Self { db, requests, answers, waiting: VecDeque::new(), writer, _dir: dir };
        raw.write(&(0..players).collect::<Vec<_>>())?;
        Ok(raw)
    }

    fn take_waiting(&mut self, count: usize, times: &mut Vec<f64>) -> Result<()> {
        for _ in 0..count {
            let silent = |_| BenchError::Silent { what: "the thread that writes" };
            self.answers.recv_timeout(PATIENCE).map_err(silent)??;
            times.extend(self.waiting.pop_front().map(clock::micros_since));
        }
        Ok(())
    }
}

impl Subject for Raw {
    fn write(&mut self, players: &[usize]) -> Result<()> {
        write_together(&self.db, players)
    }

    fn write_waiting(&mut self, player: usize, times: &mut Vec<f64>) -> Result<()> {
        if self.waiting.len() == WAITING {
            self.take_waiting(1 + self.answers.len().saturating_sub(1), times)?;
        }
        self.waiting.push_back(clock::now());
        let silent = |_| BenchError::Silent { what: "the thread that writes" };
        self.requests.as_ref().map_or(Ok(()), |requests| requests.send(player)).map_err(silent)
    }

    fn settle(&mut self, times: &mut Vec<f64>) -> Result<()> {
        self.take_waiting(self.waiting.len(), times)
    }

    fn read(&mut self, players: &[usize]) -> Result<()> {
        let txn = self.db.begin_read().map_err(BenchError::redb)?;
        let table = txn.open_table(TABLE).map_err(BenchError::redb)?;
        for player in players {
            let row = table.get(row(*player, HEAD).as_slice()).map_err(BenchError::redb)?;
            std::hint::black_box(row.map(|row| row.value().len()));
        }
        Ok(())
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(writer) = self.writer.take() {
            // A panic was printed by the thread itself.
            let _panicked = writer.join();
        }
    }
}

/// Group commit: all that has gathered goes into one transaction and is answered together.
fn write_groups(db: &Database, taken: &Receiver<usize>, given: &Sender<Result<()>>) {
    let mut group = Vec::with_capacity(WAITING);
    while let Ok(first) = taken.recv() {
        group.clear();
        group.push(first);
        group.extend(taken.try_iter().take(WAITING - 1));
        let mut written = write_together(db, &group);
        for _ in &group {
            let answer = std::mem::replace(&mut written, Ok(()));
            if given.send(answer).is_err() {
                return;
            }
        }
    }
}

/// The two rows of each player in one transaction that is on the disk when it is done.
fn write_together(db: &Database, players: &[usize]) -> Result<()> {
    let txn = db.begin_write().map_err(BenchError::redb)?;
    {
        let mut table = txn.open_table(TABLE).map_err(BenchError::redb)?;
        let (head, part) = ([7; HEAD_BYTES + SEAL_BYTES], [7; PART_BYTES + SEAL_BYTES]);
        for player in players {
            let rows = [(PART, &part[..]), (HEAD, &head[..])];
            for (kind, bytes) in rows {
                let name = row(*player, kind);
                table.insert(name.as_slice(), bytes).map_err(BenchError::redb)?;
            }
        }
    }
    txn.commit().map_err(BenchError::redb)
}

fn row(player: usize, kind: &[u8]) -> Vec<u8> {
    [&[0], &id(player).to_be_bytes()[..], kind].concat()
}
