//! `cohort replay`: run recorded battles again, or show what a recording holds.

mod frame;
mod look;
mod show;

use std::fs;
use std::io::{IsTerminal as _, Write as _, stderr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use battleapp::core::modes::Modes;
use battleapp::replay::{REPLAY_BYTES_MAX, Replay, VerifyReport};
use serde_json::json;

use crate::args::ReplayArgs;
use crate::clock;
use crate::failure::Failure;
use crate::output;
use crate::replays;

pub use self::look::{diff, export, seek};
pub use self::show::{list, show};

/// A verification that takes longer shows how far it is, on a terminal.
const PROGRESS_AFTER: Duration = Duration::from_secs(2);

/// Runs recorded battles again and compares every hash.
///
/// # Errors
/// [`Failure::Check`] if a recording does not lead to the same hashes, [`Failure::File`].
pub fn verify(args: &ReplayArgs) -> Result<(), Failure> {
    let files = files(&args.files)?;
    let mut failed = 0;
    let mut progress = Progress::new(files.len());
    for (index, file) in files.iter().enumerate() {
        let bytes = read(file)?;
        let begun = clock::now();
        let verified = battleapp::replay::verify(Modes::BUILTIN, &bytes, &mut |done, total| {
            progress.tell(index, file, done, total);
        });
        let took = begun.elapsed();
        progress.clear();
        let hz = Replay::read(&bytes).map_or(0, |replay| replay.header.setup.hz);
        let said = match &verified {
            Ok(report) => Verified { file, report, took, hz }.told(args.json),
            Err(error) if args.json => {
                let value = json!({ "file": file, "ok": false, "error": error.to_string() });
                value.to_string()
            }
            Err(error) => format!("FAIL  {}\n      {error}", file.display()),
        };
        failed += usize::from(!verified.as_ref().is_ok_and(is_the_same));
        output::data(&(said + "\n"))?;
    }
    eprintln!("{} of {} replays verified", files.len() - failed, files.len());
    match failed {
        0 => Ok(()),
        _ => Err(Failure::Check { what: format!("{failed} replays do not lead to the same end") }),
    }
}

/// A recording that was run again.
struct Verified<'a> {
    file: &'a Path,
    report: &'a VerifyReport,
    took: Duration,
    /// Ticks per second of the battle.
    hz: u32,
}

impl Verified<'_> {
    fn told(&self, as_json: bool) -> String {
        let VerifyReport { ticks, final_hash, outcome, complete, fault } = self.report;
        let battle_s = f64::from(*ticks) / f64::from(self.hz.max(1));
        let speed_up = battle_s / self.took.as_secs_f64().max(1e-6);
        let hash = format!("{final_hash:016x}");
        if as_json {
            let value = json!({
                "file": self.file, "ok": is_the_same(self.report), "ticks": ticks, "hash": hash,
                "complete": complete, "outcome": outcome.map(|outcome| format!("{outcome:?}")),
                "fault_tick": fault.map(|(tick, _)| tick), "battle_s": battle_s,
                "took_s": self.took.as_secs_f64(), "speed_up": speed_up,
            });
            return value.to_string();
        }
        let mark = if is_the_same(self.report) { "ok  " } else { "FAIL" };
        let cut = if *complete { "" } else { ", cut off there" };
        let fault = match fault {
            None => String::new(),
            Some((tick, true)) => format!(", and fails in tick {tick} again"),
            Some((tick, false)) => format!(", but does not fail in tick {tick} as recorded"),
        };
        format!(
            "{mark}  {}  {ticks} ticks{cut}, hash {hash}, {speed_up:.0} times as fast as \
             fought{fault}",
            self.file.display()
        )
    }
}

/// A fault that was recorded belongs to the battle: it has to happen again.
fn is_the_same(report: &VerifyReport) -> bool {
    report.fault.is_none_or(|(_, again)| again)
}

fn files(named: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let files = replays::named(named).map_err(|(file, source)| Failure::File { file, source })?;
    if files.is_empty() {
        let dirs: Vec<_> = named.iter().map(|dir| dir.display().to_string()).collect();
        let what = format!(
            "no replays in {}; a replay is written when its battle has ended",
            dirs.join(", ")
        );
        return Err(Failure::Check { what });
    }
    Ok(files)
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let unreadable = |source| Failure::File { file: file.to_owned(), source };
    let bytes = fs::metadata(file).map_err(unreadable)?.len();
    if usize::try_from(bytes).is_ok_and(|bytes| bytes <= REPLAY_BYTES_MAX) {
        return fs::read(file).map_err(unreadable);
    }
    let what = format!("{bytes} bytes; a replay has at most {REPLAY_BYTES_MAX}");
    Err(unreadable(std::io::Error::other(what)))
}

/// How far a verification is, on a terminal.
struct Progress {
    files: usize,
    begun: Instant,
    shown: bool,
}

impl Progress {
    fn new(files: usize) -> Self {
        Self { files, begun: clock::now(), shown: false }
    }

    /// Files of a folder are about equally long, so those done and the part of this one tell how
    /// long it will take.
    fn tell(&mut self, index: usize, file: &Path, done: u32, total: u32) {
        let begun = self.begun.elapsed();
        if begun < PROGRESS_AFTER || !stderr().is_terminal() {
            return;
        }
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let percent = u64::from(done) * 100 / u64::from(total.max(1));
        let (before, files) = (u32::try_from(index).unwrap_or(0), self.files);
        let part = f64::from(before) + f64::from(done) / f64::from(total.max(1));
        let all = f64::from(u32::try_from(files).unwrap_or(u32::MAX));
        let left_s = begun.as_secs_f64() * (all - part).max(0.0) / part.max(1e-3);
        // Progress that cannot be shown is no reason to stop.
        let _ = write!(
            stderr(),
            "\r\x1b[K{} of {files}: {name} {percent}%, about {left_s:.0} s left",
            index + 1
        );
        self.shown = true;
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}
